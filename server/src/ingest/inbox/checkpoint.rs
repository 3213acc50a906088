//! The log of the inbox is moved into its file beside the writer, so that it starts over and a sync stays small.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};

use rusqlite::Connection;

use super::{State, schema};

/// Pages of the log that the writer moves itself, in a few milliseconds, so that the log starts over.
const LAST_PAGES_MAX: i64 = 64;
/// Passes beside the writer until so few are left; a disk that cannot keep up leaves more, and the log grows.
const PASSES_MAX: usize = 12;

/// Moves the log into the file from a second connection, beside the writer: the bulk of the work does not
/// hold up a commit. The writer does the rest, see `Writer::finish_checkpoint`. Ends with the writer.
pub(super) fn start(state: Arc<State>) -> SyncSender<()> {
    let (sender, receiver) = sync_channel::<()>(1);
    std::thread::Builder::new()
        .name("inbox-checkpoint".to_owned())
        .spawn(move || {
            let mut connection = None;
            while receiver.recv().is_ok() {
                if connection.is_none() {
                    connection = schema::open(&state.path).ok();
                }
                let Some(open) = &connection else { continue };
                match move_log(open) {
                    Ok(()) => state.log_is_nearly_moved.store(true, Ordering::Relaxed),
                    Err(error) => {
                        let error = state.failed(&error);
                        tracing::warn!(cause = %error, "the inbox's log was not moved into its file: {error}");
                        connection = None;
                    }
                }
            }
        })
        .expect("the operating system gives a thread");
    sender
}

/// Each pass moves what was written during the one before, which is less and less.
fn move_log(connection: &Connection) -> rusqlite::Result<()> {
    let mut moved_before = 0;
    for _ in 0..PASSES_MAX {
        let (pages, moved) = checkpoint(connection)?;
        if pages - moved_before <= LAST_PAGES_MAX {
            break;
        }
        moved_before = moved;
    }
    Ok(())
}

/// Moves what nobody reads any more; answers how many pages the log had and how many of them are moved by now.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
}
