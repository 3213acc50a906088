//! Last touch: the newest touch, Direct or not, earns everything.

use super::{Filter, Model, weigh_only};

pub(super) struct LastTouch;

impl Model for LastTouch {
    fn name(&self) -> &'static str {
        "last_touch"
    }

    fn title(&self) -> &'static str {
        "Last touch"
    }

    fn filter(&self) -> Filter {
        Filter::All
    }

    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        weigh_only(ages_seconds.len() - 1, ages_seconds.len(), out);
    }
}
