//! One writer of credits at a time: in this process by a lock, among processes that share a ClickHouse server by a lease
//! in the control store. Two writers would each find the difference between what stands and what should, and post it
//! twice.

use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::control::ControlError;
use crate::effects::random_id;

const LEASE: &str = "attribution";
/// How long others wait for a process that died.
const LEASE_MS: i64 = 30_000;
const RENEWAL: Duration = Duration::from_secs(5);
/// Between two looks at a lease that another process holds.
const RETRY: Duration = Duration::from_millis(50);

/// The right to read credits and replace them, until it is dropped.
pub struct Turn<'a> {
    _here: MutexGuard<'a, ()>,
    shared: Option<Shared>,
}

/// A turn among processes. A store inside the process has no other.
struct Shared {
    app: App,
    holder: String,
    renewal: JoinHandle<()>,
}

impl Turn<'_> {
    /// Waits for a turn.
    pub async fn take(app: &App) -> Result<Turn<'_>, ControlError> {
        let here = app.jobs.attribution.lock().await;
        let shared = match app.store.engine() {
            Some(_) => None,
            None => Some(Shared::take(app).await?),
        };
        Ok(Turn { _here: here, shared })
    }
}

impl Shared {
    async fn take(app: &App) -> Result<Shared, ControlError> {
        let holder = random_id("turn_");
        while !app.control.take_lease(LEASE, &holder, app.clock.now_ms(), LEASE_MS).await? {
            tokio::time::sleep(RETRY).await;
        }
        let (renewed, name) = (app.clone(), holder.clone());
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                let now_ms = renewed.clock.now_ms();
                if let Err(error) = renewed.control.take_lease(LEASE, &name, now_ms, LEASE_MS).await {
                    tracing::warn!(cause = %error, "the lease of attribution could not be renewed: {error}");
                }
            }
        });
        Ok(Shared { app: app.clone(), holder, renewal })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(Shared { app, holder, renewal }) = self.shared.take() else { return };
        renewal.abort();
        // Others need not wait until it runs out.
        tokio::spawn(async move {
            if let Err(error) = app.control.end_lease(LEASE, &holder).await {
                tracing::warn!(cause = %error, "the lease of attribution could not be ended: {error}");
            }
        });
    }
}
