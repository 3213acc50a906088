//! What the engine is opened with. It never reads configuration itself.

use std::path::PathBuf;

/// Where the engine's library and data are, and what one process may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The library file; `None` searches for it (see [`crate::library::candidates`]).
    pub library: Option<PathBuf>,
    /// The engine's own directory; created when missing. One process at a time.
    pub data_dir: PathBuf,
    /// What the whole engine may allocate, in bytes; beyond it statements fail with code 241.
    pub memory_bytes_max: u64,
    /// What one statement may allocate, in bytes.
    pub query_memory_bytes_max: u64,
    /// How long one statement may run, in seconds; beyond it it fails with code 159. 0 is no limit.
    pub query_seconds_max: u64,
    /// The cache of index marks, in bytes.
    pub mark_cache_bytes_max: u64,
    /// How many statements run at once; more wait. A slow reader holds its place until it has read everything.
    pub connections_max: usize,
}

impl Options {
    /// Limits that suit a machine with a few GiB, data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            library: None,
            data_dir: data_dir.into(),
            memory_bytes_max: 4 << 30,
            query_memory_bytes_max: 2 << 30,
            query_seconds_max: 300,
            mark_cache_bytes_max: 256 << 20,
            connections_max: 64,
        }
    }
}
