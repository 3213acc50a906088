//! Our books against a provider's own lists, to the cent: what each side says of every order, and on which day.
//! Never asks anybody: both sides come in as values, and nothing here knows how either was read.

mod compare;
mod day_text;
mod statement;

pub use compare::{Comparison, Difference, Entry, Line, Posting, Side, Sums, Total, View, Why, compare};
pub use statement::{
    BookedDay, Heading, LineKind, Sealed, StatedLine, StatedTotal, Statement, faults, state, to_csv, unstated,
};
