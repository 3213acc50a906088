//! The style sheet and the small script, compiled in.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const CSS: &str = include_str!("../../assets/dashboard.css");
const ARROW: &str = include_str!("../../assets/arrow.svg");
const MARK: &str = include_str!("../../assets/mark.svg");
const JS: &str = include_str!("../../assets/dashboard.js");

pub(super) async fn css() -> Response {
    asset("text/css; charset=utf-8", CSS)
}

pub(super) async fn js() -> Response {
    asset("text/javascript; charset=utf-8", JS)
}

pub(super) async fn arrow() -> Response {
    asset("image/svg+xml", ARROW)
}

pub(super) async fn mark() -> Response {
    asset("image/svg+xml", MARK)
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    // Checked again now and then: a new version of the program brings new files under the same address.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=300")], content).into_response()
}
