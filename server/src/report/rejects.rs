//! `GET /v1/reports/rejects`: what was not counted, and why: per day, reason and kind of hit.

use clickhouse::Row;
use domain::report::{Cell, Column, Interval, Kind, Meta, Query, QueryError, Report, Table, ratio_ppm};
use serde::Deserialize;

use super::{ReportError, Reports};
use crate::ingest::outcome::Outcome;
use crate::sql;

#[derive(Row, Deserialize)]
struct RejectRow {
    start_ms: i64,
    reason: String,
    hit_kind: String,
    count: u64,
}

impl Reports {
    /// One row per (bucket, reason, kind); a bucket is a day unless the question says otherwise. Hits whose
    /// workspace is unknown are nobody's and not among them.
    pub async fn rejects(&self, query: &Query) -> Result<Report, ReportError> {
        Reports::filtered_by_orders_at_most(query, "what was not counted", false)?;
        let interval = query.interval.unwrap_or(Interval::Day);
        let buckets = query
            .period
            .buckets(interval)
            .map_err(|error| QueryError { field: "interval".to_owned(), message: error.to_string() })?;
        let mut statement = self.prepare(sql!("reports/rejects.sql"), query, &query.period);
        statement.numbers("bounds", buckets.iter().map(|(start_ms, _)| *start_ms).collect());
        let fetched: Vec<RejectRow> = statement.on(&self.app.store).fetch_all().await?;
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let all = signed(fetched.iter().map(|row| row.count).sum());
        let label = |start_ms: i64| {
            let found = buckets.iter().find(|(bucket_ms, _)| *bucket_ms == start_ms);
            found.map_or_else(String::new, |(_, label)| label.clone())
        };
        let rows: Vec<Vec<Cell>> = fetched
            .into_iter()
            .map(|row| {
                let why = meaning(&row.reason);
                vec![
                    Cell::Text(label(row.start_ms)),
                    Cell::Text(row.reason),
                    Cell::Text(row.hit_kind),
                    Cell::Count(row.count),
                    Cell::ratio(ratio_ppm(signed(row.count), all)),
                    Cell::Text(why.to_owned()),
                ]
            })
            .collect();
        let columns = vec![
            Column::new("bucket", "From", Kind::Word),
            Column::new("reason", "Reason", Kind::Word),
            Column::new("kind", "Kind", Kind::Word),
            Column::new("hits", "Hits", Kind::Count),
            Column::new("share", "Share", Kind::Ratio),
            Column::new("meaning", "Why", Kind::Word),
        ];
        let mut meta = Meta::new("rejects", query, rows.len());
        meta.group_by.clear();
        meta.interval = Some(interval.name());
        Ok(Report {
            meta,
            rows: Table { columns, rows },
            totals: Table::default(),
            reconciliation: Vec::new(),
        })
    }
}

/// What a stored code means; empty for one that an older program wrote.
fn meaning(code: &str) -> &'static str {
    Outcome::ALL.iter().find(|outcome| outcome.code() == code).map_or("", |outcome| outcome.sentence())
}
