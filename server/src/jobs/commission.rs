//! Commissions: for orders whose facts or journeys changed, what is missing in the ledger is found by
//! `domain::affiliate` and added; and what was held long enough becomes due. Both run as often as they like: what is
//! booked is not booked again. Never changes an entry, and never moves money out: that is a payout.

pub mod decide;
mod look;
mod missing;
mod read;
mod roster;

use domain::affiliate::Commission;
use domain::affiliate::ledger::mature;
use domain::ids::OrderId;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::attribute::Turn;
use super::holds::Look;
use super::{Job, JobError, Place, flags};
use crate::app::App;
use crate::control::ledger::Posting;
use missing::Missing;

pub use look::{Looked, look};

/// Somebody else may add to the ledger meanwhile; then what is missing is found anew.
const TRIES_MAX: usize = 5;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far holds were looked at.
const CHECKPOINT: &str = "commissions held until";

/// What a run added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Accrued {
    /// Orders looked at.
    pub orders: u64,
    /// Entries added to the ledger; none when everything was booked before.
    pub entries: u64,
}

/// Books what is missing for these orders, and for those their change reaches, and raises what is doubtful about them.
/// Orders of one subscription must be given together: the resolve step does.
pub async fn accrue_orders(app: &App, workspace_id: &str, orders: &[OrderId]) -> Result<Accrued, JobError> {
    // What partners sold is read, and written again: nobody else may do so in between.
    let _turn = Turn::take(app).await?;
    for _ in 0..TRIES_MAX {
        let missing = missing::of_orders(app, workspace_id, orders).await?;
        if let Some(accrued) = write(app, workspace_id, &missing).await? {
            flags::raise(app, workspace_id, orders).await?;
            return Ok(accrued);
        }
    }
    Err(busy())
}

/// Books what is missing for the orders on which a discount's code was redeemed before it was said whose it is.
pub async fn accrue_coupon(app: &App, workspace_id: &str, code: &str) -> Result<Accrued, JobError> {
    let orders = read::redeemed(app, workspace_id, code).await?;
    accrue_orders(app, workspace_id, &orders).await
}

/// Books what is missing for every order of a workspace.
pub async fn accrue_all(app: &App, workspace_id: &str) -> Result<Accrued, JobError> {
    let _turn = Turn::take(app).await?;
    for _ in 0..TRIES_MAX {
        let missing = missing::of_all(app, workspace_id).await?;
        if let Some(accrued) = write(app, workspace_id, &missing).await? {
            flags::raise_all(app, workspace_id).await?;
            return Ok(accrued);
        }
    }
    Err(busy())
}

/// None when somebody else wrote in the same moment.
async fn write(app: &App, workspace_id: &str, missing: &Missing) -> Result<Option<Accrued>, JobError> {
    let Missing { postings, sold, orders } = missing;
    let entries = postings.iter().map(|posting| posting.commission.entries.len() as u64).sum();
    let is_done = app.control.account(workspace_id, postings, sold, app.clock.now_ms()).await?;
    Ok(is_done.then_some(Accrued { orders: *orders, entries }))
}

fn busy() -> JobError {
    JobError::Unproven("the ledger of commissions is being written to by somebody else".to_owned())
}

/// What is missing for every order of a workspace, and for orders that are none any more; and the orders of which
/// something else is kept than what partners sold.
pub async fn all_missing(app: &App, workspace_id: &str) -> Result<(Vec<Posting>, Vec<OrderId>), JobError> {
    let missing = missing::of_all(app, workspace_id).await?;
    Ok((missing.postings, missing.sold.orders))
}

/// How far before a purchase a click on a partner's link may have been, in the workspace's programmes.
pub(super) async fn window_ms(app: &App, workspace_id: &str) -> Result<i64, JobError> {
    let roster = roster::roster(app, workspace_id).await?;
    Ok(roster::Needs::of(&roster).window_ms)
}

/// Makes due what was held until now.
pub struct Mature;

impl Job for Mature {
    fn name(&self) -> &'static str {
        "commission_holds"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async {
            mature_once(app).await?;
            Ok(false)
        })
    }
}

async fn mature_once(app: &App) -> Result<(), JobError> {
    let Some(look) = Look::begin(app, CHECKPOINT).await? else { return Ok(()) };
    let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
    for workspace_id in workspaces {
        let postings = look.due(app, &workspace_id, 0).await?.into_iter().filter_map(|stored| {
            let entries = mature(&stored.commission.entries, stored.commission.due_at_ms, look.now_ms);
            let commission = Commission { entries, ..stored.commission };
            (!commission.entries.is_empty()).then_some(Posting { id: stored.id, commission })
        });
        let postings: Vec<Posting> = postings.collect();
        if !postings.is_empty() && !app.control.post(&workspace_id, &postings, look.now_ms).await? {
            // Looked at again, with what was added meanwhile.
            return Ok(());
        }
    }
    look.done(app).await
}
