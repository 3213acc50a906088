//! How amounts of a report came into the report currency, and what refunds would be at the rates of their own days. It
//! reads orders and rates, and changes neither.

use std::collections::BTreeSet;

use clickhouse::Row;
use domain::money::{MoneyView, Quoted};
use domain::report::{Conversions, MetaDays, NotConverted, Query};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::jobs::rates;
use crate::sql;

#[derive(Row, Deserialize)]
struct ConversionRow {
    how: String,
    code: String,
    from_day: String,
    source_name: String,
    to_day: String,
    orders: u64,
    net_minor: i64,
}

#[derive(Row, Deserialize)]
struct RefundRow {
    code: String,
    report_code: String,
    day_ms: i64,
    own_minor: i64,
    reported_minor: i64,
}

impl Reports {
    /// The note under a report; none when the report is not in the report currency.
    pub async fn conversions(&self, query: &Query) -> Result<Option<Conversions>, ReportError> {
        if query.money != MoneyView::Report {
            return Ok(None);
        }
        // Amounts that were not converted are told in their own currency.
        let own = Query { money: MoneyView::Native, ..query.clone() };
        let orders = self.prepare(sql!("reports/conversions.sql"), &own, &query.period);
        let refunds = self.prepare(sql!("reports/refunds_converted.sql"), query, &query.period);
        let (orders, refunds) = tokio::try_join!(
            orders.on(&self.app.store).fetch_all::<ConversionRow>(),
            refunds.on(&self.app.store).fetch_all::<RefundRow>()
        )?;
        let converted = || orders.iter().filter(|row| row.how == "converted");
        let days = converted().map(|row| &row.from_day).min().zip(converted().map(|row| &row.to_day).max());
        let sources: BTreeSet<String> = converted().map(|row| row.source_name.clone()).collect();
        let mut not_converted: Vec<NotConverted> = Vec::new();
        for row in orders.iter().filter(|row| row.how == "waiting" || row.how == "not_carried") {
            let why = if row.how == "waiting" { "waiting" } else { "not_carried" };
            let currency = currency(&row.code)?;
            not_converted.push(NotConverted { currency, why, orders: row.orders, net: row.net_minor });
        }
        not_converted.sort_by_key(|left| (left.currency, left.why));
        Ok(Some(Conversions {
            currency: self.fallback(),
            converted_orders: converted().map(|row| row.orders).sum(),
            rate_days: days.map(|(from, to)| MetaDays { from: from.clone(), to: to.clone() }),
            sources: sources.into_iter().collect(),
            refunds_at_own_day: self.refunds_at_own_day(&refunds).await?,
            not_converted,
        }))
    }

    /// How much more the refunds would take at the rates of their own days. Days without rates yet say nothing.
    async fn refunds_at_own_day(&self, refunds: &[RefundRow]) -> Result<i64, ReportError> {
        if refunds.is_empty() {
            return Ok(0);
        }
        let book = rates::book(&self.app).await.map_err(|error| ReportError::Damaged(error.to_string()))?;
        let mut more_minor: i64 = 0;
        for row in refunds {
            let quoted = book.quote(currency(&row.code)?, currency(&row.report_code)?, row.day_ms);
            if let Quoted::At(quote) = quoted
                && let Some(minor) = quote.conversion.minor(row.own_minor)
            {
                more_minor = more_minor.saturating_add(minor - row.reported_minor);
            }
        }
        Ok(more_minor)
    }
}
