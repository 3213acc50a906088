//! One reader and keeper for statements that form a chain, whatever they are about: sealed bodies by their owner and
//! number, for ever. There is no way to change or remove one.

use domain::books::{Chained, Sealed};
use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, Row};

use super::{Control, ControlError};

/// A kind of statement and where it is kept.
pub(super) trait Kept: Chained + DeserializeOwned {
    const TABLE: &'static str;
    /// The column that says whose it is.
    const OWNER_COLUMN: &'static str;
    /// What a damaged one is called.
    const WHAT: &'static str;

    fn made_at_ms(&self) -> i64;
}

impl Control {
    /// Every statement of one owner, oldest first.
    pub(super) async fn chain<S: Kept>(
        &self,
        workspace_id: &str,
        owner_id: &str,
    ) -> Result<Vec<Sealed<S>>, ControlError> {
        let (table, owner) = (S::TABLE, S::OWNER_COLUMN);
        let sql =
            format!("SELECT body FROM {table} WHERE workspace_id = $1 AND {owner} = $2 ORDER BY number");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace_id.to_owned())
            .bind(owner_id.to_owned())
            .fetch_all(&self.pool)
            .await?;
        let damaged =
            |error: serde_json::Error| ControlError::Damaged { what: S::WHAT, why: error.to_string() };
        rows.iter().map(|row| serde_json::from_str(row.get(0)).map_err(damaged)).collect()
    }

    /// Keeps a statement; false when another process made one of this number first: that one stands.
    pub(super) async fn keep_in_chain<S: Kept>(&self, sealed: &Sealed<S>) -> Result<bool, ControlError> {
        let (table, owner) = (S::TABLE, S::OWNER_COLUMN);
        let sql = format!(
            "INSERT INTO {table} (workspace_id, {owner}, number, month, hash, body, made_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, {owner}, number) DO NOTHING"
        );
        let statement = &sealed.statement;
        let (workspace_id, owner_id) = statement.owner();
        let kept = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace_id.to_owned())
            .bind(owner_id.to_owned())
            .bind(i64::try_from(statement.number()).unwrap_or(i64::MAX))
            .bind(statement.month().to_string())
            .bind(sealed.hash.clone())
            .bind(serde_json::to_string(sealed).expect("plain values"))
            .bind(statement.made_at_ms())
            .execute(&self.pool)
            .await?;
        Ok(kept.rows_affected() > 0)
    }
}
