//! Money and visitors over time, every bucket of the period present, also the empty ones.

use std::collections::BTreeMap;

use super::{Cell, Column, Interval, Kind, Meta, Query, Reconciliation, Report, Sums, Table};
use crate::money::Currency;

/// Credits of one bucket, which is named by its first millisecond.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketMoney {
    pub start_ms: i64,
    pub currency: Currency,
    pub sums: Sums,
}

/// Visits of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketVisits {
    pub start_ms: i64,
    pub visitors: u64,
    pub visits: u64,
}

/// One point of one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub start_ms: i64,
    /// First day of the bucket, or its hour with the offset from UTC.
    pub label: String,
    pub currency: Currency,
    pub visitors: u64,
    pub visits: u64,
    pub sums: Sums,
}

/// The whole answer: for each currency, every bucket, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesReport {
    pub interval: Interval,
    pub points: Vec<Point>,
    pub totals: Vec<(Currency, Sums)>,
    pub reconciliation: Vec<Reconciliation>,
    /// Whether visitors and visits are exact.
    pub visitors_exact: bool,
}

/// Fills the buckets.
pub fn series(
    query: &Query,
    interval: Interval,
    buckets: &[(i64, String)],
    fallback: Currency,
    money: Vec<BucketMoney>,
    (visits, visitors_exact): (&[BucketVisits], bool),
    reconciliation: Vec<Reconciliation>,
) -> SeriesReport {
    let mut sums: BTreeMap<(Currency, i64), Sums> = BTreeMap::new();
    let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
    for BucketMoney { start_ms, currency, sums: some } in money {
        sums.entry((currency, start_ms)).or_default().add(&some);
        totals.entry(currency).or_default().add(&some);
    }
    if totals.is_empty() {
        totals.insert(query.currency.unwrap_or(fallback), Sums::default());
    }
    let visits: BTreeMap<i64, &BucketVisits> = visits.iter().map(|visit| (visit.start_ms, visit)).collect();
    let mut points = Vec::with_capacity(totals.len() * buckets.len());
    for &currency in totals.keys() {
        points.extend(buckets.iter().map(|(start_ms, label)| Point {
            start_ms: *start_ms,
            label: label.clone(),
            currency,
            visitors: visits.get(start_ms).map_or(0, |visit| visit.visitors),
            visits: visits.get(start_ms).map_or(0, |visit| visit.visits),
            sums: sums.get(&(currency, *start_ms)).copied().unwrap_or_default(),
        }));
    }
    SeriesReport { interval, points, totals: totals.into_iter().collect(), reconciliation, visitors_exact }
}

impl SeriesReport {
    /// The answer under typed columns.
    pub fn report(&self, query: &Query) -> Report {
        let money = |name: &str, title: &str| Column::new(format!("revenue.{name}"), title, Kind::Money);
        let amounts = || {
            [
                money("new", "New"),
                money("renewal", "Renewal"),
                money("refunded", "Refunded"),
                money("net", "Net"),
            ]
        };
        let orders = || Column::new("orders", "Orders", Kind::Parts);
        let currency = || Column::new("currency", "Currency", Kind::Word);
        let cells = |currency: Currency, sums: &Sums| -> Vec<Cell> {
            let minors = [sums.new_minor, sums.renewal_minor, sums.refunded_minor, sums.net_minor()];
            let mut cells = vec![Cell::Parts(sums.orders_parts)];
            cells.extend(minors.map(|minor| Cell::money(minor, currency)));
            cells
        };
        let mut columns = vec![
            Column::new("bucket", "From", Kind::Word),
            currency(),
            Column::new("visitors", "Visitors", Kind::Count),
            Column::new("visits", "Visits", Kind::Count),
            orders(),
        ];
        columns.extend(amounts());
        let rows = self.points.iter().map(|point| {
            let mut row = vec![
                Cell::Text(point.label.clone()),
                Cell::Text(point.currency.to_string()),
                Cell::Count(point.visitors),
                Cell::Count(point.visits),
            ];
            row.extend(cells(point.currency, &point.sums));
            row
        });
        let mut meta = Meta::new("timeseries", query, self.points.len());
        meta.interval = Some(self.interval.name());
        meta.group_by.clear();
        meta.visitors_exact = Some(self.visitors_exact);
        let mut total_columns = vec![currency(), orders()];
        total_columns.extend(amounts());
        let totals = self.totals.iter().map(|(currency, sums)| {
            let mut row = vec![Cell::Text(currency.to_string())];
            row.extend(cells(*currency, sums));
            row
        });
        Report {
            meta,
            rows: Table { columns, rows: rows.collect() },
            totals: Table { columns: total_columns, rows: totals.collect() },
            reconciliation: self.reconciliation.clone(),
        }
    }
}
