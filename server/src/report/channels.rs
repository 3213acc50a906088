//! `GET /v1/reports/channels`: what each channel brought and earned.

use clickhouse::Row;
use domain::report::{
    ChannelReport, CreditSum, CreditedSum, DateView, Period, Query, Sums, VisitSum, channels,
};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct CreditRow {
    values: Vec<String>,
    code: String,
    orders: i64,
    new_orders: i64,
    new: i64,
    renewal: i64,
    refunded: i64,
    /// Of the money, what visits without a source earned.
    direct: i64,
    unattributed: i64,
}

/// The sums of one period, and whether its visits are exact.
struct PeriodSums {
    credits: Vec<CreditSum>,
    /// The same money by what earned it.
    credited: Vec<CreditedSum>,
    visits: Vec<VisitSum>,
    exact: Option<bool>,
}

impl Reports {
    /// Every row of the report, with totals and proof.
    pub async fn channels(&self, query: &Query) -> Result<ChannelReport, ReportError> {
        let before = query.compare_period();
        // The rows are the whole of what was credited, unless some visits are left out, or money of other days counts.
        let rows_are_all = !query.filters_visits() && query.date != DateView::Touch;
        let (now, before, provider, credited) = tokio::try_join!(
            self.sums(query, &query.period),
            async {
                match &before {
                    Some(period) => self.sums(query, period).await.map(Some),
                    None => Ok(None),
                }
            },
            self.provider_net(query),
            async {
                match rows_are_all {
                    true => Ok(None),
                    false => self.credited(query).await.map(Some),
                }
            }
        )?;
        let proof = self.proof(query, &provider, credited.as_ref().unwrap_or(&now.credited));
        let exact =
            now.exact.map(|exact| exact && before.as_ref().is_none_or(|sums| sums.exact != Some(false)));
        let before = before.map(|sums| (sums.credits, sums.visits));
        Ok(channels(query, self.fallback(), (now.credits, now.visits), before, proof, exact))
    }

    async fn sums(&self, query: &Query, period: &Period) -> Result<PeriodSums, ReportError> {
        let credits = self.prepare(sql!("reports/channels.sql"), query, period);
        let (credits, visits) = tokio::try_join!(
            async { Ok(credits.on(&self.app.store).fetch_all::<CreditRow>().await?) },
            async {
                match query.groups_orders() {
                    true => Ok(None),
                    false => self.visits(query, period).await.map(Some),
                }
            }
        )?;
        let (visits, exact) = match visits {
            Some(counted) => (counted.rows, Some(counted.exact)),
            None => (Vec::new(), None),
        };
        let rows = credits.into_iter().map(|row| {
            let sums = Sums {
                orders_parts: row.orders,
                new_orders_parts: row.new_orders,
                new_minor: row.new,
                renewal_minor: row.renewal,
                refunded_minor: row.refunded,
            };
            let currency = currency(&row.code)?;
            let credited = CreditedSum {
                currency,
                attributed: sums.net_minor() - row.direct - row.unattributed,
                direct: row.direct,
                unattributed: row.unattributed,
                outside_period: 0,
            };
            Ok((CreditSum { values: row.values, currency, sums }, credited))
        });
        let (credits, credited) = rows.collect::<Result<_, ReportError>>()?;
        Ok(PeriodSums { credits, credited, visits, exact })
    }
}
