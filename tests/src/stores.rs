//! Where scenarios keep their tables: the embedded engine, one for the whole process, or the ClickHouse server
//! that `TRIBUTARY_TEST_CLICKHOUSE_URL` (`http://user:password@host:port`) names. Each test has a database of
//! its own, dropped at its end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::{Engine, Options};
use tributary::config::Config;
use tributary::store::Store;
use url::Url;

/// A server for tests, by environment.
const SERVER: &str = "TRIBUTARY_TEST_CLICKHOUSE_URL";

/// Where the tables are.
pub enum Place {
    Embedded(Engine),
    Server(Server),
}

/// A ClickHouse server and who we are there.
#[derive(Clone, Debug)]
pub struct Server {
    pub url: String,
    pub user: String,
    pub password: String,
}

/// The place of this process.
pub fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| match std::env::var(SERVER) {
        Ok(url) if !url.is_empty() => Place::Server(Server::parse(&url)),
        _ => Place::Embedded(open_engine()),
    })
}

impl Server {
    fn parse(text: &str) -> Server {
        let mut url: Url = text.parse().unwrap_or_else(|error| panic!("{SERVER} is no address: {error}"));
        let user = Some(url.username()).filter(|user| !user.is_empty()).unwrap_or("default").to_owned();
        let password = url.password().unwrap_or_default().to_owned();
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .expect("an http address has room for a user");
        Server { url: url.to_string().trim_end_matches('/').to_owned(), user, password }
    }

    /// Fills in the settings by which this server is reached.
    pub fn configure(&self, config: &mut Config) {
        config.store.url.clone_from(&self.url);
        config.store.user.clone_from(&self.user);
        config.store.password = self.password.clone().into();
    }
}

/// A database name that no other test of this or another process has.
pub fn fresh_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("it_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The store over `config`'s database in the place of this process.
pub fn open(config: &mut Config) -> Store {
    let opened = match place() {
        Place::Embedded(engine) => Store::embedded(engine.clone(), &config.store.database),
        Place::Server(server) => {
            server.configure(config);
            Store::open(config)
        }
    };
    opened.expect("the store opens")
}

/// Drops a test's database, from a thread of its own: the test's runtime may be on its way out.
pub fn drop_database(database: String) {
    let client = match place() {
        Place::Embedded(engine) => engine.client(),
        Place::Server(server) => clickhouse::Client::default()
            .with_url(&server.url)
            .with_user(&server.user)
            .with_password(&server.password),
    };
    let dropping = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sql = format!("DROP DATABASE IF EXISTS {database} SYNC");
        runtime.block_on(client.query(&sql).execute()).map_err(std::io::Error::other)
    });
    match dropping.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("a test's database was not dropped: {error}"),
        Err(_) => eprintln!("a test's database was not dropped"),
    }
}

fn open_engine() -> Engine {
    let folder = folder();
    remove_leftovers(&folder);
    let mut options = Options::new(folder.join(format!("engine-{}", std::process::id())));
    options.memory_bytes_max = 3 << 30;
    options.query_memory_bytes_max = 1 << 30;
    options.query_seconds_max = 60;
    options.mark_cache_bytes_max = 64 << 20;
    Engine::open(&options).unwrap_or_else(|error| panic!("the scenarios need the engine: {error}"))
}

/// `tmp` of the target directory this test binary was built in.
fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    program.ancestors().nth(3).expect("target/<profile>/deps/<program>").join("tmp")
}

/// A process cannot remove its engine's directory while the engine is open, which it is to the end: the next
/// run removes what no process holds any more.
fn remove_leftovers(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with("engine-"));
        let lock = File::open(entry.path().join("tributary.lock"));
        if is_ours && lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
