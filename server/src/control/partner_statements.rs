//! Partners' statements that were made, for ever.

use domain::affiliate::statement::{PartnerStatement, SealedStatement};
use sqlx::Row;

use super::chain::Kept;
use super::{Control, ControlError};

impl Kept for PartnerStatement {
    const TABLE: &'static str = "partner_statements";
    const OWNER_COLUMN: &'static str = "partner_id";
    const WHAT: &'static str = "a partner's statement";

    fn made_at_ms(&self) -> i64 {
        self.made_at_ms
    }
}

impl Control {
    /// Every statement of a partner, oldest first.
    pub async fn partner_statements(
        &self,
        workspace_id: &str,
        partner_id: &str,
    ) -> Result<Vec<SealedStatement>, ControlError> {
        self.chain(workspace_id, partner_id).await
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
        self.keep_in_chain(sealed).await
    }
}
