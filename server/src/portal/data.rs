//! What the pages show of a partner's clicks and sales, read for this partner alone. Of buyers it knows only which orders
//! are of one, and it never reads a name or an address.

use std::collections::{HashMap, HashSet};

use clickhouse::Row;
use domain::ids::OrderId;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use uuid::Uuid;

use super::session::Member;
use super::show;
use crate::affiliate::links::LinkDocument;
use crate::app::App;
use crate::control::ledger::{StoredCommission, Which};
use crate::http::problem::Problem;
use crate::sql;

/// Days of clicks that are shown.
pub const DAYS: i64 = 30;
/// Orders of one question.
const ORDERS_MAX: usize = 1000;

/// An order a partner earned by, as a partner may know it.
#[derive(Debug, Clone)]
pub struct Sold {
    /// The same for orders of one buyer; not to be shown.
    pub buyer: String,
    pub product: String,
    pub is_renewal: bool,
    pub net: i64,
    pub tax: i64,
}

/// Clicks on a partner's links, on each of the last days.
#[derive(Debug, Default)]
pub struct Clicks {
    /// The days, oldest first: as `2026-10-03` and for people, with the clicks on all links.
    pub days: Vec<(String, String, u64)>,
    pub by_code: HashMap<String, u64>,
    pub total: u64,
}

#[derive(Row, Deserialize)]
struct StoredClicks {
    link_code: String,
    day: String,
    clicks: u64,
}

#[derive(Row, Deserialize)]
struct StoredSold {
    id: String,
    buyer: String,
    product: String,
    is_renewal: bool,
    net: i64,
    tax: i64,
}

/// The partner's own links, oldest first.
pub async fn links(app: &App, member: &Member) -> Result<Vec<LinkDocument>, Problem> {
    let all = member.affiliates(app).links().await?.rows.into_iter();
    Ok(all.filter(|link| link.partner == member.partner.id).collect())
}

/// Clicks on links in the last days, today included.
pub async fn clicks(app: &App, member: &Member, links: &[LinkDocument]) -> Result<Clicks, Problem> {
    let zone = show::zone(&member.workspace.timezone);
    let now = Timestamp::from_millisecond(app.clock.now_ms()).unwrap_or_default().to_zoned(zone.clone());
    let first = now.date().saturating_sub((DAYS - 1).days());
    let from_ms = first.to_zoned(zone).map_or(0, |start| start.timestamp().as_millisecond());
    let codes: Vec<&str> = links.iter().map(|link| link.code.as_str()).collect();
    let rows: Vec<StoredClicks> = match codes.is_empty() {
        true => Vec::new(),
        false => {
            app.store
                .client()
                .query_raw(sql!("portal/clicks.sql"))
                .param("workspace", &member.workspace.id)
                .param("codes", &codes)
                .param("zone", &member.workspace.timezone)
                .param("from_ms", from_ms)
                .fetch_all()
                .await?
        }
    };
    let mut found = Clicks::default();
    let mut by_day: HashMap<String, u64> = HashMap::new();
    for StoredClicks { link_code, day, clicks } in rows {
        *by_day.entry(day).or_default() += clicks;
        *found.by_code.entry(link_code).or_default() += clicks;
        found.total += clicks;
    }
    for back in 0..DAYS {
        let date = first.saturating_add(back.days());
        let (day, named) = (date.to_string(), date.strftime("%-d %b").to_string());
        let clicks = by_day.get(&day).copied().unwrap_or(0);
        found.days.push((day, named, clicks));
    }
    Ok(found)
}

/// The partner's commissions with every entry, newest payment first.
pub async fn commissions(app: &App, member: &Member) -> Result<Vec<StoredCommission>, Problem> {
    let which = Which::Partner(&member.partner.id);
    let mut all = app.control.commissions(&member.workspace.id, which).await?;
    all.reverse();
    Ok(all)
}

/// Commissions that the merchant looks at before anything of them is paid out: which they are, and never why.
pub async fn looked_at(app: &App, member: &Member) -> Result<HashSet<String>, Problem> {
    Ok(member.affiliates(app).held_commissions().await?)
}

/// What was sold, of these commissions.
pub async fn sold(
    app: &App,
    member: &Member,
    commissions: &[StoredCommission],
) -> Result<HashMap<OrderId, Sold>, Problem> {
    let orders: Vec<String> =
        commissions.iter().map(|stored| Uuid::from(stored.commission.order).to_string()).collect();
    let mut found = HashMap::new();
    for orders in orders.chunks(ORDERS_MAX) {
        let rows: Vec<StoredSold> = app
            .store
            .client()
            .query_raw(sql!("portal/sales.sql"))
            .param("workspace", &member.workspace.id)
            .param("orders", orders)
            .fetch_all()
            .await?;
        for StoredSold { id, buyer, product, is_renewal, net, tax } in rows {
            let id = Uuid::try_parse(&id).map_err(Problem::internal)?;
            found.insert(OrderId(id.as_u128()), Sold { buyer, product, is_renewal, net, tax });
        }
    }
    Ok(found)
}
