//! The newest of an object's facts: the whole fold for objects that every version tells in full.

use super::Head;

/// The newest fact by [`Head::newness`]; `None` when there is none. Duplicates and order do not matter.
pub fn newest<F>(facts: &[F], head: impl Fn(&F) -> &Head) -> Option<&F> {
    facts.iter().max_by(|a, b| head(a).newness().cmp(&head(b).newness()))
}
