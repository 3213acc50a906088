//! Flush units: which batches are sent to ClickHouse together, fixed in the file before the first attempt,
//! so that every later attempt, also after a crash, sends the same rows under the same token.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Inbox, InboxError};
use crate::ingest::rows::Table;

/// One table's rows in one insert stay below this, so that the insert is one block: there wholly or not.
const UNIT_ROWS_MAX: u64 = 1_000_000;

/// A sealed run of batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub id: i64,
    first_batch: i64,
    last_batch: i64,
    /// Bytes of all its rows.
    pub bytes: u64,
}

/// What a unit holds, ready to send.
#[derive(Debug, Clone)]
pub struct UnitRows {
    /// Version of the row encoding, the same for all of the unit.
    pub layout: u32,
    /// Encoded rows per table, in the order of [`Table::ALL`]; empty when the unit has none.
    pub tables: [Bytes; Table::ALL.len()],
    pub hit_count: u64,
    pub touch_count: u64,
    pub binding_count: u64,
    /// `received_at` of the rows, both ends included.
    pub received_from_ms: i64,
    pub received_to_ms: i64,
}

/// Bytes of rows that no delivered unit holds.
pub(super) fn waiting_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT ifnull(sum(bytes), 0) FROM batches WHERE id > ifnull((SELECT max(last_batch) FROM units), 0)",
        [],
        |row| row.get::<_, u64>(0),
    )
    .and_then(|unsealed| {
        let sealed: u64 = connection.query_row(
            "SELECT ifnull(sum(bytes), 0) FROM units WHERE delivered_at_ms IS NULL",
            [],
            |row| row.get(0),
        )?;
        Ok(unsealed + sealed)
    })
}

impl Inbox {
    /// The oldest unit that is not delivered; none open, one is sealed from what waits. `hits_max` bounds
    /// a unit unless a single batch is larger.
    pub async fn next_unit(&self, hits_max: u64) -> Result<Option<Unit>, InboxError> {
        self.write(move |connection| match open_unit(connection)? {
            Some(unit) => Ok(Some(unit)),
            None => seal(connection, hits_max),
        })
        .await
    }

    /// The rows of a unit. Reading them again gives the same bytes.
    pub async fn unit_rows(&self, unit: &Unit) -> Result<UnitRows, InboxError> {
        let unit = unit.clone();
        self.read(move |connection| load(connection, &unit)).await
    }

    /// Marks a unit as accepted by ClickHouse; its rows stay for replay until [`Inbox::drop_delivered`].
    pub async fn unit_delivered(&self, unit: &Unit, now_ms: i64) -> Result<(), InboxError> {
        let (id, bytes) = (unit.id, unit.bytes);
        let changed = self
            .write(move |connection| {
                connection.execute(
                    "UPDATE units SET delivered_at_ms = ?2 WHERE id = ?1 AND delivered_at_ms IS NULL",
                    params![id, now_ms],
                )
            })
            .await?;
        if changed == 1 {
            let less = |waiting: u64| Some(waiting.saturating_sub(bytes));
            let _ = self.0.state.waiting_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        Ok(())
    }

    /// How many hits received before a moment ClickHouse does not have yet.
    pub async fn waiting_hits(&self, received_before_ms: i64) -> Result<u64, InboxError> {
        self.read(move |connection| {
            connection.query_row(
                "SELECT ifnull(sum(hit_count), 0) FROM batches WHERE received_from_ms < ?1 AND \
                 (id > ifnull((SELECT max(last_batch) FROM units), 0) OR EXISTS (SELECT 1 FROM units \
                 WHERE delivered_at_ms IS NULL AND batches.id BETWEEN first_batch AND last_batch))",
                [received_before_ms],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Opens delivered units again whose delivery was at or after `delivered_at_ms`; they are sent with
    /// their old tokens, so what ClickHouse still has is not written twice. Answers how many.
    pub async fn replay_units(&self, delivered_at_ms: i64) -> Result<usize, InboxError> {
        let (units, bytes) = self
            .write(move |connection| {
                let bytes: u64 = connection.query_row(
                    "SELECT ifnull(sum(bytes), 0) FROM units WHERE delivered_at_ms >= ?1",
                    [delivered_at_ms],
                    |row| row.get(0),
                )?;
                let units = connection.execute(
                    "UPDATE units SET delivered_at_ms = NULL WHERE delivered_at_ms >= ?1",
                    [delivered_at_ms],
                )?;
                Ok((units, bytes))
            })
            .await?;
        self.0.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(units)
    }

    /// Drops up to 16 delivered units that were delivered before `keep_since_ms`, or that do not fit
    /// beside newer ones into `bytes_max`; answers how many. Small steps, so that commits go on between.
    pub async fn drop_delivered(&self, keep_since_ms: i64) -> Result<usize, InboxError> {
        let bytes_max = self.0.state.bytes_max;
        self.write(move |connection| {
            let mut room = bytes_max.saturating_sub(waiting_bytes(connection)?);
            let mut newest_first = connection.prepare_cached(
                "SELECT id, first_batch, last_batch, bytes, delivered_at_ms FROM units \
                 WHERE delivered_at_ms IS NOT NULL ORDER BY id DESC",
            )?;
            let delivered = newest_first.query_map([], |row| Ok((read_unit(row)?, row.get::<_, i64>(4)?)))?;
            let mut spare = Vec::new();
            for found in delivered {
                let (unit, delivered_at_ms) = found?;
                if delivered_at_ms < keep_since_ms || unit.bytes > room {
                    room = 0;
                    spare.push(unit);
                } else {
                    room -= unit.bytes;
                }
            }
            // Oldest first. The newest row of `units` stays: sealing reads from it where to go on.
            let newest: i64 = connection
                .query_row("SELECT max(id) FROM units", [], |row| row.get::<_, Option<i64>>(0))?
                .unwrap_or(0);
            let gone: Vec<Unit> = spare.into_iter().rev().filter(|unit| unit.id < newest).take(16).collect();
            for unit in &gone {
                connection.execute(
                    "DELETE FROM batches WHERE id BETWEEN ?1 AND ?2",
                    [unit.first_batch, unit.last_batch],
                )?;
                connection.execute("DELETE FROM units WHERE id = ?1", [unit.id])?;
            }
            Ok(gone.len())
        })
        .await
    }
}

fn read_unit(row: &rusqlite::Row<'_>) -> rusqlite::Result<Unit> {
    Ok(Unit { id: row.get(0)?, first_batch: row.get(1)?, last_batch: row.get(2)?, bytes: row.get(3)? })
}

fn open_unit(connection: &Connection) -> rusqlite::Result<Option<Unit>> {
    connection
        .prepare_cached(
            "SELECT id, first_batch, last_batch, bytes FROM units WHERE delivered_at_ms IS NULL ORDER BY id LIMIT 1",
        )?
        .query_row([], read_unit)
        .optional()
}

fn seal(connection: &Connection, hits_max: u64) -> rusqlite::Result<Option<Unit>> {
    let mut unsealed = connection.prepare_cached(
        "SELECT id, layout, hit_count, rows_max, bytes FROM batches \
         WHERE id > ifnull((SELECT max(last_batch) FROM units), 0) ORDER BY id",
    )?;
    let mut batches = unsealed.query([])?;
    let mut unit: Option<Unit> = None;
    let (mut layout, mut hits, mut rows) = (0u32, 0u64, 0u64);
    while let Some(batch) = batches.next()? {
        let id: i64 = batch.get(0)?;
        let (batch_layout, batch_hits, batch_rows): (u32, u64, u64) =
            (batch.get(1)?, batch.get(2)?, batch.get(3)?);
        let bytes: u64 = batch.get(4)?;
        match &mut unit {
            None => unit = Some(Unit { id: 0, first_batch: id, last_batch: id, bytes }),
            Some(unit)
                if batch_layout == layout
                    && hits + batch_hits <= hits_max
                    && rows + batch_rows <= UNIT_ROWS_MAX =>
            {
                unit.last_batch = id;
                unit.bytes += bytes;
            }
            Some(_) => break,
        }
        layout = batch_layout;
        hits += batch_hits;
        rows += batch_rows;
    }
    let Some(mut unit) = unit else { return Ok(None) };
    connection
        .prepare_cached("INSERT INTO units (first_batch, last_batch, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![unit.first_batch, unit.last_batch, unit.bytes])?;
    unit.id = connection.last_insert_rowid();
    Ok(Some(unit))
}

fn load(connection: &Connection, unit: &Unit) -> rusqlite::Result<UnitRows> {
    let mut rows = UnitRows {
        layout: 0,
        tables: Default::default(),
        hit_count: 0,
        touch_count: 0,
        binding_count: 0,
        received_from_ms: i64::MAX,
        received_to_ms: 0,
    };
    let mut whole: [Vec<u8>; Table::ALL.len()] = Default::default();
    let mut statement = connection.prepare_cached(
        "SELECT layout, hit_count, touch_count, binding_count, received_from_ms, received_to_ms, \
         facets, touches, bindings, hits, outcomes FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut batches = statement.query([unit.first_batch, unit.last_batch])?;
    while let Some(batch) = batches.next()? {
        rows.layout = batch.get(0)?;
        rows.hit_count += batch.get::<_, u64>(1)?;
        rows.touch_count += batch.get::<_, u64>(2)?;
        rows.binding_count += batch.get::<_, u64>(3)?;
        // A batch of counts alone has no receive time.
        let from: i64 = batch.get(4)?;
        if from > 0 {
            rows.received_from_ms = rows.received_from_ms.min(from);
        }
        rows.received_to_ms = rows.received_to_ms.max(batch.get(5)?);
        for (at, table) in whole.iter_mut().enumerate() {
            if let Some(blob) = batch.get_ref(6 + at)?.as_blob_or_null()? {
                table.extend_from_slice(blob);
            }
        }
    }
    rows.tables = whole.map(Bytes::from);
    Ok(rows)
}
