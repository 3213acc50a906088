//! How a stand-in is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::webhook::signature::Secret;

/// The token that may do everything, unless [`Options::token`] says otherwise.
pub const DEFAULT_TOKEN: &str = "polar_oat_standin_demo";

/// An endpoint that exists from the start.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    pub url: String,
    pub secret: Secret,
    /// Event types; every type when empty.
    pub events: Vec<String>,
    pub api_version: String,
}

impl EndpointOptions {
    /// Every event to `url`, in the current version.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: Secret) -> EndpointOptions {
        EndpointOptions { url: url.into(), secret, events: Vec::new(), api_version: "2026-10".into() }
    }
}

/// Settings; `Options::default()` listens on a free loopback port and behaves as Polar does.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    /// What links and checkout pages are addressed by; `http://<listen>` when absent.
    pub public_url: Option<String>,
    /// An organization token with every scope.
    pub token: String,
    /// Ids come from it; random when absent.
    pub seed: Option<u64>,
    pub endpoints: Vec<EndpointOptions>,
    /// Where the demo's checkout links send buyers after paying; `{CHECKOUT_ID}` is replaced.
    pub success_url: Option<String>,
    /// API calls a minute and token; Polar's production limit is 500.
    pub rate_limit_per_minute: u32,
    /// Multiplies the waits between attempts; 0.001 makes ten attempts take seconds.
    pub retry_scale: f64,
    /// The instant its clock shows when it starts, by which it also signs; the machine's when absent. Without
    /// effect on a state that is read from a file, which keeps its own time.
    pub starts_at: Option<Timestamp>,
    /// Read at the start, written at the end.
    pub state_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            token: DEFAULT_TOKEN.into(),
            seed: None,
            endpoints: Vec::new(),
            success_url: None,
            rate_limit_per_minute: 500,
            retry_scale: 1.0,
            starts_at: None,
            state_file: None,
        }
    }
}
