//! Events and their deliveries: written in the transaction of what they tell of, one delivery for each endpoint that
//! wants it, so that nothing is told that did not happen and nothing that happened is forgotten.

use domain::ids::derive_id;
use sqlx::{Any, Row, Transaction};

use super::{Control, ControlError};
use crate::events::Event;

/// An endpoint's id, and the types it wants: all, when none is named.
type Listener = (String, Vec<String>);

impl Control {
    /// Tells of something that has no rows of its own. Told before, it is not told again.
    pub async fn tell(&self, events: &[Event], now_ms: i64) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        tell(&mut transaction, events, now_ms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Tells one endpoint alone, whatever it wants to be told of.
    pub async fn tell_endpoint(
        &self,
        endpoint_id: &str,
        event: &Event,
        now_ms: i64,
    ) -> Result<String, ControlError> {
        let mut transaction = self.pool.begin().await?;
        keep(&mut transaction, event).await?;
        let id = address(&mut transaction, endpoint_id, event, now_ms).await?;
        transaction.commit().await?;
        Ok(id)
    }
}

/// Writes what happened for everybody who wants to be told, within a transaction.
pub(super) async fn tell(
    transaction: &mut Transaction<'_, Any>,
    events: &[Event],
    now_ms: i64,
) -> Result<(), ControlError> {
    let Some(first) = events.first() else { return Ok(()) };
    let listeners = listeners(transaction, &first.workspace_id).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    for event in events {
        let wants =
            |(_, types): &&Listener| types.is_empty() || types.iter().any(|one| one == event.kind.name());
        let mut told = listeners.iter().filter(wants).peekable();
        if told.peek().is_some() && !keep(transaction, event).await? {
            continue;
        }
        for (endpoint, _) in told {
            address(transaction, endpoint, event, now_ms).await?;
        }
    }
    Ok(())
}

async fn listeners(
    transaction: &mut Transaction<'_, Any>,
    workspace_id: &str,
) -> Result<Vec<Listener>, ControlError> {
    let rows =
        sqlx::query("SELECT id, event_types FROM endpoints WHERE workspace_id = $1 AND disabled_why IS NULL")
            .bind(workspace_id)
            .fetch_all(&mut **transaction)
            .await?;
    let read = |row: &sqlx::any::AnyRow| {
        let types: String = row.get(1);
        let types = serde_json::from_str(&types)
            .map_err(|error| ControlError::Damaged { what: "an endpoint", why: error.to_string() })?;
        Ok((row.get(0), types))
    };
    rows.iter().map(read).collect()
}

/// False when the event was kept before.
async fn keep(transaction: &mut Transaction<'_, Any>, event: &Event) -> Result<bool, ControlError> {
    let added = sqlx::query(
        "INSERT INTO events (id, workspace_id, type, body, created_at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&event.id)
    .bind(&event.workspace_id)
    .bind(event.kind.name())
    .bind(event.body())
    .bind(event.at_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(added.rows_affected() > 0)
}

async fn address(
    transaction: &mut Transaction<'_, Any>,
    endpoint_id: &str,
    event: &Event,
    now_ms: i64,
) -> Result<String, ControlError> {
    let id = format!("dlv_{:032x}", derive_id(&["delivery", &event.id, endpoint_id]));
    sqlx::query(
        "INSERT INTO deliveries (id, workspace_id, endpoint_id, event_id, state, attempts, next_at_ms, created_at_ms) \
         VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&id)
    .bind(&event.workspace_id)
    .bind(endpoint_id)
    .bind(&event.id)
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(id)
}
