//! What the commands about affiliates share: they work on the control store alone, also beside a running server, which
//! notices within seconds.

use super::Settings;
use super::client::Of;
use crate::affiliate::Affiliates;
use crate::config::Config;
use crate::control::workspaces::Workspace;

/// The control store, and the workspace that is meant.
pub(super) async fn open(config: Config, of: &Of) -> anyhow::Result<(Settings, Workspace)> {
    let settings = super::open_settings(config).await?;
    let all = settings.control.workspaces().await?;
    let id = super::client::only(all.iter().map(|workspace| &workspace.id), of)?;
    let workspace = settings.workspace(&id).await?;
    Ok((settings, workspace))
}

pub(super) fn affiliates<'a>(settings: &'a Settings, workspace: &'a Workspace) -> Affiliates<'a> {
    Affiliates {
        control: &settings.control,
        secrets: &settings.secrets,
        workspace,
        public_url: &settings.config.http.public_url,
        own_url: settings.config.http.own_url(),
        mail: &settings.mail,
        now_ms: settings.clock.now_ms(),
    }
}
