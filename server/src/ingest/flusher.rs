//! Takes what is durable in the inbox to ClickHouse: sealed units, each sent until it is accepted, always
//! the same rows under the same tokens, so that neither a lost answer nor a crash doubles or drops a hit.
//! Never decides about a hit and never answers a browser.

use std::time::{Duration, Instant};

use clickhouse::Row;
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::watch;
use uuid::Uuid;

use super::inbox::{InboxError, Unit, UnitRows};
use super::rows::Table;
use crate::app::App;
use crate::control::ControlError;
use crate::control::dirty::{Subject, SubjectKind};
use crate::effects::random_bytes;
use crate::metrics::METRICS;
use crate::sql;
use crate::store::StoreError;

const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MOST: Duration = Duration::from_secs(5);
/// A unit of more hits makes the next one wait twice as long: fewer and larger inserts leave the processor to the
/// collector, and a hit still stands in a report well within two seconds.
const BUSY_UNIT_HITS: u64 = 5_000;
/// Refusals of one unit in a row, over more than a minute, after which it is seen whether the store takes others.
const REFUSALS_MAX: u32 = 20;
/// Units behind a refused one that are tried.
const UNITS_TRIED_MAX: usize = 8;
/// How often delivered units past their time are looked for.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);
/// What is left at the end gets this long; it is safe in the inbox in any case.
const LAST_FLUSH: Duration = Duration::from_secs(3);

/// Why the delivery of a unit did not come to its end.
#[derive(Debug, Error)]
pub enum FlushError {
    #[error(transparent)]
    Inbox(#[from] InboxError),
    #[error("ClickHouse did not take a unit, which stays in the inbox: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the inbox holds rows of layout {0}, which this program does not know: start a newer one")]
    UnknownLayout(u32),
}

/// What one step delivered; nothing when the inbox was empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlushReport {
    pub units: u64,
    pub hits: u64,
    pub touches: u64,
    pub bindings: u64,
    /// Persons and visitors whose orders are to be looked at again.
    pub marked: u64,
}

/// Delivers the oldest open unit, or seals and delivers what waits. One step; see [`run`] for the loop.
pub async fn flush_once(app: &App) -> Result<FlushReport, FlushError> {
    app.inbox.keep_counts().await?;
    let Some(unit) = app.inbox.next_unit(app.config.inbox.flush_hits_max).await? else {
        return Ok(FlushReport::default());
    };
    deliver(app, &unit).await
}

async fn deliver(app: &App, unit: &Unit) -> Result<FlushReport, FlushError> {
    let started = Instant::now();
    app.store.migrate_once(app.clock.now_ms()).await?;
    let rows = app.inbox.unit_rows(unit).await?;
    for table in Table::ALL {
        send(app, unit, &rows, table).await?;
    }
    // Marks before the unit is done: a crash in between marks twice, which is harmless.
    let marked = mark_changed(app, &rows).await?;
    app.inbox.unit_delivered(unit, app.clock.now_ms()).await?;
    METRICS.flush_units.increment(1);
    METRICS.flush_hits.increment(rows.hit_count);
    METRICS.flush_seconds.record(started.elapsed());
    let UnitRows { hit_count: hits, touch_count: touches, binding_count: bindings, .. } = rows;
    Ok(FlushReport { units: 1, hits, touches, bindings, marked })
}

/// Sends one table's rows of a unit.
async fn send(app: &App, unit: &Unit, rows: &UnitRows, table: Table) -> Result<(), FlushError> {
    let encoded = &rows.tables[table as usize];
    if encoded.is_empty() {
        return Ok(());
    }
    let columns = table.columns(rows.layout).ok_or(FlushError::UnknownLayout(rows.layout))?;
    let token = format!("{}-{}-{}", app.inbox.id(), unit.id, table.name());
    app.store.insert(table.name(), columns, "RowBinary", encoded.clone(), Some(&token)).await?;
    Ok(())
}

/// Puts the oldest open unit aside when the store takes one behind it: then its rows are at fault, not the store,
/// and it would hold up everything else for ever. The tables that take their part get it. Answers whether it did.
pub async fn step_over_refused(app: &App) -> Result<bool, FlushError> {
    let hits_max = app.config.inbox.flush_hits_max;
    let Some(refused) = app.inbox.next_unit(hits_max).await? else { return Ok(false) };
    let mut tried = refused.clone();
    let mut is_taken = false;
    for _ in 0..UNITS_TRIED_MAX {
        let Some(unit) = app.inbox.unit_behind(&tried, hits_max).await? else { break };
        match deliver(app, &unit).await {
            Ok(_) => {
                is_taken = true;
                break;
            }
            Err(error) if error.is_refusal() => tried = unit,
            Err(error) => return Err(error),
        }
    }
    if !is_taken {
        return Ok(false);
    }
    let rows = app.inbox.unit_rows(&refused).await?;
    let mut why = Vec::new();
    for table in Table::ALL {
        match send(app, &refused, &rows, table).await {
            Err(error) if error.is_refusal() => why.push(format!("{}: {error}", table.name())),
            sent => sent?,
        }
    }
    if why.is_empty() {
        // It is taken by now; the next step delivers it.
        return Ok(false);
    }
    mark_changed(app, &rows).await?;
    let why = why.join("; ");
    app.inbox.unit_refused(&refused, &why).await?;
    METRICS.flush_units_refused.increment(1);
    tracing::error!(
        cause = %why,
        "ClickHouse refuses {} hits although it takes others; they are put aside in the inbox and sent again at the \
         next start: {why}",
        rows.hit_count
    );
    Ok(true)
}

impl FlushError {
    /// Whether the store answered, and said no.
    fn is_refusal(&self) -> bool {
        matches!(self, FlushError::Store(error) if error.is_refusal())
    }
}

#[derive(Row, Deserialize)]
struct Changed {
    workspace_id: String,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
}

/// Marks the persons that were named, and the visitors of orders that got a touch from before the purchase.
async fn mark_changed(app: &App, rows: &UnitRows) -> Result<u64, FlushError> {
    let (from, to) = (rows.received_from_ms, rows.received_to_ms);
    let mut subjects = Vec::new();
    let mut add = |kind: SubjectKind, changed: Vec<Changed>| {
        subjects.extend(changed.into_iter().map(|Changed { workspace_id, id }| Subject {
            workspace_id,
            kind,
            id: format!("{:032x}", id.as_u128()),
        }));
    };
    let client = app.store.client();
    if rows.binding_count > 0 {
        let query = client.query(sql!("journeys/bound_persons.sql")).bind(from).bind(to);
        add(SubjectKind::Person, query.fetch_all().await.map_err(StoreError::from)?);
    }
    if rows.touch_count > 0 {
        let query = client.query(sql!("journeys/late_touches.sql")).bind(from).bind(to).bind(from).bind(to);
        add(SubjectKind::Visitor, query.fetch_all().await.map_err(StoreError::from)?);
    }
    if !subjects.is_empty() {
        app.control.mark_dirty(&subjects, app.clock.now_ms()).await?;
        app.jobs.wake();
    }
    Ok(subjects.len() as u64)
}

/// Delivers until `stop` turns true. A store that does not answer is asked again, less and less often;
/// hits go on being accepted meanwhile.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let interval = Duration::from_millis(app.config.inbox.flush_interval_ms.max(10));
    let mut retry = RETRY_FIRST;
    let mut refusals = 0;
    let mut tidied = Instant::now();
    while !*stop.borrow() {
        let started = Instant::now();
        let pause = match flush_once(&app).await {
            Ok(report) => {
                (retry, refusals) = (RETRY_FIRST, 0);
                match report.hits {
                    // More than a unit's worth waits: go on at once.
                    hits if hits >= app.config.inbox.flush_hits_max / 2 => Duration::ZERO,
                    hits if hits > BUSY_UNIT_HITS => (interval * 2).saturating_sub(started.elapsed()),
                    _ => interval.saturating_sub(started.elapsed()),
                }
            }
            Err(error) => {
                METRICS.flush_failures.increment(1);
                tracing::warn!(cause = %error, "flush: {error}; trying again");
                refusals = if error.is_refusal() { refusals + 1 } else { 0 };
                if refusals >= REFUSALS_MAX {
                    refusals = 0;
                    if let Err(error) = step_over_refused(&app).await {
                        tracing::warn!(cause = %error, "what the store refuses stays in front: {error}");
                    }
                }
                let pause = jittered(retry);
                retry = (retry * 2).min(RETRY_MOST);
                pause
            }
        };
        if tidied.elapsed() > TIDY_INTERVAL {
            tidied = Instant::now();
            tidy(&app).await;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
    let rest = async { while flush_once(&app).await.is_ok_and(|report| report.units > 0) {} };
    if tokio::time::timeout(LAST_FLUSH, rest).await.is_err() {
        tracing::info!("what is not delivered yet stays in the inbox for the next start");
    }
}

/// Drops delivered units that are older than `inbox.keep_hours` or do not fit.
async fn tidy(app: &App) {
    let keep_since_ms = app.clock.now_ms() - app.config.inbox.keep_hours as i64 * 3_600_000;
    loop {
        match app.inbox.drop_delivered(keep_since_ms).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(cause = %error, "the inbox was not tidied: {error}");
                return;
            }
        }
    }
}

/// Between half and all of `pause`, so that several collectors do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let [chance] = random_bytes::<1>();
    pause / 2 + pause * u32::from(chance) / 512
}
