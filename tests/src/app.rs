//! The whole server in this process, on a port of its own, without its background loops: the test says when
//! work is done, by [`TestApp::settle`].

use std::net::SocketAddr;
use std::ops::Deref;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary::app::App;
use tributary::config::Config;
use tributary::effects::Clock;
use tributary::http::router::router;
use tributary::http::serve::{Options, serve};
use tributary::ingest::flusher::{FlushError, FlushReport, flush_once};
use tributary::jobs;
use tributary::store::Store;

use crate::{Gate, Span, stores};

/// Where every test's clock starts: 1 October 2026, 09:00 UTC.
const START_MS: i64 = 1_790_845_200_000;

/// A server with its own database, control store, inbox and clock.
pub struct TestApp {
    app: App,
    pub clock: Clock,
    address: SocketAddr,
    http: reqwest::Client,
    server: JoinHandle<()>,
    database: String,
    _data: TempDir,
}

impl Deref for TestApp {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

/// What an HTTP request was answered with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The stable code of a problem document, empty for anything else.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's value, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl TestApp {
    /// A server with the settings of the documented defaults.
    pub async fn start() -> TestApp {
        TestApp::start_with(|_| {}).await
    }

    /// A server whose settings `change` adapts.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> TestApp {
        let (mut config, data) = settings();
        change(&mut config);
        let store = stores::open(&mut config);
        TestApp::over(config, data, store).await
    }

    /// A server that reaches its store through `gate`, as over a network.
    pub async fn behind(gate: &Gate) -> TestApp {
        let (mut config, data) = settings();
        gate.server().configure(&mut config);
        let store = Store::open(&config).expect("the store's address is one");
        TestApp::over(config, data, store).await
    }

    async fn over(config: Config, data: TempDir, store: Store) -> TestApp {
        // The provider of TLS is chosen once a process; a second test finds it chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::manual(START_MS);
        let database = config.store.database.clone();
        let app = App::with_store(config, clock.clone(), store).await.expect("the server starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let routes = router(app.clone());
        let server = tokio::spawn(serve(listener, routes, Options::default(), std::future::pending()));
        let http = reqwest::Client::builder()
            .default_headers(every_browser())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without extras");
        TestApp { app, clock, address, http, server, database, _data: data }
    }

    /// `http://host:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request to a path of this server; send it with [`TestApp::send`]. Those to the collector come from a
    /// page of the merchant's, as browsers say it.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        if path.starts_with("/c") { request.header("sec-fetch-site", "same-site") } else { request }
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("the answer is whole").to_vec();
        Answer { status, headers, body }
    }

    /// Moves the clock forward.
    pub fn after(&self, span: Span) {
        self.clock.advance(span.0);
    }

    /// One delivery step of the flusher.
    pub async fn flush_once(&self) -> Result<FlushReport, FlushError> {
        flush_once(&self.app).await
    }

    /// Delivers what the inbox holds and runs every job until nothing is left to do.
    pub async fn settle(&self) {
        jobs::settle(&self.app).await.expect("the jobs run");
    }

    /// Runs every job until nothing is left to do, and leaves the hits that wait in the inbox.
    pub async fn runs_jobs(&self) {
        for job in jobs::JOBS {
            while job.step(&self.app).await.expect("the job runs") {}
        }
    }

    /// Credits every order anew, whatever stands.
    pub async fn credits_everything_anew(&self) {
        jobs::attribute::attribute_all(&self.app).await.expect("the new credits are proven");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
        stores::drop_database(std::mem::take(&mut self.database));
    }
}

/// What every browser sends with every request.
fn every_browser() -> reqwest::header::HeaderMap {
    let language = reqwest::header::HeaderValue::from_static("en");
    [(reqwest::header::ACCEPT_LANGUAGE, language)].into_iter().collect()
}

fn settings() -> (Config, TempDir) {
    let data = tempfile::tempdir().expect("a directory for temporary files");
    let mut config = Config::for_data_dir(data.path());
    config.store.database = stores::fresh_database();
    // The stand-in for Polar is on this machine.
    config.outbound.allowed_networks = vec!["127.0.0.0/8".to_owned()];
    // The same for all, so that two servers make the same ids of the same history.
    config.secret_key = "a secret of the scenarios and of nobody else".into();
    (config, data)
}
