//! An application with a database of its own over the one engine of this test binary, a clock that stands
//! still, and a browser that sends hits.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use clickhouse::Row;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use tributary::app::App;
use tributary::config::Config;
use tributary::control::workspaces::{Settings, Workspace};
use tributary::effects::Clock;
use tributary::http::router::router;
use tributary::ingest::flusher::{FlushReport, flush_once};
use tributary::store::Store;

/// 2026-03-01T12:00:00Z, where the clock stands.
pub const NOW_MS: i64 = 1_772_366_400_000;
pub const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
pub const VISITOR: &str = "vis_01jd3m8q5x0000000000000abc";

/// The one engine of this test binary.
pub fn engine() -> engine::Engine {
    static ENGINE: OnceLock<(engine::Engine, tempfile::TempDir)> = OnceLock::new();
    let (engine, _) = ENGINE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut options = engine::Options::new(directory.path());
        options.memory_bytes_max = 2 << 30;
        let engine =
            engine::Engine::open(&options).unwrap_or_else(|error| panic!("tests need the engine: {error}"));
        (engine, directory)
    });
    engine.clone()
}

/// One application. Dropping it drops its files.
pub struct Testing {
    pub app: App,
    pub clock: Clock,
    pub dir: tempfile::TempDir,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        self.json()["code"].as_str().unwrap_or("").to_owned()
    }
}

impl Testing {
    /// `ws_shop` on shop.example, `ws_open` that takes hits from anywhere.
    pub async fn new() -> Testing {
        Testing::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Testing {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_data_dir(dir.path());
        change(&mut config);
        let database = format!("ingest{}", NEXT.fetch_add(1, Ordering::Relaxed));
        config.store.database = database.clone();
        let clock = Clock::manual(NOW_MS);
        let store = match config.store.url.as_str() {
            "" => Store::embedded(engine(), &database).unwrap(),
            _ => Store::open(&config).unwrap(),
        };
        let app = App::with_store(config, clock.clone(), store).await.unwrap();
        for (id, domains) in [("ws_shop", vec!["shop.example".to_owned()]), ("ws_open", vec![])] {
            let settings = Settings { domains, partner_codes: vec!["ada".into()], ..Settings::default() };
            let workspace = Workspace {
                id: id.into(),
                name: id.into(),
                timezone: "UTC".into(),
                currency: "USD".into(),
                settings,
            };
            app.control.create_workspace(&workspace, NOW_MS).await.unwrap();
        }
        app.reload_directory().await.unwrap();
        Testing { app, clock, dir }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Posts as the browser on shop.example does.
    pub async fn post(&self, body: impl Into<Body>) -> Answer {
        self.post_with(&[], body).await
    }

    /// As [`Testing::post`], with headers over the usual ones.
    pub async fn post_with(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send(request("POST", "/c", headers, body.into())).await
    }

    /// Delivers everything the inbox holds.
    pub async fn flush(&self) -> FlushReport {
        let mut whole = FlushReport::default();
        loop {
            let report = flush_once(&self.app).await.unwrap();
            if report.units == 0 {
                return whole;
            }
            whole.units += report.units;
            whole.hits += report.hits;
            whole.touches += report.touches;
            whole.bindings += report.bindings;
            whole.marked += report.marked;
        }
    }

    /// Rows of a query as texts, one line a row, columns separated by `|`.
    pub async fn rows(&self, columns: &str, rest: &str) -> Vec<String> {
        #[derive(Row, Deserialize)]
        struct Line {
            line: String,
        }
        let sql = format!("SELECT concatWithSeparator('|', {columns}) AS line {rest}");
        let lines: Vec<Line> = self.app.store.client().query(&sql).fetch_all().await.unwrap();
        lines.into_iter().map(|line| line.line).collect()
    }

    pub async fn count(&self, table: &str) -> u64 {
        self.app.store.client().query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
    }

    /// Whether any file of the data directory holds these bytes.
    pub fn files_hold(&self, text: &str) -> bool {
        fn holds(folder: &Path, text: &[u8]) -> bool {
            std::fs::read_dir(folder).unwrap().flatten().any(|entry| match entry.file_type() {
                Ok(kind) if kind.is_dir() => holds(&entry.path(), text),
                _ => std::fs::read(entry.path())
                    .unwrap_or_default()
                    .windows(text.len())
                    .any(|part| part == text),
            })
        }
        holds(self.dir.path(), text.as_bytes())
    }
}

/// A request with a browser's headers; `headers` replace them, an empty value takes one away.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut all: Vec<(&str, &str)> = vec![
        (header::USER_AGENT.as_str(), BROWSER),
        (header::ORIGIN.as_str(), "https://shop.example"),
        (header::HOST.as_str(), "t.shop.example"),
        (header::ACCEPT_LANGUAGE.as_str(), "en"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in headers {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(name, value);
    }
    request.body(body).unwrap()
}

/// The hit of `number` with the usual fields; `changes` replace them, null takes one away.
pub fn hit(number: u32, changes: Value) -> Value {
    let mut hit = json!({
        "ws": "ws_shop",
        "kind": "page",
        "id": format!("01jd3m8q5x00000000000{number:05}"),
        "visitor": VISITOR,
        "session": "01jd3m8q5x0000000000000001",
        "touch": "session",
        "url": "https://shop.example/pricing?utm_source=newsletter&utm_medium=email&utm_campaign=march",
        "ref": "",
        "at": NOW_MS - 1000,
        "width": 1280,
        "consent": "granted",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(hit.as_object_mut().unwrap().remove(name)),
            value => hit[name] = value.clone(),
        }
    }
    hit
}
