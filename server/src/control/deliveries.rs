//! Deliveries of events: what waits, what each try came to, what is tried again. Never sends anything.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Control, ControlError};

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `dlv_…`
    pub id: String,
    pub endpoint_id: String,
    pub event_id: String,
    pub event_type: String,
    /// `waiting`, `delivered`, `failed`.
    pub state: String,
    pub attempts: u32,
    pub next_at_ms: i64,
    pub created_at_ms: i64,
    pub done_at_ms: Option<i64>,
    /// As it is sent.
    pub body: String,
    /// What the newest try came to; none before the first.
    pub last: Option<Attempt>,
}

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    pub at_ms: i64,
    pub latency_ms: i64,
    /// None when no answer came.
    pub status: Option<u16>,
    /// Why it does not count as taken; none when it does.
    pub error: Option<String>,
    /// The first 1 kB.
    pub answer: String,
}

/// What a try leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// Tried again at that moment.
    Again(i64),
    /// Not tried any more.
    Failed,
}

/// Which deliveries are listed.
#[derive(Debug, Default, Clone)]
pub struct Listed<'a> {
    pub endpoint_id: Option<&'a str>,
    pub state: Option<&'a str>,
    /// The last one of the page before.
    pub after: Option<&'a str>,
    pub limit: i64,
}

const SELECT: &str = "SELECT deliveries.id, endpoint_id, event_id, events.type, state, attempts, next_at_ms, \
                      deliveries.created_at_ms, done_at_ms, events.body, tries.number, tries.at_ms, \
                      tries.latency_ms, tries.status, tries.error, tries.answer FROM deliveries \
                      JOIN events ON events.id = deliveries.event_id LEFT JOIN delivery_attempts tries \
                      ON tries.delivery_id = deliveries.id AND tries.number = deliveries.attempts";

impl Control {
    /// What waits for an endpoint and is to be tried by now, the oldest first.
    pub async fn due_deliveries(
        &self,
        endpoint_id: &str,
        now_ms: i64,
        limit: i64,
    ) -> Result<Vec<Delivery>, ControlError> {
        let sql = format!(
            "{SELECT} WHERE endpoint_id = $1 AND state = 'waiting' AND next_at_ms <= $2 \
             ORDER BY deliveries.created_at_ms, deliveries.id LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(endpoint_id).bind(now_ms).bind(limit);
        Ok(query.fetch_all(&self.pool).await?.iter().map(read).collect())
    }

    /// Deliveries of a workspace, newest first.
    pub async fn deliveries(
        &self,
        workspace_id: &str,
        listed: &Listed<'_>,
    ) -> Result<Vec<Delivery>, ControlError> {
        let sql = format!(
            "{SELECT} WHERE deliveries.workspace_id = $1 AND ($2 = '' OR endpoint_id = $2) \
             AND ($3 = '' OR state = $3) AND ($4 = '' OR (deliveries.created_at_ms, deliveries.id) < \
             (SELECT created_at_ms, id FROM deliveries WHERE id = $4)) \
             ORDER BY deliveries.created_at_ms DESC, deliveries.id DESC LIMIT $5"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace_id.to_owned())
            .bind(listed.endpoint_id.unwrap_or("").to_owned())
            .bind(listed.state.unwrap_or("").to_owned())
            .bind(listed.after.unwrap_or("").to_owned())
            .bind(listed.limit);
        Ok(query.fetch_all(&self.pool).await?.iter().map(read).collect())
    }

    /// One delivery with what came of every try, oldest first.
    pub async fn delivery(
        &self,
        workspace_id: &str,
        id: &str,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, ControlError> {
        let sql = format!("{SELECT} WHERE deliveries.workspace_id = $1 AND deliveries.id = $2");
        let found =
            sqlx::query(AssertSqlSafe(sql)).bind(workspace_id).bind(id).fetch_optional(&self.pool).await?;
        let Some(row) = found else { return Ok(None) };
        let attempts = sqlx::query(
            "SELECT number, at_ms, latency_ms, status, error, answer FROM delivery_attempts \
             WHERE delivery_id = $1 ORDER BY number",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        Ok(Some((read(&row), attempts.iter().filter_map(|row| read_attempt(row, 0)).collect())))
    }

    /// Writes what came of a try, of the delivery and of its endpoint: since when that fails, and whether it is told
    /// of anything any more.
    pub async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        next: &Next,
        failing_since_ms: Option<i64>,
        disabled_why: Option<&str>,
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO delivery_attempts (delivery_id, number, at_ms, latency_ms, status, error, answer) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (delivery_id, number) DO NOTHING",
        )
        .bind(&delivery.id)
        .bind(i64::from(attempt.number))
        .bind(attempt.at_ms)
        .bind(attempt.latency_ms)
        .bind(attempt.status.map(i64::from))
        .bind(&attempt.error)
        .bind(&attempt.answer)
        .execute(&mut *transaction)
        .await?;
        let (state, next_at_ms, done_at_ms) = match next {
            Next::Delivered => ("delivered", attempt.at_ms, Some(attempt.at_ms)),
            Next::Again(at_ms) => ("waiting", *at_ms, None),
            Next::Failed => ("failed", attempt.at_ms, Some(attempt.at_ms)),
        };
        sqlx::query(
            "UPDATE deliveries SET state = $2, attempts = $3, next_at_ms = $4, done_at_ms = $5 WHERE id = $1",
        )
        .bind(&delivery.id)
        .bind(state)
        .bind(i64::from(attempt.number))
        .bind(next_at_ms)
        .bind(done_at_ms)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE endpoints SET failing_since_ms = $2, disabled_why = COALESCE($3, disabled_why) WHERE id = $1")
            .bind(&delivery.endpoint_id)
            .bind(failing_since_ms)
            .bind(disabled_why)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Puts a delivery back among those that wait, to be tried at once; false when there is none.
    pub async fn replay_delivery(
        &self,
        workspace_id: &str,
        id: &str,
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "UPDATE deliveries SET state = 'waiting', next_at_ms = $3, done_at_ms = NULL \
             WHERE workspace_id = $1 AND id = $2",
        )
        .bind(workspace_id)
        .bind(id)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// What waits for an endpoint is tried at once.
    pub async fn hurry_deliveries(&self, endpoint_id: &str, now_ms: i64) -> Result<(), ControlError> {
        sqlx::query("UPDATE deliveries SET next_at_ms = $2 WHERE endpoint_id = $1 AND state = 'waiting'")
            .bind(endpoint_id)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets deliveries that ended before a moment, and events that nobody waits for any more.
    pub async fn forget_deliveries(&self, before_ms: i64) -> Result<u64, ControlError> {
        let gone = sqlx::query("DELETE FROM deliveries WHERE state <> 'waiting' AND done_at_ms < $1")
            .bind(before_ms)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "DELETE FROM events WHERE created_at_ms < $1 AND NOT EXISTS \
             (SELECT 1 FROM deliveries WHERE deliveries.event_id = events.id)",
        )
        .bind(before_ms)
        .execute(&self.pool)
        .await?;
        Ok(gone.rows_affected())
    }
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn read(row: &AnyRow) -> Delivery {
    Delivery {
        id: row.get(0),
        endpoint_id: row.get(1),
        event_id: row.get(2),
        event_type: row.get(3),
        state: row.get(4),
        attempts: whole(row.get(5)),
        next_at_ms: row.get(6),
        created_at_ms: row.get(7),
        done_at_ms: row.get(8),
        body: row.get(9),
        last: read_attempt(row, 10),
    }
}

/// The try whose columns begin at `first`; none where there was none.
fn read_attempt(row: &AnyRow, first: usize) -> Option<Attempt> {
    let number: Option<i64> = row.get(first);
    let status: Option<i64> = row.get(first + 3);
    Some(Attempt {
        number: whole(number?),
        at_ms: row.get(first + 1),
        latency_ms: row.get(first + 2),
        status: status.and_then(|status| u16::try_from(status).ok()),
        error: row.get(first + 4),
        answer: row.get(first + 5),
    })
}
