//! Flush units: which batches are sent to ClickHouse together, fixed in the file before the first attempt,
//! so that every later attempt, also after a crash, sends the same rows under the same token.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::damage;
use super::loading::load;
use super::sealing::seal;
use super::{Inbox, InboxError};
use crate::ingest::rows::Table;

/// A sealed run of batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub id: i64,
    pub(super) first_batch: i64,
    pub(super) last_batch: i64,
    /// Bytes of all its rows.
    pub bytes: u64,
}

/// A unit that ClickHouse refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedUnit {
    pub id: i64,
    pub hits: u64,
    pub why: String,
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
            "SELECT ifnull(sum(bytes), 0) FROM units WHERE delivered_at_ms IS NULL AND refused IS NULL",
            [],
            |row| row.get(0),
        )?;
        Ok(unsealed + sealed)
    })
}

impl Inbox {
    /// The oldest unit that is neither delivered nor refused; none open, one is sealed from what waits. `hits_max`
    /// bounds a unit unless a single batch is larger.
    pub async fn next_unit(&self, hits_max: u64) -> Result<Option<Unit>, InboxError> {
        self.write(move |connection| match open_unit(connection)? {
            Some(unit) => Ok(Some(unit)),
            None => seal(connection, hits_max),
        })
        .await
    }

    /// The oldest unit behind this one that is not delivered; none open, one is sealed from what waits.
    pub async fn unit_behind(&self, unit: &Unit, hits_max: u64) -> Result<Option<Unit>, InboxError> {
        let id = unit.id;
        self.write(move |connection| match open_unit_behind(connection, id)? {
            Some(unit) => Ok(Some(unit)),
            None => seal(connection, hits_max),
        })
        .await
    }

    /// Puts a unit aside that ClickHouse refuses although it takes others. Its rows stay, and are sent again after
    /// [`Inbox::reopen_refused`].
    pub async fn unit_refused(&self, unit: &Unit, why: &str) -> Result<(), InboxError> {
        let (id, bytes, why) = (unit.id, unit.bytes, why.to_owned());
        let changed = self
            .write(move |connection| {
                connection.execute(
                    "UPDATE units SET refused = ?2 WHERE id = ?1 AND delivered_at_ms IS NULL AND refused IS NULL",
                    params![id, why],
                )
            })
            .await?;
        if changed == 1 {
            self.waits_less(bytes);
        }
        Ok(())
    }

    /// Units that ClickHouse refused, oldest first.
    pub async fn refused_units(&self) -> Result<Vec<RefusedUnit>, InboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, refused, (SELECT ifnull(sum(hit_count), 0) FROM batches \
                 WHERE batches.id BETWEEN first_batch AND last_batch) FROM units \
                 WHERE refused IS NOT NULL AND delivered_at_ms IS NULL ORDER BY id",
            )?;
            let found = statement.query_map([], |row| {
                Ok(RefusedUnit { id: row.get(0)?, why: row.get(1)?, hits: row.get(2)? })
            })?;
            found.collect()
        })
        .await
    }

    /// Has units sent again that ClickHouse refused before; answers how many.
    pub async fn reopen_refused(&self) -> Result<usize, InboxError> {
        let (units, bytes) = self
            .write(|connection| {
                let bytes: u64 = connection.query_row(
                    "SELECT ifnull(sum(bytes), 0) FROM units WHERE refused IS NOT NULL AND delivered_at_ms IS NULL",
                    [],
                    |row| row.get(0),
                )?;
                Ok((connection.execute("UPDATE units SET refused = NULL WHERE refused IS NOT NULL", [])?, bytes))
            })
            .await?;
        self.0.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(units)
    }

    /// The rows of a unit. Reading them again gives the same bytes, unless the disk damaged some in between:
    /// batches that do not read are put aside.
    pub async fn unit_rows(&self, unit: &Unit) -> Result<UnitRows, InboxError> {
        let wanted = unit.clone();
        let (rows, damaged) = self.read(move |connection| load(connection, &wanted)).await?;
        if !damaged.is_empty() {
            for (batch_id, why) in &damaged {
                tracing::error!(
                    batch_id,
                    "batch {batch_id} of the inbox is damaged and was put aside ({why}); the rest is delivered. \
                     Check the disk; `tributary doctor` lists what is damaged"
                );
            }
            let unit = unit.clone();
            self.write(move |connection| {
                damaged.iter().try_for_each(|(id, why)| damage::put_aside(connection, &unit, *id, why))
            })
            .await?;
        }
        Ok(rows)
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
            self.waits_less(bytes);
        }
        Ok(())
    }

    fn waits_less(&self, bytes: u64) {
        let less = |waiting: u64| Some(waiting.saturating_sub(bytes));
        let _ = self.0.state.waiting_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// How many hits received before a moment ClickHouse does not have yet; without those it refuses.
    pub async fn waiting_hits(&self, received_before_ms: i64) -> Result<u64, InboxError> {
        self.read(move |connection| {
            connection.query_row(
                "SELECT ifnull(sum(hit_count), 0) FROM batches WHERE received_from_ms < ?1 AND \
                 (id > ifnull((SELECT max(last_batch) FROM units), 0) OR EXISTS (SELECT 1 FROM units \
                 WHERE delivered_at_ms IS NULL AND refused IS NULL AND batches.id BETWEEN first_batch AND last_batch))",
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
                    "DELETE FROM batches WHERE id BETWEEN ?1 AND ?2 \
                     AND id NOT IN (SELECT batch_id FROM damaged)",
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
    open_unit_behind(connection, 0)
}

fn open_unit_behind(connection: &Connection, id: i64) -> rusqlite::Result<Option<Unit>> {
    connection
        .prepare_cached(
            "SELECT id, first_batch, last_batch, bytes FROM units \
             WHERE delivered_at_ms IS NULL AND refused IS NULL AND id > ?1 ORDER BY id LIMIT 1",
        )?
        .query_row([id], read_unit)
        .optional()
}
