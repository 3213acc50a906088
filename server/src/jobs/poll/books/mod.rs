//! Our books against the provider's own lists, read through the connection for this alone. Asked for by people, and
//! once a day by itself; shares the polls' allowance of calls and lease. Never changes an order: what it finds wrong a
//! full sync mends, or a person.

mod ours;
mod theirs;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use domain::books::{Comparison, Entry, View, compare};
use domain::report::Period;
use jiff::tz::TimeZone;

use super::{BACKOFF_MS_MIN, PAGES_MAX, Problem, allowance};
use crate::app::App;
use crate::billing::http::ApiError;
use crate::billing::{self, Provider};
use crate::control::comparisons::{Compared, Question, Standing};
use crate::control::connections::Connection;
use crate::effects::random_id;
use crate::jobs::JobError;
pub use theirs::Reading;

/// What changed this lately may have its webhook on the way.
const FRESH_MS: i64 = 10 * 60_000;
/// The days a connection is compared by itself, once a day.
const OWN_DAYS: i32 = 35;
/// Failed calls in a row after which a comparison is given up.
const FAILURES_MAX: u32 = 6;
/// Between two looks at whether what was told before has become orders.
const SETTLE_MS: i64 = 1_000;

/// Comparisons under way in this process, by id.
pub type Readings = Mutex<HashMap<String, Reading>>;

/// Asks for a comparison of a connection.
pub async fn ask(app: &App, connection: &Connection, question: Question) -> Result<Compared, JobError> {
    let asked = Compared {
        id: random_id("cmp_"),
        workspace_id: connection.workspace_id.clone(),
        connection_id: connection.id.clone(),
        question,
        standing: Standing::Waiting,
        objects: 0,
        problem: None,
        result: None,
        asked_at_ms: app.clock.now_ms(),
        done_at_ms: None,
    };
    app.control.ask_comparison(&asked).await?;
    Ok(asked)
}

/// What a connection is compared by without being asked: the last weeks, as the provider's dashboard counts.
pub(super) async fn ask_daily(app: &App, connection: &Connection) -> Result<(), JobError> {
    let zone = zone(app, &connection.workspace_id);
    let Period { from, to, .. } = Period::last_days(OWN_DAYS, app.clock.now_ms(), zone);
    ask(app, connection, Question { from, to, view: View::Order }).await?;
    Ok(())
}

/// Whether a comparison covers at least what one asked by itself at that time would have: a look at a few days only
/// says nothing about the others.
pub fn covers_own_days(app: &App, workspace_id: &str, question: &Question, asked_at_ms: i64) -> bool {
    let Period { from, to, .. } = Period::last_days(OWN_DAYS, asked_at_ms, zone(app, workspace_id));
    question.view == View::Order && question.from <= from && question.to >= to
}

fn zone(app: &App, workspace_id: &str) -> TimeZone {
    let directory = app.directory();
    let workspace = directory.workspaces.get(workspace_id);
    workspace.and_then(|workspace| TimeZone::get(&workspace.timezone).ok()).unwrap_or(TimeZone::UTC)
}

/// Reads some pages of every open comparison; `true` when there may be more at once.
pub async fn step(app: &App) -> Result<bool, JobError> {
    let mut more = false;
    for compared in app.control.open_comparisons().await? {
        more |= step_of(app, compared).await?;
    }
    Ok(more)
}

async fn step_of(app: &App, mut compared: Compared) -> Result<bool, JobError> {
    let directory = app.directory();
    let connection = directory.connections.iter().find(|known| known.id == compared.connection_id);
    let Some((connection, provider)) =
        connection.and_then(|connection| Some((connection, billing::provider(&connection.provider)?)))
    else {
        return give_up(app, compared, &ApiError::NoToken).await;
    };
    let zone = zone(app, &compared.workspace_id);
    let period = Period::new(compared.question.from, compared.question.to, zone);
    let period = period.map_err(|error| JobError::Damaged { what: "comparison", why: error.to_string() })?;
    let now_ms = app.clock.now_ms();
    let known = app.jobs.comparisons.lock().expect("no holder panics").remove(&compared.id);
    let mut reading = match known {
        Some(reading) => reading,
        // Not before our own side is there: after an import both would fight for the machine.
        None if !is_settled(app, &compared).await? => return Ok(false),
        None => {
            let since_ms = period.start_ms();
            let oldest_ms = match compared.question.view {
                View::Order => None,
                // Orders paid or refunded in the period may have been made long before it.
                View::Cash => ours::load(app, &compared, &period, i64::MAX).await?.oldest_ms,
            };
            Reading::begin(now_ms, since_ms.min(oldest_ms.unwrap_or(i64::MAX)))
        }
    };
    let pause = now_ms < reading.next_at_ms;
    let done = if pause {
        Ok(None)
    } else {
        read(app, provider, connection, &compared, &period, &mut reading).await
    };
    match done {
        Ok(Some(true)) => {
            if is_settled(app, &compared).await? {
                finish(app, provider, compared, &period, reading).await?;
                return Ok(false);
            }
            reading.next_at_ms = now_ms + SETTLE_MS;
        }
        Ok(_) => {}
        Err(error) if is_final(&error) || reading.failures + 1 >= FAILURES_MAX => {
            return give_up(app, compared, &error).await;
        }
        Err(error) => {
            reading.failures += 1;
            let pause_ms = match error {
                ApiError::TooMany(Some(seconds)) => {
                    i64::try_from(seconds).unwrap_or(60).clamp(1, 3600) * 1000
                }
                _ => BACKOFF_MS_MIN << reading.failures.min(6),
            };
            reading.next_at_ms = now_ms + pause_ms;
            compared.problem = Some(problem(&error, now_ms));
        }
    }
    if !pause {
        compared.standing = Standing::Reading;
        compared.objects = reading.objects;
        app.control.save_comparison(&compared).await?;
    }
    let more = reading.next_at_ms <= now_ms;
    app.jobs.comparisons.lock().expect("no holder panics").insert(compared.id, reading);
    Ok(more)
}

/// Whether everything that was told before it was asked has become orders.
async fn is_settled(app: &App, compared: &Compared) -> Result<bool, JobError> {
    Ok(app.control.dirty_count(&compared.workspace_id, compared.asked_at_ms).await? == 0)
}

/// Some pages; `Some(true)` when everything is read.
async fn read(
    app: &App,
    provider: &'static dyn Provider,
    connection: &Arc<Connection>,
    compared: &Compared,
    period: &Period,
    reading: &mut Reading,
) -> Result<Option<bool>, ApiError> {
    for _ in 0..PAGES_MAX {
        if let Err(free_at_ms) = allowance(app, provider, connection) {
            reading.next_at_ms = free_at_ms;
            return Ok(None);
        }
        let done = reading
            .page(&app.outbound, provider, connection, compared.question.view, period.end_ms())
            .await?;
        reading.failures = 0;
        if done {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

/// Whether trying again makes no sense.
fn is_final(error: &ApiError) -> bool {
    !matches!(
        error,
        ApiError::TooMany(_) | ApiError::Away(_) | ApiError::Unreachable(_) | ApiError::Broken(_)
    )
}

fn problem(error: &ApiError, since_ms: i64) -> Problem {
    Problem { code: error.code().to_owned(), message: error.to_string(), since_ms }
}

async fn give_up(app: &App, mut compared: Compared, error: &ApiError) -> Result<bool, JobError> {
    let now_ms = app.clock.now_ms();
    tracing::warn!(
        connection = compared.connection_id,
        code = error.code(),
        "comparison of {} is given up: {error}",
        compared.connection_id
    );
    compared.standing = Standing::Failed;
    compared.problem = Some(problem(error, now_ms));
    compared.done_at_ms = Some(now_ms);
    app.control.save_comparison(&compared).await?;
    Ok(false)
}

/// Both sides are there: compares, writes the result down and says it.
async fn finish(
    app: &App,
    provider: &'static dyn Provider,
    mut compared: Compared,
    period: &Period,
    mut reading: Reading,
) -> Result<(), JobError> {
    let view = compared.question.view;
    let fresh_ms = reading.started_ms - FRESH_MS;
    let mut theirs = reading.entries(view, period, fresh_ms);
    let mut ours = ours::load(app, &compared, period, fresh_ms).await?;
    // Orders of ours that are booked on other days than the provider's.
    let named: Vec<String> = theirs.keys().filter(|id| !ours.entries.contains_key(*id)).cloned().collect();
    ours::add(app, &compared, period, &named, &mut ours).await?;
    if view == View::Cash {
        // An order counts when a side has money of it in the period.
        let within = |entry: &Entry| {
            entry.postings.iter().any(|posting| period.from <= posting.day && posting.day <= period.to)
        };
        let sides = ours.entries.iter().chain(theirs.iter());
        let counts: BTreeSet<String> =
            sides.filter(|(_, entry)| within(entry)).map(|(id, _)| id.clone()).collect();
        theirs.retain(|id, _| counts.contains(id));
        ours.entries.retain(|id, _| counts.contains(id));
    }
    let (ours, theirs) = (ours.entries.into_values().collect(), theirs.into_values().collect());
    let result = compare(period.from, period.to, ours, theirs);
    say(&compared, provider, &result);
    compared.standing = Standing::Done;
    compared.objects = reading.objects;
    compared.problem = (reading.unread > 0).then(|| Problem {
        code: "unreadable_objects".to_owned(),
        message: format!(
            "{} objects of the provider's lists do not read and count as missing there; they lie with the failed webhooks",
            reading.unread
        ),
        since_ms: reading.started_ms,
    });
    compared.result = Some(result);
    compared.done_at_ms = Some(app.clock.now_ms());
    app.control.save_comparison(&compared).await?;
    Ok(())
}

fn say(compared: &Compared, provider: &dyn Provider, result: &Comparison) {
    let connection = &compared.connection_id;
    metrics::gauge!("tributary_reconciliation_differences", "connection" => connection.clone())
        .set(result.wrong() as f64);
    let named = result.differences.len();
    match result.wrong() {
        0 => tracing::info!(
            connection = compared.connection_id,
            "{connection} agrees with {}: {} orders, {named} on their way or booked on another day",
            provider.name(),
            result.orders
        ),
        wrong => tracing::warn!(
            connection = compared.connection_id,
            "{connection} differs from {} in {wrong} of {} orders; `tributary reconcile --provider` lists them",
            provider.name(),
            result.orders
        ),
    }
}
