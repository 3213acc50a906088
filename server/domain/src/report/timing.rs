//! How long and how many touches a purchase takes: first purchases by days and by touches before them.

use std::collections::BTreeMap;

use super::{Cell, Column, Kind, Meta, Query, Report, Table, ratio_ppm};
use crate::money::Currency;

/// First purchases with the same distance to their first touch. Both are zero without any touch.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingSum {
    /// Whole days of 24 hours from the first touch to the purchase.
    pub days: u32,
    pub touches: u32,
    pub currency: Currency,
    pub orders: u64,
    pub net_minor: i64,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingRow {
    /// `days` or `touches`.
    pub measure: &'static str,
    /// `4–7`, `no touch`.
    pub bucket: &'static str,
    pub currency: Currency,
    pub orders: u64,
    pub net_minor: i64,
    /// Part of the measure's orders in this currency, in millionths.
    pub share_ppm: Option<i64>,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingReport {
    pub rows: Vec<TimingRow>,
}

/// Buckets by their last value.
const DAYS: [(u32, &str); 9] = [
    (0, "same day"),
    (1, "1"),
    (3, "2–3"),
    (7, "4–7"),
    (14, "8–14"),
    (30, "15–30"),
    (60, "31–60"),
    (90, "61–90"),
    (u32::MAX, "over 90"),
];
const TOUCHES: [(u32, &str); 8] =
    [(0, "no touch"), (1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (10, "6–10"), (u32::MAX, "over 10")];

/// Puts purchases into buckets, every bucket present. Purchases without a touch have no days.
pub fn timing(sums: &[TimingSum]) -> TimingReport {
    let mut currencies: Vec<Currency> = sums.iter().map(|sum| sum.currency).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let mut rows = Vec::new();
    for currency in currencies {
        let of_currency: Vec<&TimingSum> = sums.iter().filter(|sum| sum.currency == currency).collect();
        let touched = of_currency.iter().copied().filter(|sum| sum.touches > 0).collect::<Vec<_>>();
        fill("days", &DAYS, currency, &touched, |sum| sum.days, &mut rows);
        fill("touches", &TOUCHES, currency, &of_currency, |sum| sum.touches, &mut rows);
    }
    TimingReport { rows }
}

fn fill(
    measure: &'static str,
    buckets: &[(u32, &'static str)],
    currency: Currency,
    sums: &[&TimingSum],
    value: fn(&TimingSum) -> u32,
    rows: &mut Vec<TimingRow>,
) {
    let mut filled: BTreeMap<usize, (u64, i64)> = BTreeMap::new();
    for sum in sums {
        let at = buckets.iter().position(|(last, _)| value(sum) <= *last).unwrap_or(buckets.len() - 1);
        let bucket = filled.entry(at).or_default();
        bucket.0 += sum.orders;
        bucket.1 += sum.net_minor;
    }
    let all: u64 = sums.iter().map(|sum| sum.orders).sum();
    let whole = i64::try_from(all).unwrap_or(i64::MAX);
    rows.extend(buckets.iter().enumerate().map(|(at, (_, bucket))| {
        let (orders, net_minor) = filled.get(&at).copied().unwrap_or_default();
        let share_ppm = ratio_ppm(i64::try_from(orders).unwrap_or(i64::MAX), whole);
        TimingRow { measure, bucket, currency, orders, net_minor, share_ppm }
    }));
}

impl TimingReport {
    /// The answer under typed columns.
    pub fn report(&self, query: &Query) -> Report {
        let columns = vec![
            Column::new("measure", "Measure", Kind::Word),
            Column::new("bucket", "Before purchase", Kind::Word),
            Column::new("currency", "Currency", Kind::Word),
            Column::new("orders", "Orders", Kind::Count),
            Column::new("revenue.net", "Net", Kind::Money),
            Column::new("share", "Share", Kind::Ratio),
        ];
        let rows = self.rows.iter().map(|row| {
            vec![
                Cell::Text(row.measure.to_owned()),
                Cell::Text(row.bucket.to_owned()),
                Cell::Text(row.currency.to_string()),
                Cell::Count(row.orders),
                Cell::money(row.net_minor, row.currency),
                Cell::ratio(row.share_ppm),
            ]
        });
        let mut meta = Meta::new("timing", query, self.rows.len());
        meta.group_by.clear();
        Report {
            meta,
            rows: Table { columns, rows: rows.collect() },
            totals: Table::default(),
            reconciliation: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purchase_falls_into_one_bucket_of_each_measure() {
        let usd: Currency = "USD".parse().unwrap();
        let sum = |days, touches, orders| TimingSum { days, touches, currency: usd, orders, net_minor: 100 };
        let report = timing(&[sum(0, 0, 1), sum(0, 1, 2), sum(3, 2, 3), sum(95, 12, 4)]);
        let filled = |measure: &str| -> Vec<(&str, u64)> {
            let rows = report.rows.iter().filter(|row| row.measure == measure && row.orders > 0);
            rows.map(|row| (row.bucket, row.orders)).collect()
        };
        assert_eq!(filled("days"), [("same day", 2), ("2–3", 3), ("over 90", 4)]);
        assert_eq!(filled("touches"), [("no touch", 1), ("1", 2), ("2", 3), ("over 10", 4)]);
        assert_eq!(report.rows.len(), DAYS.len() + TOUCHES.len());
    }
}
