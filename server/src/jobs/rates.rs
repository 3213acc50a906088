//! Exchange rates: fetched from the European Central Bank once a working day, or imported from its files, and what
//! waits for them converted. Asks the bank only when a workspace has sales in another currency than it reports in.
//! Never changes what an order was converted by: rates of a day stay as they first came.
//!
//! The daily file holds one day. When a day before it is missing, the file of the last ninety days is read, and the
//! whole history when sales wait for older days.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clickhouse::Row;
use domain::money::ecb;
use domain::money::{RateBook, day_of, is_closed, published_by};
use futures::future::BoxFuture;
use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::watch;

use super::turns::Turns;
use super::{Job, JobError, Place};
use crate::app::App;
use crate::control::ControlError;
use crate::control::dirty::{Subject, SubjectKind};
use crate::control::rates::Kept;
use crate::sql;

/// Checkpoint: for which rates the orders that waited have been marked.
const CONVERTED: &str = "rates converted";
const LEASE: Duration = Duration::from_secs(300);
/// Between two looks at whether something is due.
const REST: Duration = Duration::from_secs(60);
/// After a failure, and while a day that should be out is not.
const AGAIN_MS: i64 = 15 * 60_000;
/// Between two readings of a history that did not hold what sales wait for.
const HISTORY_AGAIN_MS: i64 = 24 * 3_600_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// The whole history is eight megabytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const NINETY_DAYS_MS: i64 = 88 * 24 * 3_600_000;

/// Where fetched rates come from, as orders keep it.
pub const FETCHED: &str = "ecb";
/// Where imported rates come from.
pub const IMPORTED: &str = "ecb file";

/// The rates as they stood: how many rows there were, and when the last one came.
type Stamped = ((i64, i64), Arc<RateBook>);

/// What this process remembers of rates.
#[derive(Debug, Default)]
pub struct Remembered {
    book: Mutex<Option<Stamped>>,
    next_at_ms: Mutex<Next>,
    /// For which rates the orders that waited have been marked.
    converted: Mutex<String>,
}

impl Remembered {
    fn is_converted(&self, stamp: &str) -> bool {
        *self.converted.lock().expect("no holder panics") == stamp
    }

    fn set_converted(&self, stamp: String) {
        *self.converted.lock().expect("no holder panics") = stamp;
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Next {
    look_ms: i64,
    history_ms: i64,
}

/// Why no rates came.
#[derive(Debug, Error)]
pub enum RatesError {
    #[error("{address} cannot be reached ({why}); rates.url names where rates come from")]
    Unreachable { address: String, why: String },
    #[error("{address} answers {status}; rates.url names where rates come from")]
    Refused { address: String, status: u16 },
    #[error("what {address} answers does not read: {source}")]
    Unreadable { address: String, source: ecb::EcbError },
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<ControlError> for RatesError {
    fn from(error: ControlError) -> RatesError {
        RatesError::Job(error.into())
    }
}

/// Looks once a minute whether rates are due until `stop` says true, while this process holds the lease.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    if !may_hold_lease || app.config.rates.url.is_empty() {
        return;
    }
    let mut turns = Turns::new(&app, "rates", LEASE, REST, stop);
    while turns.next().await {
        if let Err(error) = step(&app).await {
            turns.failed();
            tracing::warn!(job = "rates", cause = %error, "exchange rates: {error}; tried again in a quarter of an hour");
        }
    }
}

/// Fetches what is due and has what waited for it converted; answers how many days are new.
pub async fn step(app: &App) -> Result<usize, RatesError> {
    let now_ms = app.clock.now_ms();
    let mut next = *app.jobs.rates.next_at_ms.lock().expect("no holder panics");
    if app.config.rates.url.is_empty() || now_ms < next.look_ms {
        return Ok(0);
    }
    let Some(need) = need(app).await? else { return Ok(0) };
    let book = book(app).await?;
    let expected = published_by(now_ms);
    let is_behind = book.latest().is_none_or(|latest| latest < expected);
    let waits_for_older = need.waiting_since_ms.filter(|&since_ms| !is_known(&book, since_ms, expected));
    let mut fresh = 0;
    next.look_ms = now_ms + AGAIN_MS;
    *app.jobs.rates.next_at_ms.lock().expect("no holder panics") = next;
    if is_behind {
        fresh += fetch(app, "eurofxref-daily.xml").await?;
    }
    let book = self::book(app).await?;
    let has_gap = waits_for_older.is_some_and(|since_ms| !is_known(&book, since_ms, expected));
    if has_gap && now_ms >= next.history_ms {
        next.history_ms = now_ms + HISTORY_AGAIN_MS;
        *app.jobs.rates.next_at_ms.lock().expect("no holder panics") = next;
        let is_recent = waits_for_older.is_some_and(|since_ms| since_ms > now_ms - NINETY_DAYS_MS);
        fresh += fetch(app, if is_recent { "eurofxref-hist-90d.xml" } else { "eurofxref-hist.xml" }).await?;
    }
    Ok(fresh)
}

/// Whether every day from the one a sale waits for up to the newest one published is known.
fn is_known(book: &RateBook, since_ms: i64, until: Date) -> bool {
    let mut day = day_of(since_ms);
    // Of a weekend, what counts is the working day before.
    while is_closed(day) {
        day = day.yesterday().unwrap_or(Date::MIN);
    }
    while day <= until {
        if !is_closed(day) && book.get(day).is_none() {
            return false;
        }
        day = match day.tomorrow() {
            Ok(next) => next,
            Err(_) => return true,
        };
    }
    true
}

/// Stores days; what waits for them is converted by the job.
pub async fn keep(app: &App, days: &ecb::Days, source: &str) -> Result<Kept, JobError> {
    let kept = app.control.keep_rates(days, source, app.clock.now_ms()).await?;
    for day in &kept.differing {
        tracing::warn!("the rates of {day} differ from those already stored, which stay");
    }
    if let Some(newest) = kept.new.last() {
        tracing::info!("{} days of exchange rates stored, the newest of {newest}", kept.new.len());
        app.jobs.wake();
    }
    Ok(kept)
}

/// The job that has orders converted when rates came, whoever stored them.
pub struct Convert;

impl Job for Convert {
    fn name(&self) -> &'static str {
        "convert"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(convert_once(app))
    }
}

/// Marks the orders that wait, once after every change of the rates. Marks are durable before the change counts as
/// seen.
async fn convert_once(app: &App) -> Result<bool, JobError> {
    let (days, stored_at_ms) = app.control.rates_stamp().await?;
    let stamp = format!("{days} {stored_at_ms}");
    if days == 0 || app.jobs.rates.is_converted(&stamp) {
        return Ok(false);
    }
    if app.control.checkpoint(CONVERTED).await?.as_deref() != Some(stamp.as_str()) {
        let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
        for workspace_id in workspaces {
            mark_waiting(app, &workspace_id).await?;
        }
        app.control.set_checkpoint(CONVERTED, &stamp, app.clock.now_ms()).await?;
    }
    app.jobs.rates.set_converted(stamp);
    Ok(false)
}

/// Every known day, read again when another node or command stored some.
pub async fn book(app: &App) -> Result<Arc<RateBook>, JobError> {
    let stamp = app.control.rates_stamp().await?;
    let known = app.jobs.rates.book.lock().expect("no holder panics").clone();
    if let Some((read_at, book)) = known
        && read_at == stamp
    {
        return Ok(book);
    }
    let book = Arc::new(app.control.rate_book().await?);
    *app.jobs.rates.book.lock().expect("no holder panics") = Some((stamp, book.clone()));
    Ok(book)
}

struct Need {
    waiting_since_ms: Option<i64>,
}

#[derive(Row, Deserialize)]
struct Foreign {
    foreign_orders: u64,
    waiting_orders: u64,
    waiting_since_ms: i64,
}

/// What workspaces need rates for; none when each sells in its report currency only.
async fn need(app: &App) -> Result<Option<Need>, JobError> {
    let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
    let (mut any, mut waiting) = (false, Vec::new());
    for workspace_id in workspaces {
        let query =
            app.store.client().query_raw(sql!("orders/foreign.sql")).param("workspace", &workspace_id);
        let found: Foreign = query.fetch_one().await?;
        any |= found.foreign_orders > 0;
        if found.waiting_orders > 0 {
            waiting.push(found.waiting_since_ms);
        }
    }
    Ok(any.then(|| Need { waiting_since_ms: waiting.into_iter().min() }))
}

#[derive(Row, Deserialize)]
struct OneId {
    id: String,
}

async fn mark_waiting(app: &App, workspace_id: &str) -> Result<(), JobError> {
    let query = app.store.client().query_raw(sql!("orders/waiting_for_rates.sql"));
    let found: Vec<OneId> = query.param("workspace", workspace_id).fetch_all().await?;
    let subjects = found.into_iter().map(|found| Subject {
        workspace_id: workspace_id.to_owned(),
        kind: SubjectKind::Order,
        id: found.id,
    });
    app.control.mark_dirty(&subjects.collect::<Vec<_>>(), app.clock.now_ms()).await?;
    Ok(())
}

/// Reads one of the bank's files. With a file as `rates.url` it is always that one.
async fn fetch(app: &App, file: &str) -> Result<usize, RatesError> {
    let base = &app.config.rates.url;
    let address = if base.ends_with('/') { format!("{base}{file}") } else { base.clone() };
    let unreachable = |error: reqwest::Error| RatesError::Unreachable {
        address: address.clone(),
        why: error.without_url().to_string(),
    };
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .redirect(reqwest::redirect::Policy::limited(3))
        .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(unreachable)?;
    let mut answer = client.get(&address).send().await.map_err(unreachable)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(RatesError::Refused { address, status: status.as_u16() });
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let why = "the answer is too large".to_owned();
            return Err(RatesError::Unreachable { address, why });
        }
        body.extend_from_slice(&chunk);
    }
    let days = ecb::read(&String::from_utf8_lossy(&body))
        .map_err(|source| RatesError::Unreadable { address, source })?;
    Ok(keep(app, &days, FETCHED).await?.new.len())
}
