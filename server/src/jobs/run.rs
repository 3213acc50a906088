//! The loops that drive the jobs of a server, and the one that drives them to the end for commands and tests.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{JOBS, Job, JobError, Place, deliver, match_watch, paypal, poll, rates};
use crate::app::App;
use crate::effects::random_id;
use crate::ingest::flusher;

const LEASE: &str = "jobs";
const LEASE_MS: i64 = 15_000;
/// Between two renewals while a step is under way.
const RENEWAL: Duration = Duration::from_secs(5);
/// After a failure a job waits this long, doubled up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A round costs the same for one sale as for a hundred, so after one the next rests this many times as long as it took,
/// and takes what came meanwhile together: sales that come one after another leave the machine to the collector. A sale
/// after a quiet moment never waits.
const RESTS: u32 = 3;
const REST_MAX: Duration = Duration::from_millis(600);

/// Runs the jobs until `stop` says true: at once when woken, else at the configured interval. Jobs for the
/// lease holder are skipped while another node holds it, and by a process that is not to hold it.
///
/// Polls, exchange rates, deliveries of events, payouts by PayPal and the watch over matching go their own way beside: who is slow to
/// answer holds up nothing that is already here.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    tokio::join!(
        flow(app.clone(), may_hold_lease, stop.clone()),
        poll::run(app.clone(), may_hold_lease, stop.clone()),
        rates::run(app.clone(), may_hold_lease, stop.clone()),
        deliver::run(app.clone(), may_hold_lease, stop.clone()),
        paypal::run(app.clone(), may_hold_lease, stop.clone()),
        match_watch::run(app, may_hold_lease, stop)
    );
}

async fn flow(app: App, may_hold_lease: bool, mut stop: watch::Receiver<bool>) {
    let holder = random_id("node_");
    let interval = Duration::from_millis(app.config.attribution.interval_ms.max(10));
    let mut pause = PAUSE_MIN;
    while !*stop.borrow() {
        let holds = match may_hold_lease {
            true => app.control.take_lease(LEASE, &holder, app.clock.now_ms(), LEASE_MS).await,
            false => Ok(false),
        };
        let holds = match holds {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(cause = %error, "jobs: the lease could not be taken: {error}");
                false
            }
        };
        let mut wait = interval;
        let mut is_whole = true;
        let begun = Instant::now();
        for job in JOBS {
            if job.place() == Place::LeaseHolder && !holds {
                continue;
            }
            if let Err(error) = drain(&app, job, &holder, &stop).await {
                metrics::counter!("tributary_job_failures_total", "job" => job.name()).increment(1);
                tracing::error!(job = job.name(), cause = %error, "job {} failed: {error}", job.name());
                is_whole = false;
                break;
            }
        }
        if is_whole {
            pause = PAUSE_MIN;
        } else {
            wait = pause;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        let rest = (begun.elapsed() * RESTS).min(REST_MAX);
        tokio::select! {
            _ = stop.changed() => {}
            () = async { tokio::time::sleep(rest).await; app.jobs.woken().await } => {}
            () = tokio::time::sleep(wait.max(rest)) => {}
        }
    }
}

/// Steps a job until it has nothing left, or the lease it needs is another's.
async fn drain(app: &App, job: &dyn Job, holder: &str, stop: &watch::Receiver<bool>) -> Result<(), JobError> {
    let needs_lease = job.place() == Place::LeaseHolder;
    while !*stop.borrow() {
        if needs_lease && !app.control.take_lease(LEASE, holder, app.clock.now_ms(), LEASE_MS).await? {
            break;
        }
        let more = match needs_lease {
            true => renewing(app, holder, job.step(app)).await?,
            false => job.step(app).await?,
        };
        if !more {
            break;
        }
    }
    Ok(())
}

/// Does a step and keeps the lease meanwhile, however long it takes.
async fn renewing<T>(app: &App, holder: &str, step: impl Future<Output = T>) -> T {
    let renew = async {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = app.control.take_lease(LEASE, holder, app.clock.now_ms(), LEASE_MS).await {
                tracing::warn!(cause = %error, "jobs: the lease could not be renewed: {error}");
            }
        }
    };
    tokio::select! {
        done = step => done,
        never = renew => never,
    }
}

/// Delivers what waits in the inbox and runs every job until none has anything left: what commands and tests
/// wait for. The caller sees to it that no other process does the same on the same stores.
pub async fn settle(app: &App) -> Result<(), JobError> {
    loop {
        let mut more = flusher::flush_once(app).await?.units > 0;
        for job in JOBS {
            while job.step(app).await? {
                more = true;
            }
        }
        if !more {
            return Ok(());
        }
    }
}
