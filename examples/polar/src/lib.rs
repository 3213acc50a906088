//! A stand-in for Polar's servers, for the demo and for tests: checkout links, the create-checkout API, a hosted
//! checkout page, lists with Polar's paging, and signed webhooks in Polar's order with Polar's retries.
//!
//! It stands for Polar and is no part of Tributary: Tributary reaches it over HTTP only, as it would reach
//! Polar. It never moves money, and it does not know what Tributary is. What is under `/v1/`, `/polar_cl_…` and
//! `/checkout/…` follows Polar; `/standin/…` is the control surface that makes things happen.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use polar_standin::{EndpointOptions, Options, Secret, start};
//! let endpoint = EndpointOptions::new("http://127.0.0.1:4600/webhooks/polar/ws_demo", Secret::Legacy("s".into()));
//! let polar = start(Options { endpoints: vec![endpoint], ..Options::default() }).await?;
//! println!("checkout link: {}/polar_cl_demo_monthly", polar.url());
//! polar.stop().await
//! # }
//! ```
#![forbid(unsafe_code)]

mod catalogue;
mod clock;
mod control;
mod http;
mod ids;
mod model;
mod options;
mod render;
mod scenes;
mod state;
mod webhook;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

pub use options::{DEFAULT_TOKEN, EndpointOptions, Options};
pub use webhook::signature::Secret;

use state::{State, Token};
use webhook::{EVENT_TYPES, Endpoint};

/// How long open connections may take to finish when the stand-in stops.
const STOP_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// What handlers share.
pub(crate) struct Standin {
    pub options: Options,
    pub client: reqwest::Client,
    /// Told whenever an event is finished.
    pub changed: Notify,
    /// Per token: the minute, and the calls in it.
    pub calls: Mutex<HashMap<String, (i64, u32)>>,
    /// The newest calls of the API, oldest first.
    pub asked: Mutex<VecDeque<String>>,
    state: Mutex<State>,
}

impl Standin {
    /// The state, locked. A panic in another request leaves it usable: scenes only add.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stand-in.
pub struct Handle {
    /// Where it listens.
    pub addr: SocketAddr,
    standin: Arc<Standin>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Handle {
    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The API's newest calls with a token that is known, oldest first: `GET /v1/orders/?page=1`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let asked = self.standin.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().cloned().collect()
    }

    /// Resolves when every delivery has finished, retries included.
    pub async fn idle(&self) {
        webhook::sender::idle(&self.standin).await;
    }

    /// Ends it and writes the state file, if there is one.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn stop(mut self) -> std::io::Result<()> {
        // Dropping the sender ends the server; a client that keeps its connection busy may not hold it up.
        drop(self.stop.take());
        let ended = tokio::time::timeout(STOP_TIMEOUT, &mut self.served).await;
        if ended.is_err() {
            self.served.abort();
        }
        save(&self.standin)
    }
}

/// Writes the state file, if one is wanted.
pub(crate) fn save(standin: &Standin) -> std::io::Result<()> {
    let Some(path) = &standin.options.state_file else { return Ok(()) };
    let text = serde_json::to_vec(&*standin.state()).map_err(std::io::Error::other)?;
    let part = path.with_extension("part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, path)
}

/// Starts the stand-in.
///
/// # Errors
/// When the address is taken or the state file cannot be read.
pub async fn start(options: Options) -> std::io::Result<Handle> {
    // Already installed by the process is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    let addr = listener.local_addr()?;
    let public_url = options.public_url.clone().unwrap_or_else(|| format!("http://{addr}"));
    let state = read_state(&options, public_url.trim_end_matches('/').to_owned())?;
    let standin = Arc::new(Standin {
        options,
        client,
        changed: Notify::new(),
        calls: Mutex::default(),
        asked: Mutex::default(),
        state: Mutex::new(state),
    });
    webhook::sender::kick(&standin);
    let (stop, stopped) = oneshot::channel();
    let service = http::router(Arc::clone(&standin)).into_make_service_with_connect_info::<SocketAddr>();
    let served = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move {
                // Either way the server should end.
                stopped.await.unwrap_or_default();
            })
            .await
    });
    Ok(Handle { addr, standin, stop: Some(stop), served })
}

fn read_state(options: &Options, public_url: String) -> std::io::Result<State> {
    let kept = match &options.state_file {
        Some(path) if path.exists() => Some(std::fs::read(path)?),
        _ => None,
    };
    if let Some(bytes) = kept {
        let mut state: State = serde_json::from_slice(&bytes).map_err(std::io::Error::other)?;
        state.public_url = public_url;
        state.requeue();
        return Ok(state);
    }
    let mut state = State::new(options.seed, public_url, options.success_url.as_deref());
    if let Some(at) = options.starts_at {
        state.starts_at(clock::Time(at.as_microsecond()));
    }
    state.tokens.push(Token { token: options.token.clone(), scopes: vec!["*".into()] });
    for endpoint in &options.endpoints {
        let events = if endpoint.events.is_empty() {
            EVENT_TYPES.iter().map(|&kind| kind.to_owned()).collect()
        } else {
            endpoint.events.clone()
        };
        let made = Endpoint {
            id: state.ids.uuid(),
            created_at: state.now(),
            modified_at: None,
            url: endpoint.url.clone(),
            name: None,
            secret: endpoint.secret.clone(),
            events,
            enabled: true,
            api_version: endpoint.api_version.clone(),
            finished: VecDeque::new(),
        };
        state.endpoints.push(made);
    }
    Ok(state)
}
