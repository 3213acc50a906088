//! Erasures asked for, and the keys of what was erased, by which it is kept from coming back. Holds keyed hashes;
//! only while an erasure runs does its plan name visitors and provider's ids.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};

/// Keys asked for in one question.
const KEYS_MAX: usize = 400;

/// One person to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// `ers_…`
    pub id: String,
    pub workspace_id: String,
    /// Who: `email/<hash>` or, until it is done, `visitor:<hex>`.
    pub subject: String,
    /// `waiting`, `running`, `done`.
    pub state: String,
    /// What is being done, for people.
    pub step: String,
    /// What was found so far, as JSON; empty at the start and at the end.
    pub plan: String,
    /// What was removed, as JSON.
    pub report: String,
    pub asked_at_ms: i64,
    pub done_at_ms: Option<i64>,
}

/// Something to keep from coming back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    pub key: String,
    /// Of an order: under which visitor id its journey is kept; else empty.
    pub journey: String,
}

/// What is known of an erased key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub journey: String,
    pub erased_at_ms: i64,
}

const COLUMNS: &str = "id, workspace_id, subject, state, step, plan, report, asked_at_ms, done_at_ms";

impl Control {
    /// Asks for an erasure.
    pub async fn ask_erasure(&self, erasure: &Erasure) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO erasures (id, workspace_id, subject, state, step, plan, report, asked_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&erasure.id)
        .bind(&erasure.workspace_id)
        .bind(&erasure.subject)
        .bind(&erasure.state)
        .bind(&erasure.step)
        .bind(&erasure.plan)
        .bind(&erasure.report)
        .bind(erasure.asked_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes where an erasure stands.
    pub async fn save_erasure(&self, erasure: &Erasure) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE erasures SET subject = $2, state = $3, step = $4, plan = $5, report = $6, done_at_ms = $7 \
             WHERE id = $1",
        )
        .bind(&erasure.id)
        .bind(&erasure.subject)
        .bind(&erasure.state)
        .bind(&erasure.step)
        .bind(&erasure.plan)
        .bind(&erasure.report)
        .bind(erasure.done_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The oldest erasure that is not done.
    pub async fn open_erasure(&self) -> Result<Option<Erasure>, ControlError> {
        let sql =
            format!("SELECT {COLUMNS} FROM erasures WHERE state <> 'done' ORDER BY asked_at_ms, id LIMIT 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(read))
    }

    /// One erasure.
    pub async fn erasure(&self, id: &str) -> Result<Option<Erasure>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(read))
    }

    /// When the newest finished erasure was done; 0 without one.
    pub async fn newest_erasure_ms(&self) -> Result<i64, ControlError> {
        let row = sqlx::query("SELECT max(done_at_ms) FROM erasures").fetch_one(&self.pool).await?;
        Ok(row.get::<Option<i64>, _>(0).unwrap_or(0))
    }

    /// Keeps what must not come back. The first journey of an order stands.
    pub async fn keep_erased(
        &self,
        workspace_id: &str,
        erased: &[Erased],
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        for Erased { key, journey } in erased {
            sqlx::query(
                "INSERT INTO erased (workspace_id, key, journey, erased_at_ms) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (workspace_id, key) DO NOTHING",
            )
            .bind(workspace_id)
            .bind(key)
            .bind(journey)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether anything was ever erased in a workspace: most never ask further.
    pub async fn has_erased(&self, workspace_id: &str) -> Result<bool, ControlError> {
        let row = sqlx::query("SELECT 1 FROM erased WHERE workspace_id = $1 LIMIT 1")
            .bind(workspace_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Which of these keys were erased, each with its journey.
    pub async fn erased(
        &self,
        workspace_id: &str,
        keys: &[String],
    ) -> Result<HashMap<String, Known>, ControlError> {
        let mut found = HashMap::new();
        for some in keys.chunks(KEYS_MAX) {
            let places: Vec<String> = (2..some.len() + 2).map(|place| format!("${place}")).collect();
            let sql = format!(
                "SELECT key, journey, erased_at_ms FROM erased WHERE workspace_id = $1 AND key IN ({})",
                places.join(", ")
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace_id);
            for key in some {
                query = query.bind(key);
            }
            for row in query.fetch_all(&self.pool).await? {
                found.insert(row.get(0), Known { journey: row.get(1), erased_at_ms: row.get(2) });
            }
        }
        Ok(found)
    }
}

fn read(row: &AnyRow) -> Erasure {
    Erasure {
        id: row.get(0),
        workspace_id: row.get(1),
        subject: row.get(2),
        state: row.get(3),
        step: row.get(4),
        plan: row.get(5),
        report: row.get(6),
        asked_at_ms: row.get(7),
        done_at_ms: row.get(8),
    }
}
