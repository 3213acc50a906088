//! What the orders that a change moves have and would have, summed by channel: under one model, which is shown. The sums
//! say where money goes; which orders move is looked for before, under every model. A few orders are read by their ids,
//! many in one stream past all: either way no more than a chunk of rows is held.

use std::collections::{BTreeMap, HashMap};

use domain::attribution::{MODELS, Touch};
use domain::ids::OrderId;
use domain::order::Basis;
use domain::visit::Facets;

use super::super::block::CreditRow;
use super::super::journeys;
use super::super::post::Poster;
use super::super::read::{Orders, Scope};
use super::super::standing::Standing;
use super::change::Rules;
use super::look::{After, Looked, each_journey};
use super::{CHUNK, Difference, Moved, MovedOrder};
use crate::app::App;
use crate::jobs::JobError;
use crate::sql;
use crate::store::row_binary::read_rows;

const EXAMPLES_MAX: usize = 100;

/// The bit in `credits.views` of an order's own currency.
fn view(basis: Basis) -> u8 {
    match basis {
        Basis::Net => 1,
        Basis::Gross => 2,
    }
}

/// Currency and facet: what it has and what it would have.
pub(super) type ByFacet = BTreeMap<(String, u64), (i64, i64)>;

/// What moves, by facet.
#[derive(Default)]
pub(super) struct Sums {
    facets: ByFacet,
    /// What the other basis brings, by currency.
    declared: BTreeMap<String, i64>,
    examples: BTreeMap<u128, ByFacet>,
}

impl Sums {
    /// Of every channel.
    pub fn channels(&self, facets: &HashMap<u64, Facets>) -> Vec<Moved> {
        moved(&self.facets, facets)
    }

    /// The first of the orders.
    pub fn orders(&self, facets: &HashMap<u64, Facets>) -> Vec<MovedOrder> {
        let told = self.examples.iter().map(|(order, by_facet)| MovedOrder {
            order_id: OrderId(*order).to_string(),
            channels: moved(by_facet, facets),
        });
        told.collect()
    }

    fn add(&mut self, order: u128, currency: &str, facet: u64, from: i64, to: i64) {
        let add = |facets: &mut ByFacet| {
            let sum = facets.entry((currency.to_owned(), facet)).or_default();
            *sum = (sum.0 + from, sum.1 + to);
        };
        add(&mut self.facets);
        if let Some(example) = self.examples.get_mut(&order) {
            add(example);
        }
    }

    /// What all channels together would have more or less.
    pub fn differences(&self) -> Vec<Difference> {
        let mut by_currency: BTreeMap<&str, i64> = BTreeMap::new();
        for ((currency, _), (from, to)) in &self.facets {
            *by_currency.entry(currency).or_default() += to - from;
        }
        let with_declared = by_currency.into_iter().map(|(currency, difference)| Difference {
            currency: currency.to_owned(),
            difference,
            declared: self.declared.get(currency).copied().unwrap_or(0),
        });
        with_declared.collect()
    }
}

/// Sums by channel, the names of facets put in; what stays as it is is left out.
fn moved(by_facet: &ByFacet, facets: &HashMap<u64, Facets>) -> Vec<Moved> {
    let mut channels: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for ((currency, facet), (from, to)) in by_facet {
        let name = facets.get(facet).map_or("", |facets| facets.channel.as_str());
        let sum = channels.entry((currency, name)).or_default();
        *sum = (sum.0 + from, sum.1 + to);
    }
    let told = channels.into_iter().filter(|(_, (from, to))| from != to);
    told.map(|((currency, channel), (from, to))| Moved {
        channel: channel.to_owned(),
        currency: currency.to_owned(),
        from,
        to,
        difference: to - from,
    })
    .collect()
}

/// Adds to the sums under one model, of orders that move.
struct Adding<'a> {
    sums: Sums,
    poster: Poster,
    rows: Vec<CreditRow>,
    model: usize,
    /// The views of the money before and after.
    views: (u8, u8),
    moved: &'a [u128],
}

impl Sums {
    /// What the orders that were found to move have and would have.
    pub async fn of(
        app: &App,
        rules: &Rules,
        after: &After,
        looked: &Looked,
        model: usize,
    ) -> Result<Sums, JobError> {
        let moved = looked.moved.as_slice();
        let examples = moved.iter().take(EXAMPLES_MAX).map(|order| (*order, ByFacet::default()));
        let mut adding = Adding {
            sums: Sums { examples: examples.collect(), ..Sums::default() },
            poster: Poster::default(),
            rows: Vec::new(),
            model,
            views: (view(rules.basis.0), view(rules.basis.1)),
            moved,
        };
        match moved.len() <= CHUNK {
            true => adding.few(app, &rules.workspace.id, after).await?,
            false => adding.many(app, &rules.workspace.id, after, &looked.orders).await?,
        }
        Ok(adding.sums)
    }
}

impl Adding<'_> {
    async fn few(&mut self, app: &App, workspace_id: &str, after: &After) -> Result<(), JobError> {
        let store = &app.store;
        let mut loaded = Orders::load(store, workspace_id, Scope::Orders(self.moved)).await?;
        loaded.join(&after.joined);
        let mut journeys: HashMap<u128, Vec<Touch>> = HashMap::new();
        if loaded.roots().next().is_some() {
            journeys::journeys(store, workspace_id, &after.terms, Some(&loaded), |root, touches| {
                journeys.insert(root, touches.clone());
            })
            .await?;
        }
        let standing = Standing::load(store, workspace_id, self.moved).await?;
        for (row, signs) in standing.rows().filter(|(row, _)| row.views & self.views.0 != 0) {
            let from = row.amounts[self.model] * signs;
            self.sums.add(row.order_id, standing.currency(row), row.facet_id, from, 0);
        }
        for root in loaded.roots() {
            self.would_have(&loaded, root, journeys.get(&root).map_or(&[][..], Vec::as_slice));
        }
        Ok(())
    }

    async fn many(
        &mut self,
        app: &App,
        workspace_id: &str,
        after: &After,
        orders: &Orders,
    ) -> Result<(), JobError> {
        let text = sql!("journeys/standing_amounts.sql")
            .replace("/*amount*/", &format!("amount_{}", MODELS[self.model].name()));
        let query = app.store.client().query_raw(&text).param("workspace", workspace_id);
        read_rows(query.param("view", self.views.0), |row| {
            let (order, facet, currency, amount) = (row.uuid()?, row.u64()?, row.string()?, row.i64()?);
            if self.moved.binary_search(&order).is_ok() {
                self.sums.add(order, currency, facet, amount, 0);
            }
            Some(())
        })
        .await?;
        each_journey(app, workspace_id, orders, after, |root, touches| {
            self.would_have(orders, root, touches);
        })
        .await
    }

    /// Adds what the orders that a journey earns for would have, those that move.
    fn would_have(&mut self, orders: &Orders, root: u128, touches: &[Touch]) {
        let (old, new) = self.views;
        let texts = &orders.texts;
        for order in orders.group(root).iter().filter(|order| self.moved.binary_search(&order.id).is_ok()) {
            self.rows.clear();
            self.poster.post(order, orders.root(root).unwrap_or(order), touches, &mut self.rows);
            for row in self.rows.iter().filter(|row| row.views & new != 0) {
                let to = row.amounts[self.model];
                self.sums.add(row.order_id, texts.get(row.texts.currency), row.facet_id, 0, to);
            }
            for money in order.moneys() {
                let refunds = money.booked.refunds.iter().filter(|refund| refund.reversed_at_ms.is_none());
                let left = money.booked.amount_minor - refunds.map(|refund| refund.amount_minor).sum::<i64>();
                let declared = self.sums.declared.entry(texts.get(money.currency).to_owned()).or_default();
                *declared += left * (i64::from(money.views & new != 0) - i64::from(money.views & old != 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_from_one_channel_to_another_leaves_no_difference() {
        let mut sums = Sums { examples: [(7, ByFacet::default())].into(), ..Sums::default() };
        sums.add(8, "EUR", 1, 5, 5);
        sums.add(7, "USD", 1, 100, 0);
        sums.add(7, "USD", 2, 0, 100);
        sums.add(7, "USD", 3, 50, 50);
        let of = |channel: &str| Facets { channel: channel.parse().expect("a channel"), ..Facets::direct() };
        let facets = [(1, of("Email")), (2, of("Direct")), (3, of("SMS"))].into();
        let told = sums.channels(&facets);
        let told: Vec<_> = told.iter().map(|moved| (moved.channel.as_str(), moved.difference)).collect();
        assert_eq!(told, [("Direct", 100), ("Email", -100)], "what stays is left out");
        assert!(sums.differences().iter().all(|balance| balance.difference == 0));
        assert_eq!(sums.orders(&facets).len(), 1, "only those that are named are examples");
    }
}
