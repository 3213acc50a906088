//! A small shop as a merchant would build it: pages with Tributary's script tag, checkout links, and one button
//! whose checkout is made by the shop's own backend. It knows Polar only over HTTP, and Tributary only by the
//! script tag and `window.tributary`; it stores nothing.
#![forbid(unsafe_code)]

mod pages;
mod polar;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

/// What a merchant puts in the shop's settings.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    /// The shop's own address, for the page after paying; `http://<listen>` when absent.
    pub public_url: Option<String>,
    /// Where Tributary serves `p.js`.
    pub collector_url: String,
    pub workspace: String,
    /// Polar's API, or the stand-in's.
    pub polar_url: String,
    /// An organization token that may create checkouts.
    pub polar_token: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            collector_url: "http://127.0.0.1:4600".into(),
            workspace: "ws_demo".into(),
            polar_url: "http://127.0.0.1:4602".into(),
            polar_token: "polar_oat_standin_demo".into(),
        }
    }
}

/// What handlers share.
pub(crate) struct Shop {
    pub options: Options,
    pub url: String,
    pub client: reqwest::Client,
}

/// What handlers take.
pub(crate) type App = State<Arc<Shop>>;

/// A running shop; it ends with the process.
pub struct Handle {
    pub addr: SocketAddr,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Handle {
    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Ends it at once.
    pub fn stop(self) {
        self.served.abort();
    }
}

/// Starts the shop.
///
/// # Errors
/// When the address is taken.
pub async fn start(options: Options) -> std::io::Result<Handle> {
    // Already installed by the process is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .build()
        .map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    let addr = listener.local_addr()?;
    let url = options.public_url.clone().unwrap_or_else(|| format!("http://{addr}"));
    let url = url.trim_end_matches('/').to_owned();
    let router = router(Arc::new(Shop { options, url, client }));
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Handle { addr, served })
}

fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/pricing", get(pages::pricing))
        .route("/blog/{post}", get(pages::post))
        .route("/from", get(pages::from))
        .route("/thanks", get(pages::thanks))
        .route("/app", get(pages::app))
        .route("/app/{*rest}", get(pages::app))
        .route("/buy", post(polar::buy))
        .fallback(pages::missing)
        .with_state(shop)
}
