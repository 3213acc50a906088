//! Statements that were made, for ever: there is no way to change or remove one.

use domain::books::Sealed;
use sqlx::Row;

use super::{Control, ControlError};

impl Control {
    /// Every statement of a connection, oldest first.
    pub async fn statements(
        &self,
        workspace_id: &str,
        connection_id: &str,
    ) -> Result<Vec<Sealed>, ControlError> {
        let rows = sqlx::query(
            "SELECT body FROM statements WHERE workspace_id = $1 AND connection_id = $2 ORDER BY number",
        )
        .bind(workspace_id)
        .bind(connection_id)
        .fetch_all(&self.pool)
        .await?;
        let read = |body: String| {
            serde_json::from_str(&body)
                .map_err(|error| ControlError::Damaged { what: "a statement", why: error.to_string() })
        };
        rows.iter().map(|row| read(row.get(0))).collect()
    }

    /// Keeps a statement; one that another process made first stands.
    pub async fn keep_statement(&self, sealed: &Sealed) -> Result<(), ControlError> {
        let statement = &sealed.statement;
        let body = serde_json::to_string(sealed).expect("plain values");
        sqlx::query(
            "INSERT INTO statements (workspace_id, connection_id, number, month, hash, body, made_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, connection_id, number) DO NOTHING",
        )
        .bind(&statement.workspace)
        .bind(&statement.connection)
        .bind(i64::try_from(statement.number).unwrap_or(i64::MAX))
        .bind(statement.month.to_string())
        .bind(&sealed.hash)
        .bind(body)
        .bind(statement.made_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
