//! Reports over the store: each fetches sums with its SQL file and hands them to `domain::report`, which makes
//! the answer. Never adds, rounds or divides money itself, and writes nothing.

mod channels;
mod conversions;
mod explain;
#[cfg(test)]
pub(crate) mod history;
mod match_quality;
mod models;
mod orders;
mod outcomes;
mod overlap;
mod paths;
mod products;
mod reconciliation;
mod rejects;
mod statement;
mod story;
#[cfg(test)]
mod tests;
mod timeseries;
mod timing;
mod visitors;
mod visits;

use std::sync::Arc;

use domain::money::Currency;
use domain::report::{Defaults, Dimension, Period, Query, QueryError, Report};
use jiff::tz::TimeZone;
use thiserror::Error;
use uuid::Uuid;

pub use explain::{
    ClickDecision, CommissionDecision, CouponDecision, Disagreement, EarningDecision, OrderDocument,
    OrderExplanation, PartDecision, RefundDocument, ReportedDocument, StepDecision, TouchDocument,
};
pub use match_quality::Matched;
pub use orders::{Cursor, OrderPage, OrderRow, OrdersQuery};
pub use outcomes::{OutcomeCount, Outcomes};

use crate::app::App;
use crate::control::ControlError;
use crate::control::workspaces::Workspace;

#[derive(Debug, Error)]
pub enum ReportError {
    #[error(transparent)]
    Question(#[from] QueryError),
    #[error("ClickHouse: {0}")]
    Store(#[from] clickhouse::error::Error),
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A row holds what no row should.
    #[error("a stored row does not read: {0}")]
    Damaged(String),
}

/// The reports there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Channels,
    Timeseries,
    Models,
    Paths,
    Timing,
    MatchQuality,
    Overlap,
    Rejects,
}

impl Kind {
    /// The public name, as in the address and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Channels => "channels",
            Kind::Timeseries => "timeseries",
            Kind::Models => "models",
            Kind::Paths => "paths",
            Kind::Timing => "timing",
            Kind::MatchQuality => "match-quality",
            Kind::Overlap => "overlap",
            Kind::Rejects => "rejects",
        }
    }
}

/// The reports of one workspace.
#[derive(Clone)]
pub struct Reports {
    app: App,
    workspace: Arc<Workspace>,
}

impl Reports {
    pub fn of(app: &App, workspace: &Arc<Workspace>) -> Reports {
        Reports { app: app.clone(), workspace: workspace.clone() }
    }

    /// What a question means when it does not say.
    pub fn defaults(&self) -> Defaults {
        Defaults {
            zone: self.zone(),
            now_ms: self.app.clock.now_ms(),
            group_by: vec![Dimension::Channel],
            basis: self.workspace.settings.basis,
        }
    }

    /// Reads a question of this workspace.
    pub fn parse<'a>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Query, ReportError> {
        Ok(Query::parse(pairs, &self.defaults())?)
    }

    /// Reads a question to one report: some group otherwise when it does not say.
    pub fn parse_for<'a>(
        &self,
        kind: Kind,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Query, ReportError> {
        let group_by = match kind {
            Kind::Overlap => vec![Dimension::Partner],
            _ => vec![Dimension::Channel],
        };
        Ok(Query::parse(pairs, &Defaults { group_by, ..self.defaults() })?)
    }

    /// The answer of one report.
    pub async fn report(&self, kind: Kind, query: &Query) -> Result<Report, ReportError> {
        let mut report = match kind {
            Kind::Channels => self.channels(query).await?.report(query),
            Kind::Timeseries => self.timeseries(query).await?.report(query),
            Kind::Models => self.models(query).await?.report(query),
            Kind::Paths => self.paths(query).await?,
            Kind::Timing => self.timing(query).await?.report(query),
            Kind::MatchQuality => self.match_quality(query).await?,
            Kind::Overlap => self.overlap(query).await?,
            Kind::Rejects => self.rejects(query).await?,
        };
        if matches!(kind, Kind::Channels | Kind::Timeseries | Kind::Models) {
            report.meta.conversions = self.conversions(query).await?;
        }
        if query.group_by.contains(&Dimension::Product) {
            report.rows.name_beside("product", "product_name", "Name", &self.product_names().await?);
        }
        Ok(report)
    }

    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The workspace's time zone; UTC when its name is not known to this machine.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.workspace.timezone).unwrap_or(TimeZone::UTC)
    }

    /// Currency of rows that have visits and no money.
    fn fallback(&self) -> Currency {
        self.workspace.currency.parse().unwrap_or_else(|_| "USD".parse().expect("three letters"))
    }

    /// Refuses filters that a report of orders, or of neither orders nor visits, could only leave out silently.
    fn filtered_by_orders_at_most(query: &Query, name: &str, takes_orders: bool) -> Result<(), ReportError> {
        let wrong = query.filters.iter().find(|filter| !(takes_orders && filter.dimension.is_of_order()));
        let Some(filter) = wrong else { return Ok(()) };
        let others = if takes_orders { "; it can be by provider, connection and product" } else { "" };
        let dimension = filter.dimension.name();
        let message = format!("{name} cannot be filtered by {dimension}{others}");
        Err(QueryError { field: format!("filter[{dimension}]"), message }.into())
    }

    fn prepare(&self, template: &str, query: &Query, period: &Period) -> statement::Statement {
        statement::Statement::new(template, &self.workspace.id, query, period)
    }
}

fn currency(code: &str) -> Result<Currency, ReportError> {
    code.parse().map_err(|_| ReportError::Damaged(format!("currency {code:?}")))
}

fn uuid(text: &str) -> Result<Uuid, ReportError> {
    Uuid::parse_str(text).map_err(|_| ReportError::Damaged(format!("id {text:?}")))
}
