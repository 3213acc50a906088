//! `tributary attribute`, `reconcile` and `verify`: the jobs, by hand. Beside a running server they have
//! it do the work, since with the embedded engine it alone holds the data; else they open the stores themselves.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::client::{Client, Errand, Of, Server, unknown};
use crate::app::App;
use crate::config::Config;
use crate::ingest::inbox::Meant;
use crate::jobs::attribute::{Posted, attribute_all};
use crate::jobs::verify::Verification;
use crate::jobs::waiting::Waiting;
use crate::jobs::{settle, verify};

const ASK_INTERVAL: Duration = Duration::from_millis(200);
/// Away from a terminal, progress is a line this often.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// A server whose counts stand still for this long does not get further by itself.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Bring credits up to date.
#[derive(clap::Args)]
pub struct Attribute {
    /// Credit every order anew instead of those that changed; nothing changes unless the new sums are proven.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    preview: super::preview::Asked,
}

/// Work off everything that waits: kept hits and webhooks, changed orders, credits. With --provider, then compare
/// our books with each provider's own lists, to the cent.
#[derive(clap::Args)]
pub struct Reconcile {
    #[command(flatten)]
    books: super::books::Books,
}

/// Check every invariant: credits are the orders, to the cent, and nothing waits unseen.
#[derive(clap::Args)]
pub struct Verify {
    #[command(flatten)]
    of: Of,
    /// Print what the API answers, a line per workspace.
    #[arg(long)]
    json: bool,
}

impl Attribute {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        if self.preview.is_asked() {
            return self.preview.run(config).await;
        }
        let posted = match Server::find(&config).await? {
            Some(server) => {
                settle_server(&server).await?;
                match self.all {
                    true => {
                        let any = Of { workspace: None };
                        let clients = server.clients(&any, Errand::Work).await?;
                        let client = clients.first().context("there is no workspace yet")?;
                        let work = client.post::<Posted>("/v1/attribution/run");
                        Some(shown("crediting every order anew", work).await?)
                    }
                    false => None,
                }
            }
            None => {
                let app = super::open(config).await?;
                shown("working off what waits", settle(&app)).await?;
                let posted = match self.all {
                    true => Some(shown("crediting every order anew", attribute_all(&app)).await?),
                    false => None,
                };
                app.close().await;
                posted
            }
        };
        match posted {
            Some(posted) => println!("{} orders, {} credits", posted.orders, posted.credits),
            None => println!("credits are up to date"),
        }
        Ok(())
    }
}

impl Reconcile {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let failed = match Server::find(&config).await? {
            Some(server) => settle_server(&server).await?,
            None => {
                let app = super::open(config.clone()).await?;
                shown("working off what waits", settle(&app)).await?;
                let counts = app.inbox.failed_counts(&Meant::default()).await?;
                let failed: u64 = counts.iter().map(|count| count.webhooks).sum();
                app.close().await;
                failed
            }
        };
        println!("nothing waits; {failed} webhooks lie aside with an error");
        self.books.run(config).await
    }
}

impl Verify {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let mut verified: Vec<Verification> = Vec::new();
        match Server::find(&config).await? {
            Some(server) => {
                for client in server.clients(&self.of, Errand::Ask).await? {
                    verified.push(client.read("/v1/verify", &[]).await?);
                }
            }
            None => {
                let app = super::open(config).await?;
                for workspace in self.workspaces(&app)? {
                    verified.push(verify::verify(&app, &workspace).await?);
                }
                app.close().await;
            }
        }
        for found in &verified {
            match self.json {
                true => println!("{}", serde_json::to_string(found)?),
                false => print!("{}", told(found)),
            }
        }
        let checks = verified.iter().flat_map(|found| &found.checks);
        let failed = checks.filter(|check| !check.passed).count();
        ensure!(failed == 0, "{failed} checks failed; each line says where");
        Ok(())
    }

    fn workspaces(&self, app: &App) -> anyhow::Result<Vec<String>> {
        let mut workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
        if let Some(wanted) = &self.of.workspace {
            ensure!(workspaces.contains(wanted), unknown(wanted));
            workspaces.retain(|id| id == wanted);
        }
        workspaces.sort();
        Ok(workspaces)
    }
}

/// One workspace's checks, a line each.
fn told(found: &Verification) -> String {
    let mut text = format!("{}\n", found.workspace);
    for check in &found.checks {
        let mark = if check.passed { "ok  " } else { "FAIL" };
        text.push_str(&format!("  {mark}  {}: {}\n", check.check, check.what));
        if !check.passed {
            text.push_str(&format!("        {} times; first:\n", check.failures));
            check.offenders.iter().for_each(|offender| text.push_str(&format!("        {offender}\n")));
        }
    }
    for noticed in &found.notices {
        text.push_str(&format!("  note  {}: {} {}\n", noticed.notice, noticed.count, noticed.what));
        noticed.examples.iter().for_each(|example| text.push_str(&format!("        {example}\n")));
    }
    text
}

/// Has the running server work off what was told before now, in every workspace, and waits for it; answers how many
/// webhooks lie aside with an error.
async fn settle_server(server: &Server) -> anyhow::Result<u64> {
    let mut failed = 0;
    for client in server.clients(&Of { workspace: None }, Errand::Work).await? {
        // Marks come from hits and webhooks that arrive: only then is it known which marks to wait for.
        wait_until(&client, Waiting::all_arrived).await?;
        failed += wait_until(&client, |waiting| waiting.subjects == 0).await?.failed_webhooks;
    }
    Ok(failed)
}

/// Wakes the server's jobs and asks until what was told before now is `done`, saying what still waits.
async fn wait_until(client: &Client, done: fn(&Waiting) -> bool) -> anyhow::Result<Waiting> {
    let mut waiting: Waiting = client.post("/v1/reconcile").await?;
    let before = [("before_ms".to_owned(), waiting.before_ms.to_string())];
    let mut moved_at = Instant::now();
    let mut progress = Progress::start();
    loop {
        if done(&waiting) {
            return Ok(waiting);
        }
        let Waiting { hits, webhooks, subjects, .. } = waiting;
        let still = format!("{hits} hits, {webhooks} webhooks and {subjects} changed subjects wait");
        ensure!(
            moved_at.elapsed() < STUCK_AFTER,
            "{still}, and nothing moved for {} s: the server's log says why",
            STUCK_AFTER.as_secs()
        );
        progress.say(&still);
        tokio::time::sleep(ASK_INTERVAL).await;
        let next: Waiting = client.read("/v1/reconcile", &before).await?;
        if next != waiting {
            moved_at = Instant::now();
        }
        waiting = next;
    }
}

/// Awaits work of unknown length, saying now and then that it goes on.
async fn shown<T, E>(what: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut progress = Progress::start();
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(ASK_INTERVAL) => progress.say(what),
        }
    }
}

/// Says on stderr how long work has taken: on a terminal on one line that changes, elsewhere a line now and then.
struct Progress {
    started: Instant,
    said_at: Instant,
    on_a_terminal: bool,
    has_line: bool,
}

impl Progress {
    fn start() -> Progress {
        let now = Instant::now();
        Progress {
            started: now,
            said_at: now,
            on_a_terminal: std::io::stderr().is_terminal(),
            has_line: false,
        }
    }

    fn say(&mut self, what: &str) {
        let seconds = self.started.elapsed().as_secs();
        if self.on_a_terminal {
            eprint!("\r\x1b[K{what}, {seconds} s");
            self.has_line = true;
        } else if self.said_at.elapsed() >= LINE_INTERVAL {
            eprintln!("{what}, {seconds} s");
            self.said_at = Instant::now();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.has_line {
            eprint!("\r\x1b[K");
        }
    }
}
