//! A stand-in for PayPal's Payouts API, for tests: tokens, batches, items, cancelling what nobody claimed, and the
//! refusal of a batch that was sent before. What is under `/v1/` follows PayPal (developer.paypal.com, Payouts v1, and
//! errors as its sandbox answers them); `/standin/…` makes things happen.
//!
//! It stands for PayPal and is no part of Tributary. It never moves money and keeps nothing when it ends.
#![forbid(unsafe_code)]

mod api;
mod control;
mod money;
mod state;
mod told;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use state::State;
pub use state::{Ending, Fault};

/// The credentials it takes.
pub const CLIENT_ID: &str = "paypal-standin-client";
/// Its secret.
pub const CLIENT_SECRET: &str = "paypal-standin-secret";

/// What handlers share.
#[derive(Clone, Default)]
pub(crate) struct Standin(Arc<Mutex<State>>);

impl Standin {
    /// The state, locked. A panic in another request leaves it usable.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stand-in; it ends when this is dropped.
pub struct Handle {
    /// Where it listens.
    pub addr: SocketAddr,
    standin: Standin,
    served: tokio::task::JoinHandle<()>,
}

impl Handle {
    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From now on payments to this receiver end so.
    pub fn pays(&self, receiver: &str, ending: Ending) {
        self.standin.state().endings.insert(receiver.to_owned(), ending);
    }

    /// The next batch meets this.
    pub fn fails_next(&self, fault: Fault) {
        self.standin.state().faults.push_back(fault);
    }

    /// From now on calls for batches are worked off and never answered; or answered again.
    pub fn is_silent(&self, is_silent: bool) {
        self.standin.state().is_silent = is_silent;
    }

    /// Works off every batch that waits.
    pub fn processes(&self) {
        self.standin.state().process();
    }

    /// What was not claimed goes back, as after thirty days.
    pub fn returns_unclaimed(&self) {
        self.standin.state().end_unclaimed("RETURNED");
    }

    /// What was not claimed is claimed.
    pub fn claims(&self) {
        self.standin.state().end_unclaimed("SUCCESS");
    }

    /// Batches that were accepted, as `sender_batch_id` and number of items.
    #[must_use]
    pub fn batches(&self) -> Vec<(String, usize)> {
        let state = self.standin.state();
        state.batches.iter().map(|batch| (batch.sender_batch_id.clone(), batch.items.len())).collect()
    }

    /// How often a batch was asked for or sent.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.standin.state().calls
    }

    /// Resolves when the server ends by itself, which it does not.
    pub async fn served(&mut self) {
        // A server that was aborted has ended too.
        let _ = (&mut self.served).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// Starts the stand-in. With `processes_at_once` a batch is worked off as soon as it is asked for.
///
/// # Errors
/// When the address is taken.
pub async fn start(listen: SocketAddr, processes_at_once: bool) -> std::io::Result<Handle> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let addr = listener.local_addr()?;
    let standin = Standin::default();
    {
        let mut state = standin.state();
        state.url = format!("http://{addr}");
        state.processes_at_once = processes_at_once;
    }
    let routes = api::routes(&standin).merge(control::routes()).with_state(standin.clone());
    let served = tokio::spawn(async move {
        // Serving ends with the process.
        let _ = axum::serve(listener, routes).await;
    });
    Ok(Handle { addr, standin, served })
}
