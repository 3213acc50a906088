//! Answers and inserts that come piece by piece, and are cancelled when they are dropped half-way.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::{Connection, Counts, QueryResult, text};

/// A running SELECT. Dropped before its end, it is cancelled first: destroying an unfinished stream alone leaves
/// the query listed as running (trap G1).
pub struct ResultStream<'c> {
    pub(super) connection: &'c Connection,
    pub(super) head: QueryResult,
    pub(super) ended: bool,
}

impl ResultStream<'_> {
    /// The next chunk, a complete document of about 65 000 rows; `None` at the end. Blocks while computing.
    pub fn fetch(&mut self) -> Result<Option<QueryResult>, String> {
        let api = self.connection.api;
        // SAFETY: connection and stream are alive and used by this thread only (`&mut self`).
        let raw = unsafe { (api.stream_fetch)(self.connection.handle(), self.head.raw.as_ptr()) };
        match QueryResult::checked(api, raw) {
            Ok(chunk) if chunk.as_ref().is_empty() && chunk.rows() == 0 => {
                self.ended = true;
                Ok(None)
            }
            Ok(chunk) => Ok(Some(chunk)),
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: as in `fetch`; cancelling between fetches from the owning thread is the supported use.
            unsafe { (self.connection.api.stream_cancel)(self.connection.handle(), self.head.raw.as_ptr()) }
        }
    }
}

/// A running INSERT. Dropped before [`InsertStream::done`], it is cancelled and what was not committed is lost.
pub struct InsertStream<'c> {
    pub(super) connection: &'c Connection,
    pub(super) raw: NonNull<c_void>,
    pub(super) ended: bool,
}

impl InsertStream<'_> {
    /// Adds bytes of the insert's format; the library copies them and blocks while its queue is full.
    pub fn append(&mut self, data: &[u8]) -> Result<(), String> {
        // SAFETY: a live stream and a valid slice.
        let state = unsafe {
            (self.connection.api.insert_append)(self.raw.as_ptr(), data.as_ptr().cast(), data.len())
        };
        match state {
            0 => Ok(()),
            _ => Err(self.error().unwrap_or_else(|| "the engine refused the data".into())),
        }
    }

    /// Commits and gives what was written.
    pub fn done(mut self) -> Result<Counts, String> {
        self.ended = true;
        let api = self.connection.api;
        // SAFETY: a live stream, finished once.
        let raw = unsafe { (api.insert_done)(self.raw.as_ptr()) };
        QueryResult::checked(api, raw).map(|result| result.counts())
    }

    pub(super) fn error(&self) -> Option<String> {
        // SAFETY: a live stream; the message is NUL-terminated or null and copied here.
        unsafe { text((self.connection.api.insert_error)(self.raw.as_ptr())) }
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let api = self.connection.api;
        // SAFETY: a live stream; cancelled if it was not finished, destroyed once.
        unsafe {
            if !self.ended {
                (api.insert_cancel)(self.raw.as_ptr());
            }
            (api.insert_destroy)(self.raw.as_ptr());
        }
    }
}
