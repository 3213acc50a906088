//! Sealing: which of the batches that wait become one unit. Damage ends a unit early and never holds up what is whole.

use rusqlite::{Connection, params};

use super::damage;
use super::units::Unit;

/// One table's rows in one insert stay below this, so that the insert is one block: there wholly or not.
const UNIT_ROWS_MAX: u64 = 1_000_000;
/// Bytes of one unit, unless a single batch has more: it is held in memory while it is sent.
const UNIT_BYTES_MAX: u64 = 64 << 20;

/// Batches of a unit that is sealed without reading them, because reading them fails.
const BLIND_BATCHES: i64 = 64;

pub(super) fn seal(connection: &Connection, hits_max: u64) -> rusqlite::Result<Option<Unit>> {
    let mut sealing = Sealing { unit: None, layout: 0, hits: 0, rows: 0 };
    if let Err(error) = sealing.extend(connection, hits_max) {
        if !damage::is_damage(&error) {
            return Err(error);
        }
        // What was read before the damage is a unit; damage at the very beginning is stepped over.
        if sealing.unit.is_none() {
            sealing.unit = blind(connection)?;
        }
    }
    let Some(mut unit) = sealing.unit else { return Ok(None) };
    connection
        .prepare_cached("INSERT INTO units (first_batch, last_batch, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![unit.first_batch, unit.last_batch, unit.bytes])?;
    unit.id = connection.last_insert_rowid();
    Ok(Some(unit))
}

struct Sealing {
    unit: Option<Unit>,
    layout: u32,
    hits: u64,
    rows: u64,
}

impl Sealing {
    fn extend(&mut self, connection: &Connection, hits_max: u64) -> rusqlite::Result<()> {
        let mut unsealed = connection.prepare_cached(
            "SELECT id, layout, hit_count, rows_max, bytes FROM batches \
             WHERE id > ifnull((SELECT max(last_batch) FROM units), 0) ORDER BY id",
        )?;
        let mut batches = unsealed.query([])?;
        while let Some(batch) = batches.next()? {
            let id: i64 = batch.get(0)?;
            let (layout, hits, rows): (u32, u64, u64) = (batch.get(1)?, batch.get(2)?, batch.get(3)?);
            let bytes: u64 = batch.get(4)?;
            match &mut self.unit {
                None => self.unit = Some(Unit { id: 0, first_batch: id, last_batch: id, bytes }),
                Some(unit)
                    if layout == self.layout
                        && self.hits.saturating_add(hits) <= hits_max
                        && self.rows.saturating_add(rows) <= UNIT_ROWS_MAX
                        && unit.bytes.saturating_add(bytes) <= UNIT_BYTES_MAX =>
                {
                    unit.last_batch = id;
                    unit.bytes = unit.bytes.saturating_add(bytes);
                }
                Some(_) => break,
            }
            self.layout = layout;
            self.hits = self.hits.saturating_add(hits);
            self.rows = self.rows.saturating_add(rows);
        }
        Ok(())
    }
}

/// The next few ids, whatever is there: [`load`] finds out which of them read.
fn blind(connection: &Connection) -> rusqlite::Result<Option<Unit>> {
    let sealed: i64 =
        connection.query_row("SELECT ifnull(max(last_batch), 0) FROM units", [], |row| row.get(0))?;
    let given: i64 = connection.query_row(
        "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'batches'",
        [],
        |row| row.get(0),
    )?;
    let last_batch = given.min(sealed.saturating_add(BLIND_BATCHES));
    Ok((last_batch > sealed).then_some(Unit { id: 0, first_batch: sealed + 1, last_batch, bytes: 0 }))
}
