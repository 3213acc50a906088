//! Partners' statements that were made, for ever: there is no way to change or remove one.

use domain::affiliate::statement::SealedStatement;
use sqlx::Row;

use super::{Control, ControlError};

impl Control {
    /// Every statement of a partner, oldest first.
    pub async fn partner_statements(
        &self,
        workspace_id: &str,
        partner_id: &str,
    ) -> Result<Vec<SealedStatement>, ControlError> {
        let rows = sqlx::query(
            "SELECT body FROM partner_statements WHERE workspace_id = $1 AND partner_id = $2 ORDER BY number",
        )
        .bind(workspace_id)
        .bind(partner_id)
        .fetch_all(&self.pool)
        .await?;
        let read = |body: String| {
            serde_json::from_str(&body).map_err(|error| ControlError::Damaged {
                what: "a partner's statement",
                why: error.to_string(),
            })
        };
        rows.iter().map(|row| read(row.get(0))).collect()
    }

    /// Partners of a workspace that have statements.
    pub async fn stated_partners(&self, workspace_id: &str) -> Result<Vec<String>, ControlError> {
        let rows = sqlx::query(
            "SELECT DISTINCT partner_id FROM partner_statements WHERE workspace_id = $1 ORDER BY partner_id",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Keeps a statement; false when another process made one of this number first: that one stands.
    pub async fn keep_partner_statement(&self, sealed: &SealedStatement) -> Result<bool, ControlError> {
        let statement = &sealed.statement;
        let body = serde_json::to_string(sealed).expect("plain values");
        let kept = sqlx::query(
            "INSERT INTO partner_statements (workspace_id, partner_id, number, month, hash, body, made_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, partner_id, number) DO NOTHING",
        )
        .bind(&statement.workspace)
        .bind(&statement.partner)
        .bind(i64::try_from(statement.number).unwrap_or(i64::MAX))
        .bind(statement.month.to_string())
        .bind(&sealed.hash)
        .bind(body)
        .bind(statement.made_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(kept.rows_affected() > 0)
    }
}
