//! Where commands get their answer and their work done: from the running server's API, since with the embedded
//! engine only one process may hold the data, or from the stores when no server runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use super::Settings;

use crate::app::App;
use crate::config::Config;
use crate::control::keys::Scope;
use crate::control::workspaces::Workspace;
use crate::http::auth::WORKSPACE_HEADER;
use crate::secrets::write_private;

/// A server on this machine says within this time that it is there.
const KNOCK_TIMEOUT: Duration = Duration::from_millis(800);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(130);
/// A full run over a large history takes minutes; beyond this something is wrong.
const WORK_TIMEOUT: Duration = Duration::from_secs(6 * 3600);

/// Which workspace a command asks about.
#[derive(clap::Args)]
pub struct Of {
    /// Workspace id; may be left out when there is only one, or when every one is meant.
    #[arg(long, global = true)]
    pub workspace: Option<String>,
}

/// What a command wants of the server: its kept key allows no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Reports, explanations, verify.
    Ask,
    /// Runs of the jobs.
    Work,
}

impl Errand {
    fn name(self) -> &'static str {
        match self {
            Errand::Ask => "ask",
            Errand::Work => "work",
        }
    }

    fn scopes(self) -> &'static [Scope] {
        match self {
            Errand::Ask => &[Scope::Read],
            Errand::Work => &Scope::ALL,
        }
    }
}

/// Whom to ask.
pub enum Source {
    Server(Client),
    Stores(App, Arc<Workspace>),
}

/// A running server, and what finds the keys it is asked with.
pub struct Server {
    http: reqwest::Client,
    base: String,
    config: Config,
}

/// A running server's API, asked as one workspace.
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
    /// The workspace that was meant; the server refuses a key of another one.
    workspace: Option<String>,
}

impl Source {
    /// The server when one answers where the settings say, else the stores.
    pub async fn find(config: Config, of: &Of) -> anyhow::Result<Source> {
        if let Some(server) = Server::find(&config).await? {
            return Ok(Source::Server(server.client(of, Errand::Ask).await?));
        }
        let app = super::open(config).await?;
        let id = only(app.directory().workspaces.keys(), of)?;
        let workspace = app.directory().workspaces.get(&id).cloned();
        let workspace = workspace.with_context(|| unknown(&id))?;
        Ok(Source::Stores(app, workspace))
    }
}

/// Calls a server of ours: no proxy that the environment names stands between.
pub(super) fn local_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

impl Server {
    /// The server that answers where the settings say: on this machine, else where people reach it.
    pub async fn find(config: &Config) -> anyhow::Result<Option<Server>> {
        let http = local_client()?;
        let listen = config.http.listen.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
        for base in [&format!("http://{listen}"), config.http.own_url(), &config.http.public_url] {
            let base = base.trim_end_matches('/').to_owned();
            let knock = http.get(format!("{base}/healthz")).timeout(KNOCK_TIMEOUT).send().await;
            if knock.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(Some(Server { http, base, config: config.clone() }));
            }
        }
        Ok(None)
    }

    /// What it says of itself at a path that needs no key.
    pub async fn says<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let asked = self.http.get(format!("{}{path}", self.base)).timeout(ANSWER_TIMEOUT).send().await;
        read(&asked.context("the server did not answer")?.text().await?)
    }

    /// Asks as the one workspace that is meant.
    pub async fn client(&self, of: &Of, errand: Errand) -> anyhow::Result<Client> {
        if let Some(key) = key_given() {
            return Ok(self.client_with(key, of.workspace.clone()));
        }
        let settings = super::open_settings(self.config.clone()).await?;
        let workspaces = settings.control.workspaces().await?;
        let id = only(workspaces.iter().map(|workspace| &workspace.id), of)?;
        ensure!(workspaces.iter().any(|workspace| workspace.id == id), unknown(&id));
        let key = kept_key(&settings, &id, errand).await?;
        Ok(self.client_with(key, Some(id)))
    }

    /// Asks as every workspace, or as the one that is named; with TRIBUTARY_API_KEY as the key's own.
    pub async fn clients(&self, of: &Of, errand: Errand) -> anyhow::Result<Vec<Client>> {
        if of.workspace.is_some() || key_given().is_some() {
            return Ok(vec![self.client(of, errand).await?]);
        }
        let settings = super::open_settings(self.config.clone()).await?;
        let mut clients = Vec::new();
        for workspace in settings.control.workspaces().await? {
            let key = kept_key(&settings, &workspace.id, errand).await?;
            clients.push(self.client_with(key, Some(workspace.id)));
        }
        clients.sort_by(|one, other| one.workspace.cmp(&other.workspace));
        Ok(clients)
    }

    fn client_with(&self, key: String, workspace: Option<String>) -> Client {
        Client { http: self.http.clone(), base: self.base.clone(), key, workspace }
    }
}

impl Client {
    /// Asks and returns the answer's text; a refusal is an error with the server's own words.
    pub async fn ask(&self, path: &str, pairs: &[(String, String)]) -> anyhow::Result<String> {
        self.send(Method::GET, path, pairs, ANSWER_TIMEOUT).await
    }

    /// Asks and reads the answer.
    pub async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        pairs: &[(String, String)],
    ) -> anyhow::Result<T> {
        read(&self.ask(path, pairs).await?)
    }

    /// Has something done and reads the answer, however long it takes.
    pub async fn post<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.post_with(path, &[]).await
    }

    /// As [`Client::post`], with a question.
    pub async fn post_with<T: DeserializeOwned>(
        &self,
        path: &str,
        pairs: &[(String, String)],
    ) -> anyhow::Result<T> {
        read(&self.send(Method::POST, path, pairs, WORK_TIMEOUT).await?)
    }

    /// Has something made and returns the answer's text.
    pub async fn post_text(&self, path: &str, pairs: &[(String, String)]) -> anyhow::Result<String> {
        self.send(Method::POST, path, pairs, WORK_TIMEOUT).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        pairs: &[(String, String)],
        timeout: Duration,
    ) -> anyhow::Result<String> {
        let mut address = Url::parse(&format!("{}{path}", self.base))?;
        if !pairs.is_empty() {
            address.query_pairs_mut().extend_pairs(pairs);
        }
        let mut request = self.http.request(method, address).bearer_auth(&self.key).timeout(timeout);
        if let Some(workspace) = &self.workspace {
            request = request.header(WORKSPACE_HEADER, workspace);
        }
        let answer = request.send().await.context("the server did not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        bail!("{}", problem["detail"].as_str().unwrap_or("the server refused without saying why"))
    }
}

fn read<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).context("the server is another version: its answer does not read")
}

fn key_given() -> Option<String> {
    std::env::var("TRIBUTARY_API_KEY").ok().filter(|key| !key.is_empty())
}

/// The key kept in `<data_dir>/cli.<workspace>.<errand>.key`, readable by its owner only, made when missing: whoever
/// can write there holds the operator's key anyway.
async fn kept_key(settings: &Settings, workspace_id: &str, errand: Errand) -> anyhow::Result<String> {
    let path = settings.config.data_dir.join(format!("cli.{workspace_id}.{}.key", errand.name()));
    if let Ok(kept) = std::fs::read_to_string(&path)
        && settings.control.key_by_clear(kept.trim()).await?.is_some()
    {
        return Ok(kept.trim().to_owned());
    }
    let now_ms = settings.clock.now_ms();
    let name = format!("command line, {}", errand.name());
    let (_, clear) = settings.control.create_key(workspace_id, &name, errand.scopes(), true, now_ms).await?;
    write_private(&path, clear.as_bytes())
        .with_context(|| format!("cannot keep a key in {}; set TRIBUTARY_API_KEY instead", path.display()))?;
    Ok(clear)
}

pub(super) fn only<'a>(ids: impl Iterator<Item = &'a String>, of: &Of) -> anyhow::Result<String> {
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

pub(super) fn unknown(id: &str) -> String {
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
