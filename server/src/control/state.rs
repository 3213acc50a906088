//! Checkpoints of jobs, and the lease that lets one node run them.

use sqlx::Row;

use super::{Control, ControlError};

impl Control {
    /// A job's checkpoint, if it has one.
    pub async fn checkpoint(&self, name: &str) -> Result<Option<String>, ControlError> {
        let row = sqlx::query("SELECT value FROM checkpoints WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Sets a job's checkpoint.
    pub async fn set_checkpoint(&self, name: &str, value: &str, now_ms: i64) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO checkpoints (name, value, updated_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(name)
        .bind(value)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes or renews a lease for `holder`; false while another holder's has not run out.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now_ms: i64,
        ttl_ms: i64,
    ) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "INSERT INTO leases (name, holder, expires_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms \
             WHERE leases.holder = excluded.holder OR leases.expires_at_ms <= $4",
        )
        .bind(name)
        .bind(holder)
        .bind(now_ms + ttl_ms)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
