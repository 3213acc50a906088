//! Reads what commissions are made of, for who only looks: the simulator. Books nothing.

use std::collections::HashMap;

use domain::affiliate::flag::Verdicts;
use domain::affiliate::{Commission, Coupon, Family, Roster};
use domain::ids::OrderId;

use super::super::JobError;
use super::missing::ORDERS_LEAST;
use super::read::{families, pieces};
use super::roster::{Needs, roster};
use crate::app::App;
use crate::control::ledger::Which;

/// A workspace's affiliates as they are, and as they are supposed to be.
pub struct Looked {
    pub roster: Roster,
    pub other: Roster,
    /// Every one that has anything to do with a partner, now or as supposed.
    pub families: Vec<Family>,
    /// The ledger, by order.
    pub standing: HashMap<OrderId, Vec<Commission>>,
    /// What was decided about it.
    pub verdicts: Verdicts,
}

/// Reads all of it; `supposed` makes the other roster of the one there is.
pub async fn look(
    app: &App,
    workspace_id: &str,
    supposed: impl FnOnce(&Roster) -> Roster,
) -> Result<Looked, JobError> {
    let roster = roster(app, workspace_id).await?;
    let other = supposed(&roster);
    let needs = Needs::of(&roster).or(Needs::of(&other));
    let mut standing: HashMap<OrderId, Vec<Commission>> = HashMap::new();
    let booked = app.control.commissions(workspace_id, Which::All).await?;
    let verdicts = app.control.verdicts(workspace_id, &booked).await?;
    for stored in booked {
        standing.entry(stored.commission.order).or_default().push(stored.commission);
    }
    let mut found: Vec<Family> = Vec::new();
    for orders in pieces(app, workspace_id, ORDERS_LEAST).await? {
        let all = families(app, workspace_id, &orders, needs).await?;
        found.extend(all.into_iter().filter(|family| {
            let is_known = |sale: &domain::affiliate::Sale| {
                sale.coupon != Coupon::default() || standing.contains_key(&sale.order)
            };
            !family.touches.is_empty() || family.sales.iter().any(is_known)
        }));
    }
    Ok(Looked { roster, other, families: found, standing, verdicts })
}
