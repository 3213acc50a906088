//! One engine for all tests of a binary (a process can have only one), on a directory of its own, and plain HTTP
//! requests over its pipe.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use engine::{Connector, Engine, OpenError, Options};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// What the tests' engine may allocate.
pub const MEMORY_BYTES_MAX: u64 = 3 << 30;
/// What one statement of the tests may allocate.
pub const QUERY_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Statements that run at once in the tests.
pub const CONNECTIONS_MAX: usize = 8;

/// The engine of this test binary. Fails, and says what to do, when the library is missing. Its directory stays for
/// the next run, which replaces the databases one by one: a static is never dropped, so nobody could remove it.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        for copy in 0.. {
            let directory = format!("{}/engine-tests-{copy}", env!("CARGO_TARGET_TMPDIR"));
            let mut options = Options::new(directory);
            options.memory_bytes_max = MEMORY_BYTES_MAX;
            options.query_memory_bytes_max = QUERY_MEMORY_BYTES_MAX;
            options.query_seconds_max = 60;
            options.mark_cache_bytes_max = 64 << 20;
            options.connections_max = CONNECTIONS_MAX;
            match Engine::open(&options) {
                Ok(engine) => return engine,
                // Another run of the same tests.
                Err(OpenError::DataDirInUse { .. }) => {}
                Err(error) => panic!("the tests need the engine: {error}"),
            }
        }
        unreachable!("one of the directories is free")
    })
}

/// The name of a new database.
pub async fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("db{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let client = engine().client();
    for sql in [format!("DROP DATABASE IF EXISTS {name} SYNC"), format!("CREATE DATABASE {name}")] {
        client.query(&sql).execute().await.unwrap();
    }
    name
}

/// A client on a new database of its own.
pub async fn fresh_database() -> clickhouse::Client {
    engine().client().with_database(database().await)
}

/// An answer as it went over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> Option<u16> {
        self.headers.get("X-ClickHouse-Exception-Code")?.to_str().ok()?.parse().ok()
    }
}

/// A hyper client of its own on the engine's pipe.
pub fn http() -> Client<Connector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build(engine().connector())
}

/// A URL with these parameters.
pub fn url(parameters: &[(&str, &str)]) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("http://embedded/?{query}")
}

/// Sends one request with a body.
pub async fn post(parameters: &[(&str, &str)], headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    request(Method::POST, parameters, headers, body.into()).await
}

pub async fn request(
    method: Method,
    parameters: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: Bytes,
) -> Answer {
    let mut request = Request::builder().method(method).uri(url(parameters));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = http().request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

/// Runs a statement and gives its text.
pub async fn run(sql: &str) -> String {
    let answer = post(&[], &[], sql.to_owned()).await;
    assert_eq!(answer.status, StatusCode::OK, "{sql}: {}", answer.text());
    answer.text()
}

/// Statements the engine lists as running whose text contains `what`, apart from this question.
pub async fn running(what: &str) -> u64 {
    let sql = format!(
        "SELECT count() FROM system.processes WHERE position(query, '{what}') > 0 AND position(query, 'system.processes') = 0"
    );
    run(&sql).await.trim().parse().unwrap()
}

/// Waits until `question` gives `wanted`; fails after ten seconds.
pub async fn eventually<F: Future<Output = u64>>(wanted: u64, question: impl Fn() -> F) {
    let wait = async {
        while question().await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), wait)
        .await
        .expect("it did not come to pass in 10 s");
}
