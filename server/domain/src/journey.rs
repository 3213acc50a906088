//! A journey: which of a person's touches may earn credit for an order, and in which order they stand.
//!
//! It never asks who the person is or what a touch is worth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attribution::Touch;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How far before the anchor a touch may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Whole days of 24 hours.
    Days(u16),
    /// No bound.
    Lifetime,
}

/// The text is not a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a window is 1, 7, 14, 28, 30, 60, 90 or 180 days (`30` or `30d`), or `lifetime`")]
pub struct WindowError;

impl Window {
    /// What a workspace can choose from.
    pub const CHOICES: [Window; 9] = [
        Window::Days(1),
        Window::Days(7),
        Window::Days(14),
        Window::Days(28),
        Window::Days(30),
        Window::Days(60),
        Window::Days(90),
        Window::Days(180),
        Window::Lifetime,
    ];

    /// The first millisecond inside the window of an order anchored at `anchor_ms`.
    pub fn start_ms(self, anchor_ms: i64) -> i64 {
        match self {
            Window::Days(days) => anchor_ms.saturating_sub(i64::from(days) * DAY_MS),
            Window::Lifetime => i64::MIN,
        }
    }
}

impl Default for Window {
    fn default() -> Window {
        Window::Days(90)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Days(days) => write!(f, "{days}d"),
            Window::Lifetime => f.write_str("lifetime"),
        }
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Window, WindowError> {
        let window = match text {
            "lifetime" => Window::Lifetime,
            days => Window::Days(days.strip_suffix('d').unwrap_or(days).parse().map_err(|_| WindowError)?),
        };
        if Window::CHOICES.contains(&window) { Ok(window) } else { Err(WindowError) }
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a touch stands towards an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Within [anchor − window, anchor], both ends included.
    Eligible,
    /// Older than the window.
    BeforeWindow,
    /// After the checkout began: a return from the bank, a thank-you page, a later visit.
    AfterAnchor,
    /// The same touch, told a second time; the earliest telling counts.
    Duplicate,
    /// Of a kind that the workspace lets earn nothing.
    Excluded,
}

/// Where a touch at `at_ms` stands, not regarding duplicates.
pub fn standing(at_ms: i64, anchor_ms: i64, window: Window) -> Standing {
    if at_ms > anchor_ms {
        Standing::AfterAnchor
    } else if at_ms < window.start_ms(anchor_ms) {
        Standing::BeforeWindow
    } else {
        Standing::Eligible
    }
}

/// Brings touches into their one order, (time, id), the same on every machine, and marks the duplicates: of
/// touches with one id the earliest that could earn stands. A visit has two times when two collectors took it whose
/// clocks, or whose idea of the browser's, differ.
pub fn judge(touches: &mut [Touch], anchor_ms: i64, window: Window) -> Vec<Standing> {
    touches.sort_unstable_by_key(|touch| (touch.at_ms, touch.id));
    let mut seen = std::collections::HashSet::with_capacity(touches.len());
    let judged = touches.iter().map(|touch| match standing(touch.at_ms, anchor_ms, window) {
        Standing::Eligible if !seen.insert(touch.id) => Standing::Duplicate,
        standing => standing,
    });
    judged.collect()
}

/// Leaves in `touches` those that may earn credit for an order anchored at `anchor_ms`: within the window, each
/// id once, sorted by (time, id). Does not allocate for journeys of ordinary length.
pub fn eligible(touches: &mut Vec<Touch>, anchor_ms: i64, window: Window) {
    let sorted = touches.is_sorted_by_key(|touch| (touch.at_ms, touch.id));
    if !sorted {
        touches.sort_unstable_by_key(|touch| (touch.at_ms, touch.id));
    }
    touches.retain(|touch| standing(touch.at_ms, anchor_ms, window) == Standing::Eligible);
    once(touches);
}

/// Keeps the earliest of the touches with one id; `touches` may all earn, are sorted and stay so.
pub fn once(touches: &mut Vec<Touch>) {
    const COMPARED_MAX: usize = 32;
    if touches.len() <= COMPARED_MAX {
        let mut kept = 0;
        for at in 0..touches.len() {
            if !touches[..kept].iter().any(|earlier| earlier.id == touches[at].id) {
                touches[kept] = touches[at];
                kept += 1;
            }
        }
        touches.truncate(kept);
    } else {
        let mut seen = std::collections::HashSet::with_capacity(touches.len());
        touches.retain(|touch| seen.insert(touch.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(at_ms: i64, id: u128) -> Touch {
        Touch { at_ms, id, facet: 0, direct: false }
    }

    #[track_caller]
    fn check(touches: &[(i64, u128)], anchor_ms: i64, window: Window, expected: &[(i64, u128)]) {
        let mut touches: Vec<Touch> = touches.iter().map(|&(at, id)| touch(at, id)).collect();
        let mut judged = touches.clone();
        let standings = judge(&mut judged, anchor_ms, window);
        let mut standing = judged.into_iter().zip(standings);
        eligible(&mut touches, anchor_ms, window);
        let found: Vec<_> = touches.iter().map(|touch| (touch.at_ms, touch.id)).collect();
        assert_eq!(found, expected);
        let counted: Vec<_> =
            standing.by_ref().filter(|(_, s)| *s == Standing::Eligible).map(|(t, _)| t).collect();
        assert_eq!(counted, touches, "the judgement and the journey agree");
    }

    #[test]
    fn both_ends_of_the_window_are_inside() {
        let anchor = 200 * DAY_MS;
        let start = anchor - 90 * DAY_MS;
        let touches = [(start - 1, 1), (start, 2), (anchor, 3), (anchor + 1, 4)];
        check(&touches, anchor, Window::Days(90), &[(start, 2), (anchor, 3)]);
        check(&touches, anchor, Window::Lifetime, &[(start - 1, 1), (start, 2), (anchor, 3)]);
    }

    #[test]
    fn touches_stand_by_time_and_then_by_id() {
        check(&[(5, 9), (5, 1), (3, 4)], 10, Window::Days(1), &[(3, 4), (5, 1), (5, 9)]);
    }

    #[test]
    fn a_touch_told_twice_counts_once_at_its_earliest_time() {
        check(&[(7, 1), (5, 1), (6, 2), (5, 1)], 10, Window::Days(1), &[(5, 1), (6, 2)]);
        check(&[(3, 1), (5, 1), (12, 1)], 4 + DAY_MS, Window::Days(1), &[(5, 1)]);
        let many: Vec<(i64, u128)> = (0..100).map(|n| (n, n as u128 % 50)).collect();
        check(&many, 1000, Window::Lifetime, &many[..50]);
    }

    #[test]
    fn windows_are_a_closed_choice() {
        for window in Window::CHOICES {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        assert_eq!("30".parse(), Ok(Window::Days(30)));
        for wrong in ["0", "31d", "forever", "-1", ""] {
            assert_eq!(wrong.parse::<Window>(), Err(WindowError), "{wrong}");
        }
    }
}
