//! Both sides of the proof: what the provider was paid, from the orders, and what was credited, from the credits.

use clickhouse::Row;
use domain::money::MoneyView;
use domain::report::{CreditedSum, DateView, ProviderSum, Query, Reconciliation, reconcile};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct ProviderNet {
    code: String,
    net_minor: i64,
    bookings: u64,
}

#[derive(Row, Deserialize)]
struct Credited {
    code: String,
    all_minor: i64,
    unattributed: i64,
    direct: i64,
    outside: i64,
}

impl Reports {
    /// The proof for a question's period. Filters on where visits came from do not apply to it: an order's
    /// money cannot be told apart by visits without the very credits that are to be proved.
    pub(super) async fn reconciliation(&self, query: &Query) -> Result<Vec<Reconciliation>, ReportError> {
        let (provider, credited) = tokio::try_join!(self.provider_net(query), self.credited(query))?;
        Ok(self.proof(query, &provider, &credited))
    }

    /// The provider's side.
    pub(super) async fn provider_net(&self, query: &Query) -> Result<Vec<ProviderSum>, ReportError> {
        let template = match query.date {
            DateView::Cash | DateView::Order => sql!("reports/provider_net.sql"),
            DateView::Touch => sql!("reports/provider_net_by_touch.sql"),
        };
        let mut provider = self.prepare(template, query, &query.period);
        provider.number("by_order", i64::from(query.date == DateView::Order));
        let provider: Vec<ProviderNet> = provider.on(&self.app.store).fetch_all().await?;
        let provider = provider.iter().map(|row| {
            let currency = currency(&row.code)?;
            Ok(ProviderSum { currency, net_minor: row.net_minor, bookings: row.bookings })
        });
        provider.collect()
    }

    /// The credits' side.
    pub(super) async fn credited(&self, query: &Query) -> Result<Vec<CreditedSum>, ReportError> {
        let template = match query.date {
            DateView::Cash | DateView::Order => sql!("reports/credited.sql"),
            DateView::Touch => sql!("reports/credited_by_touch.sql"),
        };
        let credited = self.prepare(template, query, &query.period);
        let credited: Vec<Credited> = credited.on(&self.app.store).fetch_all().await?;
        let credited = credited.iter().map(|row| {
            Ok(CreditedSum {
                currency: currency(&row.code)?,
                attributed: row.all_minor - row.unattributed - row.direct,
                direct: row.direct,
                unattributed: row.unattributed,
                outside_period: row.outside,
            })
        });
        credited.collect()
    }

    /// Both sides together.
    pub(super) fn proof(
        &self,
        query: &Query,
        provider: &[ProviderSum],
        credited: &[CreditedSum],
    ) -> Vec<Reconciliation> {
        let mut lines = reconcile(provider, credited);
        if query.money == MoneyView::Report {
            let report = self.fallback();
            lines.iter_mut().for_each(|line| line.not_converted = line.currency != report);
        }
        lines
    }
}
