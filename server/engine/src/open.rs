//! Opens and closes the engine: finds the library, takes the data directory, keeps to one engine a process.

use std::ffi::CString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;

use crate::access::EMBEDDED_HOST;
use crate::connector::Connector;
use crate::ffi::{self, Api, Leave};
use crate::library;
use crate::options::Options;
use crate::state::{Opened, Shared};

/// The open engine. Clones are cheap and mean the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// Why the engine cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the engine library {} was not found; run `make setup`, or name it with {}, or set store.url to use a ClickHouse server. Looked at: {}",
        library::FILE_NAME,
        library::VARIABLE,
        list(searched)
    )]
    LibraryMissing { searched: Vec<PathBuf> },
    #[error(
        "the engine library {} cannot be used ({reason}); run `make setup` again to install the build this program was made for", path.display()
    )]
    LibraryUnusable { path: PathBuf, reason: String },
    #[error(
        "the engine's data directory {} is in use by another process; stop that process, or choose another directory", path.display()
    )]
    DataDirInUse { path: PathBuf },
    #[error(
        "this process has an engine open at {} and cannot open a second one at {}; close the first, or use one directory", open.display(), wanted.display()
    )]
    AlreadyOpenElsewhere { open: PathBuf, wanted: PathBuf },
    #[error("the engine's data directory {} cannot be used: {source}; check its owner and rights", path.display())]
    DataDir { path: PathBuf, source: io::Error },
    #[error(
        "the engine would not open {}; its reason stands on stderr above this line", path.display()
    )]
    Refused { path: PathBuf },
    #[error("the engine's control thread cannot be started: {0}")]
    Thread(io::Error),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What a process has at most one of.
struct Process {
    /// The engine, if one is open.
    engine: Weak<Shared>,
    /// The library, loaded once and never unloaded.
    library: Option<(PathBuf, &'static Api)>,
}

static PROCESS: Mutex<Process> = Mutex::new(Process { engine: Weak::new(), library: None });

/// How long the last statements may take to stop when the engine closes.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);
/// The same when the process exits without having closed the engine.
const EXIT_PATIENCE: Duration = Duration::from_secs(3);

impl Engine {
    /// Opens the engine on its data directory. A second call with the same directory gives the same engine; with
    /// another directory it fails. Blocks for about 100 ms.
    pub fn open(options: &Options) -> Result<Engine, OpenError> {
        let mut process = PROCESS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let data_dir = prepare(&options.data_dir)?;
        if let Some(shared) = process.engine.upgrade().filter(|shared| !shared.is_closed()) {
            if shared.data_dir == data_dir {
                return Ok(Engine { shared });
            }
            return Err(OpenError::AlreadyOpenElsewhere { open: shared.data_dir.clone(), wanted: data_dir });
        }
        let (library, api) = match &process.library {
            Some((path, api)) => (path.clone(), *api),
            None => {
                let (path, api) = load(options)?;
                process.library = Some((path.clone(), api));
                (path, api)
            }
        };
        let lock = take(&data_dir)?;
        let refused = || OpenError::Refused { path: data_dir.clone() };
        let sentinel = api.connect(&server_arguments(options, &data_dir)).ok_or_else(refused)?;
        // Clients read dates by the zone that the answers' headers name.
        let timezone = sentinel
            .query(b"SELECT timezone()", "TSVRaw", &[])
            .map(|result| String::from_utf8_lossy(result.as_ref()).trim().to_owned())
            .unwrap_or_else(|_| "UTC".into());
        let opened = Opened { api, library, data_dir: data_dir.clone(), timezone, sentinel, lock };
        let arguments = connection_arguments(options, &data_dir);
        let shared =
            Shared::new(opened, arguments, options.connections_max.max(1)).map_err(OpenError::Thread)?;
        let shared = Arc::new(shared);
        process.engine = Arc::downgrade(&shared);
        ffi::at_exit(close_at_exit);
        Ok(Engine { shared })
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// A connector to build any hyper client on.
    pub fn connector(&self) -> Connector {
        Connector::new(self.shared.clone())
    }

    /// The official client, unmodified, over the in-memory pipe. Compression is off: nothing leaves the process.
    ///
    /// Its own habits (trap G14): a table's database goes into `with_database`, since `insert("db.table")` quotes
    /// the whole as one name; a `?` in a literal is written `??`; tuples are rows only without a `Vec` inside.
    /// Each client pools its own pipes: keep one and clone it.
    pub fn client(&self) -> clickhouse::Client {
        let http = HyperClient::builder(TokioExecutor::new()).build(self.connector());
        clickhouse::Client::with_http_client(http)
            .with_url(format!("http://{EMBEDDED_HOST}"))
            .with_compression(clickhouse::Compression::None)
    }

    /// The library's version.
    pub fn version(&self) -> String {
        self.shared.api.version()
    }

    /// Where the library was found.
    pub fn library_path(&self) -> &Path {
        &self.shared.library
    }

    /// Stops all statements and closes every connection, the sentinel last (trap G7). Statements after it fail
    /// with code 236. Afterwards the engine may be opened again.
    pub async fn close(self) {
        let shared = self.shared;
        let closed = tokio::task::spawn_blocking(move || shared.shut(CLOSE_PATIENCE)).await;
        if !matches!(closed, Ok(true)) {
            tracing::error!("a statement would not stop; the engine was left open");
        }
    }
}

/// Trap G7: leaving with open connections crashes at random, so whoever exits without closing is closed for, on a
/// thread of its own: the thread that exits has lost its thread-local values by now, which the engine needs. With
/// statements still running the process leaves at once instead: they could no longer be stopped safely, and dying
/// harms no data (trap G9).
fn close_at_exit() -> Leave {
    let Ok(process) = PROCESS.try_lock() else { return Leave::Now };
    let Some(shared) = process.engine.upgrade().filter(|shared| !shared.is_closed()) else {
        return Leave::Usual;
    };
    if shared.is_busy() {
        return Leave::Now;
    }
    let closing =
        std::thread::Builder::new().name("engine-exit".into()).spawn(move || shared.shut(EXIT_PATIENCE));
    match closing.map(JoinHandle::join) {
        Ok(Ok(true)) => Leave::Usual,
        _ => Leave::Now,
    }
}

fn prepare(data_dir: &Path) -> Result<PathBuf, OpenError> {
    let failed = |source| OpenError::DataDir { path: data_dir.to_owned(), source };
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    data_dir.canonicalize().map_err(failed)
}

fn load(options: &Options) -> Result<(PathBuf, &'static Api), OpenError> {
    let searched = library::candidates(options.library.as_deref());
    let Some(path) = searched.iter().find(|path| path.is_file()).cloned() else {
        return Err(OpenError::LibraryMissing { searched });
    };
    match Api::load(&path) {
        Ok(api) => Ok((path, api)),
        Err(error) => Err(OpenError::LibraryUnusable { path, reason: error.to_string() }),
    }
}

/// Trap G9: the engine tells a second process nothing but a null connection, so the lock is looked at first. Ours
/// stands beside the engine's own (`status`), which another program may hold. Both die with their process.
fn take(data_dir: &Path) -> Result<File, OpenError> {
    let lock_file = |path: &Path, create: bool| {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .open(path)
            .map_err(TryLockError::Error)?;
        file.try_lock().map(|()| file)
    };
    let judged = |result: Result<File, TryLockError>| match result {
        Ok(file) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::DataDirInUse { path: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::DataDir { path: data_dir.to_owned(), source }),
    };
    let ours = judged(lock_file(&data_dir.join("tributary.lock"), true))?;
    let engines = data_dir.join("status");
    if engines.exists() {
        drop(judged(lock_file(&engines, false))?);
    }
    Ok(ours)
}

fn arguments(list: Vec<String>) -> Vec<CString> {
    // A NUL cannot stand in a path of this system, and the rest are numbers.
    list.into_iter().filter_map(|argument| CString::new(argument).ok()).collect()
}

/// Trap G13: these hold for the connection that names them, so every connection does.
fn per_connection(options: &Options, data_dir: &Path) -> Vec<String> {
    vec![
        "clickhouse".into(),
        format!("--path={}", data_dir.display()),
        "--async_insert=0".into(),
        "--implicit_select=0".into(),
        format!("--max_memory_usage={}", options.query_memory_bytes_max),
        format!("--max_execution_time={}", options.query_seconds_max),
    ]
}

fn connection_arguments(options: &Options, data_dir: &Path) -> Vec<CString> {
    arguments(per_connection(options, data_dir))
}

/// The first connection starts the engine and brings the limits of the whole of it.
fn server_arguments(options: &Options, data_dir: &Path) -> Vec<CString> {
    let mut list = per_connection(options, data_dir);
    list.push(format!("--max_server_memory_usage={}", options.memory_bytes_max));
    list.push(format!("--mark_cache_size={}", options.mark_cache_bytes_max));
    arguments(list)
}
