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

/// Which failed webhooks are meant; what is left out says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    pub workspace_id: Option<String>,
    pub connection_id: Option<String>,
    /// As [`FailedWebhook::event_type`] says it.
    pub event_type: Option<String>,
    /// Any of these, by the provider's ids.
    pub event_ids: Vec<String>,
}

/// A webhook that did not apply, without its body.
#[derive(Debug, Clone)]
pub struct FailedWebhook {
    pub id: i64,
    pub provider: String,
    pub connection_id: String,
    pub event_id: String,
    event_type: Option<String>,
    pub received_at_ms: i64,
    /// How often applying it failed.
    pub attempts: u32,
    error: Option<String>,
}

/// Failed webhooks of one kind and error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCount {
    pub connection_id: String,
    pub event_type: String,
    pub error: String,
    pub webhooks: u64,
}

/// What is said for a webhook without a type.
const NO_TYPE: &str = "no type";
/// What is said for one that a poll kept back, and that was not tried yet.
const NO_ERROR: &str = "no error was kept";

impl FailedWebhook {
    pub fn event_type(&self) -> &str {
        self.event_type.as_deref().unwrap_or(NO_TYPE)
    }

    pub fn error(&self) -> &str {
        self.error.as_deref().unwrap_or(NO_ERROR)
    }
}

/// Which webhooks to apply again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// Of those that failed, those that are meant.
    Failed(Meant),
    /// Those received at or after this time.
    Since { received_at_ms: i64 },
}

/// The failed ones among the webhooks that are meant; takes the values of [`Meant::bound`].
const FAILED: &str = "state = 'failed' AND state <> 'applied' AND (?1 IS NULL OR workspace_id = ?1) \
                      AND (?2 IS NULL OR connection_id = ?2) AND (?3 IS NULL OR ifnull(event_type, 'no type') = ?3) \
                      AND (?4 IS NULL OR event_id IN (SELECT value FROM json_each(?4)))";

impl Meant {
    fn bound(&self) -> [Option<String>; 4] {
        let event_ids = || serde_json::to_string(&self.event_ids).expect("texts are JSON");
        [
            self.workspace_id.clone(),
            self.connection_id.clone(),
            self.event_type.clone(),
            (!self.event_ids.is_empty()).then(event_ids),
        ]
    }
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
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM webhooks WHERE state = 'pending' AND state <> 'applied' ORDER BY id LIMIT ?1"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_map([limit as i64], read)?;
            found.collect()
        })
        .await
    }

    /// Webhooks that did not apply, behind this id, oldest first.
    pub async fn failed_webhooks(
        &self,
        meant: &Meant,
        after: i64,
        limit: usize,
    ) -> Result<Vec<FailedWebhook>, InboxError> {
        let [workspace, connection, kind, events] = meant.bound();
        self.read(move |database| {
            let sql = format!(
                "SELECT id, provider, connection_id, event_id, event_type, received_at_ms, attempts, error \
                 FROM webhooks WHERE {FAILED} AND id > ?5 ORDER BY id LIMIT ?6"
            );
            let mut statement = database.prepare_cached(&sql)?;
            let bound = params![workspace, connection, kind, events, after, limit as i64];
            let found = statement.query_map(bound, |row| {
                Ok(FailedWebhook {
                    id: row.get(0)?,
                    provider: row.get(1)?,
                    connection_id: row.get(2)?,
                    event_id: row.get(3)?,
                    event_type: row.get(4)?,
                    received_at_ms: row.get(5)?,
                    attempts: row.get(6)?,
                    error: row.get(7)?,
                })
            })?;
            found.collect()
        })
        .await
    }

    /// How many webhooks did not apply, by connection, type and error, the most frequent first.
    pub async fn failed_counts(&self, meant: &Meant) -> Result<Vec<FailedCount>, InboxError> {
        let bound = meant.bound();
        self.read(move |database| {
            let sql = format!(
                "SELECT connection_id, ifnull(event_type, '{NO_TYPE}') AS kind, ifnull(error, '{NO_ERROR}') AS why, \
                 count(*) AS webhooks FROM webhooks WHERE {FAILED} GROUP BY connection_id, kind, why \
                 ORDER BY webhooks DESC, connection_id, kind, why"
            );
            let mut statement = database.prepare_cached(&sql)?;
            let found = statement.query_map(bound, |row| {
                Ok(FailedCount {
                    connection_id: row.get(0)?,
                    event_type: row.get(1)?,
                    error: row.get(2)?,
                    webhooks: row.get(3)?,
                })
            })?;
            found.collect()
        })
        .await
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
            Replay::Failed(meant) => connection
                .execute(&format!("UPDATE webhooks SET state = 'pending' WHERE {FAILED}"), meant.bound()),
            Replay::Since { received_at_ms } => connection.execute(
                "UPDATE webhooks SET state = 'pending' WHERE state <> 'pending' AND received_at_ms >= ?1",
                [received_at_ms],
            ),
        })
        .await
    }
}
