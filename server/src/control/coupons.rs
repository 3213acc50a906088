//! Discount codes of a provider that earn for a partner.

use sqlx::Row;

use super::{Control, ControlError};

/// A partner's coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// The discount's code, upper case.
    pub code: String,
    pub partner_id: String,
    pub created_at_ms: i64,
    pub archived_at_ms: Option<i64>,
}

impl Control {
    /// Adds a coupon; false when its code is taken.
    pub async fn create_coupon(&self, workspace_id: &str, coupon: &Coupon) -> Result<bool, ControlError> {
        let added = sqlx::query(
            "INSERT INTO coupons (workspace_id, code, partner_id, created_at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace_id, code) DO NOTHING",
        )
        .bind(workspace_id)
        .bind(&coupon.code)
        .bind(&coupon.partner_id)
        .bind(coupon.created_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    /// Ends a coupon; it keeps its code. False when there is none to end.
    pub async fn archive_coupon(
        &self,
        workspace_id: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "UPDATE coupons SET archived_at_ms = $3 WHERE workspace_id = $1 AND code = $2 AND archived_at_ms IS NULL",
        )
        .bind(workspace_id)
        .bind(code)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The coupons of a workspace, oldest first.
    pub async fn coupons(&self, workspace_id: &str) -> Result<Vec<Coupon>, ControlError> {
        let rows = sqlx::query(
            "SELECT code, partner_id, created_at_ms, archived_at_ms FROM coupons WHERE workspace_id = $1 \
             ORDER BY created_at_ms, code",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| Coupon {
            code: row.get(0),
            partner_id: row.get(1),
            created_at_ms: row.get(2),
            archived_at_ms: row.get(3),
        };
        Ok(rows.iter().map(read).collect())
    }
}
