//! `GET /v1/outcomes`: what became of every hit: counted, or not and why.

use clickhouse::Row;
use domain::report::Query;
use serde::{Deserialize, Serialize};

use super::{ReportError, Reports};
use crate::sql;

#[derive(Row, Deserialize)]
struct OutcomeRow {
    code: String,
    count: u64,
}

/// Hits with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OutcomeCount {
    /// `accepted`, or the stable code of the reason.
    #[schema(example = "accepted")]
    pub outcome: String,
    pub hits: u64,
}

/// Every outcome of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Outcomes {
    /// First day.
    pub from: String,
    /// Last day, included.
    pub to: String,
    /// Most frequent first.
    pub rows: Vec<OutcomeCount>,
}

impl Reports {
    /// Hits by outcome, in whole hours of UTC.
    pub async fn outcomes(&self, query: &Query) -> Result<Outcomes, ReportError> {
        let statement = self.prepare(sql!("reports/outcomes.sql"), query, &query.period);
        let rows: Vec<OutcomeRow> = statement.on(&self.app.store).fetch_all().await?;
        Ok(Outcomes {
            from: query.period.from.to_string(),
            to: query.period.to.to_string(),
            rows: rows.into_iter().map(|row| OutcomeCount { outcome: row.code, hits: row.count }).collect(),
        })
    }
}
