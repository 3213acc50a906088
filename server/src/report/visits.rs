//! How visits and visitors are counted: exactly where that is cheap, else by a sketch over the rows as they are
//! stored. Says which it was.

use clickhouse::{RowOwned, RowRead};

use super::statement::Statement;
use super::{ReportError, Reports};
use crate::sql;

/// Up to so many visits in the period they are counted one by one: within some tens of milliseconds.
pub(super) const EXACT_VISITS_MAX: u64 = 500_000;

/// Rows of visits, and whether every count in them is exact.
pub(super) struct Counted<T> {
    pub rows: Vec<T>,
    pub exact: bool,
}

impl Reports {
    /// Fetches a statement of visits. First by the sketch, which also tells how much there is to count; then, when
    /// `visits` of those rows are few, exactly.
    pub(super) async fn counted<T: RowOwned + RowRead>(
        &self,
        statement: &Statement,
        visits: fn(&[T]) -> u64,
    ) -> Result<Counted<T>, ReportError> {
        let rows = self.sketched(statement).await?;
        if visits(&rows) > EXACT_VISITS_MAX {
            return Ok(Counted { rows, exact: false });
        }
        Ok(Counted { rows: self.counted_exactly(statement).await?, exact: true })
    }

    /// Over the touches as they are stored, visitors near.
    pub(super) async fn sketched<T: RowOwned + RowRead>(
        &self,
        statement: &Statement,
    ) -> Result<Vec<T>, ReportError> {
        let sketch = filled(statement, sql!("reports/touches_stored.sql"), "uniqCombined", "(16)");
        Ok(sketch.on(&self.app.store).fetch_all().await?)
    }

    /// Over every touch once, visitors to the last one: where visits are few.
    pub(super) async fn counted_exactly<T: RowOwned + RowRead>(
        &self,
        statement: &Statement,
    ) -> Result<Vec<T>, ReportError> {
        let exact = filled(statement, sql!("reports/touches_once.sql"), "uniqExact", "");
        Ok(exact.on(&self.app.store).fetch_all().await?)
    }
}

fn filled(statement: &Statement, touches: &str, distinct: &str, precision: &str) -> Statement {
    let mut filled = statement.clone();
    filled.fill("touches", touches);
    for combined in ["If", "IfState", "IfMerge"] {
        filled.fill(&format!("distinct{combined}"), &format!("{distinct}{combined}{precision}"));
    }
    filled
}
