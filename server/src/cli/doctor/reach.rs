//! What needs a store or the network: both stores, the pixel as browsers fetch it, webhook secrets,
//! and how long the visitor cookie will live.

use serde::Deserialize;

use super::{Finding, cookies};
use crate::app::App;
use crate::config::Config;
use crate::control::connections::Connection;
use crate::control::workspaces::Workspace;
use crate::effects::Clock;

/// The parts of `/readyz` the doctor reads.
#[derive(Deserialize)]
struct Readiness {
    clickhouse: String,
    control: String,
}

pub async fn check(config: &Config, http: &reqwest::Client) -> Vec<Finding> {
    let mut findings = stores(config, http).await;
    findings.push(pixel(config, http).await);
    match super::super::open_settings(config.clone()).await {
        Err(error) => findings.push(Finding::broken("control store", format!("{error:#}"))),
        Ok(settings) => {
            let workspaces = settings.control.workspaces().await.unwrap_or_default();
            let connections = settings.control.connections(&settings.secrets).await;
            match connections {
                Ok(connections) => findings.extend(webhooks(&workspaces, &connections)),
                Err(error) => findings.push(Finding::broken(
                    "connections",
                    format!("{error}; start with the secret_key they were sealed with"),
                )),
            }
            findings.extend(cookies::check(config, &workspaces, cookies::resolve).await);
            findings.extend(super::leaving::check(&settings.control, &settings.secrets, &workspaces).await);
            settings.control.close().await;
        }
    }
    findings
}

/// A running server knows its stores; without one they are opened here.
async fn stores(config: &Config, http: &reqwest::Client) -> Vec<Finding> {
    let running = http.get(format!("http://{}/readyz", config.http.listen)).send().await;
    if let Ok(answer) = running
        && let Ok(ready) = answer.json::<Readiness>().await
    {
        return [("ClickHouse", ready.clickhouse), ("control store", ready.control)]
            .into_iter()
            .map(|(what, state)| match state.as_str() {
                "ok" => Finding::fine(what, "the running server reaches it"),
                other => Finding::broken(what, format!("the running server says {other}; see its log")),
            })
            .collect();
    }
    match App::open(config.clone(), Clock::system()).await {
        Err(error) => vec![Finding::broken("stores", error.to_string())],
        Ok(app) => {
            let engine = match app.store.engine() {
                Some(engine) => {
                    format!("embedded engine {} from {}", engine.version(), engine.library_path().display())
                }
                None => format!("server at {}", config.store.url),
            };
            app.close().await;
            vec![
                Finding::fine("ClickHouse", format!("{engine}; tables are up to date")),
                Finding::fine("control store", "opens; tables are up to date"),
            ]
        }
    }
}

async fn pixel(config: &Config, http: &reqwest::Client) -> Finding {
    let address = format!("{}/p.js", config.http.public_url);
    match http.get(&address).send().await {
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
                0 => Finding::broken(what, "has no secret, so every delivery is refused; add the connection again with the secret shown at the provider"),
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
}
