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

const COLUMNS: &str =
    "id, workspace_id, provider, name, environment, sealed_token, sealed_secrets, created_at_ms";

impl Control {
    /// Adds or replaces a connection by id. What changes only its token or secrets is
    /// [`Control::change_connection`].
    pub async fn save_connection(
        &self,
        connection: &Connection,
        secrets: &Secrets,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let (token, signing) = sealed(connection, secrets);
        sqlx::query(
            "INSERT INTO connections (id, workspace_id, provider, name, environment, sealed_token, \
             sealed_secrets, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, environment = excluded.environment, \
             sealed_token = excluded.sealed_token, sealed_secrets = excluded.sealed_secrets, \
             updated_at_ms = excluded.updated_at_ms, removed_at_ms = NULL",
        )
        .bind(&connection.id)
        .bind(&connection.workspace_id)
        .bind(&connection.provider)
        .bind(&connection.name)
        .bind(&connection.environment)
        .bind(token)
        .bind(signing)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes a connection away: it is asked nothing and believed nothing from now on, and its token and secrets are
    /// gone. What it told stays, and so do its statements. False when there is none.
    pub async fn remove_connection(
        &self,
        id: &str,
        secrets: &Secrets,
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "UPDATE connections SET sealed_token = NULL, sealed_secrets = $2, removed_at_ms = $3, \
             updated_at_ms = $3 WHERE id = $1 AND removed_at_ms IS NULL",
        )
        .bind(id)
        .bind(secrets.seal(&secrets_place(id), b"[]"))
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes the token and the secrets of a connection, again on what is there by then when somebody else changed
    /// it meanwhile. Answers what it is now; none when there is no such connection.
    pub async fn change_connection(
        &self,
        id: &str,
        secrets: &Secrets,
        now_ms: i64,
        change: impl Fn(&mut Connection),
    ) -> Result<Option<Connection>, ControlError> {
        loop {
            let sql = format!("SELECT {COLUMNS} FROM connections WHERE id = $1 AND removed_at_ms IS NULL");
            let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
            let Some(row) = row else { return Ok(None) };
            let mut connection = read(&row, secrets)?;
            change(&mut connection);
            let (token, signing) = sealed(&connection, secrets);
            let written = sqlx::query(
                "UPDATE connections SET sealed_token = $2, sealed_secrets = $3, updated_at_ms = $4 \
                 WHERE id = $1 AND removed_at_ms IS NULL AND coalesce(sealed_token, '') = $5 AND sealed_secrets = $6",
            )
            .bind(id)
            .bind(token)
            .bind(signing)
            .bind(now_ms)
            .bind(row.get::<Option<String>, _>(5).unwrap_or_default())
            .bind(row.get::<String, _>(6))
            .execute(&self.pool)
            .await?;
            if written.rows_affected() == 1 {
                return Ok(Some(connection));
            }
        }
    }

    /// Every connection with its secrets opened, oldest first; removed ones are none.
    pub async fn connections(&self, secrets: &Secrets) -> Result<Vec<Connection>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM connections WHERE removed_at_ms IS NULL ORDER BY created_at_ms, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, secrets)).collect()
    }

    /// A workspace's connections, oldest first, removed ones left out: nobody else's secrets are opened.
    pub async fn connections_of(
        &self,
        workspace_id: &str,
        secrets: &Secrets,
    ) -> Result<Vec<Connection>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM connections WHERE workspace_id = $1 AND removed_at_ms IS NULL \
             ORDER BY created_at_ms, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace_id).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row, secrets)).collect()
    }
}

/// Token and webhook secrets, sealed.
fn sealed(connection: &Connection, secrets: &Secrets) -> (Option<String>, String) {
    let clear: Vec<&str> = connection.webhook_secrets.iter().map(|s| s.expose_secret()).collect();
    let clear = serde_json::to_vec(&clear).expect("a list of strings");
    let token = connection.token.as_ref();
    let token =
        token.map(|token| secrets.seal(&token_place(&connection.id), token.expose_secret().as_bytes()));
    (token, secrets.seal(&secrets_place(&connection.id), &clear))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn of_secrets_that_are_added_at_once_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::for_data_dir(dir.path());
        let secrets = Secrets::load(&config.secret_key, dir.path()).unwrap();
        let control = Control::open(&config, 0).await.unwrap();
        let workspace = crate::control::workspaces::Workspace {
            id: "ws_a".into(),
            name: "A".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Default::default(),
        };
        control.create_workspace(&workspace, 0).await.unwrap();
        let connection = Connection {
            id: "con_a".into(),
            workspace_id: "ws_a".into(),
            provider: "polar".into(),
            name: "A".into(),
            environment: "sandbox".into(),
            token: None,
            webhook_secrets: Vec::new(),
            created_at_ms: 0,
        };
        control.save_connection(&connection, &secrets, 0).await.unwrap();
        let add = |secret: String| {
            let (control, secrets) = (control.clone(), secrets.clone());
            tokio::spawn(async move {
                let add = |kept: &mut Connection| kept.webhook_secrets.push(secret.clone().into());
                control.change_connection("con_a", &secrets, 1, add).await.unwrap().unwrap();
            })
        };
        let all = (0..8).map(|number| add(format!("whsec_{number}")));
        futures::future::join_all(all).await.into_iter().for_each(|done| done.unwrap());
        let kept = control.connections_of("ws_a", &secrets).await.unwrap();
        assert_eq!(kept[0].webhook_secrets.len(), 8);
        assert!(control.connections_of("ws_b", &secrets).await.unwrap().is_empty());
        assert!(control.change_connection("con_b", &secrets, 1, |_| ()).await.unwrap().is_none());
        control.close().await;
    }
}
