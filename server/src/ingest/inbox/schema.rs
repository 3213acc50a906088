//! The inbox's SQLite file: how it is opened and which tables it has. `user_version` numbers the schema.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::InboxError;
use crate::effects::random_bytes;

const VERSION: i64 = 3;

/// From schema 2.
const ADD_REFUSALS: &str = "ALTER TABLE units ADD COLUMN refused TEXT;";

/// From schema 1.
const ADD_CHECKSUMS: &str = "
    ALTER TABLE batches ADD COLUMN checksum INTEGER;
    CREATE TABLE damaged (batch_id INTEGER PRIMARY KEY, unit_id INTEGER NOT NULL, why TEXT NOT NULL) STRICT;
";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    -- Grain: one row per group commit: the group's rows of each ClickHouse table, encoded.
    CREATE TABLE IF NOT EXISTS batches (
        id               INTEGER PRIMARY KEY AUTOINCREMENT,
        layout           INTEGER NOT NULL,      -- rows::ROW_LAYOUT the rows were encoded in
        received_from_ms INTEGER NOT NULL,      -- received_at of the rows, both ends included
        received_to_ms   INTEGER NOT NULL,
        rows_max         INTEGER NOT NULL,      -- rows of the table that has most
        hit_count        INTEGER NOT NULL,
        touch_count      INTEGER NOT NULL,
        binding_count    INTEGER NOT NULL,
        bytes            INTEGER NOT NULL,
        facets BLOB, touches BLOB, bindings BLOB, hits BLOB, outcomes BLOB,
        checksum         INTEGER                -- damage::checksum of the columns above; none before schema 2
    ) STRICT;
    -- Grain: one row per batch that no longer reads. It is not delivered, and its remains are kept.
    CREATE TABLE IF NOT EXISTS damaged (
        batch_id    INTEGER PRIMARY KEY,
        unit_id     INTEGER NOT NULL,
        why         TEXT NOT NULL
    ) STRICT;
    -- Grain: one row per flush unit: a run of batches, fixed before it is first sent.
    CREATE TABLE IF NOT EXISTS units (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        first_batch     INTEGER NOT NULL,
        last_batch      INTEGER NOT NULL,
        bytes           INTEGER NOT NULL,
        delivered_at_ms INTEGER,
        refused         TEXT                    -- why ClickHouse does not take it; sent again after the next start
    ) STRICT;
    CREATE INDEX IF NOT EXISTS units_open ON units (id) WHERE delivered_at_ms IS NULL;
    -- Grain: one row per provider event, for ever: the unique key is what makes a redelivery harmless.
    CREATE TABLE IF NOT EXISTS webhooks (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        provider       TEXT NOT NULL,
        workspace_id   TEXT NOT NULL,
        connection_id  TEXT NOT NULL,
        event_id       TEXT NOT NULL,
        event_type     TEXT,
        received_at_ms INTEGER NOT NULL,
        sealed_body    BLOB NOT NULL,
        state          TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied', 'failed')),
        attempts       INTEGER NOT NULL DEFAULT 0,
        error          TEXT,
        UNIQUE (connection_id, event_id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS webhooks_open ON webhooks (state, id) WHERE state <> 'applied';
";

/// Opens the file, creating it and its tables when missing.
pub(super) fn open(path: &Path) -> Result<Connection, InboxError> {
    let failed = |error: rusqlite::Error| super::not_opened(path, &error);
    let connection = Connection::open(path).map_err(failed)?;
    let prepare = || {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(
            // Rows come as blobs of tens of kilobytes: fewer, larger pages. Checkpoints are made by hand
            // (`writer.rs`), so that none lands in the middle of a commit.
            "PRAGMA page_size = 8192;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let missing = match found {
            0 => TABLES.to_owned(),
            1 => [ADD_CHECKSUMS, ADD_REFUSALS].concat(),
            2 => ADD_REFUSALS.to_owned(),
            _ => return Ok(found),
        };
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {missing} PRAGMA user_version = {VERSION}; COMMIT"))?;
        Ok(found)
    };
    let found = prepare().map_err(failed)?;
    if found > VERSION {
        return Err(InboxError::Newer { path: path.to_owned(), found });
    }
    Ok(connection)
}

/// The file's own name, made once.
pub(super) fn inbox_id(connection: &Connection) -> rusqlite::Result<String> {
    let fresh = crate::secrets::hex(&random_bytes::<8>());
    connection.execute("INSERT INTO meta (key, value) VALUES ('id', ?1) ON CONFLICT DO NOTHING", [fresh])?;
    let kept: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE key = 'id'", [], |row| row.get(0)).optional()?;
    kept.ok_or(rusqlite::Error::QueryReturnedNoRows)
}
