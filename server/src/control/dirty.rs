//! What changed since the last attribution. Marking twice is harmless; a subject is taken off only
//! when nothing marked it again meanwhile: every mark carries a fresh random stamp.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Control, ControlError};
use crate::effects::random_bytes;

/// Kind of the thing that changed; the attribution job finds its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Order,
    Subscription,
    Checkout,
    Customer,
    /// A person key (keyed hash, hex).
    Person,
    Visitor,
}

impl SubjectKind {
    const ALL: [SubjectKind; 6] = [
        SubjectKind::Order,
        SubjectKind::Subscription,
        SubjectKind::Checkout,
        SubjectKind::Customer,
        SubjectKind::Person,
        SubjectKind::Visitor,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Order => "order",
            SubjectKind::Subscription => "subscription",
            SubjectKind::Checkout => "checkout",
            SubjectKind::Customer => "customer",
            SubjectKind::Person => "person",
            SubjectKind::Visitor => "visitor",
        }
    }
}

/// A thing that changed: provider's object id, or ours in hex for persons and visitors.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    pub workspace_id: String,
    pub kind: SubjectKind,
    pub id: String,
}

/// A subject with the stamp of its newest mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirty {
    pub subject: Subject,
    stamp: i64,
}

/// Marks of one statement: an import marks thousands at a time.
const MARKS_OF_STATEMENT: usize = 200;

/// Inserts this many marks, five values each.
fn mark_statement(marks: usize) -> String {
    let row = |at: usize| {
        let first = at * 5;
        format!("(${}, ${}, ${}, ${}, ${})", first + 1, first + 2, first + 3, first + 4, first + 5)
    };
    let rows: Vec<String> = (0..marks).map(row).collect();
    format!(
        "INSERT INTO dirty (workspace_id, subject_kind, subject_id, marked_at_ms, stamp) VALUES {} \
         ON CONFLICT (workspace_id, subject_kind, subject_id) DO UPDATE SET stamp = excluded.stamp",
        rows.join(", ")
    )
}

impl Control {
    /// Marks subjects as changed, all or none.
    pub async fn mark_dirty(&self, subjects: &[Subject], now_ms: i64) -> Result<(), ControlError> {
        // One statement may not touch a row twice.
        let subjects: Vec<&Subject> = subjects.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut transaction = self.pool.begin().await?;
        for marks in subjects.chunks(MARKS_OF_STATEMENT) {
            let sql = mark_statement(marks.len());
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for subject in marks {
                query = query
                    .bind(&subject.workspace_id)
                    .bind(subject.kind.as_str())
                    .bind(&subject.id)
                    .bind(now_ms)
                    .bind(i64::from_le_bytes(random_bytes()));
            }
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Up to `limit` marked subjects, oldest first.
    pub async fn dirty(&self, limit: i64) -> Result<Vec<Dirty>, ControlError> {
        let rows = sqlx::query(
            "SELECT workspace_id, subject_kind, subject_id, stamp FROM dirty \
             ORDER BY marked_at_ms, workspace_id, subject_kind, subject_id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let word: String = row.get(1);
                let kind = SubjectKind::ALL.into_iter().find(|kind| kind.as_str() == word);
                let kind = kind.ok_or(ControlError::Damaged { what: "a dirty mark", why: word })?;
                let subject = Subject { workspace_id: row.get(0), kind, id: row.get(2) };
                Ok(Dirty { subject, stamp: row.get(3) })
            })
            .collect()
    }

    /// Up to `limit` of a workspace's marked subjects, oldest first.
    pub async fn dirty_of(&self, workspace_id: &str, limit: usize) -> Result<Vec<String>, ControlError> {
        let rows = sqlx::query(
            "SELECT subject_kind, subject_id FROM dirty WHERE workspace_id = $1 ORDER BY marked_at_ms LIMIT $2",
        )
        .bind(workspace_id)
        .bind(limit as i64)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(|row| format!("{} {}", row.get::<String, _>(0), row.get::<String, _>(1)))
            .collect())
    }

    /// How many subjects of a workspace, marked before a moment, still wait.
    pub async fn dirty_count(&self, workspace_id: &str, marked_before_ms: i64) -> Result<u64, ControlError> {
        let row = sqlx::query("SELECT COUNT(*) FROM dirty WHERE workspace_id = $1 AND marked_at_ms < $2")
            .bind(workspace_id)
            .bind(marked_before_ms)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.get::<i64, _>(0).unsigned_abs())
    }

    /// Takes marks off, unless they were renewed since they were read.
    pub async fn clear_dirty(&self, done: &[&Dirty]) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        for Dirty { subject, stamp } in done {
            sqlx::query(
                "DELETE FROM dirty WHERE workspace_id = $1 AND subject_kind = $2 AND subject_id = $3 \
                 AND stamp = $4",
            )
            .bind(&subject.workspace_id)
            .bind(subject.kind.as_str())
            .bind(&subject.id)
            .bind(stamp)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
