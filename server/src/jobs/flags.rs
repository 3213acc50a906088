//! Flags: what is doubtful about commissions is found by `domain::affiliate::flag` and kept: when the commission is booked
//! or its order changes, and once more just before the money becomes due, with everything learned since. A flag that is
//! there already is not raised again. Never decides about a flag, and never moves money.

mod read;

use std::collections::HashSet;

use domain::affiliate::flag::{Decision, FlagKind, Inquiry, brands, flags};
use domain::affiliate::ledger::Balance;
use domain::ids::{OrderId, derive_id};
use futures::future::BoxFuture;

use super::holds::Look;
use super::{Job, JobError, Place};
use crate::app::App;
use crate::control::flags::{Flags, StoredFlag};
use crate::control::ledger::{StoredCommission, Which};
use read::Known;

/// Commissions of one question: their visitors stand in the address of a query.
const COMMISSIONS_MAX: usize = 200;
/// How far ahead holds were looked at.
const CHECKPOINT: &str = "flags looked for until";
/// What becomes due soon is looked at before it does.
const AHEAD_MS: i64 = 5 * 60_000;

/// Looks once more at what becomes due.
pub struct LookAgain;

impl Job for LookAgain {
    fn name(&self) -> &'static str {
        "flags"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async {
            look_again(app).await?;
            Ok(false)
        })
    }
}

async fn look_again(app: &App) -> Result<(), JobError> {
    let Some(look) = Look::begin(app, CHECKPOINT).await? else { return Ok(()) };
    let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
    for workspace_id in workspaces {
        let due = look.due(app, &workspace_id, AHEAD_MS).await?;
        raise_for(app, &workspace_id, due).await?;
    }
    look.done(app).await
}

/// Raises what is doubtful about the commissions of these orders, and answers how many flags are new.
pub async fn raise(app: &App, workspace_id: &str, orders: &[OrderId]) -> Result<u64, JobError> {
    let ids: Vec<String> = orders.iter().map(OrderId::to_string).collect();
    let standing = app.control.commissions(workspace_id, Which::Orders(&ids)).await?;
    raise_for(app, workspace_id, standing).await
}

/// The same for every commission of a workspace.
pub async fn raise_all(app: &App, workspace_id: &str) -> Result<u64, JobError> {
    let standing = app.control.commissions(workspace_id, Which::All).await?;
    raise_for(app, workspace_id, standing).await
}

async fn raise_for(
    app: &App,
    workspace_id: &str,
    mut standing: Vec<StoredCommission>,
) -> Result<u64, JobError> {
    // What earns nothing any more needs nobody's decision.
    standing.retain(|stored| Balance::of(&stored.commission.entries).earned() > 0);
    // Near in time, so that a question reads a short time.
    standing.sort_by_key(|stored| stored.commission.paid_at_ms);
    let mut raised = 0;
    for piece in standing.chunks(COMMISSIONS_MAX) {
        raised += raise_piece(app, workspace_id, piece).await?;
    }
    if raised > 0 {
        metrics::counter!("tributary_flags_raised_total").increment(raised);
        tracing::info!(workspace = workspace_id, "{raised} flags raised on commissions of {workspace_id}");
    }
    Ok(raised)
}

async fn raise_piece(app: &App, workspace_id: &str, standing: &[StoredCommission]) -> Result<u64, JobError> {
    let Some(workspace) = app.directory().workspaces.get(workspace_id).cloned() else { return Ok(0) };
    let brands = brands(&workspace.name, &workspace.settings.domains);
    let limits = workspace.settings.flag_limits;
    let known = Known::load(app, workspace_id, standing, limits).await?;
    let roots: Vec<String> = known.roots().map(|root| root.to_string()).collect();
    let before = app.control.flags(workspace_id, Flags::OfRoots(&roots)).await?;
    // What somebody cleared for one payment of a customer is no news for the next.
    let cleared: HashSet<(&str, &str, FlagKind)> = before
        .iter()
        .filter(|flag| flag.decision() == Some(Decision::Cleared))
        .map(|flag| (flag.root_order_id.as_str(), flag.partner_id.as_str(), flag.kind))
        .collect();
    let mut found = Vec::new();
    for stored in standing {
        let commission = &stored.commission;
        let Some((root, sale)) = known.sale(commission) else { continue };
        let partner = &commission.referral.partner;
        let Some(traits) = known.partner(partner) else { continue };
        let inquiry = Inquiry {
            click: known.click(commission),
            sale: &sale,
            partner: traits,
            is_first: root == commission.order,
            brands: &brands,
            limits,
        };
        let root = root.to_string();
        for flag in flags(&inquiry, app.clock.now_ms()) {
            let kind = flag.evidence.kind();
            if cleared.contains(&(root.as_str(), partner.as_str(), kind)) {
                continue;
            }
            found.push(StoredFlag {
                id: format!("flg_{:032x}", derive_id(&["flag", &stored.id, kind.name()])),
                commission_id: stored.id.clone(),
                partner_id: partner.clone(),
                root_order_id: root.clone(),
                kind,
                evidence: flag.evidence,
                raised_at_ms: flag.raised_at_ms,
                decisions: Vec::new(),
            });
        }
    }
    Ok(app.control.raise_flags(workspace_id, &found).await?)
}
