//! `tributary serve`: the collector, the API with the dashboard, and the jobs, in one process or apart.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::Config;
use crate::http::{router, serve};
use crate::ingest::flusher;

/// Workspaces and connections changed by commands or other nodes are seen within this time.
const RELOAD_INTERVAL: Duration = Duration::from_secs(3);

/// What this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    All,
    Collector,
    Api,
    Jobs,
}

/// Start the server.
#[derive(clap::Args)]
pub struct Serve {
    #[arg(long, value_enum, default_value = "all")]
    role: Role,
}

impl Serve {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let listen = config.http.listen.clone();
        let listener = TcpListener::bind(&listen).await.with_context(|| {
            format!("cannot listen on {listen}; choose another address with TRIBUTARY_HTTP_LISTEN")
        })?;
        let listen = listener.local_addr()?;
        let app = super::open(config).await?;
        let (stopping, stop) = watch::channel(false);
        let loops = self.start_loops(&app, &stop)?;
        let routes = match self.role {
            Role::Collector => router::collector(app.clone()),
            _ => router::router(app.clone()),
        };
        tracing::info!(role = ?self.role, "serving on {listen}, reached at {}", app.config.http.public_url);
        serve::serve(listener, routes, stop_signal()).await;
        // Nothing arrives any more: the loops finish what they have, then the stores close in order.
        let _ = stopping.send(true);
        loops.join_all().await;
        app.close().await;
        Ok(())
    }

    fn start_loops(&self, app: &App, stop: &watch::Receiver<bool>) -> anyhow::Result<JoinSet<()>> {
        let mut loops = JoinSet::new();
        loops.spawn(reload(app.clone(), stop.clone()));
        if matches!(self.role, Role::All | Role::Collector) {
            app.inbox.claim()?;
            loops.spawn(flusher::run(app.clone(), stop.clone()));
        }
        let may_hold_lease = matches!(self.role, Role::All | Role::Jobs);
        loops.spawn(crate::jobs::run(app.clone(), may_hold_lease, stop.clone()));
        Ok(loops)
    }
}

async fn reload(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            _ = stop.changed() => {}
        }
        if let Err(error) = app.reload_directory().await {
            tracing::warn!(cause = %error, "workspaces were not read again: {error}");
        }
    }
}

/// Resolves at Ctrl-C or a request to terminate.
pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
}
