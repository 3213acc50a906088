//! The stand-in as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use polar_standin::{DEFAULT_TOKEN, EndpointOptions, Options, Secret, start};

/// A stand-in for Polar's servers: checkout links, API, hosted checkout page and signed webhooks.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen; port 0 takes a free one and prints it.
    #[arg(long, env = "POLAR_STANDIN_LISTEN", default_value = "127.0.0.1:4602")]
    listen: SocketAddr,
    /// What links and pages are addressed by, when it is not the listening address.
    #[arg(long, env = "POLAR_STANDIN_PUBLIC_URL")]
    public_url: Option<String>,
    /// The organization token that may do everything.
    #[arg(long, env = "POLAR_STANDIN_TOKEN", default_value = DEFAULT_TOKEN)]
    token: String,
    /// Send every event there, signed with --webhook-secret.
    #[arg(long, env = "POLAR_STANDIN_WEBHOOK_URL", requires = "webhook_secret")]
    webhook_url: Option<String>,
    /// The endpoint's secret.
    #[arg(long, env = "POLAR_STANDIN_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// Sign with the bytes of the whole secret, as for secrets from before 2026-09-08.
    #[arg(long, env = "POLAR_STANDIN_LEGACY_SECRET")]
    legacy_secret: bool,
    /// Where the demo's links send buyers after paying; {CHECKOUT_ID} is replaced.
    #[arg(long, env = "POLAR_STANDIN_SUCCESS_URL")]
    success_url: Option<String>,
    /// API calls a minute and token.
    #[arg(long, env = "POLAR_STANDIN_RATE_LIMIT", default_value_t = 500)]
    rate_limit_per_minute: u32,
    /// Multiplies the waits between delivery attempts.
    #[arg(long, env = "POLAR_STANDIN_RETRY_SCALE", default_value_t = 1.0)]
    retry_scale: f64,
    /// Makes ids the same in every run.
    #[arg(long, env = "POLAR_STANDIN_SEED")]
    seed: Option<u64>,
    /// The instant its clock shows when it starts, such as 2026-10-01T09:00:00Z; the machine's when left out.
    #[arg(long, env = "POLAR_STANDIN_STARTS_AT")]
    starts_at: Option<jiff::Timestamp>,
    /// Read at the start and written at the end, so that sales outlive a restart.
    #[arg(long, env = "POLAR_STANDIN_STATE")]
    state_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let secret = |text| if args.legacy_secret { Secret::Legacy(text) } else { Secret::Standard(text) };
    let endpoints = match (args.webhook_url, args.webhook_secret) {
        (Some(url), Some(text)) => vec![EndpointOptions::new(url, secret(text))],
        _ => Vec::new(),
    };
    let listen = args.listen;
    let polar = start(Options {
        listen,
        public_url: args.public_url,
        token: args.token,
        seed: args.seed,
        endpoints,
        success_url: args.success_url,
        rate_limit_per_minute: args.rate_limit_per_minute,
        retry_scale: args.retry_scale,
        starts_at: args.starts_at,
        state_file: args.state_file,
    })
    .await
    .with_context(|| format!("cannot start on {listen}: choose another address with --listen"))?;
    println!("{}", polar.url());
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    polar.stop().await.context("cannot write the state file")
}
