//! The C interface of the engine library (`chdb.h`, 26.7), wrapped so that the rest of the crate needs no
//! `unsafe`. Handles close themselves. It never decides what to run, never retries and never logs statements.
#![allow(unsafe_code)] // With the two below it the only code that talks to C; every block says why it is sound.

mod exit;
mod streams;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{self, NonNull};

pub use self::exit::{Leave, at_exit, run_before_destructors};
pub use self::streams::{InsertStream, ResultStream};

type RawConnection = *mut c_void;
type RawResult = *mut c_void;
type RawInsert = *mut c_void;

/// Name and value of each server-side parameter (`{name:Type}` in the statement).
pub type Params = [(String, String)];

type WithParams<R> = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> R;

/// The library's functions, found once and kept for the life of the process: a library holding threads and
/// static destructors must never be unloaded.
pub struct Api {
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection,
    close: unsafe extern "C" fn(*mut RawConnection),
    query: WithParams<RawResult>,
    stream: WithParams<RawResult>,
    stream_fetch: unsafe extern "C" fn(RawConnection, RawResult) -> RawResult,
    stream_cancel: unsafe extern "C" fn(RawConnection, RawResult),
    destroy: unsafe extern "C" fn(RawResult),
    insert: WithParams<RawInsert>,
    insert_append: unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int,
    insert_done: unsafe extern "C" fn(RawInsert) -> RawResult,
    insert_cancel: unsafe extern "C" fn(RawInsert),
    insert_error: unsafe extern "C" fn(RawInsert) -> *const c_char,
    insert_destroy: unsafe extern "C" fn(RawInsert),
    buffer: unsafe extern "C" fn(RawResult) -> *mut c_char,
    length: unsafe extern "C" fn(RawResult) -> usize,
    error: unsafe extern "C" fn(RawResult) -> *const c_char,
    rows: unsafe extern "C" fn(RawResult) -> u64,
    storage_rows: unsafe extern "C" fn(RawResult) -> u64,
    storage_bytes: unsafe extern "C" fn(RawResult) -> u64,
    rows_written: unsafe extern "C" fn(RawResult) -> u64,
    bytes_written: unsafe extern "C" fn(RawResult) -> u64,
    version: unsafe extern "C" fn() -> *const c_char,
}

impl Api {
    /// Opens the library at `path` and switches its signal handlers off, before any connection exists (trap G8):
    /// INT and TERM stay with the program.
    pub fn load(path: &Path) -> Result<&'static Api, libloading::Error> {
        // SAFETY: loading runs the library's initialisers; this is the engine's own library, named by the
        // operator or found where the set-up put it, and its initialisers have no precondition.
        let library: &'static libloading::Library =
            Box::leak(Box::new(unsafe { libloading::Library::new(path)? }));
        // SAFETY: each symbol has the type written in the struct, taken from `chdb.h` of 26.7; a library without
        // one of them (an older build) gives an error here, not undefined behaviour. The library is leaked, so the
        // function pointers stay valid.
        let api = unsafe {
            Api {
                connect: *library.get(b"chdb_connect\0")?,
                close: *library.get(b"chdb_close_conn\0")?,
                query: *library.get(b"chdb_query_with_params_n\0")?,
                stream: *library.get(b"chdb_stream_query_with_params_n\0")?,
                stream_fetch: *library.get(b"chdb_stream_fetch_result\0")?,
                stream_cancel: *library.get(b"chdb_stream_cancel_query\0")?,
                destroy: *library.get(b"chdb_destroy_query_result\0")?,
                insert: *library.get(b"chdb_stream_insert_with_params_n\0")?,
                insert_append: *library.get(b"chdb_stream_append\0")?,
                insert_done: *library.get(b"chdb_stream_done\0")?,
                insert_cancel: *library.get(b"chdb_stream_cancel_insert\0")?,
                insert_error: *library.get(b"chdb_stream_insert_error\0")?,
                insert_destroy: *library.get(b"chdb_destroy_insert_stream\0")?,
                buffer: *library.get(b"chdb_result_buffer\0")?,
                length: *library.get(b"chdb_result_length\0")?,
                error: *library.get(b"chdb_result_error\0")?,
                rows: *library.get(b"chdb_result_rows_read\0")?,
                storage_rows: *library.get(b"chdb_result_storage_rows_read\0")?,
                storage_bytes: *library.get(b"chdb_result_storage_bytes_read\0")?,
                rows_written: *library.get(b"chdb_result_rows_written\0")?,
                bytes_written: *library.get(b"chdb_result_bytes_written\0")?,
                version: *library.get(b"chdb_version\0")?,
            }
        };
        // SAFETY: `void chdb_set_signal_handlers_enabled(int)`, callable at any time before the first connect.
        unsafe {
            let set: libloading::Symbol<'_, unsafe extern "C" fn(c_int)> =
                library.get(b"chdb_set_signal_handlers_enabled\0")?;
            set(0);
        }
        Ok(Box::leak(Box::new(api)))
    }

    /// What the library calls its own version.
    pub fn version(&self) -> String {
        // SAFETY: returns a static NUL-terminated string.
        unsafe { text((self.version)()) }.unwrap_or_default()
    }

    /// Opens a connection with these arguments (`--path=…`, `--max_memory_usage=…`). `None` when the engine
    /// refuses; it tells the reason to stderr only (trap G9).
    pub fn connect(&'static self, arguments: &[CString]) -> Option<Connection> {
        let mut argv: Vec<*mut c_char> = arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let argc = c_int::try_from(argv.len()).expect("a handful of arguments");
        argv.push(ptr::null_mut());
        // SAFETY: `argv` holds `argc` NUL-terminated strings and a closing null, alive during the call; the library
        // copies what it keeps and does not write to them.
        let raw = unsafe { (self.connect)(argc, argv.as_mut_ptr()) };
        NonNull::new(raw).map(|raw| Connection { api: self, raw })
    }
}

/// One connection. Runs one statement at a time; closes itself.
pub struct Connection {
    api: &'static Api,
    raw: NonNull<RawConnection>,
}

// SAFETY: the library locks a connection inside each call and binds nothing to the opening thread.
unsafe impl Send for Connection {}

impl Connection {
    fn handle(&self) -> RawConnection {
        // SAFETY: `raw` came from `chdb_connect`, points at the handle and is freed only in `drop`.
        unsafe { *self.raw.as_ptr() }
    }

    /// Runs a statement and gives its whole result.
    pub fn query(&self, sql: &[u8], format: &str, params: &Params) -> Result<QueryResult, String> {
        let raw = with_params(self.api.query, self.handle(), sql, format, params);
        QueryResult::checked(self.api, raw)
    }

    /// Starts a statement whose result is fetched in chunks.
    pub fn stream(&self, sql: &[u8], format: &str, params: &Params) -> Result<ResultStream<'_>, String> {
        let raw = with_params(self.api.stream, self.handle(), sql, format, params);
        QueryResult::checked(self.api, raw).map(|head| ResultStream { connection: self, head, ended: false })
    }

    /// Starts an insert whose data is appended in chunks. `sql` has no FORMAT clause (trap G3).
    pub fn insert(&self, sql: &[u8], format: &str, params: &Params) -> Result<InsertStream<'_>, String> {
        let raw = with_params(self.api.insert, self.handle(), sql, format, params);
        let raw = NonNull::new(raw).ok_or("the engine gave no insert stream")?;
        let stream = InsertStream { connection: self, raw, ended: false };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened by `chdb_connect`, closed once; streams borrow the connection, so none is alive.
        unsafe { (self.api.close)(self.raw.as_ptr()) }
    }
}

fn with_params<R>(
    call: WithParams<R>,
    connection: RawConnection,
    sql: &[u8],
    format: &str,
    params: &Params,
) -> R {
    let names: Vec<*const c_char> = params.iter().map(|(name, _)| name.as_ptr().cast()).collect();
    let name_lengths: Vec<usize> = params.iter().map(|(name, _)| name.len()).collect();
    let values: Vec<*const c_char> = params.iter().map(|(_, value)| value.as_ptr().cast()).collect();
    let value_lengths: Vec<usize> = params.iter().map(|(_, value)| value.len()).collect();
    // SAFETY: every pointer goes with its length, the four arrays have `params.len()` entries, and all of them
    // outlive the call; the `_n` calls need no NUL and copy what they keep.
    unsafe {
        call(
            connection,
            sql.as_ptr().cast(),
            sql.len(),
            format.as_ptr().cast(),
            format.len(),
            names.as_ptr(),
            name_lengths.as_ptr(),
            values.as_ptr(),
            value_lengths.as_ptr(),
            params.len(),
        )
    }
}

/// Bytes the engine produced, with their counts. The buffer belongs to the result, not to the connection, so it
/// may be handed on and outlive it.
pub struct QueryResult {
    api: &'static Api,
    raw: NonNull<c_void>,
}

// SAFETY: a finished result is an owned buffer nobody writes to any more.
unsafe impl Send for QueryResult {}
// SAFETY: as above; every accessor only reads.
unsafe impl Sync for QueryResult {}

impl QueryResult {
    fn checked(api: &'static Api, raw: RawResult) -> Result<QueryResult, String> {
        let raw = NonNull::new(raw).ok_or("the engine gave no result")?;
        let result = QueryResult { api, raw };
        // SAFETY: a live result; the message is NUL-terminated or null and copied here.
        match unsafe { text((api.error)(result.raw.as_ptr())) } {
            Some(error) => Err(error),
            None => Ok(result),
        }
    }

    /// Rows in the result.
    pub fn rows(&self) -> u64 {
        // SAFETY: reads a number of a live result.
        unsafe { (self.api.rows)(self.raw.as_ptr()) }
    }

    /// What the statement read from tables and wrote to them.
    pub fn counts(&self) -> Counts {
        let raw = self.raw.as_ptr();
        // SAFETY: each reads a number of a live result.
        unsafe {
            Counts {
                rows_read: (self.api.storage_rows)(raw),
                bytes_read: (self.api.storage_bytes)(raw),
                rows_written: (self.api.rows_written)(raw),
                bytes_written: (self.api.bytes_written)(raw),
                result_rows: (self.api.rows)(raw),
            }
        }
    }
}

impl AsRef<[u8]> for QueryResult {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: buffer and length describe one allocation owned by the live result; null goes with length 0.
        unsafe {
            let buffer = (self.api.buffer)(self.raw.as_ptr());
            if buffer.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(buffer.cast(), (self.api.length)(self.raw.as_ptr()))
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: owned by this value and destroyed once.
        unsafe { (self.api.destroy)(self.raw.as_ptr()) }
    }
}

/// What a statement read and wrote, for `X-ClickHouse-Summary`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows_read: u64,
    pub bytes_read: u64,
    pub rows_written: u64,
    pub bytes_written: u64,
    pub result_rows: u64,
}

/// Copies a C string; `None` for null.
///
/// # Safety
/// `raw` is null or points at a NUL-terminated string alive during the call.
unsafe fn text(raw: *const c_char) -> Option<String> {
    // SAFETY: promised by the caller.
    (!raw.is_null()).then(|| unsafe { CStr::from_ptr(raw) }.to_string_lossy().into_owned())
}
