//! Connections: one account at one billing provider, its token and webhook secrets sealed.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};
use crate::secrets::Secrets;

/// One account at one provider. Secrets are opened when it is read, and never serialised.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    /// `con_…`
    pub id: String,
    pub workspace_id: String,
    /// `polar`, …
    pub provider: String,
    pub name: String,
    /// `production`, `sandbox`, or the address of a stand-in.
    pub environment: String,
    #[serde(skip)]
    pub token: Option<SecretString>,
    /// Newest first; any of them may sign.
    #[serde(skip)]
    pub webhook_secrets: Vec<SecretString>,
    pub created_at_ms: i64,
}

impl Control {
    /// Adds or replaces a connection by id.
    pub async fn save_connection(
        &self,
        connection: &Connection,
        secrets: &Secrets,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let clear: Vec<&str> = connection.webhook_secrets.iter().map(|s| s.expose_secret()).collect();
        let clear = serde_json::to_vec(&clear).expect("a list of strings");
        let token = connection
            .token
            .as_ref()
            .map(|token| secrets.seal(&token_place(&connection.id), token.expose_secret().as_bytes()));
        sqlx::query(
            "INSERT INTO connections (id, workspace_id, provider, name, environment, sealed_token, \
             sealed_secrets, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, environment = excluded.environment, \
             sealed_token = excluded.sealed_token, sealed_secrets = excluded.sealed_secrets, \
             updated_at_ms = excluded.updated_at_ms",
        )
        .bind(&connection.id)
        .bind(&connection.workspace_id)
        .bind(&connection.provider)
        .bind(&connection.name)
        .bind(&connection.environment)
        .bind(token)
        .bind(secrets.seal(&secrets_place(&connection.id), &clear))
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every connection with its secrets opened, oldest first.
    pub async fn connections(&self, secrets: &Secrets) -> Result<Vec<Connection>, ControlError> {
        let rows = sqlx::query(
            "SELECT id, workspace_id, provider, name, environment, sealed_token, sealed_secrets, created_at_ms \
             FROM connections ORDER BY created_at_ms, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| read(row, secrets)).collect()
    }
}

fn read(row: &AnyRow, secrets: &Secrets) -> Result<Connection, ControlError> {
    let id: String = row.get(0);
    let damaged = |why: String| ControlError::Damaged { what: "a connection", why };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|error| damaged(error.to_string()));
    let sealed_token: Option<String> = row.get(5);
    let token = match sealed_token {
        Some(sealed) => Some(SecretString::from(text(secrets.open(&token_place(&id), &sealed)?)?)),
        None => None,
    };
    let sealed_secrets: String = row.get(6);
    let clear = secrets.open(&secrets_place(&id), &sealed_secrets)?;
    let webhook_secrets: Vec<String> =
        serde_json::from_slice(&clear).map_err(|error| damaged(error.to_string()))?;
    Ok(Connection {
        workspace_id: row.get(1),
        provider: row.get(2),
        name: row.get(3),
        environment: row.get(4),
        token,
        webhook_secrets: webhook_secrets.into_iter().map(SecretString::from).collect(),
        created_at_ms: row.get(7),
        id,
    })
}

fn token_place(id: &str) -> String {
    format!("{id}/token")
}

fn secrets_place(id: &str) -> String {
    format!("{id}/webhook_secrets")
}
