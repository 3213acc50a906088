//! Brings the control store's tables up to date, each file in one transaction.

use sqlx::AnyPool;
use sqlx::Row;

use crate::migrations::{Migration, MigrationError, pending};

use super::ControlError;

const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_control.sql",
        sql: include_str!("../../../sql/control/migrations/0001_control.sql"),
    },
    Migration { name: "0002_polls.sql", sql: include_str!("../../../sql/control/migrations/0002_polls.sql") },
    Migration { name: "0003_books.sql", sql: include_str!("../../../sql/control/migrations/0003_books.sql") },
    Migration { name: "0004_rates.sql", sql: include_str!("../../../sql/control/migrations/0004_rates.sql") },
    Migration {
        name: "0005_affiliates.sql",
        sql: include_str!("../../../sql/control/migrations/0005_affiliates.sql"),
    },
    Migration {
        name: "0006_rule_versions.sql",
        sql: include_str!("../../../sql/control/migrations/0006_rule_versions.sql"),
    },
    Migration { name: "0007_terms.sql", sql: include_str!("../../../sql/control/migrations/0007_terms.sql") },
    Migration { name: "0008_flags.sql", sql: include_str!("../../../sql/control/migrations/0008_flags.sql") },
    Migration {
        name: "0009_payout_rails.sql",
        sql: include_str!("../../../sql/control/migrations/0009_payout_rails.sql"),
    },
    Migration {
        name: "0010_portal.sql",
        sql: include_str!("../../../sql/control/migrations/0010_portal.sql"),
    },
    Migration {
        name: "0011_imports.sql",
        sql: include_str!("../../../sql/control/migrations/0011_imports.sql"),
    },
];

/// Names of the migrations that were not applied; of a store without tables all of them.
pub(super) async fn left(pool: &AnyPool) -> Result<Vec<&'static str>, ControlError> {
    // A store that was never migrated has no such table, and every database says so in other words.
    let applied = applied(pool).await.unwrap_or_default();
    Ok(pending("control", MIGRATIONS, &applied)?.iter().map(|migration| migration.name).collect())
}

async fn applied(pool: &AnyPool) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query("SELECT name, checksum FROM migrations ORDER BY name").fetch_all(pool).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(super) async fn run(pool: &AnyPool, now_ms: i64) -> Result<(), ControlError> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS migrations \
         (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)",
    )
    .execute(pool)
    .await?;
    let applied = applied(pool).await?;
    for migration in pending("control", MIGRATIONS, &applied)? {
        let failed = |error: sqlx::Error| MigrationError::Failed {
            store: "control",
            name: migration.name.to_owned(),
            why: error.to_string(),
        };
        let mut transaction = pool.begin().await?;
        for statement in migration.statements() {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *transaction).await.map_err(failed)?;
        }
        sqlx::query("INSERT INTO migrations (name, checksum, applied_at_ms) VALUES ($1, $2, $3)")
            .bind(migration.name)
            .bind(migration.checksum())
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        tracing::info!(migration = migration.name, "control store: applied {}", migration.name);
    }
    Ok(())
}
