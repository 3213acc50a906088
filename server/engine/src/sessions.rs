//! Connections kept for clients that name a session: temporary tables, SET and USE live on a connection, and every
//! other request gets a fresh one. A session is kept from its first statement that leaves something behind, so
//! clients that always name one (clickhouse-connect does) pin nothing by doing so. The settings of a request stay
//! for the rest of a kept session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::ffi::Connection;

/// Kept sessions at most.
const SESSIONS_MAX: usize = 64;
/// What ClickHouse gives a session that does not say, and at most.
const TIMEOUT_SECONDS: u64 = 60;
const TIMEOUT_SECONDS_MAX: u64 = 3_600;

#[derive(Default)]
pub struct Sessions {
    kept: Mutex<HashMap<String, Session>>,
}

struct Session {
    /// `None` while a statement uses it.
    connection: Option<Connection>,
    expires: Instant,
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.kept.lock().expect("no panic while held")
    }

    /// The session's connection, if it is kept. A session runs one statement at a time.
    pub fn take(&self, id: &str, now: Instant) -> Result<Option<Connection>, Failure> {
        let mut kept = self.kept();
        let expired: Vec<Session> = kept
            .extract_if(|_, session| session.connection.is_some() && session.expires <= now)
            .map(|(_, s)| s)
            .collect();
        let taken = match kept.get_mut(id) {
            None => Ok(None),
            Some(session) => match session.connection.take() {
                Some(connection) => Ok(Some(connection)),
                None => Err(Failure::refuse(
                    373,
                    "SESSION_IS_LOCKED",
                    format_args!("session {id} is running a statement; wait for it or use another session"),
                )),
            },
        };
        drop(kept);
        drop(expired); // Closing takes a moment: not under the lock.
        taken
    }

    /// Keeps a connection for the session's next statement.
    pub fn keep(
        &self,
        id: &str,
        connection: Connection,
        timeout_seconds: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        let seconds = timeout_seconds.unwrap_or(TIMEOUT_SECONDS).min(TIMEOUT_SECONDS_MAX);
        let mut kept = self.kept();
        if kept.len() >= SESSIONS_MAX && !kept.contains_key(id) {
            let reason = format!(
                "{SESSIONS_MAX} sessions hold something already; close some or wait for their timeout"
            );
            return Err(Failure::refuse(202, "TOO_MANY_SIMULTANEOUS_QUERIES", reason));
        }
        let session = Session { connection: Some(connection), expires: now + Duration::from_secs(seconds) };
        kept.insert(id.to_owned(), session);
        Ok(())
    }

    /// Forgets a session whose connection was taken and will not come back.
    pub fn forget(&self, id: &str) {
        self.kept().remove(id);
    }

    /// Closes all.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.kept());
        drop(all);
    }
}

/// Errors found before a statement ran; they leave nothing behind on its connection (trap G1): unknown function,
/// identifier, table, database or setting, and syntax.
pub fn is_harmless(failure: &Failure) -> bool {
    matches!(failure.code, 46 | 47 | 60 | 62 | 81 | 115)
}
