//! The ClickHouse side: one client over an embedded engine or a server, the same above this line.
//! Never holds a rule about money or visits; SQL lives in files under `sql/clickhouse`.

mod migrate;
mod remote;
pub mod row_binary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clickhouse::Client;
use engine::Engine;
use secrecy::ExposeSecret;
use thiserror::Error;

use crate::config::Config;

/// Compiles in an SQL file by its path below `sql/clickhouse/`.
#[macro_export]
macro_rules! sql {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/clickhouse/", $path))
    };
}

/// In the data folder: the embedded engine's own.
const ENGINE_FOLDER: &str = "engine";

/// A store that does not say so much as hello within this time is away.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Error)]
pub enum StoreError {
    #[error(transparent)]
    Engine(#[from] engine::OpenError),
    #[error("ClickHouse: {0}")]
    Query(#[from] clickhouse::error::Error),
    #[error(transparent)]
    Migration(#[from] crate::migrations::MigrationError),
    #[error("store.database {0:?} is not a plain name; use letters, digits and underscores")]
    DatabaseName(String),
}

impl StoreError {
    /// Whether the store could not be reached at all, as opposed to having refused.
    pub fn is_unreachable(&self) -> bool {
        use clickhouse::error::Error::{Network, TimedOut};
        matches!(self, StoreError::Query(Network(_) | TimedOut))
    }

    /// Whether the store answered, and said no.
    pub fn is_refusal(&self) -> bool {
        matches!(self, StoreError::Query(clickhouse::error::Error::BadResponse(_)))
    }
}

/// The store of facts, touches and credits. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    engine: Option<Engine>,
    database: String,
    cluster: String,
    migrated: Arc<AtomicBool>,
    /// For each part of an insert over the network.
    insert_timeout: Option<Duration>,
}

impl Store {
    /// Opens the embedded engine, or reaches the server at `store.url`. Tables are not touched:
    /// call [`Store::migrate`].
    pub fn open(config: &Config) -> Result<Store, StoreError> {
        if config.store.url.is_empty() {
            let mut options = engine::Options::new(config.data_dir.join(ENGINE_FOLDER));
            options.library = Some(config.store.library.clone()).filter(|path| !path.as_os_str().is_empty());
            options.memory_bytes_max = config.store.memory_bytes_max;
            options.query_memory_bytes_max = config.store.query_memory_bytes_max;
            options.query_seconds_max = config.store.query_seconds_max;
            options.mark_cache_bytes_max = config.store.mark_cache_bytes_max;
            return Store::embedded(Engine::open(&options)?, &config.store.database);
        }
        let patience = remote::Patience {
            connect: Duration::from_millis(config.store.connect_timeout_ms),
            silence: Duration::from_millis(config.store.answer_timeout_ms),
        };
        let client = remote::client(patience)
            .with_url(&config.store.url)
            .with_user(&config.store.user)
            .with_password(config.store.password.expose_secret());
        let mut store = Store::over(client, None, &config.store.database, &config.store.cluster)?;
        store.insert_timeout = Some(Duration::from_millis(config.store.insert_timeout_ms));
        Ok(store)
    }

    /// Opens what is there, to look: none where the embedded engine has kept nothing yet. With the migrations that a
    /// start would apply.
    pub async fn look(config: &Config) -> Result<Option<(Store, Vec<&'static str>)>, StoreError> {
        if config.store.url.is_empty() && !config.data_dir.join(ENGINE_FOLDER).exists() {
            return Ok(None);
        }
        let store = Store::open(config)?;
        let left = migrate::left(&store).await;
        match left {
            Ok(left) => Ok(Some((store, left))),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// A database of an engine that is open already: how tests share the one engine of a process.
    pub fn embedded(engine: Engine, database: &str) -> Result<Store, StoreError> {
        Store::over(engine.client(), Some(engine), database, "")
    }

    fn over(
        client: Client,
        engine: Option<Engine>,
        database: &str,
        cluster: &str,
    ) -> Result<Store, StoreError> {
        let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if database.is_empty() || !plain(database) || !plain(cluster) {
            return Err(StoreError::DatabaseName(database.to_owned()));
        }
        let client = client
            .with_database(database)
            // Answers are read after the write they depend on; a half-arrived insert is no insert.
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplicate", "1");
        let (database, cluster) = (database.to_owned(), cluster.to_owned());
        Ok(Store { client, engine, database, cluster, migrated: Arc::default(), insert_timeout: None })
    }

    /// The client, with this store's database chosen. Embedded and remote answer alike.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The engine in this process, when there is one.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// Applies what is missing; safe to run again. Adds the two credit columns of every model.
    pub async fn migrate(&self, now_ms: i64) -> Result<(), StoreError> {
        migrate::run(self, now_ms).await?;
        self.migrated.store(true, Ordering::Release);
        Ok(())
    }

    /// As [`Store::migrate`], once per process: for whoever may meet a store that was away at the start.
    pub async fn migrate_once(&self, now_ms: i64) -> Result<(), StoreError> {
        if self.migrated.load(Ordering::Acquire) {
            return Ok(());
        }
        // One that hangs is told soon, not after the longest query's time.
        self.ping().await?;
        self.migrate(now_ms).await
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        // Our database may not be there yet.
        let asked = self.client.clone().with_database("system").query("SELECT 1").fetch_one::<u8>();
        let answer = tokio::time::timeout(PING_TIMEOUT, asked).await;
        answer.map_err(|_| clickhouse::error::Error::TimedOut)??;
        Ok(())
    }

    /// Inserts rows already encoded in `format` (RowBinary or Native). The same `token` again inserts
    /// nothing, so a retry after a lost answer is safe. At most 1,048,448 rows: one block, one commit.
    pub async fn insert(
        &self,
        table: &str,
        columns: &str,
        format: &str,
        rows: Bytes,
        token: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO {table} ({columns}) FORMAT {format}");
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_timeouts(self.insert_timeout, self.insert_timeout)
            // One block up to the largest batch, so that an insert is there wholly or not at all.
            .with_setting("max_insert_block_size", "1048576")
            .with_setting("min_insert_block_size_rows", "1048576")
            .with_setting("min_insert_block_size_bytes", "1073741824")
            // Tables are partitioned by month, and history imported at once may span decades of them.
            .with_setting("max_partitions_per_insert_block", "0")
            // Rows go in as they are: folding a block as a merge would costs more than all the rest of an insert, and
            // whoever reads minds rows of different parts anyway.
            .with_setting("optimize_on_insert", "0");
        if let Some(token) = token {
            insert = insert.with_setting("insert_deduplication_token", token);
        }
        insert.send(rows).await?;
        insert.end().await?;
        Ok(())
    }

    /// Closes the embedded engine in order; nothing to do for a server.
    pub async fn close(self) {
        if let Some(engine) = self.engine {
            engine.close().await;
        }
    }
}
