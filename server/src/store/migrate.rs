//! Brings the ClickHouse tables up to date. Statements are written to be safe to run twice
//! (`IF NOT EXISTS`), because ClickHouse has no transactions around them.

use super::{Store, StoreError};
use crate::migrations::{Migration, MigrationError, pending};
use crate::sql;

const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_visits.sql", sql: sql!("migrations/0001_visits.sql") },
    Migration { name: "0002_sales.sql", sql: sql!("migrations/0002_sales.sql") },
];

/// Names of the migrations that were not applied; of a server without our database all of them.
pub(super) async fn left(store: &Store) -> Result<Vec<&'static str>, StoreError> {
    let Store { client, database, .. } = store;
    let system = client.clone().with_database("system");
    let tables: u64 = system
        .query("SELECT count() FROM system.tables WHERE database = ? AND name = 'migrations'")
        .bind(database)
        .fetch_one()
        .await?;
    let applied = if tables == 0 { Vec::new() } else { applied(client).await? };
    Ok(pending("ClickHouse", MIGRATIONS, &applied)?.iter().map(|migration| migration.name).collect())
}

async fn applied(client: &clickhouse::Client) -> Result<Vec<(String, String)>, StoreError> {
    Ok(client.query("SELECT name, checksum FROM migrations FINAL ORDER BY name").fetch_all().await?)
}

pub(super) async fn run(store: &Store, now_ms: i64) -> Result<(), StoreError> {
    let Store { client, database, .. } = store;
    let cluster =
        if store.cluster.is_empty() { String::new() } else { format!(" ON CLUSTER {}", store.cluster) };
    // The client has our database chosen, which may not exist yet: choose none for this one statement.
    let create = format!("CREATE DATABASE IF NOT EXISTS {database}{cluster}");
    client.clone().with_database("system").query(&create).execute().await?;
    client
        .query(&format!(
            "CREATE TABLE IF NOT EXISTS migrations{cluster} (name String, checksum String, applied_at DateTime64(3, 'UTC')) \
             ENGINE = ReplacingMergeTree(applied_at) ORDER BY name"
        ))
        .execute()
        .await?;
    let applied = applied(client).await?;
    for migration in pending("ClickHouse", MIGRATIONS, &applied)? {
        for statement in migration.statements() {
            let statement = on_cluster(&statement, &cluster);
            client.query_raw(&statement).execute().await.map_err(|error| MigrationError::Failed {
                store: "ClickHouse",
                name: migration.name.to_owned(),
                why: error.to_string(),
            })?;
        }
        client
            .query("INSERT INTO migrations (name, checksum, applied_at) VALUES (?, ?, fromUnixTimestamp64Milli(?))")
            .bind(migration.name)
            .bind(migration.checksum())
            .bind(now_ms)
            .execute()
            .await?;
        tracing::info!(migration = migration.name, "ClickHouse: applied {}", migration.name);
    }
    for model in domain::attribution::MODELS {
        let name = model.name();
        let add = format!(
            "ALTER TABLE credits{cluster} ADD COLUMN IF NOT EXISTS amount_{name} Int64, \
             ADD COLUMN IF NOT EXISTS parts_{name} Int32"
        );
        client.query(&add).execute().await?;
    }
    Ok(())
}

/// `CREATE TABLE IF NOT EXISTS t` → `… t ON CLUSTER c`: the optional cluster of `store.cluster`.
fn on_cluster(statement: &str, cluster: &str) -> String {
    const HEAD: &str = "CREATE TABLE IF NOT EXISTS ";
    match statement.strip_prefix(HEAD) {
        Some(rest) if !cluster.is_empty() => {
            let end = rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len());
            format!("{HEAD}{}{cluster}{}", &rest[..end], &rest[end..])
        }
        _ => statement.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_goes_behind_the_table_name() {
        assert_eq!(
            on_cluster("CREATE TABLE IF NOT EXISTS hits\n(a Int8)", " ON CLUSTER c"),
            "CREATE TABLE IF NOT EXISTS hits ON CLUSTER c\n(a Int8)"
        );
        assert_eq!(
            on_cluster("CREATE TABLE IF NOT EXISTS hits\n(a Int8)", ""),
            "CREATE TABLE IF NOT EXISTS hits\n(a Int8)"
        );
    }

    #[test]
    fn every_statement_is_safe_to_run_twice() {
        for statement in MIGRATIONS.iter().flat_map(|migration| migration.statements()) {
            assert!(statement.contains("IF NOT EXISTS"), "{statement}");
        }
    }
}
