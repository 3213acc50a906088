//! Liveness, and readiness with the state of each store. What a process does not need to do its work is told and does
//! not make it unready: hits are taken while ClickHouse is away.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde::Serialize;

use crate::app::App;

/// A control store that does not answer within this time is away.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(2);

/// What a process has to have to be ready, beside the inbox and the control store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Whoever collects: what comes in is safe in the inbox, and sent on when ClickHouse is back.
    NoMore,
    /// Whoever only answers questions or runs jobs.
    ClickHouse,
}

pub fn routes(needs: Needs) -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(move |app| ready(app, needs)))
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

async fn ready(State(app): State<App>, needs: Needs) -> Response {
    let word = |ok: bool| if ok { "ok" } else { "unreachable" };
    let control = tokio::time::timeout(CONTROL_TIMEOUT, app.control.ping());
    let (clickhouse, control) = tokio::join!(app.store.ping(), control);
    let (clickhouse, control) = (clickhouse.is_ok(), control.is_ok_and(|answer| answer.is_ok()));
    let inbox = match (app.inbox.sync_failed(), app.inbox.is_full()) {
        (Some(_), _) => "failed",
        (None, true) => "full",
        (None, false) => "ok",
    };
    let ready = (clickhouse || needs == Needs::NoMore) && control && inbox == "ok";
    let body = Readiness { ready, clickhouse: word(clickhouse), control: word(control), inbox };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}
