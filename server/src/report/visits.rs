//! How visits and visitors are counted: exactly where that is cheap, else by a sketch over the rows as they are
//! stored. Says which it was.

use clickhouse::{RowOwned, RowRead};

use super::statement::Statement;
use super::{ReportError, Reports};
use crate::sql;

/// Up to so many visits in the period they are counted one by one: within some tens of milliseconds.
const EXACT_VISITS_MAX: u64 = 500_000;

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
        let sketch = filled(statement, sql!("reports/touches_stored.sql"), "uniqCombined", "(16)");
        let rows = sketch.on(&self.app.store).fetch_all::<T>().await?;
        if visits(&rows) > EXACT_VISITS_MAX {
            return Ok(Counted { rows, exact: false });
        }
        let exact = filled(statement, sql!("reports/touches_once.sql"), "uniqExact", "");
        Ok(Counted { rows: exact.on(&self.app.store).fetch_all::<T>().await?, exact: true })
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
