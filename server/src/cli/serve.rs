//! `tributary serve`: the collector, the API with the dashboard, and the jobs, in one process or apart.

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::Config;

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
        let app = super::open(config).await?;
        tracing::info!(role = ?self.role, "serving on {listen}, reached at {}", app.config.http.public_url);
        let router = crate::http::router::router(app.clone());
        axum::serve(listener, router).with_graceful_shutdown(stop_signal()).await?;
        app.close().await;
        Ok(())
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
