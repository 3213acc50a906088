//! What an erasure takes out of the inbox: bodies of webhooks that name the person, and the delivered rows that
//! were kept for replay. Event ids stay, so that a redelivery is still known. Never decides who is meant.

use rusqlite::params;

use super::webhooks::{self, Webhook};
use super::{Inbox, InboxError, damaged_logs};

impl Inbox {
    /// Webhooks that still have their body, after this id, oldest first. Those that wait to be applied are left.
    pub async fn webhooks_with_body(&self, after: i64, limit: usize) -> Result<Vec<Webhook>, InboxError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM webhooks WHERE id > ?1 AND state <> 'pending' AND length(sealed_body) > 0 \
                 ORDER BY id LIMIT ?2",
                webhooks::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_map(params![after, limit as i64], webhooks::read)?;
            found.collect()
        })
        .await
    }

    /// Deletes the bodies of these webhooks. What was made of them stands; they cannot be applied again.
    pub async fn forget_bodies(&self, ids: Vec<i64>) -> Result<usize, InboxError> {
        self.write(move |connection| {
            overwrite_what_is_deleted(connection)?;
            let mut forget = connection.prepare_cached(
                "UPDATE webhooks SET sealed_body = x'', state = 'applied', error = NULL WHERE id = ?1",
            )?;
            ids.iter().try_fold(0, |sum, id| Ok(sum + forget.execute([id])?))
        })
        .await
    }

    /// Empties every batch whose unit ClickHouse has: nothing delivered is left to be sent again. Copies of
    /// damaged logs go as well. Then brings the change from the log into the file, as far as readers allow.
    pub async fn forget_delivered(&self) -> Result<usize, InboxError> {
        let emptied = self
            .write(|connection| {
                overwrite_what_is_deleted(connection)?;
                connection.execute(
                    "UPDATE batches SET facets = NULL, touches = NULL, bindings = NULL, hits = NULL, outcomes = NULL, \
                     checksum = NULL WHERE hits IS NOT NULL AND EXISTS (SELECT 1 FROM units WHERE delivered_at_ms IS NOT NULL \
                     AND batches.id BETWEEN first_batch AND last_batch)",
                    [],
                )
            })
            .await?;
        for log in damaged_logs(&self.0.state.path) {
            if let Err(error) = std::fs::remove_file(&log) {
                tracing::error!(cause = %error, "{} holds hits and was not removed: {error}", log.display());
            }
        }
        // Busy is no failure: the writer's own checkpoints follow.
        self.read(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .await?;
        Ok(emptied)
    }
}

/// Freed pages are filled with zeros from here on: what is deleted is not only unlinked.
fn overwrite_what_is_deleted(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))
}
