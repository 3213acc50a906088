//! Comparisons of our books with a provider's: asked for, under way, done. A node that dies leaves one under way, and
//! whoever holds the lease begins it anew.

use domain::books::{Comparison, View};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};
use crate::jobs::poll::Problem;

/// Comparisons kept of one connection.
const KEPT: i64 = 50;

/// Where a comparison stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Waiting,
    Reading,
    Done,
    Failed,
}

impl Standing {
    const ALL: [Standing; 4] = [Standing::Waiting, Standing::Reading, Standing::Done, Standing::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Standing::Waiting => "waiting",
            Standing::Reading => "reading",
            Standing::Done => "done",
            Standing::Failed => "failed",
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub from: Date,
    pub to: Date,
    pub view: View,
}

/// One comparison.
#[derive(Debug, Clone)]
pub struct Compared {
    /// `cmp_…`
    pub id: String,
    pub workspace_id: String,
    pub connection_id: String,
    pub question: Question,
    pub standing: Standing,
    /// Objects read from the provider's lists.
    pub objects: u64,
    /// What stands in the way now, or stood in the end.
    pub problem: Option<Problem>,
    pub result: Option<Comparison>,
    pub asked_at_ms: i64,
    pub done_at_ms: Option<i64>,
}

const COLUMNS: &str = "id, workspace_id, connection_id, from_day, to_day, view, state, objects, problem, result, \
                       asked_at_ms, done_at_ms";

impl Control {
    /// Asks for a comparison, always later than every other of the connection, so that one is the newest; of those
    /// that came to an end the oldest are forgotten.
    pub async fn ask_comparison(&self, asked: &Compared) -> Result<(), ControlError> {
        let sql = format!(
            "INSERT INTO comparisons ({COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
             CASE WHEN max(asked_at_ms) >= $11 THEN max(asked_at_ms) + 1 ELSE $11 END, $12 \
             FROM comparisons WHERE connection_id = $3"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&asked.id)
            .bind(&asked.workspace_id)
            .bind(&asked.connection_id)
            .bind(asked.question.from.to_string())
            .bind(asked.question.to.to_string())
            .bind(asked.question.view.name())
            .bind(asked.standing.name())
            .bind(whole(asked.objects))
            .bind(json(asked.problem.as_ref()))
            .bind(json(asked.result.as_ref()))
            .bind(asked.asked_at_ms)
            .bind(asked.done_at_ms)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "DELETE FROM comparisons WHERE connection_id = $1 AND state IN ('done', 'failed') AND id NOT IN \
             (SELECT id FROM comparisons WHERE connection_id = $1 ORDER BY asked_at_ms DESC, id LIMIT $2)",
        )
        .bind(&asked.connection_id)
        .bind(KEPT)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes where a comparison stands.
    pub async fn save_comparison(&self, compared: &Compared) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE comparisons SET state = $2, objects = $3, problem = $4, result = $5, done_at_ms = $6 \
             WHERE id = $1",
        )
        .bind(&compared.id)
        .bind(compared.standing.name())
        .bind(whole(compared.objects))
        .bind(json(compared.problem.as_ref()))
        .bind(json(compared.result.as_ref()))
        .bind(compared.done_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Comparisons that are not done, oldest first.
    pub async fn open_comparisons(&self) -> Result<Vec<Compared>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM comparisons WHERE state IN ('waiting', 'reading') ORDER BY asked_at_ms, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// A connection's newest comparison, of this question or of any.
    pub async fn comparison(
        &self,
        workspace_id: &str,
        connection_id: &str,
        question: Option<&Question>,
    ) -> Result<Option<Compared>, ControlError> {
        let (from, to, view) = question.map_or_else(Default::default, |question| {
            (question.from.to_string(), question.to.to_string(), question.view.name())
        });
        let sql = format!(
            "SELECT {COLUMNS} FROM comparisons WHERE workspace_id = $1 AND connection_id = $2 \
             AND ($3 = '' OR (from_day = $3 AND to_day = $4 AND view = $5)) \
             ORDER BY asked_at_ms DESC, id LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace_id)
            .bind(connection_id)
            .bind(from)
            .bind(to)
            .bind(view)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest finished comparison of each connection of a workspace whose question, and the time it was asked at,
    /// is `wanted`.
    pub async fn newest_comparisons(
        &self,
        workspace_id: &str,
        wanted: impl Fn(&Question, i64) -> bool,
    ) -> Result<Vec<Compared>, ControlError> {
        // Without the results, of which only those that are answered are read.
        let rows = sqlx::query(
            "SELECT id, connection_id, from_day, to_day, view, asked_at_ms FROM comparisons \
             WHERE workspace_id = $1 AND state = 'done' ORDER BY connection_id, asked_at_ms DESC, id",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let mut found: Vec<(String, String)> = Vec::new();
        for row in &rows {
            let (id, connection_id) = (row.get::<String, _>(0), row.get::<String, _>(1));
            let is_older = found.last().is_some_and(|(_, known)| *known == connection_id);
            if !is_older && wanted(&question(row, 2)?, row.get(5)) {
                found.push((id, connection_id));
            }
        }
        let mut newest = Vec::with_capacity(found.len());
        for (id, _) in found {
            let sql = format!("SELECT {COLUMNS} FROM comparisons WHERE id = $1");
            let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
            newest.extend(row.as_ref().map(read).transpose()?);
        }
        Ok(newest)
    }
}

fn json<T: serde::Serialize>(value: Option<&T>) -> String {
    value.map_or_else(String::new, |value| serde_json::to_string(value).expect("plain values"))
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn damaged(why: impl ToString) -> ControlError {
    ControlError::Damaged { what: "a comparison", why: why.to_string() }
}

fn optional<T: DeserializeOwned>(text: String) -> Result<Option<T>, ControlError> {
    if text.is_empty() { Ok(None) } else { serde_json::from_str(&text).map(Some).map_err(damaged) }
}

/// What was compared, from three columns.
fn question(row: &AnyRow, at: usize) -> Result<Question, ControlError> {
    let text = |at: usize| row.get::<String, _>(at);
    let day = |at: usize| text(at).parse::<Date>().map_err(damaged);
    let view = text(at + 2).parse().map_err(|()| damaged("an unknown view"))?;
    Ok(Question { from: day(at)?, to: day(at + 1)?, view })
}

fn read(row: &AnyRow) -> Result<Compared, ControlError> {
    let text = |at: usize| row.get::<String, _>(at);
    let state = text(6);
    let standing = Standing::ALL.into_iter().find(|standing| standing.name() == state);
    Ok(Compared {
        id: text(0),
        workspace_id: text(1),
        connection_id: text(2),
        question: question(row, 3)?,
        standing: standing.ok_or_else(|| damaged(state))?,
        objects: row.get::<i64, _>(7).unsigned_abs(),
        problem: optional(text(8))?,
        result: optional(text(9))?,
        asked_at_ms: row.get(10),
        done_at_ms: row.get(11),
    })
}
