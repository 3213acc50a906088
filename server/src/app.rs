//! What everything shares: settings, clock, secrets, the stores and the inbox, built in one place.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use thiserror::Error;

use crate::config::Config;
use crate::control::connections::Connection;
use crate::control::partners::Link;
use crate::control::workspaces::Workspace;
use crate::control::{Control, ControlError};
use crate::effects::Clock;
use crate::http::pixel_files::PixelFiles;
use crate::http::proxies::{ProxiesError, TrustedProxies};
use crate::ingest::collector::Collector;
use crate::ingest::inbox::{self, Inbox, InboxError};
use crate::ingest::networks::NetworksError;
use crate::jobs::Signals;
use crate::mail::{MailError, Mailer};
use crate::outbound::Outbound;
use crate::portal::limits::Asks;
use crate::secrets::{Secrets, SecretsError};
use crate::store::{Store, StoreError};

#[derive(Debug, Error)]
pub enum StartError {
    #[error("data_dir {path} cannot be used: {source}; create it or choose another with TRIBUTARY_DATA_DIR")]
    DataDir { path: std::path::PathBuf, source: std::io::Error },
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Inbox(#[from] InboxError),
    #[error(transparent)]
    Networks(#[from] NetworksError),
    #[error(transparent)]
    Proxies(#[from] ProxiesError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Shared by handlers, jobs and commands. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub secrets: Secrets,
    pub store: Store,
    pub control: Control,
    pub inbox: Inbox,
    pub jobs: Signals,
    pub collector: Collector,
    pub pixel_files: PixelFiles,
    pub trusted_proxies: TrustedProxies,
    pub outbound: Outbound,
    pub mail: Mailer,
    /// How often partners' sign-in pages were asked by whom.
    pub portal_asks: Asks,
    directory: RwLock<Arc<Directory>>,
}

/// Workspaces, connections and partners' links as last read: looked up on every hit, so kept in memory.
#[derive(Debug, Default)]
pub struct Directory {
    pub workspaces: HashMap<String, Arc<Workspace>>,
    pub connections: Vec<Arc<Connection>>,
    /// Partners' links by code.
    pub links: HashMap<String, Link>,
}

impl Directory {
    /// Codes of a workspace whose clicks earn.
    pub fn codes_of(&self, workspace_id: &str) -> Vec<String> {
        let own = self.links.iter().filter(|(_, link)| link.is_active() && link.workspace_id == workspace_id);
        own.map(|(code, _)| code.clone()).collect()
    }

    /// Codes of a workspace whose clicks earn or once did.
    pub fn codes_ever(&self, workspace_id: &str) -> Vec<String> {
        let own = self.links.iter().filter(|(_, link)| link.workspace_id == workspace_id);
        own.map(|(code, _)| code.clone()).collect()
    }

    /// Connections of one workspace at one provider.
    pub fn connections_of<'a>(
        &'a self,
        workspace_id: &'a str,
        provider: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Connection>> {
        self.connections.iter().filter(move |c| c.workspace_id == workspace_id && c.provider == provider)
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens both stores, brings their tables up to date and reads the directory.
    pub async fn open(config: Config, clock: Clock) -> Result<App, StartError> {
        prepare_data_dir(&config)?;
        let store = Store::open(&config)?;
        App::with_store(config, clock, store).await
    }

    /// As [`App::open`], over a store opened by the caller.
    pub async fn with_store(config: Config, clock: Clock, store: Store) -> Result<App, StartError> {
        prepare_data_dir(&config)?;
        let trusted_proxies =
            TrustedProxies::parse(&config.http.trusted_proxies, &config.http.forwarded_header)?;
        let secrets = Secrets::load(&config.secret_key, &config.data_dir)?;
        let control = Control::open(&config, clock.now_ms()).await?;
        let secrets = control.unlock(secrets, clock.now_ms()).await?;
        match store.migrate_once(clock.now_ms()).await {
            // A collector goes on collecting while the store is away, also when it was away at the start.
            Err(error) if error.is_unreachable() => {
                tracing::warn!(cause = %error, "the store does not answer; hits wait in the inbox: {error}");
            }
            done => done?,
        }
        let inbox = Inbox::open(
            &config.data_dir,
            inbox::Options {
                bytes_max: config.inbox.bytes_max,
                hits_remembered: config.collector.hits_remembered,
            },
        )?;
        let app = App(Arc::new(Parts {
            jobs: Signals::default(),
            collector: Collector::new(&secrets, &config.collector)?,
            pixel_files: PixelFiles::load(&config.pixel.dir),
            directory: RwLock::default(),
            trusted_proxies,
            outbound: Outbound::new(&config.outbound)?,
            mail: Mailer::new(&config.mail)?,
            portal_asks: Asks::default(),
            config,
            clock,
            secrets,
            store,
            control,
            inbox,
        }));
        app.reload_directory().await?;
        Ok(app)
    }

    /// Workspaces and connections, as of the last reload.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.read().expect("no holder of the lock panics").clone()
    }

    /// Reads workspaces and connections again: after a change, and now and then for changes made by
    /// another node or command.
    pub async fn reload_directory(&self) -> Result<(), ControlError> {
        let workspaces = self.control.workspaces().await?;
        let connections = self.control.connections(&self.secrets).await?;
        let links = self.control.links().await?.into_iter();
        let fresh = Directory {
            links: links.map(|link| (link.code.to_string(), link)).collect(),
            workspaces: workspaces.into_iter().map(|w| (w.id.clone(), Arc::new(w))).collect(),
            connections: connections.into_iter().map(Arc::new).collect(),
        };
        *self.directory.write().expect("no holder of the lock panics") = Arc::new(fresh);
        Ok(())
    }

    /// Closes the inbox and both stores in order; the last thing a process does.
    pub async fn close(&self) {
        self.inbox.close().await;
        self.control.close().await;
        self.store.clone().close().await;
    }

    /// Days before a purchase in which a touch of this workspace can earn.
    pub fn window_days(&self, workspace: &Workspace) -> u32 {
        workspace.settings.window_days.unwrap_or(self.config.attribution.window_days)
    }
}

fn prepare_data_dir(config: &Config) -> Result<(), StartError> {
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|source| StartError::DataDir { path: config.data_dir.clone(), source })
}
