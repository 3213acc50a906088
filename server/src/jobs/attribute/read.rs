//! Reads orders and journeys for attribution, as streams of rows. Never writes.

use std::collections::HashMap;

use domain::attribution::{Booked, Refund, Touch};
use domain::journey;

use super::block::{TextIds, Texts};
use super::terms::Terms;
use crate::sql;
use crate::store::Store;
use crate::store::row_binary::{RowReader, read_rows, read_rows_paced};

/// Which orders a run is about.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    All,
    Orders(&'a [u128]),
}

/// One booked order.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: u128,
    /// Whose journey earns.
    pub root: u128,
    pub kind: i8,
    /// Whether a visitor or person was found.
    pub known: bool,
    pub paid_at_ms: i64,
    pub anchor_ms: i64,
    /// In its own currency, after discount, without tax.
    pub money: Money,
    /// With tax, and in the report currency, where that differs.
    pub others: Vec<Money>,
    /// The currency is the order's own.
    pub texts: TextIds,
}

/// An order's money in one currency and on one basis, and which views of it show it so.
#[derive(Debug, Clone)]
pub struct Money {
    /// Bits: 1 net and 2 gross in its own currency, 4 net and 8 gross in the report currency.
    pub views: u8,
    pub currency: u32,
    pub booked: Booked,
}

impl Order {
    /// Everything that is credited for this order; views that show it alike once.
    pub fn moneys(&self) -> impl Iterator<Item = &Money> {
        std::iter::once(&self.money).chain(&self.others)
    }
}

/// Booked orders, grouped by root.
#[derive(Debug, Default)]
pub struct Orders {
    pub orders: Vec<Order>,
    pub texts: Texts,
    /// Of every root: its own place, if it is among the orders.
    place: HashMap<u128, usize>,
    /// Of every root: where its orders begin and end.
    groups: HashMap<u128, (usize, usize)>,
    /// Whose touches the journeys are read from; only of a run about some orders.
    visits: Vec<Visits>,
}

/// The time in which a visitor was the person of an order, from the order's snapshot.
#[derive(Debug)]
struct Visits {
    order: u128,
    visitor: u128,
    since_ms: i64,
    /// Not included.
    until_ms: i64,
}

impl Orders {
    pub async fn load(
        store: &Store,
        workspace_id: &str,
        scope: Scope<'_>,
    ) -> Result<Orders, clickhouse::error::Error> {
        let mut loaded = Orders::default();
        loaded.append(store, workspace_id, scope).await?;
        if let Scope::Orders(_) = scope {
            let missing: Vec<u128> = loaded.roots().filter(|root| !loaded.place.contains_key(root)).collect();
            if !missing.is_empty() {
                loaded.append(store, workspace_id, Scope::Orders(&missing)).await?;
            }
        }
        Ok(loaded)
    }

    /// Roots, each once.
    pub fn roots(&self) -> impl Iterator<Item = u128> {
        self.groups.keys().copied()
    }

    pub fn root(&self, root: u128) -> Option<&Order> {
        self.place.get(&root).map(|&at| &self.orders[at])
    }

    /// The orders a root's journey earns for, and the run's texts.
    pub fn group(&self, root: u128) -> &[Order] {
        self.groups.get(&root).map_or(&[], |&(from, to)| &self.orders[from..to])
    }

    async fn append(
        &mut self,
        store: &Store,
        workspace_id: &str,
        scope: Scope<'_>,
    ) -> Result<(), clickhouse::error::Error> {
        let some = matches!(scope, Scope::Orders(_));
        let text = narrowed(sql!("journeys/orders.sql"), scope);
        let text = if some { text.replace("/*visitors*/", VISITORS) } else { text };
        let query = with_orders(store.client().query_raw(&text).param("workspace", workspace_id), scope);
        let Orders { orders, texts, visits, .. } = self;
        read_rows(query, |row| {
            let order = read_order(row, texts)?;
            let read = visits.len();
            for _ in 0..if some { row.array_len()? } else { 0 } {
                let (Some(visitor), Some(since_ms), Some(until_ms)) = (row.uuid(), row.i64(), row.i64())
                else {
                    // The row goes on in the next chunk and is read anew.
                    visits.truncate(read);
                    return None;
                };
                visits.push(Visits { order: order.id, visitor, since_ms, until_ms });
            }
            orders.push(order);
            Some(())
        })
        .await?;
        self.orders.sort_unstable_by_key(|order| (order.root, order.id));
        self.orders.dedup_by_key(|order| order.id);
        self.place = self
            .orders
            .iter()
            .enumerate()
            .filter(|(_, order)| order.id == order.root)
            .map(|(at, order)| (order.id, at))
            .collect();
        self.groups.clear();
        for (at, order) in self.orders.iter().enumerate() {
            self.groups.entry(order.root).or_insert((at, at)).1 = at + 1;
        }
        Ok(())
    }
}

/// Asked for beside an order when few are read: with them, touches are found by their key.
const VISITORS: &str = ", arrayMap(visitor -> (visitor.1, visitor.2, visitor.3), visitors)";

fn read_order(row: &mut RowReader<'_>, texts: &mut Texts) -> Option<Order> {
    let (id, root, kind, known) = (row.uuid()?, row.uuid()?, row.i8()?, row.u8()? != 0);
    let (paid_at_ms, anchor_ms) = (row.i64()?, row.i64()?);
    let amounts = [row.i64()?, row.i64()?, row.i64()?, row.i64()?];
    let mut words = [""; 5];
    for word in &mut words {
        *word = row.string()?;
    }
    let mut seen = amounts.map(|amount_minor| Booked { amount_minor, refunds: Vec::new() });
    for _ in 0..row.array_len()? {
        let (id, at_ms) = (row.uuid()?, row.i64()?);
        let minors = [row.i64()?, row.i64()?, row.i64()?, row.i64()?];
        // An entry below zero is the end of the refund of the same id.
        let is_end = minors[0] < 0;
        for (Booked { refunds, .. }, amount_minor) in seen.iter_mut().zip(minors) {
            match refunds.iter_mut().find(|refund| is_end && refund.id == id) {
                Some(refund) => refund.reversed_at_ms = Some(at_ms),
                None => refunds.push(Refund { id, at_ms, amount_minor, reversed_at_ms: None }),
            }
        }
    }
    let [currency, reported, provider, connection, product] = words.map(|word| texts.id(word));
    let [net, gross, reported_net, reported_gross] = seen;
    let mut money = Money { views: 1, currency, booked: net };
    let mut others: Vec<Money> = Vec::new();
    for (views, currency, booked) in
        [(2, currency, gross), (4, reported, reported_net), (8, reported, reported_gross)]
    {
        let alike = |known: &&mut Money| known.currency == currency && known.booked == booked;
        match std::iter::once(&mut money).chain(&mut others).find(alike) {
            Some(known) => known.views |= views,
            None => others.push(Money { views, currency, booked }),
        }
    }
    Some(Order {
        id,
        root,
        kind,
        known,
        paid_at_ms,
        anchor_ms,
        money,
        others,
        texts: TextIds { currency, provider, connection, product },
    })
}

/// Streams journeys: `each` gets a root order's id and the touches that may earn under `terms`, sorted by (time, id),
/// each id once. With `only`, those of its roots.
pub async fn journeys(
    store: &Store,
    workspace_id: &str,
    terms: &Terms,
    only: Option<&Orders>,
    each: impl FnMut(u128, &mut Vec<Touch>),
) -> Result<(), clickhouse::error::Error> {
    journeys_paced(store, workspace_id, terms, only, each, || std::future::ready(())).await
}

/// As [`journeys`]; `between` is waited for between two chunks, and holds back the reading.
pub async fn journeys_paced<P: Future<Output = ()>>(
    store: &Store,
    workspace_id: &str,
    terms: &Terms,
    only: Option<&Orders>,
    mut each: impl FnMut(u128, &mut Vec<Touch>),
    between: impl FnMut() -> P,
) -> Result<(), clickhouse::error::Error> {
    let query = journeys_query(store, workspace_id, terms.window_ms, only);
    let mut touches: Vec<(Touch, i64)> = Vec::new();
    let mut journey: Vec<Touch> = Vec::new();
    let row = |row: &mut RowReader<'_>| {
        let root = row.uuid()?;
        let len = row.array_len()?;
        touches.clear();
        for _ in 0..len {
            let touch =
                Touch { at_ms: row.i64()?, id: row.uuid()?, facet: row.u64()?, direct: row.u8()? != 0 };
            touches.push((touch, row.i64()?));
        }
        // Of a touch told more than once the latest classification counts.
        touches.sort_unstable_by_key(|(touch, classified)| {
            (touch.at_ms, touch.id, std::cmp::Reverse(*classified))
        });
        touches.dedup_by_key(|(touch, _)| (touch.at_ms, touch.id));
        journey.clear();
        journey.extend(touches.iter().map(|(touch, _)| *touch));
        // A visit that two collectors told under two times is one.
        journey::once(&mut journey);
        terms.apply(&mut journey);
        each(root, &mut journey);
        Some(())
    };
    read_rows_paced(query, row, between).await
}

/// The journeys query with its parameters bound: also what the bench measures by itself.
pub fn journeys_query(
    store: &Store,
    workspace_id: &str,
    window_ms: i64,
    only: Option<&Orders>,
) -> clickhouse::query::Query {
    let bound = |text: &str| store.client().query_raw(text).param("workspace", workspace_id);
    let text = sql!("journeys/journeys.sql");
    let Some(orders) = only else {
        let stored = sql!("journeys/earners_stored.sql").replace("/*orders*/", "AND booked");
        return bound(&text.replace("/*earners*/", &stored)).param("window_ms", window_ms);
    };
    // The orders were just read, so their visitors and times go along; and what is read of the touches is the
    // granules of those visitors within the time of all.
    let text = text.replace("/*earners*/", sql!("journeys/earners_given.sql")).replace(
        "/*visitors*/",
        "AND touch.visitor_id IN {visitors:Array(UUID)} \
         AND touch.at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND touch.at <= fromUnixTimestamp64Milli({to_ms:Int64})",
    );
    let roots =
        || orders.visits.iter().filter_map(|visits| Some((visits, orders.root(visits.order)?.anchor_ms)));
    let ids = |id: fn(&Visits) -> u128| uuids(&roots().map(|(visits, _)| id(visits)).collect::<Vec<_>>());
    let since = roots().map(|(visits, anchor_ms)| visits.since_ms.max(anchor_ms.saturating_sub(window_ms)));
    let until = roots().map(|(visits, anchor_ms)| (visits.until_ms - 1).min(anchor_ms));
    let (since, until): (Vec<i64>, Vec<i64>) = (since.collect(), until.collect());
    let from_ms = since.iter().copied().min().unwrap_or(0).max(0);
    let to_ms = until.iter().copied().max().unwrap_or(0);
    bound(&text)
        .param("orders", ids(|visits| visits.order))
        .param("visitors", ids(|visits| visits.visitor))
        .param("since_ms", since)
        .param("until_ms", until)
        .param("from_ms", from_ms)
        .param("to_ms", to_ms)
}

fn narrowed(text: &str, scope: Scope<'_>) -> String {
    match scope {
        Scope::All => text.to_owned(),
        Scope::Orders(_) => text.replace("/*orders*/", "AND order_id IN {orders:Array(UUID)}"),
    }
}

fn with_orders(query: clickhouse::query::Query, scope: Scope<'_>) -> clickhouse::query::Query {
    match scope {
        Scope::All => query,
        Scope::Orders(ids) => query.param("orders", uuids(ids)),
    }
}

fn uuids(ids: &[u128]) -> Vec<String> {
    ids.iter().map(|&id| uuid::Uuid::from_u128(id).to_string()).collect()
}
