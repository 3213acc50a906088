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
        let (provider, credited) = match query.date {
            DateView::Cash | DateView::Order => {
                (sql!("reports/provider_net.sql"), sql!("reports/credited.sql"))
            }
            DateView::Touch => {
                (sql!("reports/provider_net_by_touch.sql"), sql!("reports/credited_by_touch.sql"))
            }
        };
        let mut provider = self.prepare(provider, query, &query.period);
        provider.number("by_order", i64::from(query.date == DateView::Order));
        let credited = self.prepare(credited, query, &query.period);
        let (provider, credited) = tokio::try_join!(
            provider.on(&self.app.store).fetch_all::<ProviderNet>(),
            credited.on(&self.app.store).fetch_all::<Credited>()
        )?;
        let provider = provider.iter().map(|row| {
            let currency = currency(&row.code)?;
            Ok(ProviderSum { currency, net_minor: row.net_minor, bookings: row.bookings })
        });
        let credited = credited.iter().map(|row| {
            Ok(CreditedSum {
                currency: currency(&row.code)?,
                attributed: row.all_minor - row.unattributed - row.direct,
                direct: row.direct,
                unattributed: row.unattributed,
                outside_period: row.outside,
            })
        });
        let provider = provider.collect::<Result<Vec<_>, ReportError>>()?;
        let credited = credited.collect::<Result<Vec<_>, ReportError>>()?;
        let mut lines = reconcile(&provider, &credited);
        if query.money == MoneyView::Report {
            let report = self.fallback();
            lines.iter_mut().for_each(|line| line.not_converted = line.currency != report);
        }
        Ok(lines)
    }
}
