//! `GET /v1/reports/match-quality`: how orders were joined to visitors, overall and over time.
//! A fall of the best method is the first sign of a checkout that lost its metadata.

use std::collections::BTreeMap;

use clickhouse::Row;
use domain::money::Currency;
use domain::report::{Cell, Column, Kind, Meta, Query, QueryError, Report, Table, ratio_ppm};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct QualityRow {
    start_ms: i64,
    method: String,
    evidence: String,
    code: String,
    orders: u64,
    net_minor: i64,
}

/// Orders and net revenue.
type Sum = (u64, i64);

impl Reports {
    /// One row per (bucket, method, evidence, currency) when an interval is asked for, else per period.
    pub async fn match_quality(&self, query: &Query) -> Result<Report, ReportError> {
        let buckets = match query.interval {
            Some(interval) => query
                .period
                .buckets(interval)
                .map_err(|error| QueryError { field: "interval".to_owned(), message: error.to_string() })?,
            None => vec![(query.period.start_ms(), query.period.from.to_string())],
        };
        let mut statement = self.prepare(sql!("reports/match_quality.sql"), query, &query.period);
        statement.numbers("bounds", buckets.iter().map(|(start_ms, _)| *start_ms).collect());
        let fetched: Vec<QualityRow> = statement.on(&self.app.store).fetch_all().await?;
        let mut sums: BTreeMap<(i64, Currency, String, String), Sum> = BTreeMap::new();
        let mut wholes: BTreeMap<(i64, Currency), Sum> = BTreeMap::new();
        for row in fetched {
            let currency = currency(&row.code)?;
            wholes
                .entry((row.start_ms, currency))
                .and_modify(|sum| add(sum, &row))
                .or_insert((row.orders, row.net_minor));
            let method = if row.method.is_empty() { "none".to_owned() } else { row.method.clone() };
            let key = (row.start_ms, currency, method, row.evidence.clone());
            sums.entry(key).and_modify(|sum| add(sum, &row)).or_insert((row.orders, row.net_minor));
        }
        let mut columns = vec![
            Column::new("method", "Matched by", Kind::Word),
            Column::new("evidence", "Evidence", Kind::Word),
            Column::new("currency", "Currency", Kind::Word),
            Column::new("orders", "Orders", Kind::Count),
            Column::new("orders_share", "Orders share", Kind::Ratio),
            Column::new("revenue.net", "Net", Kind::Money),
            Column::new("share", "Net share", Kind::Ratio),
        ];
        if query.interval.is_some() {
            columns.insert(0, Column::new("bucket", "From", Kind::Word));
        }
        let labels: BTreeMap<i64, &str> =
            buckets.iter().map(|(start_ms, label)| (*start_ms, label.as_str())).collect();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let rows = sums.iter().map(|((start_ms, currency, method, evidence), &(orders, net_minor))| {
            let (all_orders, all_net_minor) = wholes[&(*start_ms, *currency)];
            let mut cells = vec![
                Cell::Text(method.clone()),
                Cell::Text(evidence.clone()),
                Cell::Text(currency.to_string()),
                Cell::Count(orders),
                Cell::ratio(ratio_ppm(signed(orders), signed(all_orders))),
                Cell::money(net_minor, *currency),
                Cell::ratio(ratio_ppm(net_minor, all_net_minor)),
            ];
            if query.interval.is_some() {
                cells.insert(0, Cell::Text(labels.get(start_ms).copied().unwrap_or_default().to_owned()));
            }
            cells
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let mut meta = Meta::new("match-quality", query, rows.len());
        meta.group_by.clear();
        meta.interval = query.interval.map(|interval| interval.name());
        Ok(Report {
            meta,
            rows: Table { columns, rows },
            totals: Table::default(),
            reconciliation: Vec::new(),
        })
    }
}

fn add(sum: &mut Sum, row: &QualityRow) {
    sum.0 += row.orders;
    sum.1 += row.net_minor;
}
