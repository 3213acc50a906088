//! Endpoints: who is told of events. Their secrets are sealed. Sending is `jobs/deliver`.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};
use crate::secrets::Secrets;

/// A secret that another one took the place of, and that signs beside it until whoever checks has the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    pub secret: String,
    pub until_ms: i64,
}

/// Who is told of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `end_…`
    pub id: String,
    pub workspace_id: String,
    /// May hold something secret: never log it.
    pub url: String,
    pub secret: String,
    /// The newest first.
    pub old_secrets: Vec<OldSecret>,
    /// Empty: all.
    pub event_types: Vec<String>,
    /// Why it is told of nothing; none while it is.
    pub disabled_why: Option<String>,
    /// First failure since it last took something.
    pub failing_since_ms: Option<i64>,
    pub created_at_ms: i64,
}

impl Endpoint {
    /// Old secrets that sign now.
    pub fn old_secrets_at(&self, now_ms: i64) -> impl Iterator<Item = &OldSecret> {
        self.old_secrets.iter().filter(move |old| now_ms < old.until_ms)
    }
}

const COLUMNS: &str = "id, workspace_id, url, sealed_secret, event_types, disabled_why, failing_since_ms, \
                       created_at_ms, sealed_old_secrets";

impl Control {
    /// Adds an endpoint, or replaces everything of a known one but its making and its secrets.
    pub async fn save_endpoint(&self, endpoint: &Endpoint, secrets: &Secrets) -> Result<(), ControlError> {
        let types = serde_json::to_string(&endpoint.event_types).expect("texts");
        sqlx::query(
            "INSERT INTO endpoints (id, workspace_id, url, sealed_secret, event_types, disabled_why, failing_since_ms, \
             created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET \
             url = excluded.url, sealed_secret = excluded.sealed_secret, event_types = excluded.event_types, \
             disabled_why = excluded.disabled_why, failing_since_ms = excluded.failing_since_ms",
        )
        .bind(&endpoint.id)
        .bind(&endpoint.workspace_id)
        .bind(&endpoint.url)
        .bind(secrets.seal(&format!("{}/secret", endpoint.id), endpoint.secret.as_bytes()))
        .bind(types)
        .bind(&endpoint.disabled_why)
        .bind(endpoint.failing_since_ms)
        .bind(endpoint.created_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Puts another secret in the place of an endpoint's: `rotated` has it, and the old ones to keep. False when
    /// somebody else did so since `before` was read; then nothing was changed.
    pub async fn rotate_endpoint_secret(
        &self,
        before: &Endpoint,
        rotated: &Endpoint,
        secrets: &Secrets,
    ) -> Result<bool, ControlError> {
        let row = sqlx::query("SELECT sealed_secret FROM endpoints WHERE id = $1")
            .bind(&before.id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(sealed) = row.map(|row| row.get::<String, _>(0)) else { return Ok(false) };
        let place = format!("{}/secret", before.id);
        if secrets.open(&place, &sealed)? != before.secret.as_bytes() {
            return Ok(false);
        }
        let old = serde_json::to_string(&rotated.old_secrets).expect("texts and numbers");
        let done = sqlx::query(
            "UPDATE endpoints SET sealed_secret = $2, sealed_old_secrets = $3, old_secrets_until_ms = $4 \
             WHERE id = $1 AND sealed_secret = $5",
        )
        .bind(&before.id)
        .bind(secrets.seal(&place, rotated.secret.as_bytes()))
        .bind(secrets.seal(&format!("{}/old_secrets", before.id), old.as_bytes()))
        .bind(rotated.old_secrets.iter().map(|old| old.until_ms).max())
        .bind(sealed)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets old secrets that sign nothing any more.
    pub async fn forget_old_secrets(&self, now_ms: i64) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE endpoints SET sealed_old_secrets = NULL, old_secrets_until_ms = NULL \
             WHERE old_secrets_until_ms <= $1",
        )
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The endpoints of a workspace, oldest first.
    pub async fn endpoints(
        &self,
        workspace_id: &str,
        secrets: &Secrets,
    ) -> Result<Vec<Endpoint>, ControlError> {
        let sql =
            format!("SELECT {COLUMNS} FROM endpoints WHERE workspace_id = $1 ORDER BY created_at_ms, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace_id).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, secrets)).collect()
    }

    /// Endpoints that are told of events and have something to be told by now.
    pub async fn endpoints_to_tell(
        &self,
        now_ms: i64,
        secrets: &Secrets,
    ) -> Result<Vec<Endpoint>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM endpoints WHERE disabled_why IS NULL AND id IN \
             (SELECT endpoint_id FROM deliveries WHERE state = 'waiting' AND next_at_ms <= $1) ORDER BY id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now_ms).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, secrets)).collect()
    }

    /// Removes an endpoint with its deliveries; false when there is none.
    pub async fn remove_endpoint(&self, workspace_id: &str, id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query("DELETE FROM endpoints WHERE workspace_id = $1 AND id = $2")
            .bind(workspace_id)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn read(row: &AnyRow, secrets: &Secrets) -> Result<Endpoint, ControlError> {
    let damaged = |why: String| ControlError::Damaged { what: "an endpoint", why };
    let (id, sealed, types): (String, String, String) = (row.get(0), row.get(3), row.get(4));
    let secret = secrets.open(&format!("{id}/secret"), &sealed)?;
    let old_secrets = match row.get::<Option<String>, _>(8) {
        None => Vec::new(),
        Some(sealed) => {
            let old = secrets.open(&format!("{id}/old_secrets"), &sealed)?;
            serde_json::from_slice(&old).map_err(|error| damaged(error.to_string()))?
        }
    };
    Ok(Endpoint {
        old_secrets,
        workspace_id: row.get(1),
        url: row.get(2),
        secret: String::from_utf8(secret).map_err(|error| damaged(error.to_string()))?,
        event_types: serde_json::from_str(&types).map_err(|error| damaged(error.to_string()))?,
        disabled_why: row.get(5),
        failing_since_ms: row.get(6),
        created_at_ms: row.get(7),
        id,
    })
}
