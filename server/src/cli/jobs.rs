//! `tributary attribute`, `reconcile`, `replay` and `verify`: the jobs, by hand. With the embedded engine they
//! need the data directory to themselves; beside a running server its API does the same.

use anyhow::{Context, ensure};

use crate::app::App;
use crate::config::Config;
use crate::ingest::inbox::{self, Inbox, Replay};
use crate::jobs::attribute::attribute_all;
use crate::jobs::{settle, verify};

/// Bring credits up to date.
#[derive(clap::Args)]
pub struct Attribute {
    /// Credit every order anew instead of those that changed; nothing changes unless the new sums are proven.
    #[arg(long)]
    all: bool,
}

/// Work off everything that waits: kept hits and webhooks, changed orders, credits. Reading the provider's
/// lists, to catch webhooks that never came, is not part of it.
#[derive(clap::Args)]
pub struct Reconcile {}

/// Apply kept webhooks again. A running server notices within a second.
#[derive(clap::Args)]
pub struct ReplayWebhooks {
    /// Every webhook that failed (the default).
    #[arg(long, conflicts_with = "events")]
    failed: bool,
    /// Only the failed webhook with this event id; repeat for several.
    #[arg(long = "event", value_name = "ID")]
    events: Vec<String>,
}

/// Check every invariant: credits are the orders, to the cent, and nothing waits unseen.
#[derive(clap::Args)]
pub struct Verify {
    /// Only this workspace.
    #[arg(long)]
    workspace: Option<String>,
    #[arg(long)]
    json: bool,
}

impl Attribute {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = open(config, "POST /v1/attribution/run").await?;
        settle(&app).await?;
        if self.all {
            let posted = attribute_all(&app).await?;
            println!("{} orders, {} credits", posted.orders, posted.credits);
        } else {
            println!("credits are up to date");
        }
        app.close().await;
        Ok(())
    }
}

impl Reconcile {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = open(config, "the server's own jobs").await?;
        settle(&app).await?;
        let failed = app.inbox.failed_webhooks(10_000).await?;
        app.close().await;
        println!("nothing waits; {} webhooks lie aside with an error", failed.len());
        Ok(())
    }
}

impl ReplayWebhooks {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let options = inbox::Options { bytes_max: config.inbox.bytes_max };
        let inbox = Inbox::open(&config.data_dir, options)?;
        let failed = inbox.failed_webhooks(1_000_000).await?;
        for event in &self.events {
            let known = failed.iter().any(|webhook| webhook.event_id == *event);
            ensure!(known, "no failed webhook has the event id {event:?}");
        }
        let wanted = |id: &String| self.events.is_empty() || self.events.contains(id);
        let ids =
            failed.iter().filter(|webhook| wanted(&webhook.event_id)).map(|webhook| webhook.id).collect();
        let again = inbox.replay_webhooks(Replay::Ids(ids)).await?;
        inbox.close().await;
        println!("{again} webhooks are applied again by the running server, or by `tributary reconcile`");
        Ok(())
    }
}

impl Verify {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let app = open(config, "GET /v1/verify").await?;
        let mut workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
        if let Some(wanted) = &self.workspace {
            ensure!(
                workspaces.contains(wanted),
                "there is no workspace {wanted:?}; `tributary workspace list` shows them"
            );
            workspaces.retain(|id| id == wanted);
        }
        workspaces.sort();
        let mut failed = 0;
        for workspace in workspaces {
            let found = verify::verify(&app, &workspace).await?;
            failed += found.checks.iter().filter(|check| !check.passed).count();
            if self.json {
                println!(
                    "{}",
                    serde_json::json!({ "workspace": workspace, "passed": found.passed, "checks": found.checks })
                );
                continue;
            }
            println!("{workspace}");
            for check in &found.checks {
                let mark = if check.passed { "ok  " } else { "FAIL" };
                println!("  {mark}  {}: {}", check.check, check.what);
                if !check.passed {
                    println!("        {} times; first:", check.failures);
                    check.offenders.iter().for_each(|offender| println!("        {offender}"));
                }
            }
        }
        app.close().await;
        ensure!(failed == 0, "{failed} checks failed; each line says where");
        Ok(())
    }
}

/// Opens both stores; beside a running server says what to do instead.
async fn open(config: Config, instead: &str) -> anyhow::Result<App> {
    let embedded = config.store.url.is_empty();
    super::open(config).await.with_context(|| match embedded {
        true => format!(
            "the stores cannot be opened; if a server runs, it holds the data directory: use {instead}, or stop it first"
        ),
        false => "the stores cannot be opened".to_owned(),
    })
}
