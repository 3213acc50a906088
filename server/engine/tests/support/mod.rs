//! One engine for all tests of a binary (a process can have only one), on a directory of its own.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::{Engine, Options};

/// The engine of this test binary. Fails, and says what to do, when the library is missing.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<(Engine, tempfile::TempDir)> = OnceLock::new();
    let (engine, _) = ENGINE.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory for temporary files");
        let mut options = Options::new(directory.path());
        options.memory_bytes_max = 2 << 30;
        match Engine::open(&options) {
            Ok(engine) => (engine, directory),
            Err(error) => panic!("the tests need the engine: {error}"),
        }
    });
    engine
}

/// A client on a new database of its own.
pub async fn fresh_database() -> clickhouse::Client {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("db{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let client = engine().client();
    client.query(&format!("CREATE DATABASE {name}")).execute().await.unwrap();
    client.with_database(name)
}
