//! Where commands that ask questions get their answer: from the running server's API, since with the embedded
//! engine only one process may hold the data, or from the stores when no server runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use url::Url;

use crate::app::App;
use crate::config::Config;
use crate::control::keys::Scope;
use crate::control::workspaces::Workspace;
use crate::secrets::write_private;

/// A server on this machine says within this time that it is there.
const KNOCK_TIMEOUT: Duration = Duration::from_millis(800);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(130);

/// Which workspace a command asks about.
#[derive(clap::Args)]
pub struct Of {
    /// Workspace id; may be left out when there is only one.
    #[arg(long, global = true)]
    pub workspace: Option<String>,
}

/// Whom to ask.
pub enum Source {
    Server(Client),
    Stores(App, Arc<Workspace>),
}

/// A running server's API.
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Source {
    /// The server when one answers where the settings say, else the stores.
    pub async fn find(config: Config, of: &Of) -> anyhow::Result<Source> {
        let http = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build()?;
        let listen = config.http.listen.replace("0.0.0.0", "127.0.0.1");
        for base in [format!("http://{listen}"), config.http.public_url.clone()] {
            let base = base.trim_end_matches('/').to_owned();
            let knock = http.get(format!("{base}/healthz")).timeout(KNOCK_TIMEOUT).send().await;
            if knock.is_ok_and(|answer| answer.status().is_success()) {
                let key = key(config, of).await?;
                return Ok(Source::Server(Client { http, base, key }));
            }
        }
        let app = super::open(config).await?;
        let id = only(app.directory().workspaces.keys(), of)?;
        let workspace = app.directory().workspaces.get(&id).cloned();
        let workspace = workspace.with_context(|| unknown(&id))?;
        Ok(Source::Stores(app, workspace))
    }
}

impl Client {
    /// Asks and returns the answer's text; a refusal is an error with the server's own words.
    pub async fn ask(&self, path: &str, pairs: &[(String, String)]) -> anyhow::Result<String> {
        let mut address = Url::parse(&format!("{}{path}", self.base))?;
        address.query_pairs_mut().extend_pairs(pairs);
        let answer = self
            .http
            .get(address)
            .bearer_auth(&self.key)
            .send()
            .await
            .context("the server did not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        bail!("{}", problem["detail"].as_str().unwrap_or("the server refused without saying why"))
    }
}

/// The key to ask with: TRIBUTARY_API_KEY, else one kept in `<data_dir>/cli.<workspace>.key`, made when missing:
/// whoever can write there holds the operator's key anyway.
async fn key(config: Config, of: &Of) -> anyhow::Result<String> {
    if let Ok(key) = std::env::var("TRIBUTARY_API_KEY") {
        return Ok(key);
    }
    let settings = super::open_settings(config).await?;
    let workspaces = settings.control.workspaces().await?;
    let id = only(workspaces.iter().map(|workspace| &workspace.id), of)?;
    ensure!(workspaces.iter().any(|workspace| workspace.id == id), unknown(&id));
    let path = settings.config.data_dir.join(format!("cli.{id}.key"));
    if let Ok(kept) = std::fs::read_to_string(&path)
        && settings.control.key_by_clear(kept.trim()).await?.is_some()
    {
        return Ok(kept.trim().to_owned());
    }
    let now_ms = settings.clock.now_ms();
    let (_, clear) = settings.control.create_key(&id, "command line", &[Scope::Read], true, now_ms).await?;
    write_private(&path, clear.as_bytes())
        .with_context(|| format!("cannot keep a key in {}; set TRIBUTARY_API_KEY instead", path.display()))?;
    Ok(clear)
}

fn only<'a>(ids: impl Iterator<Item = &'a String>, of: &Of) -> anyhow::Result<String> {
    if let Some(id) = &of.workspace {
        return Ok(id.clone());
    }
    let mut ids: Vec<&String> = ids.collect();
    ids.sort();
    match ids.as_slice() {
        [] => bail!("there is no workspace yet; make one with `tributary workspace create ws_… --name …`"),
        [only] => Ok((*only).clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            bail!("say which workspace with --workspace: {}", names.join(", "))
        }
    }
}

fn unknown(id: &str) -> String {
    format!("there is no workspace {id:?}; `tributary workspace list` shows them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_workspace_needs_no_name_and_several_do() {
        let (one, two) = ("ws_a".to_owned(), "ws_b".to_owned());
        let unnamed = Of { workspace: None };
        assert_eq!(only([&one].into_iter(), &unnamed).unwrap(), "ws_a");
        assert!(only([&two, &one].into_iter(), &unnamed).unwrap_err().to_string().contains("ws_a, ws_b"));
        assert!(only([].into_iter(), &unnamed).unwrap_err().to_string().contains("workspace create"));
        assert_eq!(only([&one].into_iter(), &Of { workspace: Some("ws_c".to_owned()) }).unwrap(), "ws_c");
    }
}
