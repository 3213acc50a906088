//! Our books against a provider's own lists, to the cent: what each side says of every order, and on which day.
//! Never asks anybody: both sides come in as values, and nothing here knows how either was read.

mod chain;
mod compare;
pub(crate) mod day_text;
mod statement;

pub use chain::{Chained, Sealed, faults, next_of};
pub use compare::{Comparison, Difference, Entry, Line, Posting, Side, Sums, Total, View, Why, compare};
pub use statement::{
    BookedDay, Heading, LineKind, StatedLine, StatedTotal, Statement, state, to_csv, unstated,
};
