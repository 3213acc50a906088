//! `GET /v1/reports/timeseries`: money and visitors over time.

use clickhouse::Row;
use domain::report::{BucketMoney, BucketVisits, Query, QueryError, SeriesReport, Sums, series};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct MoneyRow {
    start_ms: i64,
    code: String,
    orders: i64,
    new_orders: i64,
    new: i64,
    renewal: i64,
    refunded: i64,
}

#[derive(Row, Deserialize)]
struct VisitsRow {
    start_ms: i64,
    visitors: u64,
    visits: u64,
}

impl Reports {
    /// Every bucket of the period, for every currency.
    pub async fn timeseries(&self, query: &Query) -> Result<SeriesReport, ReportError> {
        let interval = query.interval.unwrap_or_else(|| query.period.interval());
        let buckets = query
            .period
            .buckets(interval)
            .map_err(|error| QueryError { field: "interval".to_owned(), message: error.to_string() })?;
        let bounds: Vec<i64> = buckets.iter().map(|(start_ms, _)| *start_ms).collect();
        let mut money = self.prepare(sql!("reports/timeseries.sql"), query, &query.period);
        let mut visits = self.prepare(sql!("reports/timeseries_visits.sql"), query, &query.period);
        money.numbers("bounds", bounds.clone());
        visits.numbers("bounds", bounds);
        let store = &self.app.store;
        let (money, visits, proof) = tokio::try_join!(
            async { Ok(money.on(store).fetch_all::<MoneyRow>().await?) },
            self.counted::<VisitsRow>(&visits, |rows| rows.iter().map(|row| row.visits).sum()),
            self.reconciliation(query)
        )?;
        let money = money.iter().map(|row| {
            let sums = Sums {
                orders_parts: row.orders,
                new_orders_parts: row.new_orders,
                new_minor: row.new,
                renewal_minor: row.renewal,
                refunded_minor: row.refunded,
            };
            Ok(BucketMoney { start_ms: row.start_ms, currency: currency(&row.code)?, sums })
        });
        let money = money.collect::<Result<Vec<_>, ReportError>>()?;
        let exact = visits.exact;
        let visits: Vec<BucketVisits> = visits
            .rows
            .iter()
            .map(|row| BucketVisits { start_ms: row.start_ms, visitors: row.visitors, visits: row.visits })
            .collect();
        Ok(series(query, interval, &buckets, self.fallback(), money, (&visits, exact), proof))
    }
}
