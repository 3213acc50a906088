//! What polls leave behind: finished passes, where each connection's poll stands, and passes that people asked for.

use sqlx::Row;

use super::{Control, ControlError};
use crate::billing::lists::Pass;

/// A finished pass over a connection's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub connection_id: String,
    pub started_at_ms: i64,
    pub finished_at_ms: i64,
    pub pass: Pass,
    pub requests: u64,
    pub objects: u64,
    pub imported: u64,
    pub found: u64,
    pub rejected: u64,
}

/// Sums over finished passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollTotals {
    pub passes: u64,
    pub objects: u64,
    pub found: u64,
    pub rejected: u64,
}

impl Control {
    /// Writes a finished pass down and forgets those that ended before `keep_since_ms`.
    pub async fn poll_finished(&self, pass: &Finished, keep_since_ms: i64) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO polls (connection_id, started_at_ms, finished_at_ms, pass, requests, objects, imported, \
             found, rejected) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (connection_id, started_at_ms) DO NOTHING",
        )
        .bind(&pass.connection_id)
        .bind(pass.started_at_ms)
        .bind(pass.finished_at_ms)
        .bind(pass.pass.name())
        .bind(whole(pass.requests))
        .bind(whole(pass.objects))
        .bind(whole(pass.imported))
        .bind(whole(pass.found))
        .bind(whole(pass.rejected))
        .execute(&self.pool)
        .await?;
        sqlx::query("DELETE FROM polls WHERE connection_id = $1 AND finished_at_ms < $2")
            .bind(&pass.connection_id)
            .bind(keep_since_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Sums over a connection's passes that ended at or after `since_ms`.
    pub async fn poll_totals(&self, connection_id: &str, since_ms: i64) -> Result<PollTotals, ControlError> {
        let row = sqlx::query(
            "SELECT COUNT(*), CAST(COALESCE(SUM(objects), 0) AS BIGINT), \
             CAST(COALESCE(SUM(found), 0) AS BIGINT), CAST(COALESCE(SUM(rejected), 0) AS BIGINT) \
             FROM polls WHERE connection_id = $1 AND finished_at_ms >= $2",
        )
        .bind(connection_id)
        .bind(since_ms)
        .fetch_one(&self.pool)
        .await?;
        let count = |at: usize| u64::try_from(row.get::<i64, _>(at)).unwrap_or(0);
        Ok(PollTotals { passes: count(0), objects: count(1), found: count(2), rejected: count(3) })
    }

    /// Asks for a pass as soon as possible; a running server notices within a second.
    pub async fn ask_poll(&self, connection_id: &str, pass: Pass, now_ms: i64) -> Result<(), ControlError> {
        self.set_checkpoint(&asked_name(connection_id), pass.name(), now_ms).await
    }

    /// Whether a pass was asked for and not taken up yet.
    pub async fn has_asked_poll(&self, connection_id: &str) -> Result<bool, ControlError> {
        Ok(self.checkpoint(&asked_name(connection_id)).await?.is_some())
    }

    /// Takes what was asked for, once.
    pub async fn take_asked_poll(&self, connection_id: &str) -> Result<Option<Pass>, ControlError> {
        let name = asked_name(connection_id);
        let Some(word) = self.checkpoint(&name).await? else { return Ok(None) };
        sqlx::query("DELETE FROM checkpoints WHERE name = $1 AND value = $2")
            .bind(&name)
            .bind(&word)
            .execute(&self.pool)
            .await?;
        Ok([Pass::Recent, Pass::Deep, Pass::History].into_iter().find(|pass| pass.name() == word))
    }
}

fn asked_name(connection_id: &str) -> String {
    format!("poll asked {connection_id}")
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
