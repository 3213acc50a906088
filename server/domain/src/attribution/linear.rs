//! Linear: every touch earns the same. Per touch, not per distinct channel: three of five touches from one
//! channel earn it 60 %.

use super::{Filter, Model};

pub(super) struct Linear;

impl Model for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn title(&self) -> &'static str {
        "Linear"
    }

    fn filter(&self) -> Filter {
        Filter::NoDirect
    }

    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>) {
        out.clear();
        out.resize(ages_seconds.len(), 1);
    }
}
