//! Reads what was sold, and the clicks on partners' links in the journeys it was sold by. Decides nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use clickhouse::Row;
use domain::affiliate::{Coupon, Family, GivenBack, PartnerTouch, Sale};
use domain::ids::{HitId, OrderId, RefundId};
use domain::order::Interval;
use serde::Deserialize;
use uuid::Uuid;

use super::super::JobError;
use super::roster::Needs;
use crate::app::App;
use crate::sql;

/// Ids of one question: they travel in its address.
const IDS_MAX: usize = 2000;

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
    product: String,
    renews_every: String,
    typed_code: String,
    named_partner: String,
    connection: String,
    customer: String,
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

#[derive(Row, Deserialize)]
struct OneId {
    id: String,
}

#[derive(Row, Deserialize)]
struct FirstOrder {
    connection: String,
    customer: String,
    id: String,
}

fn uuid(text: &str) -> Result<u128, JobError> {
    let wrong = |why: uuid::Error| JobError::Damaged { what: "id", why: why.to_string() };
    Ok(Uuid::try_parse(text).map_err(wrong)?.as_u128())
}

fn texts(orders: &[OrderId]) -> Vec<String> {
    orders.iter().map(|&order| Uuid::from(order).to_string()).collect()
}

/// Every order, in pieces of at least so many that part no family.
pub(super) async fn pieces(
    app: &App,
    workspace_id: &str,
    orders_least: usize,
) -> Result<Vec<Vec<OrderId>>, JobError> {
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
        match pieces.last_mut().filter(|last| is_same || last.len() < orders_least) {
            Some(last) => last.push(OrderId(uuid(&pair.id)?)),
            None => pieces.push(vec![OrderId(uuid(&pair.id)?)]),
        }
        root = pair.root;
    }
    Ok(pieces)
}

/// The orders, and those that are decided together with them: of the same journeys, and of the same customers where
/// that matters.
pub(super) async fn kin(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
    by_customer: bool,
) -> Result<Vec<OrderId>, JobError> {
    let mut kin: BTreeSet<OrderId> = orders.iter().copied().collect();
    for orders in orders.chunks(IDS_MAX) {
        let found: Vec<OneId> = app
            .store
            .client()
            .query_raw(sql!("commissions/kin.sql"))
            .param("workspace", workspace_id)
            .param("orders", texts(orders))
            .param("by_customer", u8::from(by_customer))
            .fetch_all()
            .await?;
        for OneId { id } in found {
            kin.insert(OrderId(uuid(&id)?));
        }
    }
    Ok(kin.into_iter().collect())
}

/// The orders on which a discount's code was redeemed, and those of the same journeys.
pub(super) async fn redeemed(app: &App, workspace_id: &str, code: &str) -> Result<Vec<OrderId>, JobError> {
    let found: Vec<OneId> = app
        .store
        .client()
        .query_raw(sql!("commissions/redeemed.sql"))
        .param("workspace", workspace_id)
        .param("code", code)
        .fetch_all()
        .await?;
    let orders =
        found.iter().map(|found| uuid(&found.id).map(OrderId)).collect::<Result<Vec<_>, JobError>>()?;
    kin(app, workspace_id, &orders, false).await
}

/// The orders by journey, with the clicks on partners' links in it. Orders of one journey must be given together.
pub(super) async fn families(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
    needs: Needs,
) -> Result<Vec<Family>, JobError> {
    let mut families: HashMap<String, Family> = HashMap::new();
    for orders in orders.chunks(IDS_MAX) {
        add_families(app, workspace_id, orders, needs, &mut families).await?;
    }
    Ok(families.into_values().collect())
}

async fn add_families(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
    needs: Needs,
    families: &mut HashMap<String, Family>,
) -> Result<(), JobError> {
    let ids = texts(orders);
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
        .param("window_ms", needs.window_ms)
        .fetch_all()
        .await?;
    let first_orders = match needs.first_orders {
        true => Some(first_orders(app, workspace_id, &sales).await?),
        false => None,
    };
    for stored in sales.iter().filter(|stored| stored.booked) {
        let family = families.entry(stored.root.clone()).or_default();
        if stored.id == stored.root {
            family.anchor_ms = stored.anchor_ms;
        }
        family.sales.push(sale(stored, first_orders.as_ref())?);
    }
    for StoredTouch { root, touch_of, at_ms, partner_code } in touches {
        if let Some(family) = families.get_mut(&root) {
            family.touches.push(PartnerTouch { id: HitId(uuid(&touch_of)?), at_ms, code: partner_code });
        }
    }
    Ok(())
}

/// Ids of the orders that were their customers' first payments.
async fn first_orders(
    app: &App,
    workspace_id: &str,
    sales: &[StoredSale],
) -> Result<HashSet<String>, JobError> {
    let known = sales.iter().filter(|sale| !sale.customer.is_empty());
    let pairs: HashSet<(&str, &str)> =
        known.map(|sale| (sale.connection.as_str(), sale.customer.as_str())).collect();
    let customers: BTreeSet<&str> = pairs.iter().map(|(_, customer)| *customer).collect();
    let found: Vec<FirstOrder> = app
        .store
        .client()
        .query_raw(sql!("commissions/first_orders.sql"))
        .param("workspace", workspace_id)
        .param("customers", customers.into_iter().collect::<Vec<_>>())
        .fetch_all()
        .await?;
    let own = found
        .into_iter()
        .filter(|first| pairs.contains(&(first.connection.as_str(), first.customer.as_str())));
    Ok(own.map(|first| first.id).collect())
}

fn sale(stored: &StoredSale, first_orders: Option<&HashSet<String>>) -> Result<Sale, JobError> {
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
    let is_known = !stored.customer.is_empty();
    Ok(Sale {
        order: OrderId(uuid(&stored.id)?),
        paid_at_ms: stored.paid_ms,
        currency: stored.code.parse().map_err(|_| damaged(stored.code.clone()))?,
        net_minor: stored.net,
        tax_minor: stored.tax,
        refunds,
        product: stored.product.clone(),
        interval: Interval::named(&stored.renews_every),
        first_order: first_orders.filter(|_| is_known).map(|first| first.contains(&stored.id)),
        coupon: Coupon { code: stored.typed_code.clone(), partner_code: stored.named_partner.clone() },
    })
}
