//! Every report over a small history whose answers can be checked by hand, through the HTTP surface.

mod money;
mod orders;
mod surface;
mod visits;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

use super::history::key;
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::router::router;

const MAY: &str = "from=2026-05-01&to=2026-05-31";

/// Asks with a key; the answer's status and text.
async fn ask_as(app: &App, method: &str, path: &str, key: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let response = router(app.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn text(app: &App, path: &str) -> String {
    let key = key(app, &[Scope::Read]).await;
    let (status, body) = ask_as(app, "GET", path, Some(&key)).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

async fn ask(app: &App, path: &str) -> Value {
    serde_json::from_str(&text(app, path).await).unwrap()
}

/// `[dimension values…, currency, net]` of each row.
fn nets(answer: &Value, dimensions: &[&str]) -> Value {
    let rows = answer["rows"].as_array().unwrap().iter().map(|row| {
        let mut line: Vec<Value> = dimensions.iter().map(|name| row[*name].clone()).collect();
        line.extend([row["currency"].clone(), row["revenue"]["net"].clone()]);
        Value::from(line)
    });
    rows.collect()
}

fn differences(answer: &Value) -> Vec<i64> {
    let lines = answer["reconciliation"].as_array().unwrap();
    lines.iter().map(|line| line["difference"].as_i64().unwrap()).collect()
}
