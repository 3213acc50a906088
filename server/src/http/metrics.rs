//! `GET /metrics`, for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::metrics::{METRICS, render};

pub fn routes() -> Router<App> {
    Router::new().route("/metrics", get(show))
}

async fn show(State(app): State<App>) -> Response {
    METRICS.inbox_waiting_bytes.set(app.inbox.waiting_bytes() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], render()).into_response()
}
