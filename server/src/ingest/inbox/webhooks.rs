//! Webhooks in the inbox: kept once per provider event, for ever; pending until applied, and visible with
//! their error when they do not apply. Bodies are sealed before they come here.

use rusqlite::{Connection, Row, params};

use super::writer::Request;
use super::{Inbox, InboxError};

/// A provider's event as it arrived, its signature checked.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub provider: String,
    pub workspace_id: String,
    pub connection_id: String,
    /// The provider's own id of the event; the same at every redelivery.
    pub event_id: String,
    pub event_type: Option<String>,
    pub received_at_ms: i64,
    pub sealed_body: Vec<u8>,
}

/// What became of a webhook. Both are success for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    New,
    /// This connection had sent this event id before.
    Duplicate,
}

/// A kept webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: i64,
    pub provider: String,
    pub workspace_id: String,
    pub connection_id: String,
    pub event_id: String,
    pub event_type: Option<String>,
    pub received_at_ms: i64,
    pub sealed_body: Vec<u8>,
    /// How often applying it failed.
    pub attempts: u32,
    /// Why it failed last.
    pub error: Option<String>,
}

/// Which webhooks to apply again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// Those that failed.
    Failed,
    /// Those received at or after this time.
    Since { received_at_ms: i64 },
    /// These, by their ids.
    Ids(Vec<i64>),
}

/// One of the group's webhooks, inside the group's transaction.
pub(super) fn insert(connection: &Connection, webhook: &NewWebhook) -> rusqlite::Result<Kept> {
    let added = connection
        .prepare_cached(
            "INSERT INTO webhooks (provider, workspace_id, connection_id, event_id, event_type, \
             received_at_ms, sealed_body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (connection_id, event_id) DO NOTHING",
        )?
        .execute(params![
            webhook.provider,
            webhook.workspace_id,
            webhook.connection_id,
            webhook.event_id,
            webhook.event_type,
            webhook.received_at_ms,
            webhook.sealed_body,
        ])?;
    Ok(if added == 1 { Kept::New } else { Kept::Duplicate })
}

pub(super) const COLUMNS: &str = "id, provider, workspace_id, connection_id, event_id, event_type, received_at_ms, \
                       sealed_body, attempts, error";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    Ok(Webhook {
        id: row.get(0)?,
        provider: row.get(1)?,
        workspace_id: row.get(2)?,
        connection_id: row.get(3)?,
        event_id: row.get(4)?,
        event_type: row.get(5)?,
        received_at_ms: row.get(6)?,
        sealed_body: row.get(7)?,
        attempts: row.get(8)?,
        error: row.get(9)?,
    })
}

impl Inbox {
    /// Keeps a webhook; durable when it resolves. Not bound by `bytes_max`: money is never refused for
    /// want of room while the disk has some.
    pub async fn keep_webhook(&self, webhook: NewWebhook) -> Result<Kept, InboxError> {
        self.ask(|reply| Request::Keep { webhook, reply }).await
    }

    /// Webhooks to apply, oldest first.
    pub async fn pending_webhooks(&self, limit: usize) -> Result<Vec<Webhook>, InboxError> {
        self.webhooks_in("pending", limit).await
    }

    /// Webhooks that did not apply, oldest first.
    pub async fn failed_webhooks(&self, limit: usize) -> Result<Vec<Webhook>, InboxError> {
        self.webhooks_in("failed", limit).await
    }

    /// Of a workspace's webhooks: how many received before a moment are not applied yet, and how many failed.
    pub async fn waiting_webhooks(
        &self,
        workspace_id: &str,
        received_before_ms: i64,
    ) -> Result<(u64, u64), InboxError> {
        let workspace_id = workspace_id.to_owned();
        self.read(move |connection| {
            connection.query_row(
                "SELECT ifnull(sum(state = 'pending' AND received_at_ms < ?2), 0), ifnull(sum(state = 'failed'), 0) \
                 FROM webhooks WHERE state <> 'applied' AND workspace_id = ?1",
                params![workspace_id, received_before_ms],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }

    async fn webhooks_in(&self, state: &'static str, limit: usize) -> Result<Vec<Webhook>, InboxError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM webhooks WHERE state = ?1 AND state <> 'applied' ORDER BY id LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_map(params![state, limit as i64], read)?;
            found.collect()
        })
        .await
    }

    /// Marks webhooks as applied.
    pub async fn webhooks_applied(&self, ids: &[i64]) -> Result<(), InboxError> {
        let ids = ids.to_vec();
        self.write(move |connection| {
            let mut done = connection
                .prepare_cached("UPDATE webhooks SET state = 'applied', error = NULL WHERE id = ?1")?;
            ids.iter().try_for_each(|id| done.execute([id]).map(drop))
        })
        .await
    }

    /// Puts a webhook aside with its error; it stays visible and can be replayed.
    pub async fn webhook_failed(&self, id: i64, error: &str) -> Result<(), InboxError> {
        let error = error.to_owned();
        self.write(move |connection| {
            connection
                .execute(
                    "UPDATE webhooks SET state = 'failed', attempts = attempts + 1, error = ?2 WHERE id = ?1",
                    params![id, error],
                )
                .map(drop)
        })
        .await
    }

    /// Makes webhooks pending again and answers how many.
    pub async fn replay_webhooks(&self, which: Replay) -> Result<usize, InboxError> {
        self.write(move |connection| match which {
            Replay::Failed => {
                connection.execute("UPDATE webhooks SET state = 'pending' WHERE state = 'failed'", [])
            }
            Replay::Since { received_at_ms } => connection.execute(
                "UPDATE webhooks SET state = 'pending' WHERE state <> 'pending' AND received_at_ms >= ?1",
                [received_at_ms],
            ),
            Replay::Ids(ids) => {
                let mut again = connection.prepare_cached(
                    "UPDATE webhooks SET state = 'pending' WHERE id = ?1 AND state <> 'pending'",
                )?;
                ids.iter().try_fold(0, |sum, id| Ok(sum + again.execute([id])?))
            }
        })
        .await
    }
}
