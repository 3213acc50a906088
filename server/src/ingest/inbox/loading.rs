//! Reading a unit's rows, ready to send: all at once, or batch by batch when one of them is damaged.

use bytes::Bytes;
use rusqlite::Connection;

use super::damage::{self, COLUMNS};
use super::units::{Unit, UnitRows};
use crate::ingest::rows::Table;

/// A unit's rows, and the batches in it that do not read with why.
pub(super) type Loaded = (UnitRows, Vec<(i64, String)>);

pub(super) fn load(connection: &Connection, unit: &Unit) -> rusqlite::Result<Loaded> {
    match load_at_once(connection, unit) {
        Err(error) if damage::is_damage(&error) => load_one_by_one(connection, unit),
        loaded => Ok((loaded?, Vec::new())),
    }
}

fn load_at_once(connection: &Connection, unit: &Unit) -> rusqlite::Result<UnitRows> {
    let (mut rows, mut whole) = nothing();
    let sql = format!("SELECT {COLUMNS} FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut batches = statement.query([unit.first_batch, unit.last_batch])?;
    while let Some(batch) = batches.next()? {
        damage::add(&mut rows, &mut whole, batch)?;
    }
    rows.tables = whole.map(Bytes::from);
    Ok(rows)
}

fn load_one_by_one(connection: &Connection, unit: &Unit) -> rusqlite::Result<Loaded> {
    let (mut rows, mut whole) = nothing();
    let mut damaged = Vec::new();
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM batches WHERE id = ?1"))?;
    for id in unit.first_batch..=unit.last_batch {
        let added = statement.query([id]).and_then(|mut found| match found.next()? {
            Some(batch) => damage::add(&mut rows, &mut whole, batch),
            None => Ok(()),
        });
        match added {
            Err(error) if damage::is_damage(&error) => damaged.push((id, error.to_string())),
            added => added?,
        }
    }
    rows.tables = whole.map(Bytes::from);
    Ok((rows, damaged))
}

fn nothing() -> (UnitRows, [Vec<u8>; Table::ALL.len()]) {
    let rows = UnitRows {
        layout: 0,
        tables: Default::default(),
        hit_count: 0,
        touch_count: 0,
        binding_count: 0,
        received_from_ms: i64::MAX,
        received_to_ms: 0,
    };
    (rows, Default::default())
}
