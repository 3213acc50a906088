//! The inbox: hits and webhooks are made durable here before anything is answered.
//!
//! One thread owns the writing connection. It takes whatever queued while the last commit was syncing,
//! writes it in one transaction, syncs, and answers everybody; an idle server answers after one sync and a
//! busy one shares each sync among many, without a timer. Nothing here looks into a row: what a browser or a
//! provider said is decided before (`pipeline.rs`) and after (`flusher.rs`, `jobs`).

mod checkpoint;
mod damage;
mod erase;
mod loading;
mod log;
mod reseal;
mod schema;
mod sealing;
mod units;
mod webhooks;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

pub use self::damage::DamagedBatch;
pub use self::log::damaged_logs;
pub use self::units::{RefusedUnit, Unit, UnitRows};
pub use self::webhooks::{FailedCount, FailedWebhook, Kept, Meant, NewWebhook, Replay, Webhook};
use super::rows::{Record, Records, Tally};
use super::seen::Seen;
use writer::Request;

/// Requests that wait for the writer; more wait at the door of their own connection.
const QUEUE_REQUESTS_MAX: usize = 4096;

/// A claim is tried this often before the inbox counts as in use.
const CLAIM_TRIES: u32 = 10;
const CLAIM_RETRY: Duration = Duration::from_millis(100);

/// Name of the file in the data directory.
pub const FILE: &str = "inbox.sqlite";

/// What to do about a file that no longer reads.
const ADVICE: &str = "check the disk; `tributary doctor` says what is concerned. To go on at once, stop the server, \
    move the file aside together with those beside it (-wal, -shm) and start again: an empty one is made. \
    Providers send lost webhooks again on request, and `tributary reconcile` fetches their sales";

#[derive(Debug, Clone, Error)]
pub enum InboxError {
    #[error("the inbox is full: the store does not take what waits; free it, or raise inbox.bytes_max")]
    Full,
    #[error("the inbox cannot write: {0}; check the disk of data_dir")]
    Disk(String),
    #[error(
        "the inbox stopped: {0}. What was not synced may be gone although the disk says otherwise, so nothing is acknowledged until a restart; look at the disk's health first (dmesg, smartctl)"
    )]
    SyncFailed(String),
    #[error("{path} is damaged: {why}; {ADVICE}")]
    Damaged { path: PathBuf, why: String },
    #[error("the inbox is closed")]
    Closed,
    #[error("cannot open {path}: {why}; check that data_dir is writable and on a local disk")]
    Open { path: PathBuf, why: String },
    #[error("{path} is written by another process; stop it, or give this one its own data_dir")]
    InUse { path: PathBuf },
    #[error("{path} was written by a newer Tributary (schema {found}); start that version")]
    Newer { path: PathBuf, found: i64 },
}

/// How much the inbox may hold.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of rows not yet delivered at which appending is refused; also the most that is kept for
    /// replay after delivery.
    pub bytes_max: u64,
    /// Hits remembered, so that one sent again does not count again.
    pub hits_remembered: usize,
}

/// The inbox of this node. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<Request>,
    state: Arc<State>,
    /// For reads that must not wait behind, or hold up, the writer.
    reader: Mutex<Option<Connection>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    claim: Mutex<Option<std::fs::File>>,
    #[cfg(feature = "bench")]
    keeps_nothing: AtomicBool,
}

/// What the writer and the callers both see.
struct State {
    path: PathBuf,
    /// Sixteen hex characters, made with the file: part of every insert token.
    id: String,
    bytes_max: u64,
    /// Bytes of rows that are durable but not delivered.
    waiting_bytes: AtomicU64,
    /// Why nothing is written any more, since a sync failed.
    sync_failed: OnceLock<String>,
    /// Whether the checkpoint thread left so little of the log that the writer moves the rest between two groups.
    log_is_nearly_moved: AtomicBool,
    /// Outcomes counted without a record of their own; they ride with the next group.
    tallies: Mutex<Vec<Tally>>,
    /// Hits that are durable.
    seen: Seen,
}

impl Inbox {
    /// Opens or creates `<data_dir>/inbox.sqlite`. Nobody writing to it, its log is looked over first, and
    /// what of it is damaged is told and kept. Called within the runtime whose tasks will append.
    pub fn open(data_dir: &Path, options: Options) -> Result<Inbox, InboxError> {
        let path = data_dir.join(FILE);
        if let Ok(_nobody_writes) = lock(&path)
            && let Some(damage) = log::keep_if_damaged(&path)
        {
            tracing::error!("{damage}");
        }
        let connection = schema::open(&path)?;
        let failed = |error: rusqlite::Error| not_opened(&path, &error);
        let state = Arc::new(State {
            id: schema::inbox_id(&connection).map_err(failed)?,
            waiting_bytes: AtomicU64::new(
                damage::tolerated(units::waiting_bytes(&connection)).map_err(failed)?,
            ),
            bytes_max: options.bytes_max,
            sync_failed: OnceLock::new(),
            log_is_nearly_moved: AtomicBool::new(false),
            tallies: Mutex::default(),
            seen: Seen::new(options.hits_remembered),
            path,
        });
        let (sender, receiver) = mpsc::channel(QUEUE_REQUESTS_MAX);
        let thread = writer::start(connection, receiver, state.clone());
        Ok(Inbox(Arc::new(Shared {
            sender,
            state,
            reader: Mutex::default(),
            thread: Mutex::new(Some(thread)),
            claim: Mutex::default(),
            #[cfg(feature = "bench")]
            keeps_nothing: Default::default(),
        })))
    }

    /// Takes the inbox for this process: one collector writes and delivers it. Held until the process ends
    /// or the inbox is dropped; commands that only look or replay need no claim. Moves the log into the file:
    /// what a life before wrote, also without having been able to sync it, is synced before anything is
    /// acknowledged. Reads which hits came last, so that those sent again are known, and has sent again what ClickHouse
    /// refused.
    pub async fn claim(&self) -> Result<(), InboxError> {
        let mut tries = 0;
        let file = loop {
            match lock(&self.0.state.path) {
                // A command that looks the log over holds it for a moment.
                Err(InboxError::InUse { .. }) if tries < CLAIM_TRIES => {
                    tries += 1;
                    tokio::time::sleep(CLAIM_RETRY).await;
                }
                done => break done?,
            }
        };
        *self.0.claim.lock().expect("no holder panics") = Some(file);
        let state = self.0.state.clone();
        let started = std::time::Instant::now();
        let hits = self
            .job(move |connection| {
                let busy: i64 =
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
                if busy != 0 {
                    tracing::warn!("another program reads the inbox: its log is moved into the file later");
                }
                damage::tolerated(state.seen.recall(connection))
            })
            .await?;
        tracing::info!(hits, "{hits} hits of before are known, read in {} ms", started.elapsed().as_millis());
        let units = self.reopen_refused().await?;
        if units > 0 {
            tracing::info!(units, "{units} units that the store refused are sent again");
        }
        Ok(())
    }

    /// Makes the records of a request durable; resolves when they are. `Err(Full)` and `Err(Disk)` mean: nothing was
    /// accepted, try again later.
    pub async fn append(&self, records: impl IntoIterator<Item = Record>) -> Result<(), InboxError> {
        let records: Records = records.into_iter().collect();
        let bytes: usize = records.iter().map(Record::len_bytes).sum();
        #[cfg(feature = "bench")]
        if self.0.keeps_nothing.load(Ordering::Relaxed) {
            std::hint::black_box(bytes);
            return Ok(());
        }
        let waiting = self.0.state.waiting_bytes.load(Ordering::Relaxed);
        if waiting + bytes as u64 > self.0.state.bytes_max {
            return Err(InboxError::Full);
        }
        self.ask(|reply| Request::Append { records, reply }).await
    }

    /// Answers at once and keeps nothing from now on: what the bench compares the real thing with.
    #[cfg(feature = "bench")]
    pub fn keep_nothing(&self, yes: bool) {
        self.0.keeps_nothing.store(yes, Ordering::Relaxed);
    }

    /// Counts outcomes that leave no row; they become durable with the next group.
    pub fn count(&self, tally: Tally) {
        writer::merge(&mut self.0.state.tallies.lock().expect("no holder panics"), tally);
    }

    /// Writes counts that still wait for a group to ride with; does nothing when there are none.
    pub async fn keep_counts(&self) -> Result<(), InboxError> {
        if self.0.state.tallies.lock().expect("no holder panics").is_empty() {
            return Ok(());
        }
        self.ask(|reply| Request::Append { records: Records::new(), reply }).await
    }

    /// Hits that are durable.
    pub fn seen(&self) -> &Seen {
        &self.0.state.seen
    }

    /// Part of every insert token: names this file for ever.
    pub fn id(&self) -> &str {
        &self.0.state.id
    }

    /// Bytes of rows that are durable but not delivered.
    pub fn waiting_bytes(&self) -> u64 {
        self.0.state.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Whether appending is refused for want of room.
    pub fn is_full(&self) -> bool {
        self.waiting_bytes() >= self.0.state.bytes_max
    }

    /// Why nothing is acknowledged until a restart, when a sync failed.
    pub fn sync_failed(&self) -> Option<&str> {
        self.0.state.sync_failed.get().map(String::as_str)
    }

    /// Answers what is queued, then closes the file; later calls fail with `Closed`.
    pub async fn close(&self) {
        let _ = self.0.sender.send(Request::Stop).await;
        let thread = self.0.thread.lock().expect("no holder panics").take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        self.0.reader.lock().expect("no holder panics").take();
        self.0.claim.lock().expect("no holder panics").take();
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, InboxError>>) -> Request,
    ) -> Result<T, InboxError> {
        let (reply, answer) = oneshot::channel();
        self.0.sender.send(request(reply)).await.map_err(|_| InboxError::Closed)?;
        answer.await.map_err(|_| InboxError::Closed)?
    }

    /// Runs `work` on the writing connection, in its own transaction, durable when it resolves.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.job(move |connection| {
            let transaction = connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs `work` on the writing connection, between two groups.
    async fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let state = self.0.state.clone();
        self.ask(|reply| {
            Request::Job(Box::new(move |connection| {
                let done = connection.and_then(|open| work(open).map_err(|error| state.failed(&error)));
                let failed = done.is_err();
                let _ = reply.send(done);
                failed
            }))
        })
        .await
    }

    /// Runs `work` on the reading connection, away from the async threads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let inbox = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut reader = inbox.0.reader.lock().expect("no holder panics");
            let connection = match reader.take() {
                Some(connection) => connection,
                None => schema::open(&inbox.0.state.path)?,
            };
            let value = work(&connection).map_err(|error| inbox.0.state.failed(&error))?;
            // Only a connection that worked is used again.
            *reader = Some(connection);
            Ok(value)
        });
        done.await.map_err(|_| InboxError::Closed)?
    }
}

impl State {
    /// What a failure of SQLite means. A failed sync is remembered: the system may have dropped what it
    /// could not write, and would call the next sync a success.
    fn failed(&self, error: &rusqlite::Error) -> InboxError {
        use rusqlite::ffi;
        let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
        if matches!(extended, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) {
            let why = self.sync_failed.get_or_init(|| format!("a sync failed ({error})"));
            return InboxError::SyncFailed(why.clone());
        }
        if damage::is_damage(error) {
            return InboxError::Damaged { path: self.path.clone(), why: error.to_string() };
        }
        InboxError::Disk(error.to_string())
    }
}

/// The mark of the one process that writes to the inbox at `path`; it goes with the file that is answered.
fn lock(path: &Path) -> Result<std::fs::File, InboxError> {
    let lock = path.with_extension("lock");
    let file = std::fs::File::create(&lock)
        .map_err(|error| InboxError::Open { path: lock.clone(), why: error.to_string() })?;
    file.try_lock().map_err(|_| InboxError::InUse { path: path.to_owned() })?;
    Ok(file)
}

fn not_opened(path: &Path, error: &rusqlite::Error) -> InboxError {
    let (path, why) = (path.to_owned(), error.to_string());
    if damage::is_damage(error) { InboxError::Damaged { path, why } } else { InboxError::Open { path, why } }
}

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;
