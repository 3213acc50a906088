//! Finds what is missing in the ledger: for some orders and everything their change reaches, or for all. Writes nothing.
//!
//! A sale reaches further than its own journey where terms look further: a customer's first order decides the rule of
//! the later ones, and a sale told late moves the tiers of everything the partner sold after it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::affiliate::flag::Verdicts;
use domain::affiliate::{Commission, Coupon, Family, Roster, VolumeChange, Volumes, book, volume_changes};
use domain::ids::{OrderId, derive_id};
use domain::money::Currency;

use super::super::JobError;
use super::read::{families, kin, pieces};
use super::roster::{Needs, roster};
use crate::app::App;
use crate::control::ledger::{Posting, Sold, StoredCommission, Which};
use crate::control::volumes::VolumesOf;

/// Orders of one question when all are looked at.
pub(super) const ORDERS_LEAST: usize = 1000;

/// What has to be written until ledger and orders say the same.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub postings: Vec<Posting>,
    /// What was sold, of orders of which something else is stored.
    pub sold: Sold,
    /// Orders looked at.
    pub orders: u64,
}

/// What is missing for some orders and everything they reach.
pub(super) async fn of_orders(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
) -> Result<Missing, JobError> {
    let roster = roster(app, workspace_id).await?;
    if roster.programs.is_empty() || orders.is_empty() {
        return Ok(Missing { orders: orders.len() as u64, ..Missing::default() });
    }
    let needs = Needs::of(&roster);
    let mut orders: Vec<OrderId> = match needs.first_orders {
        true => {
            let of_customers = kin(app, workspace_id, orders, true).await?;
            kin(app, workspace_id, &of_customers, false).await?
        }
        false => orders.to_vec(),
    };
    let mut families = families(app, workspace_id, &orders, needs).await?;
    let ids: Vec<String> = orders.iter().map(OrderId::to_string).collect();
    let stored = app.control.volumes(workspace_id, VolumesOf::Orders(&ids)).await?;
    let sold = sold(&families, &roster, stored.clone(), &orders);
    let mut volumes = Volumes::default();
    if needs.volumes {
        let later = later_sales(app, workspace_id, &sold, stored, &orders).await?;
        if !later.is_empty() {
            let later = kin(app, workspace_id, &later, false).await?;
            families.extend(self::families(app, workspace_id, &later, needs).await?);
            orders.extend(later);
        }
        volumes = volumes_of(app, workspace_id, &families, &roster).await?;
    }
    let ids: Vec<String> = orders.iter().map(OrderId::to_string).collect();
    let standing = app.control.commissions(workspace_id, Which::Orders(&ids)).await?;
    let verdicts = app.control.verdicts(workspace_id, &standing).await?;
    let known = Known { roster: &roster, volumes: &volumes, verdicts: &verdicts };
    let postings = booked(app, workspace_id, &families, &known, &standing);
    Ok(Missing { postings, sold, orders: orders.len() as u64 })
}

/// What is missing for every order of a workspace, and for orders that are none any more. Volumes are counted anew, and
/// not believed as they are stored.
pub(super) async fn of_all(app: &App, workspace_id: &str) -> Result<Missing, JobError> {
    let roster = roster(app, workspace_id).await?;
    if roster.programs.is_empty() {
        return Ok(Missing::default());
    }
    let needs = Needs::of(&roster);
    let standing = app.control.commissions(workspace_id, Which::All).await?;
    let stored = app.control.volumes(workspace_id, VolumesOf::All).await?;
    let concerned: HashSet<OrderId> = standing
        .iter()
        .map(|stored| stored.commission.order)
        .chain(stored.iter().map(|change| change.order))
        .collect();
    let mut found: Vec<Family> = Vec::new();
    let mut count = 0;
    for orders in pieces(app, workspace_id, ORDERS_LEAST).await? {
        count += orders.len() as u64;
        let all = families(app, workspace_id, &orders, needs).await?;
        found.extend(all.into_iter().filter(|family| {
            !family.touches.is_empty()
                || family
                    .sales
                    .iter()
                    .any(|sale| sale.coupon != Coupon::default() || concerned.contains(&sale.order))
        }));
    }
    let mut orders: BTreeSet<OrderId> = concerned.into_iter().collect();
    orders.extend(found.iter().flat_map(|family| &family.sales).map(|sale| sale.order));
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let changes: Vec<VolumeChange> =
        found.iter().flat_map(|family| volume_changes(family, &roster)).collect();
    let sold = sold(&found, &roster, stored, &orders);
    let verdicts = app.control.verdicts(workspace_id, &standing).await?;
    let known = Known { roster: &roster, volumes: &Volumes::of(changes), verdicts: &verdicts };
    let postings = booked(app, workspace_id, &found, &known, &standing);
    Ok(Missing { postings, sold, orders: count })
}

/// Everything that was sold by partners of these families' sales, as far as it matters for their tiers: of the families
/// as they are now, of all other orders as it is stored.
pub(super) async fn volumes_of(
    app: &App,
    workspace_id: &str,
    families: &[Family],
    roster: &Roster,
) -> Result<Volumes, JobError> {
    let mut changes: Vec<VolumeChange> =
        families.iter().flat_map(|family| volume_changes(family, roster)).collect();
    let known: HashSet<OrderId> =
        families.iter().flat_map(|family| &family.sales).map(|sale| sale.order).collect();
    let ids: Vec<String> = known.iter().map(OrderId::to_string).collect();
    let mut partners: BTreeSet<String> = changes.iter().map(|change| change.partner.clone()).collect();
    // Who was paid out keeps a part, whoever brings the customer by what is known now.
    for stored in app.control.commissions(workspace_id, Which::Orders(&ids)).await? {
        partners.insert(stored.commission.referral.partner);
    }
    let partners: Vec<String> = partners.into_iter().collect();
    let stored = app.control.volumes(workspace_id, VolumesOf::Partners(&partners)).await?;
    changes.extend(stored.into_iter().filter(|change| !known.contains(&change.order)));
    Ok(Volumes::of(changes))
}

/// What families sold, of those orders of which something else is stored.
fn sold(families: &[Family], roster: &Roster, stored: Vec<VolumeChange>, orders: &[OrderId]) -> Sold {
    let mut now: BTreeMap<OrderId, Vec<VolumeChange>> = BTreeMap::new();
    for change in families.iter().flat_map(|family| volume_changes(family, roster)) {
        now.entry(change.order).or_default().push(change);
    }
    let mut before: BTreeMap<OrderId, Vec<VolumeChange>> = BTreeMap::new();
    for change in stored {
        before.entry(change.order).or_default().push(change);
    }
    let mut sold = Sold::default();
    for order in orders {
        let (mut now, mut before) =
            (now.remove(order).unwrap_or_default(), before.remove(order).unwrap_or_default());
        now.sort_unstable();
        before.sort_unstable();
        if now != before {
            sold.orders.push(*order);
            sold.changes.extend(now);
        }
    }
    sold
}

/// What the partners whose volumes change sold after that.
async fn later_sales(
    app: &App,
    workspace_id: &str,
    sold: &Sold,
    stored: Vec<VolumeChange>,
    orders: &[OrderId],
) -> Result<Vec<OrderId>, JobError> {
    let changed: HashSet<OrderId> = sold.orders.iter().copied().collect();
    let mut since: BTreeMap<String, i64> = BTreeMap::new();
    for change in sold.changes.iter().chain(stored.iter().filter(|change| changed.contains(&change.order))) {
        let earliest = since.entry(change.partner.clone()).or_insert(change.at_ms);
        *earliest = change.at_ms.min(*earliest);
    }
    let partners: Vec<String> = since.keys().cloned().collect();
    let given: HashSet<OrderId> = orders.iter().copied().collect();
    let all = app.control.volumes(workspace_id, VolumesOf::Partners(&partners)).await?;
    let is_later = |change: &VolumeChange| {
        !given.contains(&change.order)
            && since.get(&change.partner).is_some_and(|&since_ms| change.paid_at_ms >= since_ms)
    };
    let later: BTreeSet<OrderId> =
        all.iter().filter(|change| is_later(change)).map(|change| change.order).collect();
    Ok(later.into_iter().collect())
}

/// What the entries of a family depend on beside it.
struct Known<'a> {
    roster: &'a Roster,
    volumes: &'a Volumes,
    /// What was decided about flags.
    verdicts: &'a Verdicts,
}

/// The entries that are missing, family by family, and for commissions of what is no order any more.
fn booked(
    app: &App,
    workspace_id: &str,
    families: &[Family],
    known: &Known<'_>,
    standing: &[StoredCommission],
) -> Vec<Posting> {
    let mut ids: HashMap<(OrderId, &str, Currency), &str> = HashMap::new();
    let mut of_orders: HashMap<OrderId, Vec<&Commission>> = HashMap::new();
    for stored in standing {
        let Commission { order, referral, currency, .. } = &stored.commission;
        ids.insert((*order, &referral.partner, *currency), &stored.id);
        of_orders.entry(*order).or_default().push(&stored.commission);
    }
    let now_ms = app.clock.now_ms();
    let mut postings = Vec::new();
    let mut post = |family: &Family, own: Vec<Commission>| {
        for commission in book(family, known.roster, known.volumes, &own, known.verdicts, now_ms) {
            let Commission { order, referral, currency, .. } = &commission;
            let known = ids.get(&(*order, referral.partner.as_str(), *currency));
            let id = known.map_or_else(|| commission_id(workspace_id, &commission), |id| (*id).to_owned());
            postings.push(Posting { id, commission });
        }
    };
    for family in families {
        let own = family.sales.iter().filter_map(|sale| of_orders.remove(&sale.order));
        let own: Vec<Commission> = own.flatten().cloned().collect();
        let has_coupon = family.sales.iter().any(|sale| sale.coupon != Coupon::default());
        if !own.is_empty() || !family.touches.is_empty() || has_coupon {
            post(family, own);
        }
    }
    // What was sold and is no order any more stands alone, and is taken back.
    let gone: Vec<Commission> = of_orders.into_values().flatten().cloned().collect();
    if !gone.is_empty() {
        post(&Family::default(), gone);
    }
    postings
}

fn commission_id(workspace_id: &str, commission: &Commission) -> String {
    let order = commission.order.to_string();
    let parts =
        ["commission", workspace_id, &order, &commission.referral.partner, commission.currency.code()];
    format!("com_{:032x}", derive_id(&parts))
}
