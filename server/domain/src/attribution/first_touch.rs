//! First touch: the oldest eligible touch earns everything; the window bounds how old it may be.

use super::{Filter, Model, weigh_only};

pub(super) struct FirstTouch;

impl Model for FirstTouch {
    fn name(&self) -> &'static str {
        "first_touch"
    }

    fn title(&self) -> &'static str {
        "First touch"
    }

    fn filter(&self) -> Filter {
        Filter::NoDirect
    }

    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        weigh_only(0, ages_seconds.len(), out);
    }
}
