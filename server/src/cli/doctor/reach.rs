//! What needs a store or the network: both stores, the pixel as browsers fetch it, webhook secrets,
//! and how long the visitor cookie will live.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use super::super::client::Server;
use super::{Finding, cookies};
use crate::config::Config;
use crate::control::Control;
use crate::control::connections::Connection;
use crate::control::workspaces::Workspace;
use crate::secrets::Secrets;
use crate::store::Store;

/// A browser that waits longer for the pixel has gone on without it.
const PIXEL_TIMEOUT: Duration = Duration::from_secs(3);

/// The parts of `/readyz` the doctor reads.
#[derive(Deserialize)]
struct Readiness {
    clickhouse: String,
    control: String,
}

pub async fn check(config: &Config, http: &reqwest::Client) -> Vec<Finding> {
    let mut findings = match Server::find(config).await {
        Ok(Some(server)) => told_by(&server).await,
        Ok(None) => vec![clickhouse(config).await],
        Err(error) => vec![Finding::broken("server", format!("{error:#}"))],
    };
    findings.push(pixel(config, http).await);
    findings.extend(control(config).await);
    findings
}

/// A running server knows its stores.
async fn told_by(server: &Server) -> Vec<Finding> {
    let ready = match server.says::<Readiness>("/readyz").await {
        Ok(ready) => ready,
        Err(error) => return vec![Finding::broken("server", format!("{error:#}"))],
    };
    [("ClickHouse", ready.clickhouse), ("control store", ready.control)]
        .into_iter()
        .map(|(what, state)| match state.as_str() {
            "ok" => Finding::fine(what, "the running server reaches it"),
            other => Finding::broken(what, format!("the running server says {other}; see its log")),
        })
        .collect()
}

/// Without a server: opened here, and left as it is.
async fn clickhouse(config: &Config) -> Finding {
    const WHAT: &str = "ClickHouse";
    let (store, left) = match Store::look(config).await {
        Ok(Some(found)) => found,
        Ok(None) => return library(config),
        Err(error) => return Finding::broken(WHAT, error.to_string()),
    };
    let engine = match store.engine() {
        Some(engine) => {
            format!("embedded engine {} from {}", engine.version(), engine.library_path().display())
        }
        None => format!("server at {}", config.store.url),
    };
    store.close().await;
    tables(WHAT, &engine, &left)
}

/// Whether the engine's library lies where it is looked for, before there are data.
fn library(config: &Config) -> Finding {
    let configured = Some(config.store.library.as_path()).filter(|path| !path.as_os_str().is_empty());
    match engine::library::candidates(configured).into_iter().find(|path| path.is_file()) {
        Some(path) => {
            Finding::fine("ClickHouse", format!("engine library {}; data at the first start", path.display()))
        }
        None => Finding::broken(
            "ClickHouse",
            "the engine library libchdb.so is not found; `scripts/engine-library.sh` gets it, store.library says \
             where it is, or store.url names a ClickHouse server",
        ),
    }
}

fn tables(what: &str, opens: &str, left: &[&str]) -> Finding {
    match left {
        [] => Finding::fine(what, format!("{opens}; tables are up to date")),
        left => Finding::careful(
            what,
            format!("{opens}; the next start brings the tables up to date: {}", left.join(", ")),
        ),
    }
}

/// The control store and what stands in it, opened beside a server as well, and left as it is.
async fn control(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "control store";
    let broken = |error: &dyn std::fmt::Display| vec![Finding::broken(WHAT, error.to_string())];
    let (control, left) = match Control::look(config).await {
        Ok(Some(found)) => found,
        Ok(None) => return vec![Finding::fine(WHAT, "will be made at the first start")],
        Err(error) => return broken(&error),
    };
    let mut findings = vec![tables(WHAT, "opens", &left)];
    if left.is_empty() {
        match content(config, &control).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::broken(WHAT, format!("{error:#}"))),
        }
    }
    control.close().await;
    findings
}

async fn content(config: &Config, control: &Control) -> anyhow::Result<Vec<Finding>> {
    let workspaces = control.workspaces().await?;
    let secrets = Secrets::look(&config.secret_key, &config.data_dir)?
        .context("its key is missing: put the secret.key it was made with into the data folder")?;
    let secrets = control.unlock_as_is(secrets).await?;
    let mut findings = match control.connections(&secrets).await {
        Ok(connections) => webhooks(&workspaces, &connections),
        Err(error) => vec![Finding::broken(
            "connections",
            format!("{error}; start with the secret_key they were sealed with"),
        )],
    };
    findings.extend(cookies::check(config, &workspaces, cookies::resolve).await);
    findings.extend(super::leaving::check(control, &secrets, &workspaces).await);
    Ok(findings)
}

async fn pixel(config: &Config, http: &reqwest::Client) -> Finding {
    let address = format!("{}/p.js", config.http.public_url);
    match http.get(&address).timeout(PIXEL_TIMEOUT).send().await {
        Ok(answer) if answer.status().is_success() => Finding::fine("pixel", format!("{address} answers")),
        Ok(answer) => Finding::broken(
            "pixel",
            format!("{address} answers {}; build it with `make pixel`, or set pixel.dir", answer.status()),
        ),
        Err(_) => Finding::careful(
            "pixel",
            format!(
                "{address} does not answer; start the server, and check http.public_url and the proxy in front"
            ),
        ),
    }
}

fn webhooks(workspaces: &[Workspace], connections: &[Connection]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workspace in workspaces {
        let mine: Vec<_> = connections.iter().filter(|c| c.workspace_id == workspace.id).collect();
        if mine.is_empty() {
            let advice = format!("`tributary connection add polar --workspace {} …`", workspace.id);
            let what = format!("sales of {}", workspace.id);
            findings.push(Finding::careful(what, format!("no billing provider is connected: {advice}")));
        }
        for connection in mine {
            let what = format!("webhook of {} ({})", connection.name, connection.id);
            findings.push(match connection.webhook_secrets.len() {
                0 => Finding::broken(
                    what,
                    format!(
                        "has no secret, so every delivery is refused; enter the one shown at the provider: `tributary \
                         connection webhook {} --secret -`",
                        connection.id
                    ),
                ),
                1 => Finding::fine(what, "has its secret"),
                n => Finding::fine(what, format!("has {n} secrets (rotation)")),
            });
        }
    }
    if workspaces.is_empty() {
        findings
            .push(Finding::careful("workspaces", "none yet: `tributary workspace create ws_… --domain …`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::control::workspaces::Settings;

    fn shop(domain: &str) -> Workspace {
        Workspace {
            id: "ws_shop".into(),
            name: "Shop".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Settings { domains: vec![domain.into()], ..Settings::default() },
        }
    }

    #[test]
    fn a_workspace_without_connection_or_secret_is_told_what_to_do() {
        let workspace = shop("example.com");
        assert!(webhooks(std::slice::from_ref(&workspace), &[])[0].detail.contains("connection add polar"));
        let connection = Connection {
            id: "con_1".into(),
            workspace_id: workspace.id.clone(),
            provider: "polar".into(),
            name: "Polar".into(),
            environment: "production".into(),
            token: None,
            webhook_secrets: Vec::new(),
            created_at_ms: 0,
        };
        assert_eq!(webhooks(&[workspace], &[connection])[0].verdict, Verdict::Broken);
    }

    #[tokio::test]
    async fn looking_makes_nothing_and_changes_nothing() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data");
        let mut config = Config::for_data_dir(&data_dir);
        (config.http.listen, config.http.public_url) = ("127.0.0.1:1".into(), "http://127.0.0.1:1".into());
        config.store.url = "http://127.0.0.1:1".into();
        let http = crate::cli::client::local_client().unwrap();
        let found = check(&config, &http).await;
        let made = found.iter().find(|finding| finding.what == "control store").unwrap();
        assert_eq!((made.verdict, made.detail.as_str()), (Verdict::Fine, "will be made at the first start"));
        super::super::machine::check(&config);
        assert!(!data_dir.exists(), "no folder, no key, no store");

        // A store of an older program: told, and left as it is.
        std::fs::create_dir(&data_dir).unwrap();
        std::fs::write(data_dir.join("control.sqlite"), b"").unwrap();
        let found = check(&config, &http).await;
        let old = found.iter().find(|finding| finding.what == "control store").unwrap();
        assert_eq!(old.verdict, Verdict::Careful, "{old:?}");
        assert!(old.detail.contains("0001_control.sql"), "{old:?}");
        let left: Vec<_> =
            std::fs::read_dir(&data_dir).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["control.sqlite"]);
        assert_eq!(std::fs::metadata(data_dir.join("control.sqlite")).unwrap().len(), 0);
    }
}
