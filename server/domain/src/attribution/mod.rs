//! From a journey to exact credits: which touch earned which part of an order, under every model at once.
//!
//! A model is an eligibility [`Filter`] and a weighting. [`MODELS`] lists them; the position in the list is the
//! position of a model's number in every credit row, so the order is part of stored data: add at the end.
//!
//! Adding a model is one file here and one line in [`MODELS`]; property tests, API, CLI and dashboard follow
//! from the list.
//!
//! ```
//! use domain::attribution::{Booked, Scratch, Touch, credits, model_index};
//!
//! let touch = |at_ms, id| Touch { at_ms, id, facet: id as u64, direct: false };
//! let touches = [touch(1_000, 1), touch(2_000, 2), touch(3_000, 3)];
//! let order = Booked { amount_minor: 10_00, refunds: Vec::new() };
//! let mut rows = Vec::new();
//! credits(&touches, 4_000, true, &order, &mut Scratch::default(), &mut rows);
//!
//! let linear = model_index("linear").unwrap();
//! assert_eq!(rows.iter().map(|row| row.amounts[linear]).collect::<Vec<_>>(), [333, 333, 334]);
//! ```

mod credit;
mod explain;
mod first_touch;
mod last_non_direct;
mod last_touch;
mod linear;
mod position_based;
mod time_decay;
mod w_shaped;

pub use credit::{Booked, Credit, Earner, Entry, ORDER_PARTS, Outcome, Refund, Scratch, Touch, credits};
pub use explain::{Candidate, EntryLine, Explanation, ModelExplanation, ShareLine, Verdict, explain};
pub use w_shaped::w_shaped;

/// Which of the eligible touches a model looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Every eligible touch.
    All,
    /// Direct touches do not count as soon as there is any other; with direct ones only, they count.
    NoDirect,
}

/// A weighting behind a filter.
pub trait Model: Sync {
    /// The public and stored name, in snake case.
    fn name(&self) -> &'static str;
    /// For people.
    fn title(&self) -> &'static str;
    fn filter(&self) -> Filter;
    /// Replaces `out` by one weight per touch. `ages_seconds` are whole seconds between touch and anchor, the
    /// oldest touch first; there is at least one and none is negative. At least one weight is above zero.
    fn weigh(&self, ages_seconds: &[i64], out: &mut Vec<u64>);
}

/// Version of everything in this module that decides a credit: filters, weights, allocation, ties. Stored with
/// the credits; raise it with any change that would make the same journey earn differently.
pub const RULES_VERSION: u32 = 1;

/// How many models are computed and stored.
pub const MODEL_COUNT: usize = 6;

/// Every model. The order is stored data; add at the end.
pub static MODELS: [&dyn Model; MODEL_COUNT] = [
    &last_touch::LastTouch,
    &last_non_direct::LastNonDirect,
    &first_touch::FirstTouch,
    &linear::Linear,
    &position_based::PositionBased,
    &time_decay::TimeDecay,
];

/// The position in [`MODELS`] of the model that reports show when none is asked for.
pub const DEFAULT_MODEL: usize = 1;

/// The position in [`MODELS`] of the model called `name`.
pub fn model_index(name: &str) -> Option<usize> {
    MODELS.iter().position(|model| model.name() == name)
}

/// All weight on one touch.
fn weigh_only(at: usize, touches: usize, out: &mut Vec<u64>) {
    out.clear();
    out.resize(touches, 0);
    out[at] = 1;
}
