//! Every command: one file each, one line here. Exit code 0 means done, 1 failed, 2 wrong use.

mod key;
mod migrate;
mod serve;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::App;
use crate::config::Config;
use crate::effects::Clock;

/// Self-hosted revenue attribution: which channel earned what, to the cent.
#[derive(Parser)]
#[command(name = "tributary", version)]
struct Arguments {
    /// Settings file; default: tributary.toml in the working directory, when it exists.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Migrate(migrate::Migrate),
    #[command(subcommand)]
    Workspace(workspace::Command),
    #[command(subcommand)]
    Key(key::Command),
}

/// Parses the command line, runs the command, prints what went wrong.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load(arguments.config.as_deref(), |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => return fail(&error.into()),
    };
    start_log(&config);
    // reqwest is built without a default TLS provider: choose ring before anything dials out.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().expect("the operating system gives threads");
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Serve(command) => command.run(config).await,
            Command::Migrate(command) => command.run(config).await,
            Command::Workspace(command) => command.run(config).await,
            Command::Key(command) => command.run(config).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("tributary: {error:#}");
    ExitCode::FAILURE
}

fn start_log(config: &Config) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log.format == "json" {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
}

/// Opens the stores for a command that works on them directly.
async fn open(config: Config) -> anyhow::Result<App> {
    Ok(App::open(config, Clock::system()).await?)
}
