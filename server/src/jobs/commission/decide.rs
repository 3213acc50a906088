//! The commission decision of one order, for people who ask why. Writes nothing.

use domain::affiliate::{Commission, Decision, Roster, Volumes, decide};
use domain::ids::OrderId;

use super::super::JobError;
use super::missing::volumes_of;
use super::read::{families, kin};
use super::roster::{Needs, roster};
use crate::app::App;
use crate::control::ledger::{StoredCommission, Which};

/// Clicks this long before a purchase are told of, so that a merchant sees what a longer window would find.
const TOLD_DAYS: i64 = 180;

/// A decision, by whom it was made, and what the ledger says.
#[derive(Debug)]
pub struct Decided {
    pub decision: Decision,
    pub roster: Roster,
    pub standing: Vec<StoredCommission>,
}

/// Why an order earned whom what; none when the workspace has no programme.
pub async fn decide_order(
    app: &App,
    workspace_id: &str,
    order: OrderId,
) -> Result<Option<Decided>, JobError> {
    let roster = roster(app, workspace_id).await?;
    if roster.programs.is_empty() {
        return Ok(None);
    }
    let mut needs = Needs::of(&roster);
    needs.window_ms = needs.window_ms.max(TOLD_DAYS * super::DAY_MS);
    let orders = kin(app, workspace_id, &[order], false).await?;
    let families = families(app, workspace_id, &orders, needs).await?;
    let own = families.into_iter().find(|family| family.sales.iter().any(|sale| sale.order == order));
    let family = own.unwrap_or_default();
    let volumes = match needs.volumes {
        true => volumes_of(app, workspace_id, std::slice::from_ref(&family), &roster).await?,
        false => Volumes::default(),
    };
    let standing = app.control.commissions(workspace_id, Which::Orders(&[order.to_string()])).await?;
    let commissions: Vec<Commission> = standing.iter().map(|stored| stored.commission.clone()).collect();
    let decision = decide(&family, order, &roster, &volumes, &commissions);
    Ok(Some(Decided { decision, roster, standing }))
}
