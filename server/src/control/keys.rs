//! API keys: random, shown once, stored as a hash; each with scopes.

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};
use crate::effects::{random_bytes, random_id};
use crate::secrets::sha256_hex;

/// What a key may do. `read` is what reports and the dashboard need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reports, orders, explanations, verify.
    Read,
    /// Connections, attribution runs, workspace settings.
    Write,
    /// Keys, erasure.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A key as lists show it: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    pub id: String,
    pub workspace_id: String,
    pub name: String,
    /// First characters of the key.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_at_ms: i64,
    pub revoked_at_ms: Option<i64>,
}

impl ApiKey {
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

const COLUMNS: &str = "id, workspace_id, name, prefix, scopes, created_at_ms, revoked_at_ms";

impl Control {
    /// Makes a key and returns it in clear, once.
    pub async fn create_key(
        &self,
        workspace_id: &str,
        name: &str,
        scopes: &[Scope],
        live: bool,
        now_ms: i64,
    ) -> Result<(ApiKey, String), ControlError> {
        let clear = mint(live);
        let key = ApiKey {
            id: random_id("key_"),
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            prefix: clear.chars().take(14).collect(),
            scopes: scopes.to_vec(),
            created_at_ms: now_ms,
            revoked_at_ms: None,
        };
        let scope_words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        sqlx::query(
            "INSERT INTO api_keys (id, workspace_id, name, prefix, hash, scopes, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&key.id)
        .bind(&key.workspace_id)
        .bind(&key.name)
        .bind(&key.prefix)
        .bind(sha256_hex(clear.as_bytes()))
        .bind(scope_words.join(" "))
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok((key, clear))
    }

    /// The key with this clear text, unless unknown or revoked. Looked up by hash: the time it takes
    /// says nothing about stored keys.
    pub async fn key_by_clear(&self, clear: &str) -> Result<Option<ApiKey>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE hash = $1 AND revoked_at_ms IS NULL");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sha256_hex(clear.as_bytes()))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(read))
    }

    /// The key with this id, unless unknown or revoked: what a dashboard session is checked against.
    pub async fn key_by_id(&self, id: &str) -> Result<Option<ApiKey>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1 AND revoked_at_ms IS NULL");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(read))
    }

    /// Every key, newest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at_ms DESC, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Revokes a key; false when there is none to revoke.
    pub async fn revoke_key(&self, id: &str, now_ms: i64) -> Result<bool, ControlError> {
        let done =
            sqlx::query("UPDATE api_keys SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL")
                .bind(id)
                .bind(now_ms)
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn mint(live: bool) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let body: String = random_bytes::<32>().iter().map(|b| ALPHABET[(b & 31) as usize] as char).collect();
    format!("trb_{}_{body}", if live { "live" } else { "test" })
}

fn read(row: &AnyRow) -> ApiKey {
    let scopes: String = row.get(4);
    ApiKey {
        id: row.get(0),
        workspace_id: row.get(1),
        name: row.get(2),
        prefix: row.get(3),
        scopes: scopes.split(' ').filter_map(Scope::parse).collect(),
        created_at_ms: row.get(5),
        revoked_at_ms: row.get(6),
    }
}
