//! The channels report: what each channel (or source, campaign, product, …) brought and earned.
//!
//! It joins two sets of sums, credits by dimension and currency and visits by dimension. Visits have no
//! currency: where a dimension earned in several, each of its rows shows the same visitors.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::query::SortBy;
use super::{Cell, Column, Kind, Meta, Query, Reconciliation, Report, Table, ratio_ppm};
use crate::money::Currency;

/// Sums over credits. Amounts in minor units, orders in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Orders of every kind.
    pub orders_parts: i64,
    /// Orders that are no renewal: what visits turn into.
    pub new_orders_parts: i64,
    pub new_minor: i64,
    pub renewal_minor: i64,
    /// Zero or below.
    pub refunded_minor: i64,
}

impl Sums {
    /// What is left.
    pub fn net_minor(&self) -> i64 {
        self.new_minor + self.renewal_minor + self.refunded_minor
    }

    pub fn add(&mut self, other: &Sums) {
        self.orders_parts += other.orders_parts;
        self.new_orders_parts += other.new_orders_parts;
        self.new_minor += other.new_minor;
        self.renewal_minor += other.renewal_minor;
        self.refunded_minor += other.refunded_minor;
    }
}

/// Credits of one set of dimension values in one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditSum {
    pub values: Vec<String>,
    pub currency: Currency,
    pub sums: Sums,
}

/// Visits of one set of dimension values; of everything together when `values` is none.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitSum {
    pub values: Option<Vec<String>>,
    pub visitors: u64,
    pub visits: u64,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelRow {
    /// In the order of the query's dimensions.
    pub values: Vec<String>,
    pub currency: Currency,
    /// None when the rows are of products or providers.
    pub visitors: Option<u64>,
    pub visits: Option<u64>,
    pub sums: Sums,
    /// Part of its currency's net revenue, in millionths.
    pub share_ppm: Option<i64>,
    /// The same row in the period compared with.
    pub previous: Option<Previous>,
}

/// A row's numbers in the period compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    pub visitors: Option<u64>,
    pub visits: Option<u64>,
    pub sums: Sums,
}

impl ChannelRow {
    /// New orders for each visitor, in millionths.
    pub fn conversion_ppm(&self) -> Option<i64> {
        conversion(&self.sums, self.visitors)
    }

    /// Net minor units for each visitor, rounded; for people.
    pub fn per_visitor_minor(&self) -> Option<i64> {
        let visitors = i64::try_from(self.visitors?).ok().filter(|&visitors| visitors > 0)?;
        // Millionths of the ratio, then back to whole units.
        ratio_ppm(self.sums.net_minor(), visitors).map(|ppm| {
            let half = if ppm < 0 { -500_000 } else { 500_000 };
            (ppm + half) / 1_000_000
        })
    }

    /// Change of net revenue against the period compared with, in millionths.
    pub fn change_ppm(&self) -> Option<i64> {
        let before = self.previous?.sums.net_minor();
        ratio_ppm(self.sums.net_minor() - before, before.abs())
    }
}

fn conversion(sums: &Sums, visitors: Option<u64>) -> Option<i64> {
    let visitors = i64::try_from(visitors?).ok().filter(|&visitors| visitors > 0)?;
    let (parts, visitors) = (i128::from(sums.new_orders_parts), i128::from(visitors));
    i64::try_from((parts + visitors / 2) / visitors).ok()
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelReport {
    /// Every row, sorted; [`ChannelReport::report`] shows as many as the query's limit.
    pub rows: Vec<ChannelRow>,
    /// One row per currency, without values.
    pub totals: Vec<ChannelRow>,
    pub reconciliation: Vec<Reconciliation>,
    /// Whether visitors and visits are exact; none when there are none.
    pub visitors_exact: Option<bool>,
}

/// Sums of one period.
#[derive(Clone, Debug, Default)]
struct Joined {
    /// By values and currency.
    rows: BTreeMap<(Vec<String>, Currency), Previous>,
    totals: BTreeMap<Currency, Previous>,
}

/// Joins the sums of the period, and of the one compared with, into rows. `fallback` is the currency of rows
/// that have visits and no money at all.
pub fn channels(
    query: &Query,
    fallback: Currency,
    now: (Vec<CreditSum>, Vec<VisitSum>),
    before: Option<(Vec<CreditSum>, Vec<VisitSum>)>,
    reconciliation: Vec<Reconciliation>,
    visitors_exact: Option<bool>,
) -> ChannelReport {
    let fallback = query.currency.unwrap_or_else(|| main_currency(&now.0).unwrap_or(fallback));
    let has_visits = !query.groups_orders();
    let now = join(now, fallback, has_visits);
    let before = before.map(|sums| join(sums, fallback, has_visits));
    let mut keys: Vec<(Vec<String>, Currency)> = now.rows.keys().cloned().collect();
    if let Some(before) = &before {
        keys.extend(before.rows.keys().filter(|key| !now.rows.contains_key(*key)).cloned());
    }
    let none = Previous {
        visitors: has_visits.then_some(0),
        visits: has_visits.then_some(0),
        sums: Sums::default(),
    };
    let row = |values: Vec<String>, currency, at: Option<&Previous>, previous: Option<Option<&Previous>>| {
        let Previous { visitors, visits, sums } = *at.unwrap_or(&none);
        let total = now.totals.get(&currency).map_or(0, |total| total.sums.net_minor());
        ChannelRow {
            values,
            currency,
            visitors,
            visits,
            sums,
            share_ppm: ratio_ppm(sums.net_minor(), total),
            previous: previous.map(|previous| *previous.unwrap_or(&none)),
        }
    };
    let mut rows: Vec<ChannelRow> = keys
        .into_iter()
        .map(|key| {
            let previous = before.as_ref().map(|before| before.rows.get(&key));
            let at = now.rows.get(&key);
            row(key.0, key.1, at, previous)
        })
        .collect();
    sort(&mut rows, query);
    let mut currencies: Vec<Currency> = now.totals.keys().copied().collect();
    if let Some(before) = &before {
        currencies.extend(before.totals.keys().filter(|currency| !now.totals.contains_key(*currency)));
    }
    let totals = currencies.into_iter().map(|currency| {
        let previous = before.as_ref().map(|before| before.totals.get(&currency));
        row(Vec::new(), currency, now.totals.get(&currency), previous)
    });
    let totals = totals.collect();
    ChannelReport { rows, totals, reconciliation, visitors_exact }
}

/// The currency with the most orders, so that visits without money stand beside most of the money.
fn main_currency(credits: &[CreditSum]) -> Option<Currency> {
    let mut orders: BTreeMap<Currency, i64> = BTreeMap::new();
    for credit in credits {
        *orders.entry(credit.currency).or_default() += credit.sums.orders_parts;
    }
    orders.into_iter().max_by_key(|&(currency, parts)| (parts, std::cmp::Reverse(currency))).map(|(c, _)| c)
}

fn join((credits, visits): (Vec<CreditSum>, Vec<VisitSum>), fallback: Currency, has_visits: bool) -> Joined {
    let mut joined = Joined::default();
    let mut currencies_of: HashMap<Vec<String>, Vec<Currency>> = HashMap::new();
    for CreditSum { values, currency, sums } in credits {
        joined.totals.entry(currency).or_default().sums.add(&sums);
        currencies_of.entry(values.clone()).or_default().push(currency);
        joined.rows.entry((values, currency)).or_default().sums.add(&sums);
    }
    if !has_visits {
        return joined;
    }
    // Money without a visit (Unattributed) has no visitors, which is a number.
    for at in joined.rows.values_mut().chain(joined.totals.values_mut()) {
        (at.visitors, at.visits) = (Some(0), Some(0));
    }
    for visit in visits {
        let (visitors, visits) = (Some(visit.visitors), Some(visit.visits));
        match visit.values {
            None => {
                if joined.totals.is_empty() && visit.visits > 0 {
                    joined.totals.insert(fallback, Previous::default());
                }
                for total in joined.totals.values_mut() {
                    (total.visitors, total.visits) = (visitors, visits);
                }
            }
            Some(values) => {
                let known = currencies_of.remove(&values).unwrap_or_else(|| vec![fallback]);
                for currency in known {
                    let at = joined.rows.entry((values.clone(), currency)).or_default();
                    (at.visitors, at.visits) = (visitors, visits);
                }
            }
        }
    }
    joined
}

fn sort(rows: &mut [ChannelRow], query: &Query) {
    let key = |row: &ChannelRow| -> i64 {
        let count = |count: Option<u64>| count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
        match query.sort.by {
            SortBy::Net => row.sums.net_minor(),
            SortBy::New => row.sums.new_minor,
            SortBy::Renewal => row.sums.renewal_minor,
            SortBy::Refunded => row.sums.refunded_minor,
            SortBy::Orders => row.sums.orders_parts,
            SortBy::Visitors => count(row.visitors),
            SortBy::Visits => count(row.visits),
            SortBy::Conversion => row.conversion_ppm().unwrap_or(-1),
            SortBy::Name => 0,
        }
    };
    rows.sort_by(|a, b| {
        let by_key = key(a).cmp(&key(b));
        let by_key = if query.sort.ascending { by_key } else { by_key.reverse() };
        let by_name = match query.sort.by == SortBy::Name && !query.sort.ascending {
            true => (&b.values, b.currency).cmp(&(&a.values, a.currency)),
            false => (&a.values, a.currency).cmp(&(&b.values, b.currency)),
        };
        // Amounts of different currencies do not compare: they stand together, by currency.
        let by_currency = match query.sort.by {
            SortBy::Net | SortBy::New | SortBy::Renewal | SortBy::Refunded => a.currency.cmp(&b.currency),
            _ => Ordering::Equal,
        };
        let by_visits = b.visits.cmp(&a.visits);
        by_currency
            .then(by_key)
            .then(if query.sort.by == SortBy::Name { Ordering::Equal } else { by_visits })
            .then(by_name)
    });
}

impl ChannelReport {
    /// The answer under typed columns.
    pub fn report(&self, query: &Query) -> Report {
        let dimensions = query.group_by.iter().map(|d| Column::new(d.name(), d.title(), Kind::Dimension));
        let numbers = columns(query);
        let table = |rows: &[ChannelRow], columns: Vec<Column>| Table {
            rows: rows.iter().take(query.limit).map(|row| cells(row, query)).collect(),
            columns,
        };
        let mut meta = Meta::new("channels", query, self.rows.len());
        meta.visitors_exact = self.visitors_exact;
        Report {
            meta,
            rows: table(&self.rows, dimensions.chain(numbers.clone()).collect()),
            totals: table(&self.totals, numbers),
            reconciliation: self.reconciliation.clone(),
        }
    }
}

fn columns(query: &Query) -> Vec<Column> {
    let mut columns = vec![Column::new("currency", "Currency", Kind::Word)];
    columns.extend([
        Column::new("visitors", "Visitors", Kind::Count),
        Column::new("visits", "Visits", Kind::Count),
        Column::new("orders", "Orders", Kind::Parts),
        Column::new("new_orders", "New orders", Kind::Parts),
        Column::new("revenue.new", "New", Kind::Money),
        Column::new("revenue.renewal", "Renewal", Kind::Money),
        Column::new("revenue.refunded", "Refunded", Kind::Money),
        Column::new("revenue.net", "Net", Kind::Money),
        Column::new("share", "Share", Kind::Ratio),
        Column::new("conversion", "Conversion", Kind::Ratio),
    ]);
    if query.compare.is_some() {
        columns.extend([
            Column::new("previous.visitors", "Visitors before", Kind::Count),
            Column::new("previous.orders", "Orders before", Kind::Parts),
            Column::new("previous.revenue.net", "Net before", Kind::Money),
            Column::new("change", "Change", Kind::Ratio),
        ]);
    }
    columns
}

fn cells(row: &ChannelRow, query: &Query) -> Vec<Cell> {
    let money = |minor| Cell::money(minor, row.currency);
    let mut cells: Vec<Cell> = row.values.iter().map(|value| Cell::Text(value.clone())).collect();
    cells.extend([
        Cell::Text(row.currency.to_string()),
        Cell::count(row.visitors),
        Cell::count(row.visits),
        Cell::Parts(row.sums.orders_parts),
        Cell::Parts(row.sums.new_orders_parts),
        money(row.sums.new_minor),
        money(row.sums.renewal_minor),
        money(row.sums.refunded_minor),
        money(row.sums.net_minor()),
        Cell::ratio(row.share_ppm),
        Cell::ratio(row.conversion_ppm()),
    ]);
    if query.compare.is_some() {
        let previous = row.previous.unwrap_or_default();
        cells.extend([
            Cell::count(previous.visitors),
            Cell::Parts(previous.sums.orders_parts),
            money(previous.sums.net_minor()),
            Cell::ratio(row.change_ppm()),
        ]);
    }
    cells
}
