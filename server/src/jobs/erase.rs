//! Erasing a person: finds everything that is theirs, keeps what money needs without them, removes the rest, and
//! remembers by keyed hashes what must not come back. One stage a step, each safe to run again, so that a crash
//! continues where it was. Decides nothing about what stays of a fact: that is `domain::erasure`.

mod door;
mod inbox;
mod plan;
mod rows;

use std::time::{Duration, Instant};

use domain::ids::VisitorId;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Job, JobError, Place, apply, resolve};
use crate::app::App;
use crate::control::erasures::Erasure;
use crate::effects::random_id;
use crate::ingest::flusher;
use crate::person_keys::PersonKeys;

pub(super) use door::Door;
pub use inbox::EraseInbox;
use plan::Plan;

/// Bound on the passes of one stage over work that others may add to.
const PASSES_MAX: usize = 100_000;

/// How long what was received before is delivered, in steps each of which comes to its end.
const DELIVERY_MAX: Duration = Duration::from_secs(60);

/// Who is to be forgotten.
#[derive(Debug, Clone)]
pub enum Who {
    /// An e-mail address; it is hashed at once and not kept.
    Email(String),
    Visitor(VisitorId),
}

/// What was removed, in rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Report {
    /// Browsers that were the person's.
    pub visitors: u64,
    pub hits: u64,
    /// Visits; those that earned stay with their order, of nobody.
    pub touches: u64,
    pub bindings: u64,
    /// Versions of what the provider said that lost the person.
    pub facts: u64,
    /// Orders that stay, with their money, without a customer.
    pub orders: u64,
    /// Webhooks whose body was deleted.
    pub webhook_bodies: u64,
}

/// The job that erases; see [`ask`].
pub struct Erase;

impl Job for Erase {
    fn name(&self) -> &'static str {
        "erase"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async {
            match app.control.open_erasure().await? {
                Some(erasure) => advance(app, erasure).await.map(|()| true),
                None => Ok(false),
            }
        })
    }
}

/// Asks for a person to be forgotten; the job does it. None when the text is no e-mail address.
pub fn ask(keys: &PersonKeys, workspace_id: &str, who: &Who, now_ms: i64) -> Option<Erasure> {
    let subject = match who {
        Who::Email(address) => format!("email/{}", keys.email(address)?.strong),
        Who::Visitor(visitor) => format!("visitor:{:032x}", visitor.0),
    };
    Some(Erasure {
        id: random_id("ers_"),
        workspace_id: workspace_id.to_owned(),
        subject,
        state: "waiting".to_owned(),
        step: Stage::ALL[0].name().to_owned(),
        plan: String::new(),
        report: "{}".to_owned(),
        asked_at_ms: now_ms,
        done_at_ms: None,
    })
}

/// What is done, in this order. The order matters: nothing is removed before what it leads to is known and kept,
/// and orders are read anew before the visits of the person go, so that no credit changes on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Deliver,
    Find,
    Visits,
    Facts,
    Orders,
    Rows,
    Inbox,
}

impl Stage {
    const ALL: [Stage; 7] =
        [Stage::Deliver, Stage::Find, Stage::Visits, Stage::Facts, Stage::Orders, Stage::Rows, Stage::Inbox];

    fn name(self) -> &'static str {
        match self {
            Stage::Deliver => "delivering what waits",
            Stage::Find => "finding what is theirs",
            Stage::Visits => "keeping visits that earned, without their person",
            Stage::Facts => "taking the person out of what the provider said",
            Stage::Orders => "reading the orders anew",
            Stage::Rows => "removing hits, visits and bindings",
            Stage::Inbox => "removing what the inbox kept",
        }
    }
}

/// Does the stage an erasure stands at.
async fn advance(app: &App, mut erasure: Erasure) -> Result<(), JobError> {
    let at = Stage::ALL.iter().position(|stage| stage.name() == erasure.step).unwrap_or(0);
    let mut report: Report = serde_json::from_str(&erasure.report).unwrap_or_default();
    let mut plan = Plan::read(&erasure)?;
    let workspace = &erasure.workspace_id;
    match Stage::ALL[at] {
        Stage::Deliver => deliver(app).await?,
        Stage::Find => {
            plan.find(app, workspace).await?;
            app.control.keep_erased(workspace, &plan.erased(app, workspace), app.clock.now_ms()).await?;
            report.visitors = plan.visitors.len() as u64;
            report.orders = plan.orders.len() as u64;
        }
        Stage::Visits => rows::keep_visits(app, workspace, &plan).await?,
        Stage::Facts => {
            report.facts += rows::anonymise_facts(app, workspace, &plan).await?;
            report.bindings += rows::delete_bindings(app, workspace, &plan).await?;
        }
        Stage::Orders => {
            rows::mark_orders(app, workspace, &plan).await?;
            for _ in 0..PASSES_MAX {
                if resolve::reconcile_once(app).await? == 0 {
                    break;
                }
            }
        }
        Stage::Rows => {
            rows::delete_old_orders(app, workspace, &plan).await?;
            report.touches += rows::delete_of_visitors(app, workspace, "touches", &plan).await?;
            report.hits += rows::delete_of_visitors(app, workspace, "hits", &plan).await?;
        }
        Stage::Inbox => report.webhook_bodies += inbox::clean(app).await?,
    }
    erasure.report = serde_json::to_string(&report).expect("counts are JSON");
    match Stage::ALL.get(at + 1) {
        Some(next) => {
            erasure.state = "running".to_owned();
            erasure.step = next.name().to_owned();
            erasure.plan = plan.to_json();
        }
        None => {
            erasure.state = "done".to_owned();
            erasure.step = String::new();
            erasure.subject = plan.subject_key(app, workspace);
            erasure.plan = String::new();
            erasure.done_at_ms = Some(app.clock.now_ms());
            tracing::info!(erasure.id, "erasure {} is done", erasure.id);
        }
    }
    app.control.save_erasure(&erasure).await?;
    Ok(())
}

/// What was received before the erasure is taken to where it is erased from. A busy site never falls silent: what comes
/// after [`DELIVERY_MAX`] is younger than the request. No step is cut off: an insert that nobody waits for may still be
/// made.
async fn deliver(app: &App) -> Result<(), JobError> {
    let began = Instant::now();
    while began.elapsed() < DELIVERY_MAX && flusher::flush_once(app).await?.units > 0 {}
    while began.elapsed() < DELIVERY_MAX && apply::apply_once(app).await? > 0 {}
    while began.elapsed() < DELIVERY_MAX && resolve::reconcile_once(app).await? > 0 {}
    Ok(())
}
