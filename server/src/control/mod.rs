//! The control store: what must be transactional (workspaces, keys, connections, job state).
//! SQLite by default, PostgreSQL by URL; the SQL keeps to what both speak. Never holds visits or money.

mod chain;
pub mod comparisons;
pub mod connections;
pub mod coupons;
pub mod deliveries;
pub mod dirty;
pub mod endpoints;
pub mod erasures;
pub mod flags;
pub mod groups;
pub mod imports;
pub mod keys;
pub mod ledger;
mod migrate;
mod outbox;
pub mod partner_statements;
pub mod partners;
pub mod payouts;
pub mod paypal;
pub mod polls;
pub mod portal;
pub mod programs;
pub mod rates;
pub mod rotate;
pub mod rule_versions;
pub mod state;
pub mod statements;
pub mod volumes;
pub mod workspaces;

use std::path::Path;

use secrecy::ExposeSecret;
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use thiserror::Error;

use crate::config::Config;

/// SQLite's file in the data folder.
const FILE: &str = "control.sqlite";

#[derive(Debug, Error)]
pub enum ControlError {
    #[error("the control store cannot be opened: {0}; check control.url and that data_dir is writable")]
    Unreachable(#[source] sqlx::Error),
    #[error("control store: {0}")]
    Query(#[from] sqlx::Error),
    #[error(transparent)]
    Migration(#[from] crate::migrations::MigrationError),
    #[error("control store holds {what} that does not read: {why}")]
    Damaged { what: &'static str, why: String },
    #[error("{0} exists already; choose another id")]
    Exists(String),
    #[error(
        "the operator's key is not the one this control store was made with; start with that secret_key, or with the \
         secret.key file that was in data_dir; if `tributary key rotate-operator` was interrupted, run it again"
    )]
    OtherKey,
    #[error(transparent)]
    Secrets(#[from] crate::secrets::SecretsError),
}

/// A pool of connections to the control store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {
    pool: AnyPool,
}

impl Control {
    /// Opens (and creates, for SQLite) the store and brings its tables up to date.
    pub async fn open(config: &Config, now_ms: i64) -> Result<Control, ControlError> {
        let configured = config.control.url.expose_secret();
        let url = match configured.is_empty() {
            true => sqlite_url(&config.data_dir.join(FILE), "rwc"),
            false => configured.to_owned(),
        };
        let sets = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"];
        let control = Control::connect(&url, &sets).await?;
        migrate::run(&control.pool, now_ms).await?;
        Ok(control)
    }

    /// Opens the store as it is, to look and not to change: no file is made and no table brought up to date. None when
    /// there is no file yet. With the migrations that a start would apply.
    pub async fn look(config: &Config) -> Result<Option<(Control, Vec<&'static str>)>, ControlError> {
        let configured = config.control.url.expose_secret();
        let file = config.data_dir.join(FILE);
        if configured.is_empty() && !file.exists() {
            return Ok(None);
        }
        let url = if configured.is_empty() { sqlite_url(&file, "rw") } else { configured.to_owned() };
        let control = Control::connect(&url, &["PRAGMA query_only = ON"]).await?;
        let left = migrate::left(&control.pool).await?;
        Ok(Some((control, left)))
    }

    /// A pool on `url`; `sets` is what a connection to SQLite is told beside what every one is.
    async fn connect(url: &str, sets: &[&'static str]) -> Result<Control, ControlError> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let always = ["PRAGMA busy_timeout = 5000", "PRAGMA foreign_keys = ON"];
        let told: Vec<&'static str> = always.iter().chain(sets).copied().collect();
        let pool = AnyPoolOptions::new()
            .max_connections(if sqlite { 4 } else { 10 })
            .after_connect(move |connection, _| {
                let told = told.clone();
                Box::pin(async move {
                    for pragma in told.iter().filter(|_| sqlite) {
                        sqlx::query(*pragma).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(ControlError::Unreachable)?;
        Ok(Control { pool })
    }

    /// Refuses an operator's key other than the one this store was first opened with: sealed values would not open,
    /// and hashes of e-mails would not meet again.
    pub async fn check_key(
        &self,
        secrets: &crate::secrets::Secrets,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let name = rotate::CHECK;
        if let Some(sealed) = self.checkpoint(name).await? {
            secrets.open(name, &sealed).map_err(|_| ControlError::OtherKey)?;
            return Ok(());
        }
        self.set_checkpoint(name, &secrets.seal(name, b"the same"), now_ms).await
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), ControlError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection; later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn sqlite_url(path: &Path, mode: &str) -> String {
    format!("sqlite://{}?mode={mode}", path.display())
}
