//! Liveness, and readiness with the state of each store.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde::Serialize;

use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// Red only for what a restart heals, so that who supervises the process may restart it.
async fn alive(State(app): State<App>) -> Response {
    match app.inbox.sync_failed() {
        None => "ok\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("restart: {why}\n")).into_response(),
    }
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
    let inbox = match (app.inbox.sync_failed(), app.inbox.is_full()) {
        (Some(_), _) => "failed",
        (None, true) => "full",
        (None, false) => "ok",
    };
    let ready = clickhouse.is_ok() && control.is_ok() && inbox == "ok";
    let body =
        Readiness { ready, clickhouse: word(clickhouse.is_ok()), control: word(control.is_ok()), inbox };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}
