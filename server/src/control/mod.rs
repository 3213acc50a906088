//! The control store: what must be transactional (workspaces, keys, connections, job state).
//! SQLite by default, PostgreSQL by URL; the SQL keeps to what both speak. Never holds visits or money.

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
        sqlx::any::install_default_drivers();
        let configured = config.control.url.expose_secret();
        let url = if configured.is_empty() {
            sqlite_url(&config.data_dir.join("control.sqlite"))
        } else {
            configured.to_owned()
        };
        let sqlite = url.starts_with("sqlite:");
        let pool = AnyPoolOptions::new()
            .max_connections(if sqlite { 4 } else { 10 })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA busy_timeout = 5000",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .map_err(ControlError::Unreachable)?;
        migrate::run(&pool, now_ms).await?;
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

fn sqlite_url(path: &Path) -> String {
    format!("sqlite://{}?mode=rwc", path.display())
}
