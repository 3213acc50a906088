//! Reads orders for attribution, as a stream of rows: their money, and whose visits they are joined to. Never writes.

use std::collections::HashMap;

use domain::attribution::{Booked, Refund};

use super::block::{TextIds, Texts};
use crate::jobs::resolve::Joined;
use crate::sql;
use crate::store::Store;
use crate::store::row_binary::{RowReader, read_rows};

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
    pub(super) visits: Vec<Visits>,
}

/// The time in which a visitor was the person of an order, from the order's snapshot.
#[derive(Debug)]
pub(super) struct Visits {
    pub order: u128,
    pub visitor: u128,
    pub since_ms: i64,
    /// Not included.
    pub until_ms: i64,
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

    /// Joins orders to other visits than the stored ones. Of a run about all orders it changes only whether somebody is
    /// known: the journeys of those are read by a run about some.
    pub fn join(&mut self, otherwise: &HashMap<u128, Joined>) {
        if otherwise.is_empty() {
            return;
        }
        self.visits.retain(|visits| !otherwise.contains_key(&visits.order));
        for order in &mut self.orders {
            let Some(joined) = otherwise.get(&order.id) else { continue };
            order.known = joined.is_known;
            let visits = joined.visitors.iter();
            self.visits.extend(visits.map(|&(visitor, since_ms, until_ms)| Visits {
                order: order.id,
                visitor,
                since_ms,
                until_ms,
            }));
        }
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

/// Ids as the parameters of a query take them.
pub(super) fn uuids(ids: &[u128]) -> Vec<String> {
    ids.iter().map(|&id| uuid::Uuid::from_u128(id).to_string()).collect()
}
