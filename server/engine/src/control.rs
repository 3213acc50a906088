//! The reserved lane for stopping statements. One thread with a connection of its own, outside the places that
//! statements wait for, so that busy readers can never keep a KILL from running (traps G6, G15). It kills by the
//! comment that stands in front of each statement: the C interface has no query ids.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::ffi::Api;

/// A statement from its start to the moment its connection is closed.
pub struct Ticket {
    id: u64,
    cancelled: AtomicBool,
    wake: Notify,
    committed: AtomicBool,
    over: AtomicBool,
}

impl Ticket {
    pub fn new(id: u64) -> Arc<Ticket> {
        Arc::new(Ticket {
            id,
            cancelled: AtomicBool::new(false),
            wake: Notify::new(),
            committed: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// What stands in front of the statement and makes it findable in `system.processes`.
    pub fn mark(&self) -> String {
        format!("/*tributary:{}*/ ", self.id)
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Waits until the statement is cancelled.
    pub async fn cancelled(&self) {
        let mut woken = std::pin::pin!(self.wake.notified());
        // Listens before it looks, so that a cancel between the two is not missed.
        woken.as_mut().enable();
        if !self.is_cancelled() {
            woken.await;
        }
    }

    /// From here on a client that goes away no longer stops the statement: a write that the client sent completely
    /// runs to its end, as it does on a server.
    pub fn commit(&self) {
        self.committed.store(true, Ordering::Release);
    }

    pub fn is_committed(&self) -> bool {
        self.committed.load(Ordering::Acquire)
    }

    /// Says that nothing of the statement is left in the engine.
    pub fn finish(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// The lane. Dropping it ends the thread.
pub struct Control {
    orders: Mutex<Option<Sender<Arc<Ticket>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Control {
    pub fn start(api: &'static Api, arguments: Arc<Vec<CString>>) -> std::io::Result<Control> {
        let (orders, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("engine-control".into())
            .spawn(move || run(api, &arguments, &inbox))?;
        Ok(Control { orders: Mutex::new(Some(orders)), thread: Mutex::new(Some(thread)) })
    }

    /// Stops a statement, wherever it is. Returns at once.
    pub fn cancel(&self, ticket: &Arc<Ticket>) {
        ticket.cancelled.store(true, Ordering::Release);
        ticket.wake.notify_waiters();
        if ticket.is_over() {
            return;
        }
        if let Some(orders) = &*self.orders.lock().expect("no panic while held") {
            // A closed inbox means that the engine is closing and has cancelled everything.
            let _ = orders.send(ticket.clone());
        }
    }

    /// Ends the thread and waits until its connection is closed.
    pub fn stop(&self) {
        drop(self.orders.lock().expect("no panic while held").take());
        if let Some(thread) = self.thread.lock().expect("no panic while held").take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop();
    }
}

/// First wait before looking again whether a killed statement has gone, and the longest.
const RETRY_FIRST: Duration = Duration::from_millis(5);
const RETRY_LONGEST: Duration = Duration::from_millis(500);

fn run(api: &'static Api, arguments: &[CString], inbox: &Receiver<Arc<Ticket>>) {
    let mut pending: Vec<Arc<Ticket>> = Vec::new();
    let mut wait = RETRY_FIRST;
    loop {
        let order = if pending.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(wait)
        };
        match order {
            Ok(ticket) => {
                pending.push(ticket);
                pending.extend(inbox.try_iter());
                wait = RETRY_FIRST;
            }
            Err(RecvTimeoutError::Timeout) => wait = (wait * 2).min(RETRY_LONGEST),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // A statement may not be listed yet when it is cancelled, so it is killed again until it is over.
        pending.retain(|ticket| !ticket.is_over());
        if !pending.is_empty() {
            kill(api, arguments, &pending);
        }
    }
}

/// Kills on a fresh connection: after an error a connection is not used again (trap G1).
fn kill(api: &'static Api, arguments: &[CString], tickets: &[Arc<Ticket>]) {
    let Some(connection) = api.connect(arguments) else {
        tracing::warn!("the engine gave no connection to stop a statement; trying again");
        return;
    };
    let which: Vec<String> =
        tickets.iter().map(|ticket| format!("startsWith(query, '{}')", ticket.mark().trim_end())).collect();
    let sql = format!("KILL QUERY WHERE {} ASYNC", which.join(" OR "));
    if let Err(error) = connection.query(sql.as_bytes(), "Null", &[]) {
        tracing::warn!("stopping a statement failed, trying again: {error}");
    }
}
