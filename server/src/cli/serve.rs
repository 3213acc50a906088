//! `tributary serve`: the collector, the API with the dashboard, and the jobs, in one process or apart.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::Config;
use crate::http::{router, serve};
use crate::ingest::flusher;

/// Workspaces and connections changed by commands or other nodes are seen within this time.
const RELOAD_INTERVAL: Duration = Duration::from_secs(3);

/// Open files that connections leave to the stores; the embedded engine keeps some hundreds.
const FILES_KEPT_MIN: usize = 256;
/// A limit above this, or none, is not used up.
const OPEN_FILES_USED_MAX: usize = 65_536;

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
        refuse_large_files_softly();
        let options = options(&config.http);
        let listen = config.http.listen.clone();
        let listener = serve::listen(&listen).await.with_context(|| {
            format!("cannot listen on {listen}; choose another address with TRIBUTARY_HTTP_LISTEN")
        })?;
        let listen = listener.local_addr()?;
        let app = super::open(config).await?;
        let (stopping, stop) = watch::channel(false);
        let loops = self.start_loops(&app, &stop).await?;
        let routes = match self.role {
            Role::All => router::router(app.clone()),
            Role::Collector => router::collector(app.clone()),
            Role::Api => router::api(app.clone()),
            Role::Jobs => router::jobs(app.clone()),
        };
        tracing::info!(role = ?self.role, "serving on {listen}, reached at {}", app.config.http.public_url);
        serve::serve(listener, routes, options, stop_signal()).await;
        // Nothing arrives any more: the loops finish what they have, then the stores close in order.
        let _ = stopping.send(true);
        loops.join_all().await;
        app.close().await;
        Ok(())
    }

    async fn start_loops(&self, app: &App, stop: &watch::Receiver<bool>) -> anyhow::Result<JoinSet<()>> {
        let mut loops = JoinSet::new();
        loops.spawn(reload(app.clone(), stop.clone()));
        if matches!(self.role, Role::All | Role::Collector) {
            app.inbox.claim().await?;
            loops.spawn(flusher::run(app.clone(), stop.clone()));
        }
        let may_hold_lease = matches!(self.role, Role::All | Role::Jobs);
        if may_hold_lease && app.config.store.url.is_empty() {
            // Only one process can have an embedded engine open: whoever else held a lease was killed.
            app.control.end_leases().await?;
        }
        loops.spawn(crate::jobs::run(app.clone(), may_hold_lease, stop.clone()));
        Ok(loops)
    }
}

/// Time limits as configured, and as many connections as there may be open files.
fn options(http: &crate::config::Http) -> serve::Options {
    let ms = Duration::from_millis;
    let open_files_max = raise_open_files();
    let connections_max = match http.connections_max {
        0 => open_files_max.saturating_sub(FILES_KEPT_MIN.max(open_files_max / 10)).max(64),
        configured => configured,
    };
    tracing::info!(connections_max, open_files_max, "room for {connections_max} connections");
    serve::Options {
        limits: serve::Limits {
            head: ms(http.head_timeout_ms),
            body: ms(http.body_timeout_ms),
            idle: ms(http.idle_timeout_ms),
            answer: ms(http.answer_timeout_ms),
        },
        connections_max,
    }
}

/// A limit on the size of files (`ulimit -f`) is an error to answer like a full disk, not a reason to die.
fn refuse_large_files_softly() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut too_large) = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())) {
        tokio::spawn(async move { while too_large.recv().await.is_some() {} });
    }
}

/// Raises the limit of open files to the most this process may have, and answers it.
fn raise_open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(cause = %error, "the limit of open files stays as it is: {error}");
            limit.current
        }
    };
    now.map_or(OPEN_FILES_USED_MAX, |files| usize::try_from(files).unwrap_or(OPEN_FILES_USED_MAX))
        .min(OPEN_FILES_USED_MAX)
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
