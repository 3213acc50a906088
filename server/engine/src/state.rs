//! What all handles of one open engine share: the library, the sentinel connection, the places for statements,
//! the control lane. It never runs a statement.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::control::{Control, Ticket};
use crate::failure::Failure;
use crate::ffi::{self, Api, Connection};
use crate::sessions::Sessions;

/// What opening the engine gave.
pub struct Opened {
    pub api: &'static Api,
    pub library: PathBuf,
    pub data_dir: PathBuf,
    pub timezone: String,
    pub sentinel: Connection,
    /// Our lock on the data directory.
    pub lock: File,
}

/// One open engine.
pub struct Shared {
    pub api: &'static Api,
    /// The engine's time zone, by its IANA name.
    pub timezone: String,
    pub library: PathBuf,
    pub data_dir: PathBuf,
    arguments: Arc<Vec<CString>>,
    control: Control,
    places: Arc<Semaphore>,
    running: Mutex<HashMap<u64, Arc<Ticket>>>,
    all_over: Condvar,
    next_id: AtomicU64,
    closed: AtomicBool,
    pub sessions: Sessions,
    /// Keeps the engine's server alive between requests (trap G1: each request has its own connection).
    sentinel: Mutex<Option<Connection>>,
    lock: Mutex<Option<File>>,
}

impl Shared {
    /// Starts the control lane of an engine that was just opened. `arguments` go with every connection, `places`
    /// is how many statements run at once.
    pub fn new(opened: Opened, arguments: Vec<CString>, places: usize) -> std::io::Result<Shared> {
        let arguments = Arc::new(arguments);
        let Opened { api, library, data_dir, timezone, sentinel, lock } = opened;
        Ok(Shared {
            api,
            timezone,
            library,
            data_dir,
            control: Control::start(api, arguments.clone())?,
            arguments,
            places: Arc::new(Semaphore::new(places)),
            running: Mutex::default(),
            all_over: Condvar::new(),
            next_id: AtomicU64::new(1),
            closed: AtomicBool::new(false),
            sessions: Sessions::default(),
            sentinel: Mutex::new(Some(sentinel)),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Waits for a place and registers a statement. The slot must live as long as the statement's connection.
    pub async fn admit(self: &Arc<Self>) -> Result<Slot, Failure> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| closed())?;
        let ticket = Ticket::new(self.next_id.fetch_add(1, Ordering::Relaxed));
        let mut running = self.running();
        // Checked under the lock, so that closing sees every statement it must wait for.
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        running.insert(ticket.id(), ticket.clone());
        drop(running);
        Ok(Slot { shared: self.clone(), ticket, _place: place })
    }

    /// A connection with the limits of this engine (trap G13: they hold for one connection only).
    pub fn connect(&self) -> Result<Connection, Failure> {
        self.api.connect(&self.arguments).ok_or_else(|| {
            Failure::refuse(210, "NETWORK_ERROR", "the engine gave no connection; its log on stderr says why")
        })
    }

    pub fn cancel(&self, ticket: &Arc<Ticket>) {
        self.control.cancel(ticket);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Arc<Ticket>>> {
        self.running.lock().expect("no panic while held")
    }

    /// Stops every statement, waits up to `patience` for them, closes the control lane and then the sentinel, last
    /// of all (trap G7). Blocks. Says whether everything was closed.
    pub fn shut(&self, patience: Duration) -> bool {
        self.closed.store(true, Ordering::Release);
        self.places.close();
        let until = Instant::now() + patience;
        let mut running = self.running();
        for ticket in running.values() {
            self.control.cancel(ticket);
        }
        while !running.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            running = self.all_over.wait_timeout(running, left).expect("no panic while held").0;
        }
        drop(running);
        self.control.stop();
        self.sessions.clear();
        drop(self.sentinel.lock().expect("no panic while held").take());
        drop(self.lock.lock().expect("no panic while held").take());
        true
    }

    /// Whether statements are running.
    pub fn is_busy(&self) -> bool {
        !self.running().is_empty()
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn closed() -> Failure {
    Failure::refuse(236, "ABORTED", "the engine is closed; the program is shutting down")
}

/// Most kinds of statements, and with them the library's destructors, turn up among so many.
const FIRST_STATEMENTS: u64 = 64;

/// A statement's place, held by the thread that runs it.
pub struct Slot {
    pub shared: Arc<Shared>,
    pub ticket: Arc<Ticket>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.ticket.finish();
        let id = self.ticket.id();
        if id <= FIRST_STATEMENTS || id.is_power_of_two() {
            ffi::run_before_destructors();
        }
        let mut running = self.shared.running();
        running.remove(&self.ticket.id());
        if running.is_empty() {
            self.shared.all_over.notify_all();
        }
    }
}

/// Kills the statement when dropped, unless it is over, was let go or is a write that came in completely. It holds no part of the answer's channel: a
/// held sender would keep the answer open for ever (trap G17).
pub struct KillOnDrop {
    shared: Arc<Shared>,
    ticket: Option<Arc<Ticket>>,
}

impl KillOnDrop {
    pub fn new(slot: &Slot) -> KillOnDrop {
        KillOnDrop { shared: slot.shared.clone(), ticket: Some(slot.ticket.clone()) }
    }

    /// Lets the statement run to its end whatever happens to the client.
    pub fn let_go(&mut self) {
        self.ticket = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take().filter(|ticket| !ticket.is_committed()) {
            self.shared.cancel(&ticket);
        }
    }
}
