//! `tributary login-link`: an address that opens the dashboard without typing a key, for ten minutes.

use anyhow::Context;

use crate::config::Config;
use crate::control::keys::Scope;

/// Print a link that opens the dashboard for ten minutes.
#[derive(clap::Args)]
pub struct LoginLink {
    #[arg(long)]
    workspace: String,
}

impl LoginLink {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = super::open_settings(config).await?;
        let workspace = app.workspace(&self.workspace).await?.id;
        let keys = app.control.keys().await?;
        let usable = |key: &&crate::control::keys::ApiKey| {
            key.workspace_id == workspace && key.revoked_at_ms.is_none() && key.allows(Scope::Read)
        };
        let key = keys.iter().find(usable).with_context(|| {
            format!("{workspace} has no key that may read; `tributary key create --workspace {workspace}` makes one")
        })?;
        let now_ms = app.clock.now_ms();
        println!("{}", crate::dashboard::login_link(app.config.http.own_url(), &app.secrets, key, now_ms));
        app.control.close().await;
        Ok(())
    }
}
