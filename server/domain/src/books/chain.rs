//! Monthly statements of one owner as a chain: each carries the hash of the one before, so that a changed or a missing
//! one is found by whoever holds the others. Never says what a statement is about.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Statement;

/// What is chained. Its compact JSON is what is hashed, so its fields keep their names and their order for ever.
pub trait Chained: Serialize {
    /// What its owner is called in sentences.
    const OWNER: &'static str;

    /// Whose chain it belongs to.
    fn owner(&self) -> (&str, &str);

    /// 1 for the owner's first.
    fn number(&self) -> u64;

    /// First day of the month.
    fn month(&self) -> Date;

    /// Hash of the statement before; empty for the first.
    fn previous(&self) -> &str;

    /// Whether its totals are those of its lines.
    fn adds_up(&self) -> bool;

    /// SHA-256 of the compact JSON, hex.
    fn hash(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("plain values");
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A statement with its hash, as it is exported; of a connection where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed<S = Statement> {
    #[serde(flatten)]
    pub statement: S,
    /// SHA-256 of the statement without this field, as compact JSON; hex.
    pub hash: String,
}

impl<S: Chained> Sealed<S> {
    /// Seals a statement.
    pub fn of(statement: S) -> Sealed<S> {
        let hash = statement.hash();
        Sealed { statement, hash }
    }
}

/// The number and the hash before that the statement behind these carries.
pub fn next_of<S: Chained>(made: &[Sealed<S>]) -> (u64, String) {
    made.last().map_or((1, String::new()), |last| (last.statement.number() + 1, last.hash.clone()))
}

/// What is wrong with a chain, a sentence each; none when it is whole. `made` is every statement of one owner, or
/// its end: then the first one's `previous` cannot be checked.
pub fn faults<S: Chained>(made: &[Sealed<S>]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before: Option<&Sealed<S>> = None;
    for sealed in made {
        let statement = &sealed.statement;
        let (number, month) = (statement.number(), statement.month());
        let name = format!("statement {number} of {}", month.strftime("%Y-%m"));
        if statement.hash() != sealed.hash {
            faults.push(format!("{name} was changed: its hash is not that of its content"));
        }
        if !statement.adds_up() {
            faults.push(format!("{name} does not add up"));
        }
        match before {
            None if number == 1 && !statement.previous().is_empty() => {
                faults.push(format!("{name} is the first and names one before it"));
            }
            None => {}
            Some(before) => {
                if statement.previous() != before.hash {
                    faults.push(format!("{name} does not carry the hash of the one before it"));
                }
                if number != before.statement.number() + 1
                    || month != before.statement.month().saturating_add(1.month())
                {
                    faults.push(format!("{name} does not follow the one before it: one is missing"));
                }
                if statement.owner() != before.statement.owner() {
                    faults.push(format!("{name} belongs to another {}", S::OWNER));
                }
            }
        }
        before = Some(sealed);
    }
    faults
}
