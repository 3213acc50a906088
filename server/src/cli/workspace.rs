//! `tributary workspace`: one merchant's data each.

use anyhow::{Context, ensure};

use crate::config::Config;
use crate::control::workspaces::{Settings, Workspace};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a workspace and print the script tag for its site.
    Create {
        /// Id as written in the script tag: ws_ and lower-case letters, digits, underscores.
        id: String,
        /// What people call it.
        #[arg(long)]
        name: Option<String>,
        /// IANA time zone; the days of every report are days there.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Report currency.
        #[arg(long, default_value = "USD")]
        currency: String,
        /// A host or domain of the merchant's own site; repeat for several. None: any origin.
        #[arg(long = "domain")]
        domains: Vec<String>,
        /// Days before a purchase in which a visit can earn.
        #[arg(long)]
        window_days: Option<u32>,
    },
    /// List the workspaces.
    List,
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = super::open_settings(config).await?;
        match self {
            Command::Create { id, name, timezone, currency, domains, window_days } => {
                check_id(&id)?;
                jiff::tz::TimeZone::get(&timezone)
                    .with_context(|| format!("--timezone {timezone:?} is no IANA time zone"))?;
                let workspace = Workspace {
                    name: name.unwrap_or_else(|| id.clone()),
                    timezone,
                    currency: currency.to_uppercase(),
                    settings: Settings { domains, window_days, ..Settings::default() },
                    id,
                };
                app.control.create_workspace(&workspace, app.clock.now_ms()).await?;
                println!("created {}; put this on every page of the site:\n", workspace.id);
                println!(
                    "  <script async src=\"{}/p.js\" data-workspace=\"{}\"></script>\n",
                    app.config.http.public_url, workspace.id
                );
            }
            Command::List => {
                for workspace in app.control.workspaces().await? {
                    let Workspace { id, name, timezone, currency, settings } = workspace;
                    println!("{id}\t{name}\t{timezone}\t{currency}\t{}", settings.domains.join(","));
                }
            }
        }
        app.control.close().await;
        Ok(())
    }
}

fn check_id(id: &str) -> anyhow::Result<()> {
    let rest = id.strip_prefix("ws_").unwrap_or("");
    let plain = rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    ensure!(
        !rest.is_empty() && rest.len() <= 40 && plain,
        "workspace id {id:?}: use ws_ and up to 40 lower-case letters, digits or underscores"
    );
    Ok(())
}
