//! From what changed to orders and credits: marked subjects lead to orders; facts are folded, matched to a
//! visitor, and joined to a person; rows whose state changed are written, then credited. Everything goes by
//! sets: a handful of queries per batch, however many orders it has. It decides nothing itself: the rules are
//! in `domain`.

mod batch;
mod case;
mod load;
mod people;
mod row;
mod suppose;

use std::collections::BTreeMap;

use domain::ids::OrderId;
use domain::visitor_token::VisitorKeys;
use futures::future::BoxFuture;

use super::{Job, JobError, Place, attribute, commission};
use crate::app::App;
use crate::control::dirty::{Dirty, Subject};
use crate::control::workspaces::Settings;
use crate::person_keys::PersonKeys;
use batch::Batch;
use case::Matcher;
pub(super) use people::binding_id;
pub(super) use suppose::{Joined, joined_otherwise, read_anew};

/// Subjects of one step. Each step reads its orders' facts, and after an import any few orders lie all over them: few
/// large steps cost less than many small ones. Bounded by memory, and by what the address of a question may hold.
const SUBJECTS_MAX: i64 = 2000;

/// The job.
pub struct Reconcile;

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async { Ok(reconcile_once(app).await? > 0) })
    }
}

/// Takes one batch of marked subjects through orders to credits and answers how many it took. A mark comes
/// off last, and only if nothing renewed it: a crash repeats harmless work.
pub async fn reconcile_once(app: &App) -> Result<usize, JobError> {
    let marks = app.control.dirty(SUBJECTS_MAX).await?;
    let mut by_workspace: BTreeMap<&str, Vec<&Dirty>> = BTreeMap::new();
    for mark in &marks {
        by_workspace.entry(&mark.subject.workspace_id).or_default().push(mark);
    }
    // What is damaged in one workspace holds up no other; it is told after they are done.
    let mut failed = None;
    for (workspace_id, marks) in by_workspace {
        match reconcile(app, workspace_id, &marks).await {
            Ok(()) => app.control.clear_dirty(&marks).await?,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(marks.len()), Err)
}

async fn reconcile(app: &App, workspace_id: &str, marks: &[&Dirty]) -> Result<(), JobError> {
    // A full run in between would prove its credits against other orders than it has read.
    let turn = attribute::Turn::take(app).await?;
    let orders = resolve_once(app, workspace_id, marks.iter().map(|mark| &mark.subject)).await?;
    attribute::attribute_orders(app, workspace_id, &orders, &turn).await?;
    drop(turn);
    commission::accrue_orders(app, workspace_id, &orders).await?;
    Ok(())
}

/// What matching needs of a workspace.
struct Means {
    person_keys: PersonKeys,
    visitor_keys: VisitorKeys,
    settings: Settings,
}

impl Means {
    fn of(app: &App, workspace_id: &str) -> Means {
        let directory = app.directory();
        let workspace = directory.workspaces.get(workspace_id);
        Means {
            person_keys: PersonKeys::new(&app.secrets, workspace_id),
            visitor_keys: app.secrets.visitor_keys(),
            settings: workspace.map(|workspace| workspace.settings.clone()).unwrap_or_default(),
        }
    }

    fn matcher<'a>(&'a self, workspace_id: &'a str) -> Matcher<'a> {
        Matcher {
            person_keys: &self.person_keys,
            workspace_id,
            keys: &self.visitor_keys,
            metadata_keys: &self.settings.metadata_keys,
        }
    }
}

/// Brings the orders of these subjects up to date and answers their ids, changed or not: a late touch changes
/// credits without changing the order.
pub async fn resolve_once<'a>(
    app: &App,
    workspace_id: &str,
    subjects: impl Iterator<Item = &'a Subject>,
) -> Result<Vec<OrderId>, JobError> {
    let told = load::told(app, workspace_id, subjects).await?;
    if told.orders.is_empty() {
        return Ok(Vec::new());
    }
    let means = Means::of(app, workspace_id);
    let matcher = means.matcher(workspace_id);
    let batch = Batch::load(app, &told, &matcher).await?;
    let ids = batch.cases().iter().map(|case| case.order.object_id.as_str()).collect();
    batch.known.keep_own(app, workspace_id, &ids).await?;
    let rows = batch.rows(&matcher, &means.settings.bindings);
    row::store_changed(app, workspace_id, &rows).await?;
    Ok(batch.cases().iter().map(|case| case.id).collect())
}
