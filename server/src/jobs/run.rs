//! The loops that drive the jobs of a server, and the one that drives them to the end for commands and tests.

use std::time::Duration;

use tokio::sync::watch;

use super::{JOBS, Job, JobError, Place, match_watch, poll, rates};
use crate::app::App;
use crate::effects::random_id;
use crate::ingest::flusher;

const LEASE: &str = "jobs";
const LEASE_MS: i64 = 15_000;
/// After a failure a job waits this long, doubled up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Runs the jobs until `stop` says true: at once when woken, else at the configured interval. Jobs for the
/// lease holder are skipped while another node holds it, and by a process that is not to hold it.
///
/// Polls, exchange rates and the watch over matching go their own way beside: who is slow to answer holds up nothing that is already here.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    tokio::join!(
        flow(app.clone(), may_hold_lease, stop.clone()),
        poll::run(app.clone(), may_hold_lease, stop.clone()),
        rates::run(app.clone(), may_hold_lease, stop.clone()),
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
        for job in JOBS {
            if job.place() == Place::LeaseHolder && !holds {
                continue;
            }
            match drain(&app, job, &holder, &stop).await {
                Ok(()) => pause = PAUSE_MIN,
                Err(error) => {
                    metrics::counter!("tributary_job_failures_total", "job" => job.name()).increment(1);
                    tracing::error!(job = job.name(), cause = %error, "job {} failed: {error}", job.name());
                    wait = pause;
                    pause = (pause * 2).min(PAUSE_MAX);
                    break;
                }
            }
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = app.jobs.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Steps a job until it has nothing left, renewing the lease on the way.
async fn drain(app: &App, job: &dyn Job, holder: &str, stop: &watch::Receiver<bool>) -> Result<(), JobError> {
    while !*stop.borrow() && job.step(app).await? {
        if job.place() == Place::LeaseHolder
            && !app.control.take_lease(LEASE, holder, app.clock.now_ms(), LEASE_MS).await?
        {
            break;
        }
    }
    Ok(())
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
