//! `tributary erase`: forget a person, by e-mail address or visitor id. Beside a running server the server does
//! the work; without one it is done here.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, ensure};
use domain::ids::VisitorId;

use super::client::Server;
use super::given;
use crate::app::App;
use crate::config::Config;
use crate::control::erasures::Erasure;
use crate::effects::Clock;
use crate::jobs::erase::{self, Report, Who};
use crate::jobs::settle;
use crate::person_keys::PersonKeys;

/// How often a running server is asked how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// A server that has not begun by then does not run the jobs.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Forget a person: visits, bindings and all that names them. Money stays, of nobody.
#[derive(clap::Args)]
pub struct Erase {
    #[arg(long)]
    workspace: String,
    /// The person's e-mail address; a dash reads it from standard input, so that no shell history keeps it.
    #[arg(long, conflicts_with = "visitor", required_unless_present = "visitor")]
    email: Option<String>,
    /// A visitor id, vis_…
    #[arg(long)]
    visitor: Option<String>,
    #[arg(long)]
    json: bool,
}

impl Erase {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let who = match (&self.email, &self.visitor) {
            (Some(dash), _) if dash == "-" => {
                Who::Email(given::line().context("standard input gave no address")?)
            }
            (Some(email), _) => Who::Email(email.clone()),
            (None, visitor) => {
                let id = visitor.as_deref().and_then(wire::VisitorId::parse);
                let id =
                    id.context("--visitor: give an id as the pixel writes it: vis_ and 26 characters")?;
                Who::Visitor(VisitorId(id.ulid.to_u128()))
            }
        };
        let settings = super::open_settings(config.clone()).await?;
        let workspace = settings.workspace(&self.workspace).await?.id;
        let keys = PersonKeys::new(&settings.secrets, &workspace);
        let asked = erase::ask(&keys, &workspace, &who, settings.clock.now_ms());
        let asked = asked.context("--email: that is not an e-mail address")?;
        settings.control.ask_erasure(&asked).await?;
        let erasure = if Server::find(&config).await?.is_some() {
            watch(&settings.control, &asked.id).await?
        } else {
            let app = App::open(config, Clock::system()).await?;
            let done = settle(&app).await;
            let erasure = app.control.erasure(&asked.id).await?;
            app.close().await;
            done?;
            erasure.context("the erasure is gone from the control store")?
        };
        settings.control.close().await;
        self.report(&erasure)
    }

    fn report(&self, erasure: &Erasure) -> anyhow::Result<()> {
        ensure!(
            erasure.state == "done",
            "erasure {} is at: {}; it goes on with the jobs",
            erasure.id,
            erasure.step
        );
        let removed: Report = serde_json::from_str(&erasure.report)?;
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "id": erasure.id, "state": erasure.state, "removed": removed })
            );
            return Ok(());
        }
        println!("{} is done", erasure.id);
        for (count, what) in [
            (removed.visitors, "visitors"),
            (removed.hits, "hits removed"),
            (removed.touches, "visits removed"),
            (removed.bindings, "bindings removed"),
            (removed.facts, "facts made anonymous"),
            (removed.orders, "orders stay with their money, of nobody"),
            (removed.webhook_bodies, "webhook bodies deleted"),
        ] {
            println!("{count:>8}  {what}");
        }
        Ok(())
    }
}

/// Follows an erasure that a server does.
async fn watch(control: &crate::control::Control, id: &str) -> anyhow::Result<Erasure> {
    let mut shown = String::new();
    let mut waited = Duration::ZERO;
    loop {
        let erasure = control.erasure(id).await?.context("the erasure is gone from the control store")?;
        if erasure.step != shown && !erasure.step.is_empty() {
            shown.clone_from(&erasure.step);
            if std::io::stderr().is_terminal() {
                eprintln!("… {shown}");
            }
        }
        if erasure.state == "done" {
            return Ok(erasure);
        }
        ensure!(
            erasure.state != "waiting" || waited < BEGIN_TIMEOUT,
            "the erasure waits: no node runs the jobs; start one with `tributary serve` and it is done then"
        );
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
}
