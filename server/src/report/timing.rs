//! `GET /v1/reports/timing`: days and touches before first purchases.

use clickhouse::Row;
use domain::report::{Query, TimingReport, TimingSum, timing};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct TimingRow {
    days: u32,
    touches: u32,
    code: String,
    orders: u64,
    net_minor: i64,
}

impl Reports {
    /// First purchases of the period by their distance to the first touch.
    pub async fn timing(&self, query: &Query) -> Result<TimingReport, ReportError> {
        Reports::filtered_by_orders_at_most(query, "timing", true)?;
        let statement = self.prepare(sql!("reports/timing.sql"), query, &query.period);
        let rows: Vec<TimingRow> = statement.on(&self.app.store).fetch_all().await?;
        let sums = rows.iter().map(|row| {
            Ok(TimingSum {
                days: row.days,
                touches: row.touches,
                currency: currency(&row.code)?,
                orders: row.orders,
                net_minor: row.net_minor,
            })
        });
        Ok(timing(&sums.collect::<Result<Vec<_>, ReportError>>()?))
    }
}
