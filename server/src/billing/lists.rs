//! What a provider's API lists, and how a list is read so that nothing slips through while it grows. Never dials
//! out itself.

use super::ObjectKind;

/// One list of a provider's API.
#[derive(Debug, Clone, Copy)]
pub struct List {
    pub kind: ObjectKind,
    pub path: &'static str,
    /// Fixed pairs of the query.
    pub filters: &'static [(&'static str, &'static str)],
    /// What a token needs to read it.
    pub scope: &'static str,
    /// The field that holds the time the list is sorted by.
    pub time_field: &'static str,
    pub reading: Reading,
}

/// How a list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Oldest first, from a moment on. The moment moves along with what was read, so that the page number stays
    /// low and rows that come or go meanwhile shift nothing.
    Since { filter: &'static str, sorting: &'static str },
    /// Newest first, back to a moment: the list takes no time. Rows that come meanwhile only repeat others.
    Newest { sorting: &'static str },
}

/// How far back one pass over the lists looks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// Every hour: what was made since the last pass, and some days before it.
    Recent,
    /// Every day: far enough back for what changes late, such as a payment after weeks of reminders.
    Deep,
    /// Everything there is: the first pass of a connection, and at will.
    History,
}

impl Pass {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Recent => "recent",
            Pass::Deep => "deep",
            Pass::History => "history",
        }
    }
}
