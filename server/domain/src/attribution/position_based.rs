//! Position based (U-shaped): the first and the last touch earn 40 % each, those between share 20 %; two
//! touches earn half each, a single one everything.

use super::{Filter, Model};

pub(super) struct PositionBased;

impl Model for PositionBased {
    fn name(&self) -> &'static str {
        "position_based"
    }

    fn title(&self) -> &'static str {
        "Position based (40/20/40)"
    }

    fn filter(&self) -> Filter {
        Filter::NoDirect
    }

    /// With m touches between, 2m · 1 each · 2m is exactly 40/20/40.
    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        out.clear();
        out.resize(ages_seconds.len(), 1);
        if let [first, between @ .., last] = out.as_mut_slice()
            && !between.is_empty()
        {
            *first = 2 * between.len() as u64;
            *last = *first;
        }
    }
}
