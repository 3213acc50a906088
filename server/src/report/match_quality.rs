//! `GET /v1/reports/match-quality`: how orders were joined to visitors, overall, by connection and over time.
//! A fall of the best method is the first sign of a checkout that lost its metadata.

use std::collections::BTreeMap;

use clickhouse::Row;
use domain::money::Currency;
use domain::report::{Cell, Column, Dimension, Kind, Meta, Query, QueryError, Report, Table, ratio_ppm};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct QualityRow {
    start_ms: i64,
    connection: String,
    method: String,
    evidence: String,
    code: String,
    orders: u64,
    net_minor: i64,
}

/// Orders and net revenue.
type Sum = (u64, i64);
/// What a share is a part of: bucket, connection (empty when they are not told apart), currency.
type Whole = (i64, String, Currency);

/// How some orders of one bucket, connection and currency were joined to visitors.
pub struct Matched {
    /// First day of the bucket, or of the period.
    pub bucket: String,
    /// Empty when connections are not told apart.
    pub connection: String,
    pub currency: Currency,
    /// `metadata`, `email`, …; `none` for those without a visitor.
    pub method: String,
    /// `signed`, `unsigned`, `forged` or `none`.
    pub evidence: String,
    pub orders: u64,
    pub net_minor: i64,
    /// Part of the orders and of the net revenue of its bucket, connection and currency, in millionths.
    pub orders_ppm: Option<i64>,
    pub net_ppm: Option<i64>,
}

impl Reports {
    /// One row per (bucket, method, evidence, currency) when an interval is asked for, else per period; with
    /// `group_by=connection` for each connection by itself.
    pub async fn match_quality(&self, query: &Query) -> Result<Report, ReportError> {
        let matched = self.matched(query).await?;
        let by_connection = query.group_by.contains(&Dimension::Connection);
        let mut columns = vec![
            Column::new("method", "Matched by", Kind::Word),
            Column::new("evidence", "Evidence", Kind::Word),
            Column::new("currency", "Currency", Kind::Word),
            Column::new("orders", "Orders", Kind::Count),
            Column::new("orders_share", "Orders share", Kind::Ratio),
            Column::new("revenue.net", "Net", Kind::Money),
            Column::new("share", "Net share", Kind::Ratio),
        ];
        if by_connection {
            columns.insert(0, Column::new("connection", "Connection", Kind::Word));
        }
        if query.interval.is_some() {
            columns.insert(0, Column::new("bucket", "From", Kind::Word));
        }
        let rows = matched.into_iter().map(|row| {
            let mut cells = Vec::with_capacity(columns.len());
            cells.extend(query.interval.is_some().then_some(Cell::Text(row.bucket)));
            cells.extend(by_connection.then_some(Cell::Text(row.connection)));
            cells.extend([
                Cell::Text(row.method),
                Cell::Text(row.evidence),
                Cell::Text(row.currency.to_string()),
                Cell::Count(row.orders),
                Cell::ratio(row.orders_ppm),
                Cell::money(row.net_minor, row.currency),
                Cell::ratio(row.net_ppm),
            ]);
            cells
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let mut meta = Meta::new("match-quality", query, rows.len());
        meta.group_by.retain(|name| by_connection && *name == Dimension::Connection.name());
        meta.interval = query.interval.map(|interval| interval.name());
        Ok(Report {
            meta,
            rows: Table { columns, rows },
            totals: Table::default(),
            reconciliation: Vec::new(),
        })
    }

    /// The same before it is a table: by bucket, connection, currency, method and evidence.
    pub async fn matched(&self, query: &Query) -> Result<Vec<Matched>, ReportError> {
        Reports::filtered_by_orders_at_most(query, "match quality", true)?;
        let buckets = match query.interval {
            Some(interval) => query
                .period
                .buckets(interval)
                .map_err(|error| QueryError { field: "interval".to_owned(), message: error.to_string() })?,
            None => vec![(query.period.start_ms(), query.period.from.to_string())],
        };
        let by_connection = query.group_by.contains(&Dimension::Connection);
        let mut statement = self.prepare(sql!("reports/match_quality.sql"), query, &query.period);
        statement.numbers("bounds", buckets.iter().map(|(start_ms, _)| *start_ms).collect());
        let fetched: Vec<QualityRow> = statement.on(&self.app.store).fetch_all().await?;
        let mut sums: BTreeMap<(Whole, String, String), Sum> = BTreeMap::new();
        let mut wholes: BTreeMap<Whole, Sum> = BTreeMap::new();
        for row in fetched {
            let connection = if by_connection { row.connection.clone() } else { String::new() };
            let whole = (row.start_ms, connection, currency(&row.code)?);
            add(wholes.entry(whole.clone()).or_default(), &row);
            let method = if row.method.is_empty() { "none".to_owned() } else { row.method.clone() };
            add(sums.entry((whole, method, row.evidence.clone())).or_default(), &row);
        }
        let labels: BTreeMap<i64, &str> =
            buckets.iter().map(|(start_ms, label)| (*start_ms, label.as_str())).collect();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let rows = sums.into_iter().map(|((whole, method, evidence), (orders, net_minor))| {
            let (all_orders, all_net_minor) = wholes[&whole];
            let (start_ms, connection, currency) = whole;
            Matched {
                bucket: labels.get(&start_ms).copied().unwrap_or_default().to_owned(),
                connection,
                currency,
                method,
                evidence,
                orders,
                net_minor,
                orders_ppm: ratio_ppm(signed(orders), signed(all_orders)),
                net_ppm: ratio_ppm(net_minor, all_net_minor),
            }
        });
        Ok(rows.collect())
    }
}

fn add(sum: &mut Sum, row: &QualityRow) {
    sum.0 += row.orders;
    sum.1 += row.net_minor;
}
