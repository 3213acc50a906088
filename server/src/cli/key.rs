//! `tributary key`: API keys, shown once.

use anyhow::ensure;

use crate::config::Config;
use crate::control::keys::Scope;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a key and print it; it is never shown again.
    Create {
        #[arg(long)]
        workspace: String,
        #[arg(long, default_value = "key")]
        name: String,
        /// read, write, admin; repeat for several.
        #[arg(long = "scope", default_value = "read", value_parser = scope)]
        scopes: Vec<Scope>,
        /// Make a trb_test_ key.
        #[arg(long)]
        test: bool,
    },
    /// List the keys, without their clear text.
    List,
    /// Make a key worthless.
    Revoke { id: String },
    /// Put another operator's key (secret_key) in the place of the present one, and seal everything anew under it.
    /// With the server stopped; may be interrupted and run again.
    RotateOperator(super::rotate::Rotate),
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if let Command::RotateOperator(command) = self {
            return command.run(config).await;
        }
        let app = super::open_settings(config).await?;
        let now_ms = app.clock.now_ms();
        match self {
            Command::Create { workspace, name, scopes, test } => {
                let workspace = app.workspace(&workspace).await?.id;
                let (_, clear) = app.control.create_key(&workspace, &name, &scopes, !test, now_ms).await?;
                println!("{clear}");
            }
            Command::List => {
                for key in app.control.keys().await? {
                    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
                    let state = if key.revoked_at_ms.is_some() { "revoked" } else { "valid" };
                    println!(
                        "{}\t{}\t{}\t{}…\t{}\t{state}",
                        key.id,
                        key.workspace_id,
                        key.name,
                        key.prefix,
                        scopes.join(",")
                    );
                }
            }
            Command::Revoke { id } => {
                ensure!(app.control.revoke_key(&id, now_ms).await?, "there is no valid key {id:?}");
                println!("revoked {id}");
            }
            Command::RotateOperator(_) => unreachable!("returned above"),
        }
        app.control.close().await;
        Ok(())
    }
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "use read, write or admin".to_owned())
}
