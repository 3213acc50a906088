//! Channel overlap: which sales of partners had touches of other channels before the partner came in, or after. Facts
//! about touches: what would have been bought without the partner, nobody knows, and nothing here says so.
//!
//! Another touch is one that is neither direct nor of the partner. It is earlier when it came before the partner's first
//! click in the window, later when it came after the last. A sale by a partner's code without a click has only earlier
//! ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cell, Column, Kind, Meta, Query, Report, Table, ratio_ppm};
use crate::ids::HitId;
use crate::money::Currency;

/// A visit in a sale's journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlapTouch {
    pub at_ms: i64,
    pub id: HitId,
    pub channel: String,
    pub is_direct: bool,
    /// Whose link it came by; empty when by none.
    pub partner: String,
}

/// A sale that earned partners something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlapSale {
    pub currency: Currency,
    /// What is left of it.
    pub net_minor: i64,
    /// Who earns by it: one, or several who share.
    pub partners: BTreeSet<String>,
    pub touches: Vec<OverlapTouch>,
}

/// Sales counted by what stood beside the partner's clicks. With and without an earlier touch add up to all, and so do
/// with and without a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverlapSums {
    pub orders: u64,
    pub net_minor: i64,
    pub earlier: u64,
    pub earlier_minor: i64,
    pub later: u64,
    pub later_minor: i64,
    /// Nothing but the partner's clicks and direct visits.
    pub only: u64,
    pub only_minor: i64,
}

impl OverlapSums {
    fn add(&mut self, net_minor: i64, is_earlier: bool, is_later: bool, is_only: bool) {
        let pairs = [
            (true, &mut self.orders, &mut self.net_minor),
            (is_earlier, &mut self.earlier, &mut self.earlier_minor),
            (is_later, &mut self.later, &mut self.later_minor),
            (is_only, &mut self.only, &mut self.only_minor),
        ];
        for (counts, orders, minor) in pairs {
            if counts {
                *orders += 1;
                *minor += net_minor;
            }
        }
    }
}

/// The answer before it is a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverlapReport {
    /// By partner and currency.
    pub partners: BTreeMap<(String, Currency), OverlapSums>,
    /// By partner, other channel and currency; a sale stands under every channel it had a touch of.
    pub channels: BTreeMap<(String, String, Currency), OverlapSums>,
    /// Every sale once, also where partners share it.
    pub totals: BTreeMap<Currency, OverlapSums>,
}

/// Counts sales by the touches beside their partners'.
pub fn overlap(sales: &[OverlapSale]) -> OverlapReport {
    let mut report = OverlapReport::default();
    for sale in sales {
        let OverlapSale { currency, net_minor, partners, .. } = sale;
        let all = sides(sale, |partner| partners.contains(partner));
        count(report.totals.entry(*currency).or_default(), *net_minor, &all);
        for partner in partners {
            let own = sides(sale, |other| other == partner);
            count(report.partners.entry((partner.clone(), *currency)).or_default(), *net_minor, &own);
            let channels: BTreeSet<&str> = own.iter().map(|(channel, _)| *channel).collect();
            for channel in channels {
                let side = own.iter().filter(|(other, _)| *other == channel).copied().collect::<Vec<_>>();
                let key = (partner.clone(), channel.to_owned(), *currency);
                count(report.channels.entry(key).or_default(), *net_minor, &side);
            }
        }
    }
    report
}

/// Where another touch stands beside the partner's clicks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Earlier,
    Between,
    Later,
}

/// The other touches of a sale by channel and side.
fn sides(sale: &OverlapSale, is_own: impl Fn(&str) -> bool) -> Vec<(&str, Side)> {
    let place = |touch: &OverlapTouch| (touch.at_ms, touch.id);
    let own = || sale.touches.iter().filter(|touch| is_own(&touch.partner)).map(place);
    let (first, last) = (own().min(), own().max());
    let others = sale.touches.iter().filter(|touch| !touch.is_direct && !is_own(&touch.partner));
    let side = |touch: &OverlapTouch| match (first, last) {
        (Some(first), _) if place(touch) < first => Side::Earlier,
        (_, Some(last)) if place(touch) > last => Side::Later,
        (Some(_), Some(_)) => Side::Between,
        _ => Side::Earlier,
    };
    others.map(|touch| (touch.channel.as_str(), side(touch))).collect()
}

fn count(sums: &mut OverlapSums, net_minor: i64, others: &[(&str, Side)]) {
    let has = |wanted: Side| others.iter().any(|(_, side)| *side == wanted);
    sums.add(net_minor, has(Side::Earlier), has(Side::Later), others.is_empty());
}

impl OverlapReport {
    /// The answer under typed columns: a row per partner, or per partner and other channel. `names` are the partners'.
    pub fn report(&self, query: &Query, by_channel: bool, names: &BTreeMap<String, String>) -> Report {
        let name = |partner: &String| names.get(partner).cloned().unwrap_or_default();
        let mut columns =
            vec![Column::new("partner", "Partner", Kind::Word), Column::new("name", "Name", Kind::Dimension)];
        let rows: Vec<Vec<Cell>> = if by_channel {
            columns.push(Column::new("channel", "Other channel", Kind::Dimension));
            columns.extend(of_channel());
            let row = |((partner, channel, currency), sums): (&(String, String, Currency), &OverlapSums)| {
                let own = [partner.clone(), name(partner), channel.clone()];
                own.map(Cell::Text).into_iter().chain(channel_cells(*currency, sums)).collect()
            };
            sorted(self.channels.iter().collect(), |key| &key.2).map(row).collect()
        } else {
            columns.extend(of_partner());
            let row = |((partner, currency), sums): (&(String, Currency), &OverlapSums)| {
                let own = [partner.clone(), name(partner)];
                own.map(Cell::Text).into_iter().chain(partner_cells(*currency, sums)).collect()
            };
            sorted(self.partners.iter().collect(), |key| &key.1).map(row).collect()
        };
        let mut meta = Meta::new("overlap", query, rows.len());
        meta.group_by = if by_channel { vec!["partner", "channel"] } else { vec!["partner"] };
        let total = |(currency, sums): (&Currency, &OverlapSums)| partner_cells(*currency, sums);
        Report {
            meta,
            rows: Table { columns, rows: rows.into_iter().take(query.limit).collect() },
            totals: Table { columns: of_partner(), rows: self.totals.iter().map(total).collect() },
            reconciliation: Vec::new(),
        }
    }
}

/// Currency by currency, the most revenue first.
fn sorted<'a, K: Ord>(
    mut rows: Vec<(&'a K, &'a OverlapSums)>,
    currency: impl Fn(&K) -> &Currency,
) -> impl Iterator<Item = (&'a K, &'a OverlapSums)> {
    rows.sort_by(|(one, a), (other, b)| {
        currency(one).cmp(currency(other)).then(b.net_minor.cmp(&a.net_minor)).then_with(|| one.cmp(other))
    });
    rows.into_iter()
}

fn of_partner() -> Vec<Column> {
    vec![
        Column::new("currency", "Currency", Kind::Word),
        Column::new("orders", "Orders", Kind::Count),
        Column::new("click.first", "Click first", Kind::Count),
        Column::new("click.only", "Click only", Kind::Count),
        Column::new("click.last", "Click last", Kind::Count),
        Column::new("other.earlier", "With earlier touch", Kind::Count),
        Column::new("other.later", "With later touch", Kind::Count),
        Column::new("revenue.net", "Net", Kind::Money),
        Column::new("revenue.with_earlier", "Net with earlier touch", Kind::Money),
        Column::new("revenue.without_earlier", "Net without", Kind::Money),
        Column::new("revenue.with_later", "Net with later touch", Kind::Money),
        Column::new("revenue.without_later", "Net without later", Kind::Money),
        Column::new("revenue.only", "Net click only", Kind::Money),
        Column::new("share", "Share with earlier touch", Kind::Ratio),
    ]
}

fn partner_cells(currency: Currency, sums: &OverlapSums) -> Vec<Cell> {
    let money = |minor| Cell::money(minor, currency);
    vec![
        Cell::Text(currency.to_string()),
        Cell::Count(sums.orders),
        Cell::Count(sums.orders - sums.earlier),
        Cell::Count(sums.only),
        Cell::Count(sums.orders - sums.later),
        Cell::Count(sums.earlier),
        Cell::Count(sums.later),
        money(sums.net_minor),
        money(sums.earlier_minor),
        money(sums.net_minor - sums.earlier_minor),
        money(sums.later_minor),
        money(sums.net_minor - sums.later_minor),
        money(sums.only_minor),
        Cell::ratio(ratio_ppm(sums.earlier_minor, sums.net_minor)),
    ]
}

fn of_channel() -> Vec<Column> {
    vec![
        Column::new("currency", "Currency", Kind::Word),
        Column::new("orders", "Orders with touch", Kind::Count),
        Column::new("other.earlier", "Earlier", Kind::Count),
        Column::new("other.later", "Later", Kind::Count),
        Column::new("revenue.net", "Net with touch", Kind::Money),
        Column::new("revenue.with_earlier", "Net with earlier touch", Kind::Money),
        Column::new("revenue.with_later", "Net with later touch", Kind::Money),
    ]
}

fn channel_cells(currency: Currency, sums: &OverlapSums) -> Vec<Cell> {
    let money = |minor| Cell::money(minor, currency);
    vec![
        Cell::Text(currency.to_string()),
        Cell::Count(sums.orders),
        Cell::Count(sums.earlier),
        Cell::Count(sums.later),
        money(sums.net_minor),
        money(sums.earlier_minor),
        money(sums.later_minor),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `jane` and `joe` are clicks of partners, `direct` is direct, all else a channel; in their order.
    fn sale(partners: &[&str], net_minor: i64, touches: &[&str]) -> OverlapSale {
        let touch = |(at, word): (usize, &&str)| {
            let is_partner = ["jane", "joe"].contains(word);
            OverlapTouch {
                at_ms: at as i64,
                id: HitId(at as u128),
                channel: if is_partner { "Affiliates" } else { word }.to_owned(),
                is_direct: *word == "direct",
                partner: if is_partner { (*word).to_owned() } else { String::new() },
            }
        };
        OverlapSale {
            currency: "USD".parse().unwrap(),
            net_minor,
            partners: partners.iter().map(|partner| (*partner).to_owned()).collect(),
            touches: touches.iter().enumerate().map(touch).collect(),
        }
    }

    fn of(report: &OverlapReport, partner: &str) -> [u64; 4] {
        let sums = report.partners[&(partner.to_owned(), "USD".parse().unwrap())];
        [sums.orders, sums.earlier, sums.later, sums.only]
    }

    #[test]
    fn others_are_earlier_later_between_or_none() {
        for (touches, wanted) in [
            (&["jane"][..], [1, 0, 0, 1]),
            (&["direct", "jane", "direct"], [1, 0, 0, 1]),
            (&["Email", "jane"], [1, 1, 0, 0]),
            (&["jane", "Email"], [1, 0, 1, 0]),
            (&["Email", "jane", "Email"], [1, 1, 1, 0]),
            (&["jane", "Email", "jane"], [1, 0, 0, 0]),
            (&["joe", "jane"], [1, 1, 0, 0]),
            // A code at the checkout, without a click.
            (&["Email"], [1, 1, 0, 0]),
            (&[], [1, 0, 0, 1]),
        ] {
            let report = overlap(&[sale(&["jane"], 100, touches)]);
            assert_eq!(of(&report, "jane"), wanted, "{touches:?}");
        }
    }

    #[test]
    fn a_shared_sale_counts_once_in_the_total() {
        let report =
            overlap(&[sale(&["jane", "joe"], 100, &["jane", "joe"]), sale(&["joe"], 7, &["Email", "joe"])]);
        assert_eq!((of(&report, "jane"), of(&report, "joe")), ([1, 0, 1, 0], [2, 2, 0, 0]));
        let total = report.totals[&"USD".parse().unwrap()];
        assert_eq!((total.orders, total.net_minor, total.earlier_minor, total.only_minor), (2, 107, 7, 100));
        let channel = |partner: &str, channel: &str| {
            report.channels[&(partner.to_owned(), channel.to_owned(), "USD".parse().unwrap())]
        };
        assert_eq!((channel("joe", "Email").net_minor, channel("joe", "Affiliates").net_minor), (7, 100));
    }

    #[test]
    fn with_and_without_add_up_to_all() {
        let words = ["jane", "joe", "Email", "direct"];
        let sales: Vec<OverlapSale> = (0..64_usize)
            .map(|n| sale(&["jane"], n as i64 * 7 - 11, &[words[n % 4], words[n / 4 % 4], words[n / 16]]))
            .collect();
        let report = overlap(&sales);
        let net: i64 = sales.iter().map(|sale| sale.net_minor).sum();
        for sums in report.partners.values().chain(report.totals.values()) {
            assert_eq!((sums.net_minor, sums.orders), (net, 64));
            assert!(sums.only <= sums.orders - sums.earlier && sums.only <= sums.orders - sums.later);
        }
    }
}
