//! Checkpoints of jobs, and the lease that lets one node run them.

use sqlx::Row;

use super::{Control, ControlError};

/// How far the clocks of two nodes may be apart.
const CLOCK_SKEW_MS_MAX: i64 = 60_000;

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

    /// Ends every lease. For a process that knows that no other is left: those of its own earlier life would
    /// otherwise stop its jobs until they run out.
    pub async fn end_leases(&self) -> Result<(), ControlError> {
        sqlx::query("DELETE FROM leases").execute(&self.pool).await?;
        Ok(())
    }

    /// Ends a lease of `holder`, if it is still its.
    pub async fn end_lease(&self, name: &str, holder: &str) -> Result<(), ControlError> {
        sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes or renews a lease for `holder`; false while another holder's has not run out. One that runs out
    /// later than any taken by a clock like ours was taken before the clock went back, and counts as run out:
    /// otherwise a step back by an hour would stop the jobs for an hour.
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
             WHERE leases.holder = excluded.holder OR leases.expires_at_ms <= $4 OR leases.expires_at_ms > $5",
        )
        .bind(name)
        .bind(holder)
        .bind(now_ms + ttl_ms)
        .bind(now_ms)
        .bind(now_ms + ttl_ms + CLOCK_SKEW_MS_MAX)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
