//! What the orders that a change moves have and would have, summed by channel: under one model, which is shown. The sums
//! say where money goes; which orders move is looked for before, under every model.

use std::collections::{BTreeMap, HashMap};

use domain::attribution::Touch;
use domain::ids::OrderId;
use domain::order::Basis;
use domain::visit::Facets;

use super::super::journeys;
use super::super::post::Poster;
use super::super::read::{self, Orders, Scope};
use super::super::standing::Standing;
use super::change::Rules;
use super::look::After;
use super::{Difference, Moved, MovedOrder};
use crate::app::App;
use crate::jobs::JobError;

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
        if self.examples.contains_key(&order) || self.examples.len() < EXAMPLES_MAX {
            add(self.examples.entry(order).or_default());
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

/// Adds what a few orders have and would have under one model.
pub(super) async fn add_orders(
    app: &App,
    rules: &Rules,
    after: &After,
    chunk: &[u128],
    model: usize,
    sums: &mut Sums,
) -> Result<(), JobError> {
    let (store, workspace_id) = (&app.store, &rules.workspace.id);
    let mut loaded = Orders::load(store, workspace_id, Scope::Orders(chunk)).await?;
    loaded.join(&after.joined);
    let mut journeys: HashMap<u128, Vec<Touch>> = HashMap::new();
    if loaded.roots().next().is_some() {
        journeys::journeys(store, workspace_id, &after.terms, Some(&loaded), |root, touches| {
            journeys.insert(root, touches.clone());
        })
        .await?;
    }
    let standing = Standing::load(store, workspace_id, chunk).await?;
    let texts = &loaded.texts;
    let (old, new) = (view(rules.basis.0), view(rules.basis.1));
    for (row, signs) in standing.rows().filter(|(row, _)| row.views & old != 0) {
        let from = row.amounts[model] * signs;
        sums.add(row.order_id, standing.currency(row), row.facet_id, from, 0);
    }
    let (mut poster, mut rows) = (Poster::default(), Vec::new());
    let in_chunk = |order: &&read::Order| chunk.binary_search(&order.id).is_ok();
    for order in loaded.orders.iter().filter(in_chunk) {
        let touches = journeys.get(&order.root).map_or(&[][..], Vec::as_slice);
        poster.post(order, loaded.root(order.root).unwrap_or(order), touches, &mut rows);
        for money in order.moneys() {
            let left: i64 = money.booked.amount_minor
                - money
                    .booked
                    .refunds
                    .iter()
                    .filter(|refund| refund.reversed_at_ms.is_none())
                    .map(|refund| refund.amount_minor)
                    .sum::<i64>();
            let declared = sums.declared.entry(texts.get(money.currency).to_owned()).or_default();
            *declared += left * (i64::from(money.views & new != 0) - i64::from(money.views & old != 0));
        }
    }
    for row in rows.iter().filter(|row| row.views & new != 0) {
        sums.add(row.order_id, texts.get(row.texts.currency), row.facet_id, 0, row.amounts[model]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_from_one_channel_to_another_leaves_no_difference() {
        let mut sums = Sums::default();
        sums.add(7, "USD", 1, 100, 0);
        sums.add(7, "USD", 2, 0, 100);
        sums.add(7, "USD", 3, 50, 50);
        let of = |channel: &str| Facets { channel: channel.parse().expect("a channel"), ..Facets::direct() };
        let facets = [(1, of("Email")), (2, of("Direct")), (3, of("SMS"))].into();
        let told = sums.channels(&facets);
        let told: Vec<_> = told.iter().map(|moved| (moved.channel.as_str(), moved.difference)).collect();
        assert_eq!(told, [("Direct", 100), ("Email", -100)], "what stays is left out");
        assert_eq!(sums.differences()[0].difference, 0);
    }
}
