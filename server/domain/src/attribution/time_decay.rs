//! Time decay: a touch weighs half as much for every seven days it is older.
//!
//! Weights are integers so that every machine computes the same: with k whole half-lives and j of 1,024 steps
//! of the next, the weight is `T[j] >> k` where `T[j] = floor(2^32 · 2^(-j/1024))`. Beyond 64 half-lives the
//! weight is zero; if every weight is zero the newest touch gets everything.

use super::{Filter, Model};

pub(super) struct TimeDecay;

const HALF_LIFE_SECONDS: u64 = 7 * 24 * 60 * 60;
const STEPS: usize = 1024;

/// `T[j]`, computed when the program is compiled.
static DECAY: [u64; STEPS] = decay_table(0);

impl Model for TimeDecay {
    fn name(&self) -> &'static str {
        "time_decay"
    }

    fn title(&self) -> &'static str {
        "Time decay (half-life 7 days)"
    }

    fn filter(&self) -> Filter {
        Filter::NoDirect
    }

    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        out.clear();
        out.extend(ages_seconds.iter().map(|&age| weight(age.unsigned_abs())));
        if out.iter().all(|&weight| weight == 0)
            && let Some(newest) = out.last_mut()
        {
            *newest = 1;
        }
    }
}

fn weight(age_seconds: u64) -> u64 {
    let halvings = age_seconds / HALF_LIFE_SECONDS;
    let step = (age_seconds % HALF_LIFE_SECONDS) * STEPS as u64 / HALF_LIFE_SECONDS;
    if halvings >= 64 { 0 } else { DECAY[step as usize] >> halvings }
}

/// Bits after the point of the fixed-point numbers that make the table.
const FRACTION_BITS: u32 = 63;

/// The table in integer arithmetic: `2^(-j/1024)` is the product of `2^(-2^b/1024)` over the bits b of j, and
/// each of these is the square root of the next. Rounded down, or with `up` = 1 up, at every step, so that the true value
/// lies between the two tables; a test shows them equal, hence exact.
const fn decay_table(up: u128) -> [u64; STEPS] {
    let one: u128 = 1 << FRACTION_BITS;
    let mut roots = [0_u128; STEPS.ilog2() as usize];
    let mut root = one / 2;
    let mut bit = roots.len();
    while bit > 0 {
        bit -= 1;
        root = (root << FRACTION_BITS).isqrt() + up;
        roots[bit] = root;
    }
    let mut table = [0; STEPS];
    let mut step = 0;
    while step < STEPS {
        let mut value = one;
        let mut bit = 0;
        while bit < roots.len() {
            if step & (1 << bit) != 0 {
                value = ((value * roots[bit]) >> FRACTION_BITS) + up;
            }
            bit += 1;
        }
        table[step] = (value >> (FRACTION_BITS - 32)) as u64;
        step += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_exact() {
        assert_eq!(DECAY, decay_table(1), "the true value lies between both tables");
    }

    #[test]
    fn the_table_has_the_published_check_values() {
        let published: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/attribution-vectors.json")).unwrap();
        let checks = published["time_decay_table_check"].as_object().unwrap();
        assert_eq!(checks.len(), 6);
        for (name, value) in checks {
            let step: usize = name.trim_start_matches('T').parse().unwrap();
            assert_eq!(DECAY[step], value.as_u64().unwrap(), "{name}");
        }
    }

    #[test]
    fn a_week_halves_and_very_old_weighs_nothing() {
        assert_eq!(weight(0), 1 << 32);
        assert_eq!(weight(HALF_LIFE_SECONDS), 1 << 31);
        assert_eq!(weight(HALF_LIFE_SECONDS * 63), 0);
        assert_eq!(weight(HALF_LIFE_SECONDS * 64), 0);
        assert_eq!(weight(u64::MAX), 0);
    }
}
