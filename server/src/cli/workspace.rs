//! `tributary workspace`: one merchant's data each.

mod given;
mod set;

use crate::config::Config;
use crate::control::workspaces::{Settings, Workspace};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a workspace and print the script tag for its site.
    Create {
        /// Id as written in the script tag: ws_ and lower-case letters, digits, underscores.
        #[arg(value_parser = given::id)]
        id: String,
        /// What people call it.
        #[arg(long, value_parser = given::name)]
        name: Option<String>,
        /// IANA time zone; the days of every report are days there.
        #[arg(long, default_value = "UTC", value_parser = given::timezone)]
        timezone: String,
        /// Report currency.
        #[arg(long, default_value = "USD", value_parser = given::currency)]
        currency: String,
        /// A host or domain of the merchant's own site; repeat for several. None: any origin.
        #[arg(long = "domain", value_name = "HOST", value_parser = given::domain)]
        domains: Vec<String>,
        /// Days before a purchase in which a visit can earn.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        window_days: Option<u32>,
    },
    Set(set::Set),
    /// List the workspaces.
    List,
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = super::open_settings(config).await?;
        match self {
            Command::Create { id, name, timezone, currency, domains, window_days } => {
                let workspace = Workspace {
                    name: name.unwrap_or_else(|| id.clone()),
                    timezone,
                    currency,
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
            Command::Set(set) => set.run(&app).await?,
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
