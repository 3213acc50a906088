//! `tributary connection`: accounts at billing providers. Secrets may come by file or environment, so that they
//! do not stand in the shell's history.

use anyhow::{Context, anyhow, ensure};

use super::given;
use crate::billing;
use crate::billing::lists::Pass;
use crate::billing::webhooks::{self, Done, with_secret};
use crate::config::Config;
use crate::control::connections::Connection;
use crate::effects::random_id;
use crate::http::connections::{check_token, endpoint_of, webhook_url};
use crate::jobs::poll::PollStatus;
use crate::outbound::Outbound;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Connect an account and print the address its webhooks go to. Also beside a running server.
    Add {
        /// polar
        provider: String,
        #[arg(long)]
        workspace: String,
        /// What people call it.
        #[arg(long, default_value = "default")]
        name: String,
        /// Secret of the webhook endpoint, as the provider shows it; repeat for several; `-` reads one line from
        /// standard input.
        #[arg(
            long = "webhook-secret",
            env = "TRIBUTARY_WEBHOOK_SECRET",
            hide_env_values = true,
            required_unless_present = "create_webhook"
        )]
        webhook_secrets: Vec<String>,
        /// Access token for reading the provider's lists; sealed. `-` reads one line from standard input.
        #[arg(long, env = "TRIBUTARY_PROVIDER_TOKEN", hide_env_values = true)]
        token: Option<String>,
        /// Make the webhook endpoint at the provider; the token must be allowed to.
        #[arg(long, requires = "token")]
        create_webhook: bool,
        /// production, sandbox, or the address of a stand-in.
        #[arg(long, default_value = "production")]
        environment: String,
    },
    /// See to the webhook endpoint at the provider: made, found again, or mended. Also beside a running server.
    Webhook {
        /// con_…
        id: String,
        /// Give it another secret; what the old one signed is taken until the next change.
        #[arg(long)]
        rotate: bool,
        /// Enter a secret that the provider shows, for an endpoint made by hand; `-` reads one line from standard input.
        #[arg(long, conflicts_with = "rotate", value_name = "SECRET")]
        secret: Option<String>,
    },
    /// Enter an access token, the first or another, and say which scopes it lacks. Also beside a running server.
    Token {
        /// con_…
        id: String,
        /// The token; when left out or `-`, one line of standard input.
        #[arg(long, env = "TRIBUTARY_PROVIDER_TOKEN", hide_env_values = true, default_value = "-")]
        token: String,
    },
    /// List the connections, without their secrets.
    List,
    /// Take a connection away: its webhooks are refused and its lists read no more. What it told stays, in every
    /// report; its token and secrets do not. Also beside a running server.
    Remove {
        /// con_…
        id: String,
    },
    /// Read the provider's lists now: what webhooks have not told. A running server does it, else this command.
    Sync {
        /// con_…
        id: String,
        /// The whole history instead of what may have changed lately.
        #[arg(long)]
        full: bool,
    },
    /// How far the provider's lists were read, what only they told, and what stands in the way.
    Status {
        /// con_…; all when absent.
        id: Option<String>,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if let Command::Sync { id, full } = self {
            return super::sync::run(config, &id, full).await;
        }
        let app = super::open_settings(config).await?;
        let outbound = Outbound::new(&app.config.outbound)?;
        match self {
            Command::Add {
                provider,
                workspace,
                name,
                webhook_secrets,
                token,
                create_webhook,
                environment,
            } => {
                ensure!(
                    billing::provider(&provider).is_some(),
                    "there is no provider {provider:?}; use polar"
                );
                billing::check_environment(&environment, &outbound).with_context(|| {
                    format!(
                        "--environment {environment:?}: use production, sandbox or the address of a stand-in"
                    )
                })?;
                let workspace = app.workspace(&workspace).await?.id;
                let secrets =
                    webhook_secrets.into_iter().map(given::secret).collect::<anyhow::Result<Vec<_>>>()?;
                ensure!(
                    (create_webhook && secrets.is_empty()) || billing::secrets_usable(&secrets),
                    "--webhook-secret is empty; copy it from the provider"
                );
                let now_ms = app.clock.now_ms();
                let mut connection = Connection {
                    id: random_id("con_"),
                    workspace_id: workspace,
                    provider,
                    name,
                    environment,
                    token: token.map(given::secret).transpose()?,
                    webhook_secrets: secrets,
                    created_at_ms: now_ms,
                };
                if connection.token.is_some() {
                    usable(&outbound, &connection, create_webhook).await?;
                }
                let done = match create_webhook {
                    true => Some(webhook(&app, &outbound, &mut connection, false).await?),
                    false => None,
                };
                app.control.save_connection(&connection, &app.secrets, now_ms).await?;
                println!("{}", connection.id);
                match done {
                    Some(done) => eprintln!("{done}"),
                    None => by_hand(&app, &connection),
                }
            }
            Command::Webhook { id, rotate, secret } => {
                let mut connection = known(&app, &id).await?;
                let done = match secret {
                    Some(secret) => {
                        connection.webhook_secrets =
                            with_secret(given::secret(secret)?, &connection.webhook_secrets);
                        "entered; the secret before it is taken until the next change".to_owned()
                    }
                    None => webhook(&app, &outbound, &mut connection, rotate).await?,
                };
                let newest = connection.webhook_secrets.first().cloned().context("there is no secret")?;
                let add = |kept: &mut Connection| {
                    kept.webhook_secrets = with_secret(newest.clone(), &kept.webhook_secrets);
                };
                app.control.change_connection(&id, &app.secrets, app.clock.now_ms(), add).await?;
                println!("{done}");
            }
            Command::Token { id, token } => {
                let token = given::secret(token)?;
                let checked = Connection { token: Some(token.clone()), ..known(&app, &id).await? };
                usable(&outbound, &checked, false).await?;
                let now_ms = app.clock.now_ms();
                let enter = |kept: &mut Connection| kept.token = Some(token.clone());
                let changed = app.control.change_connection(&id, &app.secrets, now_ms, enter).await?;
                let connection = changed.with_context(|| unknown(&id))?;
                app.control.ask_poll(&connection.id, Pass::History, now_ms).await?;
                println!("entered; a running server now reads the whole history");
            }
            Command::Remove { id } => {
                let connection = known(&app, &id).await?;
                app.control.remove_connection(&id, &app.secrets, app.clock.now_ms()).await?;
                println!("{id} is removed; what it told stays");
                let url = webhook_url(app.config.http.own_url(), &connection);
                println!("delete the webhook endpoint {url} at the provider, which is refused from now on");
            }
            Command::List => {
                for connection in app.control.connections(&app.secrets).await? {
                    let address = webhook_url(app.config.http.own_url(), &connection);
                    let Connection { id, workspace_id, provider, name, environment, .. } = connection;
                    println!("{id}\t{workspace_id}\t{provider}\t{name}\t{environment}\t{address}");
                }
            }
            Command::Status { id } => {
                let all = app.control.connections(&app.secrets).await?;
                let wanted = |connection: &&Connection| id.as_ref().is_none_or(|id| *id == connection.id);
                ensure!(all.iter().any(|connection| wanted(&connection)), "there is no such connection");
                let is_polling = app.config.poll.interval_minutes > 0;
                for connection in all.iter().filter(wanted) {
                    let now_ms = app.clock.now_ms();
                    let status = PollStatus::of(&app.control, connection, is_polling, now_ms).await?;
                    println!("{}\t{}", connection.id, connection.name);
                    super::sync::print(&status);
                }
            }
            Command::Sync { .. } => unreachable!("returned above"),
        }
        app.control.close().await;
        Ok(())
    }
}

async fn known(app: &super::Settings, id: &str) -> anyhow::Result<Connection> {
    let all = app.control.connections(&app.secrets).await?;
    let found = all.into_iter().find(|connection| connection.id == id);
    found.with_context(|| unknown(id))
}

fn unknown(id: &str) -> String {
    format!("there is no connection {id:?}; `tributary connection list` shows them")
}

/// Has the endpoint made, found or given another secret, keeps the secret in `connection`, and says what was done.
async fn webhook(
    app: &super::Settings,
    outbound: &Outbound,
    connection: &mut Connection,
    rotate: bool,
) -> anyhow::Result<String> {
    let provider = billing::provider(&connection.provider).context("its provider is not known")?;
    let url = webhook_url(app.config.http.own_url(), connection);
    let endpoint = match rotate {
        true => webhooks::rotate(outbound, provider, connection, &url).await?.with_context(|| {
            format!("no endpoint there has the address {url}; leave --rotate out and it is made")
        })?,
        false => webhooks::ensure(outbound, provider, connection, &url).await?,
    };
    connection.webhook_secrets = with_secret(endpoint.secret, &connection.webhook_secrets);
    let done = match endpoint.done {
        Done::Created => "made",
        Done::Found => "there already, and right",
        Done::Mended => "there already; mended and switched on",
        Done::Rotated => "given another secret; what the old one signed is taken until the next change",
    };
    Ok(format!("the webhook endpoint {url} is {done}"))
}

/// Everything to choose at the provider when the endpoint is made by hand.
fn by_hand(app: &super::Settings, connection: &Connection) {
    let endpoint = endpoint_of(app.config.http.own_url(), connection);
    println!("send its webhooks to {}", webhook_url(app.config.http.own_url(), connection));
    println!("  format       {}", endpoint["format"].as_str().unwrap_or("raw"));
    println!("  API version  {}", endpoint["api_version"].as_str().unwrap_or("the newest"));
    let events = endpoint["events"].as_array().map_or(&[][..], Vec::as_slice);
    let events: Vec<&str> = events.iter().filter_map(serde_json::Value::as_str).collect();
    println!("  events       {}", events.join(" "));
    println!("or have it made: tributary connection webhook {}", connection.id);
}

/// Refuses a token that the provider refuses or that lacks a scope, before anything is kept. One that cannot be
/// checked now is kept: the poll says the same later.
async fn usable(outbound: &Outbound, connection: &Connection, makes_webhook: bool) -> anyhow::Result<()> {
    let checked = check_token(outbound, connection, makes_webhook).await;
    checked.map_err(|problem| anyhow!("nothing is changed: {}", problem.detail))
}
