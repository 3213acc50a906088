//! Damage: batches carry a checksum, since SQLite keeps none of its pages. One that no longer reads is put
//! aside with a word about it and never decoded into nonsense; everything around it is delivered.

use rusqlite::{Connection, ErrorCode, Row, params};

use super::units::{Unit, UnitRows};
use super::{Inbox, InboxError};
use crate::ingest::rows::Table;

/// Columns a batch is read with: six numbers, a blob a table, the checksum.
pub(super) const COLUMNS: &str = "layout, received_from_ms, received_to_ms, hit_count, touch_count, \
                                  binding_count, facets, touches, bindings, hits, outcomes, checksum";
const NUMBERS: usize = 6;
const TABLES: usize = Table::ALL.len();

/// A batch that no longer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedBatch {
    pub batch_id: i64,
    pub unit_id: i64,
    pub why: String,
}

/// CRC-32 over a batch's numbers, and the length and bytes of each of its blobs.
pub(super) fn checksum(numbers: &[i64; NUMBERS], blobs: [Option<&[u8]>; TABLES]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    numbers.iter().for_each(|number| sum.update(&number.to_le_bytes()));
    for blob in blobs {
        let blob = blob.unwrap_or_default();
        sum.update(&(blob.len() as u64).to_le_bytes());
        sum.update(blob);
    }
    sum.finalize()
}

/// Whether the file's content is at fault, as opposed to the disk or a lock.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || is_unreadable_value(error)
}

fn is_unreadable_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
    )
}

/// A number that is only a measure: nothing when damage keeps it from being read.
pub(super) fn tolerated<T: Default>(read: rusqlite::Result<T>) -> rusqlite::Result<T> {
    match read {
        Err(error) if is_damage(&error) => {
            tracing::error!(cause = %error, "a part of the inbox does not read: {error}; see `tributary doctor`");
            Ok(T::default())
        }
        read => read,
    }
}

/// Adds a batch's rows, or says why it does not read.
pub(super) fn add(
    rows: &mut UnitRows,
    whole: &mut [Vec<u8>; TABLES],
    batch: &Row<'_>,
) -> rusqlite::Result<()> {
    let mut numbers = [0i64; NUMBERS];
    for (at, number) in numbers.iter_mut().enumerate() {
        *number = batch.get(at)?;
    }
    let mut blobs: [Option<&[u8]>; TABLES] = [None; TABLES];
    for (at, blob) in blobs.iter_mut().enumerate() {
        *blob = batch.get_ref(NUMBERS + at)?.as_blob_or_null()?;
    }
    let kept: Option<i64> = batch.get(NUMBERS + TABLES)?;
    if kept.is_some_and(|kept| kept != i64::from(checksum(&numbers, blobs))) {
        return Err(rusqlite::Error::FromSqlConversionFailure(
            NUMBERS + TABLES,
            rusqlite::types::Type::Integer,
            "its checksum does not fit its rows".into(),
        ));
    }
    let [layout, from, to, hits, touches, bindings] = numbers;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    rows.layout = u32::try_from(layout).unwrap_or(0);
    // A batch of counts alone has no receive time.
    if from > 0 {
        rows.received_from_ms = rows.received_from_ms.min(from);
    }
    rows.received_to_ms = rows.received_to_ms.max(to);
    rows.hit_count += count(hits);
    rows.touch_count += count(touches);
    rows.binding_count += count(bindings);
    for (table, blob) in whole.iter_mut().zip(blobs) {
        table.extend_from_slice(blob.unwrap_or_default());
    }
    Ok(())
}

/// Keeps a batch out of deliveries, with its remains.
pub(super) fn put_aside(
    connection: &Connection,
    unit: &Unit,
    batch_id: i64,
    why: &str,
) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO damaged (batch_id, unit_id, why) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![batch_id, unit.id, why],
        )
        .map(drop)
}

impl Inbox {
    /// Batches that did not read when they were to be delivered.
    pub async fn damaged_batches(&self) -> Result<Vec<DamagedBatch>, InboxError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT batch_id, unit_id, why FROM damaged ORDER BY batch_id")?;
            let found = statement.query_map([], |row| {
                Ok(DamagedBatch { batch_id: row.get(0)?, unit_id: row.get(1)?, why: row.get(2)? })
            })?;
            found.collect()
        })
        .await
    }

    /// What is wrong with the whole file, a line each; nothing when it is sound. Reads all of it.
    pub async fn inspect(&self) -> Result<Vec<String>, InboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
            let lines =
                statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
        .await
    }
}
