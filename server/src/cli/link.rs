//! `tributary link`: partners' links.

use super::affiliate::{affiliates, open};
use super::client::Of;
use crate::affiliate::links::NewLink;
use crate::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Give a partner a link and print it.
    Create {
        /// prt_…
        partner: String,
        /// Made of the partner's name when left out.
        #[arg(long)]
        code: Option<String>,
        /// The landing page, on one of the workspace's hosts.
        #[arg(long)]
        destination: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// End a link: it leads on and earns nothing new.
    Archive {
        code: String,
        #[command(flatten)]
        of: Of,
    },
    /// List the links.
    List {
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::Create { of, .. } | Command::Archive { of, .. } | Command::List { of }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let affiliates = affiliates(&settings, &workspace);
        match self {
            Command::Create { partner, code, destination, .. } => {
                println!("{}", affiliates.create_link(NewLink { partner, code, destination }).await?.url);
            }
            Command::Archive { code, .. } => {
                affiliates.archive_link(&code).await?;
                println!("archived {code}");
            }
            Command::List { .. } => {
                for link in affiliates.links().await?.rows {
                    let state = if link.active { "active" } else { "inactive" };
                    println!("{}\t{}\t{state}\t{}", link.url, link.partner, link.destination);
                }
            }
        }
        settings.control.close().await;
        Ok(())
    }
}
