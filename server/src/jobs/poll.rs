//! The hourly look at the providers' own lists: the safety net under webhooks. What a list says goes through the
//! same normaliser as a webhook, and what no webhook had told is counted: that number is the health of the
//! webhooks. Never waits by itself: it says when it is due again, by the clock everything else goes by.
//!
//! A pass walks the lists of a provider one after the other and writes down after every few pages how far it came,
//! so that a kill costs a few pages, and memory is bounded by those pages however long a list is.

pub mod books;
mod budget;
mod endpoint;
mod page;
mod state;
mod status;

use std::time::Duration;

use tokio::sync::watch;

use super::JobError;
use super::turns::Turns;
use crate::app::App;
use crate::billing::http::ApiError;
use crate::billing::lists::{List, Pass};
use crate::billing::{self, Provider};
use crate::control::connections::Connection;
use crate::control::polls::Finished;
use crate::effects::random_bytes;
use budget::allowance;
use page::Gathered;
use state::Run;

pub use budget::Budget;
pub use state::{EndpointState, PollState, Problem};
pub use status::{PollStanding, PollStatus};

const LEASE: Duration = Duration::from_secs(120);
/// Between two looks at whether something is due.
const REST: Duration = Duration::from_secs(1);
/// Pages between two checkpoints.
const PAGES_MAX: usize = 10;
const DEEP_INTERVAL_MS: i64 = 24 * 3_600_000;
const BACKOFF_MS_MIN: i64 = 15_000;
const BACKOFF_MS_MAX: i64 = 3_600_000;
/// How long finished passes are remembered.
pub const PASSES_KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// Polls until `stop` says true, while this process holds the lease.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    if !may_hold_lease {
        return;
    }
    let mut turns = Turns::new(&app, "poll", LEASE, REST, stop);
    while turns.next().await {
        match step_and_compare(&app).await {
            Ok(true) => turns.goes_on(),
            Ok(false) => {}
            Err(error) => {
                turns.failed();
                tracing::error!(job = "poll", cause = %error, "poll: {error}");
            }
        }
    }
}

async fn step_and_compare(app: &App) -> Result<bool, JobError> {
    let more = step(app).await?;
    Ok(books::step(app).await? || more)
}

/// Reads some pages of every connection that is due; `true` when there may be more at once.
pub async fn step(app: &App) -> Result<bool, JobError> {
    let mut more = false;
    for connection in &app.directory().connections {
        if connection.token.is_some() {
            more |= step_of(app, connection).await?;
        }
    }
    Ok(more)
}

/// As [`step`], for one connection.
pub async fn step_of(app: &App, connection: &Connection) -> Result<bool, JobError> {
    let Some(provider) = billing::provider(&connection.provider) else { return Ok(false) };
    let mut state = PollState::load(app, &connection.id).await?;
    let now_ms = app.clock.now_ms();
    if let Some(asked) = app.control.take_asked_poll(&connection.id).await? {
        state.asked = state.asked.max(Some(asked));
        if state.problem.take().is_some() {
            // Somebody may just have mended it.
            state.next_at_ms = now_ms;
        }
        state.save(app, &connection.id).await?;
    }
    if provider.lists().is_empty() || now_ms < state.next_at_ms {
        return Ok(false);
    }
    if state.run.is_none() {
        let Some(pass) = due(app, &state, now_ms) else { return Ok(false) };
        state.asked = None;
        state.run = Some(Run::begin(pass, now_ms));
    }
    let was_cut = std::mem::replace(&mut state.is_under_way, true);
    state.save(app, &connection.id).await?;
    let more = work(app, provider, connection, &mut state, was_cut).await?;
    state.is_under_way = false;
    state.save(app, &connection.id).await?;
    Ok(more)
}

/// The pass that is to be made now, if any.
fn due(app: &App, state: &PollState, now_ms: i64) -> Option<Pass> {
    if state.asked.is_some() {
        return state.asked;
    }
    let interval_ms = i64::from(app.config.poll.interval_minutes) * 60_000;
    let is_old = |at_ms: Option<i64>, age_ms: i64| at_ms.is_none_or(|at_ms| now_ms - at_ms >= age_ms);
    if interval_ms == 0 {
        None
    } else if state.history_at_ms.is_none() {
        Some(Pass::History)
    } else if is_old(state.deep_at_ms, DEEP_INTERVAL_MS) {
        Some(Pass::Deep)
    } else {
        is_old(state.recent_at_ms, interval_ms).then_some(Pass::Recent)
    }
}

/// Reads up to [`PAGES_MAX`] pages and keeps what they say. `was_cut`: the step before did not come to its end.
async fn work(
    app: &App,
    provider: &'static dyn Provider,
    connection: &Connection,
    state: &mut PollState,
    was_cut: bool,
) -> Result<bool, JobError> {
    let lists = provider.lists();
    let mut gathered = Gathered::default();
    let mut failure = None;
    for _ in 0..PAGES_MAX {
        if let Err(free_at_ms) = allowance(app, provider, connection) {
            state.next_at_ms = free_at_ms;
            break;
        }
        let run = state.run.as_mut().expect("a run is under way");
        run.requests += 1;
        let result = match lists.get(run.list) {
            Some(list) => read(app, provider, connection, state, list, &mut gathered).await,
            None => endpoint::watch(app, provider, connection, state).await,
        };
        match result {
            Ok(()) => {
                state.failures = 0;
                state.problem = None;
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        if state.run.as_ref().is_some_and(|run| run.list > lists.len()) {
            break;
        }
    }
    // What was read is kept even when the last call failed.
    let run = state.run.as_mut().expect("a run is under way");
    gathered.keep(app, provider, connection, run, was_cut).await?;
    app.jobs.wake();
    if let Some(error) = failure {
        return fail(app, connection, state, error);
    }
    if run.list > lists.len() {
        finish(app, connection, state).await?;
    }
    Ok(state.next_at_ms <= app.clock.now_ms())
}

/// One page of `list`.
async fn read(
    app: &App,
    provider: &'static dyn Provider,
    connection: &Connection,
    state: &mut PollState,
    list: &List,
    gathered: &mut Gathered,
) -> Result<(), ApiError> {
    let run = state.run.as_mut().expect("a run is under way");
    let lookback_ms = provider.lookback_ms(list.kind, run.pass);
    // A pass that was late reaches back further, so that no gap stays.
    let from_ms = state.recent_at_ms.map_or(run.started_ms, |at_ms| at_ms.min(run.started_ms));
    let since_ms = lookback_ms.map(|lookback_ms| from_ms - lookback_ms);
    let query = run.cursor.query(list, since_ms);
    let answer = billing::http::get(&app.outbound, provider, connection, list.path, &query, list.scope).await;
    let page = match answer {
        Err(ApiError::Scope(scope)) => {
            tracing::warn!(
                connection = connection.id,
                "poll of {}: the token lacks the scope {scope}; {} are not read",
                connection.id,
                list.path
            );
            run.missing_scopes.push(scope);
            run.next_list();
            return Ok(());
        }
        answer => billing::http::Page::read(answer?)?,
    };
    let is_done = run.cursor.advance(list, since_ms, &page);
    run.total = run.total.max(page.total);
    run.read += page.items.len() as u64;
    gathered.add(app, provider, connection, list.kind, page.items);
    if is_done {
        run.next_list();
    }
    Ok(())
}

/// Notes what went wrong and when to try again. A pass goes on where it stopped.
fn fail(
    app: &App,
    connection: &Connection,
    state: &mut PollState,
    error: ApiError,
) -> Result<bool, JobError> {
    let now_ms = app.clock.now_ms();
    metrics::counter!("tributary_poll_failures_total", "provider" => connection.provider.clone(), "code" => error.code())
        .increment(1);
    let pause_ms = match error {
        ApiError::TooMany(Some(seconds)) => i64::try_from(seconds).unwrap_or(60).clamp(1, 3600) * 1000,
        _ => {
            state.failures += 1;
            let doubled = BACKOFF_MS_MIN << (state.failures - 1).min(10);
            // Half to all of it, by chance: nodes and connections do not knock together.
            let chance = i64::from(u16::from_le_bytes(random_bytes()));
            let pause_ms = doubled.min(BACKOFF_MS_MAX);
            pause_ms / 2 + pause_ms / 2 * chance / i64::from(u16::MAX)
        }
    };
    state.next_at_ms = now_ms + pause_ms;
    tracing::warn!(
        connection = connection.id,
        code = error.code(),
        "poll of {}: {error}; next try in {} s",
        connection.id,
        pause_ms / 1000
    );
    let since_ms = state.problem.as_ref().map_or(now_ms, |problem| problem.since_ms);
    state.problem = Some(Problem { code: error.code().to_owned(), message: error.to_string(), since_ms });
    Ok(false)
}

/// Every list was read: the pass goes into the books.
async fn finish(app: &App, connection: &Connection, state: &mut PollState) -> Result<(), JobError> {
    let Some(run) = state.run.take() else { return Ok(()) };
    let now_ms = app.clock.now_ms();
    state.recent_at_ms = Some(run.started_ms);
    if run.pass >= Pass::Deep {
        state.deep_at_ms = Some(run.started_ms);
    }
    if run.pass == Pass::History {
        state.history_at_ms = Some(run.started_ms);
    }
    state.missing_scopes = run.missing_scopes;
    let done = Finished {
        connection_id: connection.id.clone(),
        started_at_ms: run.started_ms,
        finished_at_ms: now_ms,
        pass: run.pass,
        requests: run.requests,
        objects: run.read,
        imported: run.imported,
        found: run.found,
        rejected: run.rejected,
    };
    app.control.poll_finished(&done, now_ms - PASSES_KEPT_MS).await?;
    if done.pass >= Pass::Deep {
        books::ask_daily(app, connection).await?;
    }
    tracing::info!(
        connection = connection.id,
        "poll of {}: {} pass over {} objects in {} calls; {} older than the connection, {} that no webhook had told, \
         {} that did not parse",
        connection.id,
        done.pass.name(),
        done.objects,
        done.requests,
        done.imported,
        done.found,
        done.rejected
    );
    Ok(())
}
