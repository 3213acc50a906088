//! Liveness, and readiness with the state of each store.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde::Serialize;

use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    clickhouse: &'static str,
    control: &'static str,
    inbox: &'static str,
}

async fn ready(State(app): State<App>) -> Response {
    let word = |ok: bool| if ok { "ok" } else { "unreachable" };
    let (clickhouse, control) = tokio::join!(app.store.ping(), app.control.ping());
    let inbox = if app.inbox.is_full() { "full" } else { "ok" };
    let ready = clickhouse.is_ok() && control.is_ok() && !app.inbox.is_full();
    let body =
        Readiness { ready, clickhouse: word(clickhouse.is_ok()), control: word(control.is_ok()), inbox };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}
