//! `tributary demo`: a workspace with a made-up shop's history. Everything goes through the public
//! surfaces, as a real shop's would; nothing is written to tables.

mod mix;
mod partners;
mod plan;
mod seed;

use anyhow::Context;
use secrecy::SecretString;

use crate::config::Config;
use crate::control::connections::Connection;
use crate::control::keys::Scope;
use crate::control::workspaces::{Settings, Workspace};
use crate::secrets::write_private;

const WORKSPACE: &str = "ws_demo";
const CONNECTION: &str = "con_demo_polar";

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the demo's workspace, API key and Polar connection. Of what is there it changes only where the stand-in is
    /// and the secret it signs with.
    Prepare {
        /// Address of the Polar stand-in.
        #[arg(long, default_value = "http://127.0.0.1:4602")]
        polar: String,
        /// Secret its webhooks are signed with.
        #[arg(long)]
        webhook_secret: String,
        /// Address of the shop: partners' links lead there.
        #[arg(long, default_value = "http://localhost:4601")]
        shop: String,
    },
    /// Send 90 days of history: visits through the import API, sales through the Polar stand-in.
    Seed(seed::Seed),
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Command::Prepare { polar, webhook_secret, shop } => {
                prepare(config, polar, webhook_secret, &shop).await
            }
            Command::Seed(seed) => seed.run(config).await,
        }
    }
}

async fn prepare(config: Config, polar: String, webhook_secret: String, shop: &str) -> anyhow::Result<()> {
    let app = super::open_settings(config).await?;
    let now_ms = app.clock.now_ms();
    if app.workspace(WORKSPACE).await.is_err() {
        let workspace = Workspace {
            id: WORKSPACE.to_owned(),
            name: "Demo shop".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            currency: "USD".to_owned(),
            settings: Settings {
                domains: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
                ..Settings::default()
            },
        };
        app.control.create_workspace(&workspace, now_ms).await?;
    }
    let key_file = key_file(&app.config);
    if !key_file.exists() {
        let (_, clear) = app.control.create_key(WORKSPACE, "demo", &Scope::ALL, false, now_ms).await?;
        write_private(&key_file, clear.as_bytes())
            .with_context(|| format!("cannot write {}", key_file.display()))?;
    }
    let known = app.control.connections(&app.secrets).await?;
    let mut connection =
        known.into_iter().find(|known| known.id == CONNECTION).unwrap_or_else(|| Connection {
            id: CONNECTION.to_owned(),
            workspace_id: WORKSPACE.to_owned(),
            provider: "polar".to_owned(),
            name: "Polar (stand-in)".to_owned(),
            environment: String::new(),
            token: None,
            webhook_secrets: Vec::new(),
            created_at_ms: now_ms,
        });
    connection.environment = polar;
    connection.webhook_secrets = vec![SecretString::from(webhook_secret)];
    app.control.save_connection(&connection, &app.secrets, now_ms).await?;
    partners::prepare(&app, &app.workspace(WORKSPACE).await?, shop).await?;
    app.control.close().await;
    println!("workspace {WORKSPACE}; its API key is in {}", key_file.display());
    Ok(())
}

/// Where the demo's API key lives, readable by its owner alone.
fn key_file(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("demo.key")
}
