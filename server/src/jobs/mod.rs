//! Jobs: what happens after an event is durable. Each is a step that does a bounded piece of work and says
//! whether there may be more; loops, leases and tests drive the steps. A job is one file and one line in
//! [`JOBS`].

pub mod apply;
pub mod attribute;
pub mod commission;
pub mod deliver;
pub mod erase;
mod facts;
pub mod flags;
mod holds;
pub mod match_watch;
pub mod paypal;
pub mod poll;
pub mod rates;
pub mod resolve;
mod run;
mod turns;
pub mod verify;
pub mod waiting;

use std::collections::HashSet;

use futures::future::BoxFuture;
use thiserror::Error;
use tokio::sync::{Mutex, Notify};

use crate::app::App;
use crate::control::ControlError;
use crate::ingest::flusher::FlushError;
use crate::ingest::inbox::InboxError;
use crate::store::StoreError;

pub use run::{run, settle};

/// Every job, in the order in which work flows through them.
pub static JOBS: [&dyn Job; 7] = [
    &apply::Apply,
    &erase::Erase,
    &rates::Convert,
    &resolve::Reconcile,
    &flags::LookAgain,
    &commission::Mature,
    &erase::EraseInbox,
];

/// Work that is done in steps.
pub trait Job: Sync {
    fn name(&self) -> &'static str;

    fn place(&self) -> Place;

    /// Does one bounded piece; `true` when there may be more at once.
    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>>;
}

/// Where a job runs when several nodes share the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On every node: it works on the node's own inbox.
    EveryNode,
    /// On the node that holds the lease.
    LeaseHolder,
}

/// What wakes the jobs of this process, and what they share.
#[derive(Default)]
pub struct Signals {
    work: Notify,
    /// Held while credits are read and replaced; see [`attribute::Turn`].
    attribution: Mutex<()>,
    /// Calls to providers in the current minute.
    pub polls: poll::Budget,
    /// Comparisons with providers' books under way.
    pub comparisons: poll::books::Readings,
    /// Exchange rates as last read, and when to ask for more.
    pub rates: rates::Remembered,
    /// Facets that may not earn, as far as they were met.
    pub judged: attribute::excluded::Judged,
    /// Workspaces whose standing facets were written by this process.
    seen: std::sync::Mutex<HashSet<String>>,
}

impl Signals {
    /// There is something to do: a webhook was kept, subjects were marked.
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// Whether this process has written a workspace's standing facets.
    fn has_standing_facets(&self, workspace_id: &str) -> bool {
        self.seen.lock().expect("no holder panics").contains(workspace_id)
    }

    fn wrote_standing_facets(&self, workspace_id: &str) {
        self.seen.lock().expect("no holder panics").insert(workspace_id.to_owned());
    }

    async fn woken(&self) {
        self.work.notified().await;
    }
}

#[derive(Debug, Error)]
pub enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Inbox(#[from] InboxError),
    #[error(transparent)]
    Flush(#[from] FlushError),
    #[error("a stored {what} does not read: {why}; it was written by a newer Tributary, or is damaged")]
    Damaged { what: &'static str, why: String },
    #[error("{0}; nothing was changed")]
    Unproven(String),
}

impl From<clickhouse::error::Error> for JobError {
    fn from(error: clickhouse::error::Error) -> JobError {
        StoreError::from(error).into()
    }
}
