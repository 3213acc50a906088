//! The turns of a job that runs on one node at a time, at its own pace: a lease of its own in the control store, a rest
//! between two turns, an end. What is done in a turn, and what a failure means, is the job's.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::effects::random_id;

/// A job's claim to its turns.
pub(super) struct Turns {
    app: App,
    job: &'static str,
    lease: Duration,
    rest: Duration,
    stop: watch::Receiver<bool>,
    holder: String,
    rests: bool,
}

impl Turns {
    /// `lease` is how long a turn stays this node's when the node dies, `rest` the time between two turns.
    pub fn new(
        app: &App,
        job: &'static str,
        lease: Duration,
        rest: Duration,
        stop: watch::Receiver<bool>,
    ) -> Turns {
        Turns { app: app.clone(), job, lease, rest, stop, holder: random_id("node_"), rests: false }
    }

    /// Waits for the next turn; `false` when there is none any more.
    pub async fn next(&mut self) -> bool {
        loop {
            if self.rests {
                tokio::select! {
                    _ = self.stop.changed() => {}
                    () = tokio::time::sleep(self.rest) => {}
                }
            }
            if *self.stop.borrow() {
                return false;
            }
            self.rests = true;
            let (now_ms, lease_ms) = (self.app.clock.now_ms(), self.lease.as_millis() as i64);
            match self.app.control.take_lease(self.job, &self.holder, now_ms, lease_ms).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(cause = %error, "{}: the lease could not be taken: {error}", self.job);
                }
            }
        }
    }

    /// There is more to do: the next turn comes at once.
    pub fn goes_on(&mut self) {
        self.rests = false;
    }

    /// Counts a turn that failed.
    pub fn failed(&self) {
        metrics::counter!("tributary_job_failures_total", "job" => self.job).increment(1);
    }
}
