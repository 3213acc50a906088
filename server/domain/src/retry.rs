//! When something that failed is tried again: exponential, with jitter, and at some point not any more. Pure: the dice
//! and the clock come from the caller.

const SECOND_MS: i64 = 1000;
const HOUR_MS: i64 = 3600 * SECOND_MS;
/// After the first failure.
const FIRST_MS: i64 = 5 * SECOND_MS;
/// Each wait is so many times the one before …
const FACTOR: i64 = 3;
/// … up to this one.
const LONGEST_MS: i64 = 8 * HOUR_MS;

/// How long to wait after so many failures, from three quarters to five quarters of the plain time, by `dice`.
pub fn wait_ms(failures: u32, dice: u64) -> i64 {
    let plain = (1..failures).fold(FIRST_MS, |wait, _| (wait * FACTOR).min(LONGEST_MS));
    let spread = plain / 2;
    plain - plain / 4 + (dice % (spread as u64 + 1)) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_from_seconds_to_hours() {
        let plain = [5, 15, 45, 135, 405, 1215, 3645, 10_935, 28_800, 28_800];
        for (failures, seconds) in (1..).zip(plain) {
            let (least, most) = (wait_ms(failures, 0), wait_ms(failures, (seconds as u64) * 500));
            assert_eq!((least, most), (seconds * 750, seconds * 1250), "after {failures}");
        }
    }

    proptest! {
        #[test]
        fn no_dice_leave_the_spread(failures in 0_u32..1000, dice in any::<u64>()) {
            let wait = wait_ms(failures, dice);
            prop_assert!((FIRST_MS * 3 / 4..=LONGEST_MS * 5 / 4).contains(&wait));
        }
    }
}
