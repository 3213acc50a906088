//! Last non-direct touch: the newest touch that is not Direct earns everything; Direct does only when there is nothing else.

use super::{Filter, Model, weigh_only};

pub(super) struct LastNonDirect;

impl Model for LastNonDirect {
    fn name(&self) -> &'static str {
        "last_non_direct"
    }

    fn title(&self) -> &'static str {
        "Last non-direct touch"
    }

    fn filter(&self) -> Filter {
        Filter::NoDirect
    }

    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        weigh_only(ages_seconds.len() - 1, ages_seconds.len(), out);
    }
}
