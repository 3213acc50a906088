//! Affiliate programmes and their terms. Terms are added, never changed: a commission keeps those it was made under.

use domain::affiliate::{Program, TermsVersion};
use sqlx::Row;

use super::{Control, ControlError};

/// A programme with all versions of its terms, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProgram {
    pub name: String,
    pub created_at_ms: i64,
    pub program: Program,
}

impl Control {
    /// Makes a programme with its first terms.
    pub async fn create_program(
        &self,
        workspace_id: &str,
        id: &str,
        name: &str,
        first: &TermsVersion,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO programs (id, workspace_id, name, created_at_ms) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(workspace_id)
            .bind(name)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        insert_terms(id, first).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Adds a version of a programme's terms; one whose number is taken is an error.
    pub async fn add_terms(&self, program_id: &str, version: &TermsVersion) -> Result<(), ControlError> {
        let added = insert_terms(program_id, version).execute(&self.pool).await?;
        if added.rows_affected() == 0 {
            return Err(ControlError::Exists(format!("Version {} of these terms", version.version)));
        }
        Ok(())
    }

    /// The programmes of a workspace, oldest first.
    pub async fn programs(&self, workspace_id: &str) -> Result<Vec<StoredProgram>, ControlError> {
        let rows = sqlx::query(
            "SELECT programs.id, name, created_at_ms, version, from_ms, terms, group_id FROM programs \
             JOIN program_terms ON program_terms.program_id = programs.id WHERE workspace_id = $1 \
             ORDER BY created_at_ms, programs.id, version",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let mut programs: Vec<StoredProgram> = Vec::new();
        for row in &rows {
            let id: String = row.get(0);
            let terms: String = row.get(5);
            let terms = serde_json::from_str(&terms)
                .map_err(|error| ControlError::Damaged { what: "terms", why: error.to_string() })?;
            let version = u32::try_from(row.get::<i64, _>(3)).unwrap_or(u32::MAX);
            let version = TermsVersion { version, from_ms: row.get(4), group: row.get(6), terms };
            match programs.last_mut().filter(|last| last.program.id == id) {
                Some(last) => last.program.versions.push(version),
                None => programs.push(StoredProgram {
                    name: row.get(1),
                    created_at_ms: row.get(2),
                    program: Program { id, versions: vec![version] },
                }),
            }
        }
        Ok(programs)
    }
}

fn insert_terms<'q>(
    program_id: &'q str,
    version: &TermsVersion,
) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    sqlx::query(
        "INSERT INTO program_terms (program_id, version, from_ms, terms, group_id) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (program_id, version) DO NOTHING",
    )
    .bind(program_id)
    .bind(i64::from(version.version))
    .bind(version.from_ms)
    .bind(serde_json::to_string(&version.terms).expect("terms are plain values"))
    .bind(version.group.as_deref())
}
