//! Commissions: for orders whose facts or journeys changed, what is missing in the ledger is found by
//! `domain::affiliate` and added; and what was held long enough becomes due. Both run as often as they like: what is
//! booked is not booked again. Never changes an entry, and never moves money out: that is a payout.

use std::collections::{BTreeSet, HashMap, HashSet};

use clickhouse::Row;
use domain::affiliate::ledger::mature;
use domain::affiliate::{Commission, Family, GivenBack, LinkOwner, PartnerTouch, Program, Sale, book};
use domain::ids::{HitId, OrderId, RefundId, derive_id};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Job, JobError, Place};
use crate::app::App;
use crate::control::ledger::{Posting, Which};
use crate::control::partners::Link;
use crate::sql;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Orders of one question when all are looked at.
const ORDERS_MAX: usize = 1000;
/// Somebody else may add to the ledger meanwhile; then what is missing is found anew.
const TRIES_MAX: usize = 5;
/// How far holds were looked at.
const CHECKPOINT: &str = "commissions held until";
const LOOK_EVERY_MS: i64 = 60_000;

/// What a run added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Accrued {
    /// Orders looked at.
    pub orders: u64,
    /// Entries added to the ledger; none when everything was booked before.
    pub entries: u64,
}

/// Books what is missing for these orders. Orders of one subscription must be given together: the resolve step does.
pub async fn accrue_orders(app: &App, workspace_id: &str, orders: &[OrderId]) -> Result<Accrued, JobError> {
    for _ in 0..TRIES_MAX {
        let postings = missing(app, workspace_id, orders).await?;
        let entries = postings.iter().map(|posting| posting.commission.entries.len() as u64).sum();
        if app.control.post(workspace_id, &postings, app.clock.now_ms()).await? {
            return Ok(Accrued { orders: orders.len() as u64, entries });
        }
    }
    Err(JobError::Unproven("the ledger of commissions is being written to by somebody else".to_owned()))
}

/// Books what is missing for every order of a workspace.
pub async fn accrue_all(app: &App, workspace_id: &str) -> Result<Accrued, JobError> {
    let mut accrued = Accrued::default();
    for orders in families(app, workspace_id).await? {
        let Accrued { orders, entries } = accrue_orders(app, workspace_id, &orders).await?;
        accrued.orders += orders;
        accrued.entries += entries;
    }
    Ok(accrued)
}

/// What is missing for every order of a workspace, and for orders that are none any more.
pub async fn all_missing(app: &App, workspace_id: &str) -> Result<Vec<Posting>, JobError> {
    let mut postings = Vec::new();
    for orders in families(app, workspace_id).await? {
        postings.extend(missing(app, workspace_id, &orders).await?);
    }
    Ok(postings)
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

/// Looks once a minute at what came due since the last look, and a day before it, in case the clock went back.
async fn mature_once(app: &App) -> Result<(), JobError> {
    let now_ms = app.clock.now_ms();
    let last = app.control.checkpoint(CHECKPOINT).await?;
    let last_ms: i64 = last.and_then(|text| text.parse().ok()).unwrap_or(0);
    if (last_ms..last_ms.saturating_add(LOOK_EVERY_MS)).contains(&now_ms) {
        return Ok(());
    }
    let after_ms = last_ms.min(now_ms) - DAY_MS;
    let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
    for workspace_id in workspaces {
        let due = app.control.commissions(&workspace_id, Which::DueBetween(after_ms, now_ms)).await?;
        let postings = due.into_iter().filter_map(|stored| {
            let entries = mature(&stored.commission.entries, stored.commission.due_at_ms, now_ms);
            let commission = Commission { entries, ..stored.commission };
            (!commission.entries.is_empty()).then_some(Posting { id: stored.id, commission })
        });
        let postings: Vec<Posting> = postings.collect();
        if !postings.is_empty() && !app.control.post(&workspace_id, &postings, now_ms).await? {
            // Looked at again, with what was added meanwhile.
            return Ok(());
        }
    }
    Ok(app.control.set_checkpoint(CHECKPOINT, &now_ms.to_string(), now_ms).await?)
}

/// What is missing in the ledger for these orders.
async fn missing(app: &App, workspace_id: &str, orders: &[OrderId]) -> Result<Vec<Posting>, JobError> {
    let programs: Vec<Program> =
        app.control.programs(workspace_id).await?.into_iter().map(|stored| stored.program).collect();
    if programs.is_empty() || orders.is_empty() {
        return Ok(Vec::new());
    }
    let mut families = read_families(app, workspace_id, orders, longest_window_ms(programs.iter())).await?;
    let ids: Vec<String> = orders.iter().map(OrderId::to_string).collect();
    let standing = app.control.commissions(workspace_id, Which::Orders(&ids)).await?;
    let stored_ids: HashMap<(OrderId, String, domain::money::Currency), String> = standing
        .iter()
        .map(|stored| {
            let Commission { order, referral, currency, .. } = &stored.commission;
            ((*order, referral.partner.clone(), *currency), stored.id.clone())
        })
        .collect();
    // What was sold and is no order any more stands alone, and is taken back.
    let sold: BTreeSet<OrderId> =
        families.iter().flat_map(|family| &family.sales).map(|sale| sale.order).collect();
    if standing.iter().any(|stored| !sold.contains(&stored.commission.order)) {
        families.push(Family::default());
    }
    if standing.is_empty() && families.iter().all(|family| family.touches.is_empty()) {
        return Ok(Vec::new());
    }
    let links = link_owners(app, workspace_id).await?;
    let now_ms = app.clock.now_ms();
    let mut postings = Vec::new();
    for family in &families {
        let own = standing.iter().map(|stored| &stored.commission).filter(|commission| {
            match family.sales.is_empty() {
                true => !sold.contains(&commission.order),
                false => family.sales.iter().any(|sale| sale.order == commission.order),
            }
        });
        let own: Vec<Commission> = own.cloned().collect();
        for commission in book(family, &links, &programs, &own, now_ms) {
            let Commission { order, referral, currency, .. } = &commission;
            let id = stored_ids.get(&(*order, referral.partner.clone(), *currency)).cloned();
            let id = id.unwrap_or_else(|| commission_id(workspace_id, &commission));
            postings.push(Posting { id, commission });
        }
    }
    Ok(postings)
}

fn commission_id(workspace_id: &str, commission: &Commission) -> String {
    let order = commission.order.to_string();
    let parts =
        ["commission", workspace_id, &order, &commission.referral.partner, commission.currency.code()];
    format!("com_{:032x}", derive_id(&parts))
}

/// How far before a purchase a click on a partner's link may have been, in the workspace's programmes.
pub(super) async fn window_ms(app: &App, workspace_id: &str) -> Result<i64, JobError> {
    let programs = app.control.programs(workspace_id).await?;
    Ok(longest_window_ms(programs.iter().map(|stored| &stored.program)))
}

/// The window of the terms that reach back furthest.
fn longest_window_ms<'a>(programs: impl Iterator<Item = &'a Program>) -> i64 {
    let versions = programs.flat_map(|program| &program.versions);
    let days = versions.map(|version| version.terms.window_days).max().unwrap_or(0);
    i64::from(days) * DAY_MS
}

async fn link_owners(app: &App, workspace_id: &str) -> Result<HashMap<String, LinkOwner>, JobError> {
    let links = app.control.links().await?.into_iter().filter(|link| link.workspace_id == workspace_id);
    let statuses = app.control.partner_statuses(workspace_id).await?;
    let owner = |link: Link| {
        let statuses = statuses.get(&link.partner_id).cloned().unwrap_or_default();
        let owner = LinkOwner { partner: link.partner_id, program: link.program_id, statuses };
        (link.code.to_string(), owner)
    };
    Ok(links.map(owner).collect())
}

#[derive(Row, Deserialize)]
struct StoredSale {
    id: String,
    root: String,
    booked: bool,
    paid_ms: i64,
    anchor_ms: i64,
    code: String,
    net: i64,
    tax: i64,
    refund_rows: Vec<(String, i64, i64, i64, String)>,
}

#[derive(Row, Deserialize)]
struct StoredTouch {
    root: String,
    touch_of: String,
    at_ms: i64,
    partner_code: String,
}

#[derive(Row, Deserialize)]
struct StoredPair {
    id: String,
    root: String,
}

fn uuid(text: &str) -> Result<u128, JobError> {
    let wrong = |why: uuid::Error| JobError::Damaged { what: "id", why: why.to_string() };
    Ok(Uuid::try_parse(text).map_err(wrong)?.as_u128())
}

/// Every order, in pieces that part no family.
async fn families(app: &App, workspace_id: &str) -> Result<Vec<Vec<OrderId>>, JobError> {
    let pairs: Vec<StoredPair> = app
        .store
        .client()
        .query_raw(sql!("commissions/families.sql"))
        .param("workspace", workspace_id)
        .fetch_all()
        .await?;
    let mut pieces: Vec<Vec<OrderId>> = Vec::new();
    let mut root = String::new();
    for pair in pairs {
        let is_same = pair.root == root;
        match pieces.last_mut().filter(|last| is_same || last.len() < ORDERS_MAX) {
            Some(last) => last.push(OrderId(uuid(&pair.id)?)),
            None => pieces.push(vec![OrderId(uuid(&pair.id)?)]),
        }
        root = pair.root;
    }
    // What earned once and is no paid order any more.
    let known: HashSet<OrderId> = pieces.iter().flatten().copied().collect();
    let standing = app.control.commissions(workspace_id, Which::All).await?.into_iter();
    let orders: BTreeSet<OrderId> = standing.map(|stored| stored.commission.order).collect();
    let gone: Vec<OrderId> = orders.into_iter().filter(|order| !known.contains(order)).collect();
    pieces.extend((!gone.is_empty()).then_some(gone));
    Ok(pieces)
}

/// The orders by journey, with the clicks on partners' links in it.
async fn read_families(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
    window_ms: i64,
) -> Result<Vec<Family>, JobError> {
    let ids: Vec<String> = orders.iter().map(|&order| Uuid::from(order).to_string()).collect();
    let client = app.store.client();
    let sales: Vec<StoredSale> = client
        .query_raw(sql!("commissions/sales.sql"))
        .param("workspace", workspace_id)
        .param("orders", &ids)
        .fetch_all()
        .await?;
    let earners = sql!("journeys/earners_stored.sql")
        .replace("/*orders*/", "AND booked AND order_id IN {orders:Array(UUID)}");
    let touches: Vec<StoredTouch> = client
        .query_raw(&sql!("commissions/partner_touches.sql").replace("/*earners*/", &earners))
        .param("workspace", workspace_id)
        .param("orders", &ids)
        .param("window_ms", window_ms)
        .fetch_all()
        .await?;
    let mut families: HashMap<String, Family> = HashMap::new();
    for stored in sales.iter().filter(|stored| stored.booked) {
        let family = families.entry(stored.root.clone()).or_default();
        if stored.id == stored.root {
            family.anchor_ms = stored.anchor_ms;
        }
        family.sales.push(sale(stored)?);
    }
    for StoredTouch { root, touch_of, at_ms, partner_code } in touches {
        if let Some(family) = families.get_mut(&root) {
            family.touches.push(PartnerTouch { id: HitId(uuid(&touch_of)?), at_ms, code: partner_code });
        }
    }
    Ok(families.into_values().collect())
}

fn sale(stored: &StoredSale) -> Result<Sale, JobError> {
    let damaged = |why: String| JobError::Damaged { what: "order", why };
    let mut refunds: Vec<GivenBack> = Vec::new();
    for (id, at_ms, net_minor, tax_minor, reason) in &stored.refund_rows {
        let id = RefundId(uuid(id)?);
        // An entry below zero is the end of the refund of the same id.
        match refunds.iter_mut().find(|known| *net_minor < 0 && known.id == id) {
            Some(known) => known.reversed_at_ms = Some(*at_ms),
            None => refunds.push(GivenBack {
                id,
                at_ms: *at_ms,
                net_minor: *net_minor,
                tax_minor: *tax_minor,
                reversed_at_ms: None,
                reason: reason.clone(),
            }),
        }
    }
    Ok(Sale {
        order: OrderId(uuid(&stored.id)?),
        paid_at_ms: stored.paid_ms,
        currency: stored.code.parse().map_err(|_| damaged(stored.code.clone()))?,
        net_minor: stored.net,
        tax_minor: stored.tax,
        refunds,
    })
}
