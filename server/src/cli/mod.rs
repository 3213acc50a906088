//! Every command: one file each, one line here. Exit code 0 means done, 1 failed, 2 wrong use.

mod affiliate;
mod books;
mod client;
mod commission;
mod connection;
mod demo;
mod doctor;
mod endpoint;
mod engine;
mod erase;
mod explain;
mod flag;
mod given;
mod import;
mod jobs;
mod key;
mod link;
mod login_link;
mod migrate;
mod money;
mod orders;
mod partner;
mod payout;
mod portal;
mod preview;
mod program;
mod rates;
mod replay;
mod report;
mod rotate;
mod selection;
mod serve;
mod simulate;
mod statement;
mod sync;
mod workspace;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::app::App;
use crate::config::Config;
use crate::control::Control;
use crate::control::workspaces::Workspace;
use crate::effects::Clock;
use crate::mail::Mailer;
use crate::secrets::Secrets;

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
    LoginLink(login_link::LoginLink),
    #[command(subcommand)]
    Demo(demo::Command),
    Doctor(doctor::Doctor),
    Report(Box<report::Report>),
    Orders(Box<orders::Orders>),
    Explain(explain::Explain),
    Engine(engine::Engine),
    #[command(subcommand)]
    Workspace(workspace::Command),
    #[command(subcommand)]
    Key(key::Command),
    #[command(subcommand)]
    Connection(connection::Command),
    #[command(subcommand)]
    Rates(rates::Command),
    /// Affiliate programmes and their terms.
    #[command(subcommand)]
    Program(program::Command),
    /// Partners of a programme.
    #[command(subcommand)]
    Partner(partner::Command),
    /// Partners' links.
    #[command(subcommand)]
    Link(link::Command),
    /// What partners earned, and where it stands.
    #[command(subcommand)]
    Commission(commission::Command),
    /// What is doubtful about commissions, and what is decided about it.
    #[command(subcommand)]
    Flag(flag::Command),
    /// What partners are paid: looked at, approved, given out as files, closed.
    #[command(subcommand)]
    Payout(payout::Command),
    /// Who is told of events, signed as Standard Webhooks, and what came of it.
    #[command(subcommand)]
    Endpoint(endpoint::Command),
    /// The partners' own pages: applications, assets, frames.
    #[command(subcommand)]
    Portal(portal::Command),
    /// What is brought over from other affiliate tools.
    #[command(subcommand)]
    Affiliate(import::Command),
    Attribute(jobs::Attribute),
    Reconcile(jobs::Reconcile),
    Replay(replay::ReplayWebhooks),
    Verify(jobs::Verify),
    /// Monthly statements of a connection, chained by hashes.
    #[command(subcommand)]
    Statement(statement::Command),
    Erase(erase::Erase),
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
            Command::LoginLink(command) => command.run(config).await,
            Command::Migrate(command) => command.run(config).await,
            Command::Engine(command) => command.run(config).await,
            Command::Demo(command) => command.run(config).await,
            Command::Doctor(command) => command.run(config).await,
            Command::Report(command) => command.run(config).await,
            Command::Orders(command) => command.run(config).await,
            Command::Explain(command) => command.run(config).await,
            Command::Workspace(command) => command.run(config).await,
            Command::Key(command) => command.run(config).await,
            Command::Connection(command) => command.run(config).await,
            Command::Rates(command) => command.run(config).await,
            Command::Program(command) => command.run(config).await,
            Command::Partner(command) => command.run(config).await,
            Command::Link(command) => command.run(config).await,
            Command::Commission(command) => command.run(config).await,
            Command::Flag(command) => command.run(config).await,
            Command::Payout(command) => command.run(config).await,
            Command::Endpoint(command) => command.run(config).await,
            Command::Portal(command) => command.run(config).await,
            Command::Affiliate(command) => command.run(config).await,
            Command::Attribute(command) => command.run(config).await,
            Command::Reconcile(command) => command.run(config).await,
            Command::Replay(command) => command.run(config).await,
            Command::Verify(command) => command.run(config).await,
            Command::Statement(command) => command.run(config).await,
            Command::Erase(command) => command.run(config).await,
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
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log.format == "json" {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
}

/// Opens both stores, for a command that needs ClickHouse: with the embedded engine it cannot run
/// beside a server on the same data directory.
async fn open(config: Config) -> anyhow::Result<App> {
    let listen = config.http.listen.clone();
    let embedded = config.store.url.is_empty();
    App::open(config, Clock::system()).await.with_context(|| match embedded {
        true => format!(
            "the stores cannot be opened; if a server runs on this data directory it holds them, and did not answer \
             at {listen} (http.listen) nor at its public address"
        ),
        false => "the stores cannot be opened".to_owned(),
    })
}

/// The control store alone: what settings commands need, also beside a running server, which notices
/// the change within seconds.
struct Settings {
    config: Config,
    control: Control,
    secrets: Secrets,
    clock: Clock,
    mail: Mailer,
}

async fn open_settings(config: Config) -> anyhow::Result<Settings> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("data_dir {} cannot be used", config.data_dir.display()))?;
    let clock = Clock::system();
    let secrets = Secrets::load(&config.secret_key, &config.data_dir)?;
    let control = Control::open(&config, clock.now_ms()).await?;
    let secrets = control.unlock(secrets, clock.now_ms()).await?;
    // A command does its work all the same: what it changes is no less so because nobody is written.
    let mail = Mailer::new(&config.mail).unwrap_or_else(|error| {
        tracing::warn!(cause = %error, "no mail is sent: {error}");
        Mailer::none()
    });
    Ok(Settings { config, control, secrets, clock, mail })
}

impl Settings {
    /// The workspace with this id, or an error that says how to find the right one.
    async fn workspace(&self, id: &str) -> anyhow::Result<Workspace> {
        let all = self.control.workspaces().await?;
        all.into_iter()
            .find(|workspace| workspace.id == id)
            .with_context(|| format!("there is no workspace {id:?}; `tributary workspace list` shows them"))
    }
}
