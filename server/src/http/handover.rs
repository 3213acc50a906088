//! `POST /c/handover`: a page asks for the token that takes its visitor along to a sister site of the same
//! workspace. What becomes of the token there is decided in `ingest::pipeline`. Stores nothing.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};

use super::collect::{allow_origin, preflight, request};
use super::problem::Problem;
use crate::app::App;
use crate::http::body;
use crate::ingest::collector::NoHandover;
use crate::ingest::limits::Wait;

/// A workspace, a signed visitor, and room for what a newer pixel may add.
const BODY_BYTES_MAX: usize = 1024;

pub fn routes() -> Router<App> {
    Router::new().route("/c/handover", post(hand_over).options(preflight))
}

/// Who wants to go on elsewhere.
#[derive(Deserialize)]
struct Asked {
    /// Workspace id.
    ws: String,
    /// The visitor in its signed form.
    visitor: String,
}

/// What goes on the link.
#[derive(Serialize)]
struct Handover {
    /// Good for ten minutes, for one workspace.
    handover: String,
}

async fn hand_over(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let peer = peer.as_ref().map(|Extension(ConnectInfo(peer))| peer);
    let asked = match read(&headers, body).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let (request, _) = request(&app, &headers, peer);
    let sites = app.collector.sites(&app.directory());
    let mut response = match app.collector.hand_over(&sites, &request, &asked.ws, &asked.visitor) {
        Ok(handover) => Json(Handover { handover }).into_response(),
        Err(refused) => problem(refused).into_response(),
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let site = sites.get(&asked.ws);
    allow_origin(answer, &headers, |origin| site.is_some_and(|site| site.allows(origin)));
    response
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Asked, Problem> {
    let body = body::read_plain(headers, body, BODY_BYTES_MAX).await?;
    serde_json::from_slice(&body).map_err(|_| {
        let detail = "Send an object with `ws` and the signed `visitor`.";
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    })
}

fn problem(refused: NoHandover) -> Problem {
    match refused {
        NoHandover::Refused(outcome, wait) => {
            let mut problem = Problem::new(outcome.status(), outcome.code(), outcome.sentence());
            problem.retry_after_seconds = wait.map(Wait::seconds);
            problem
        }
        NoHandover::NotSigned => Problem::new(
            StatusCode::BAD_REQUEST,
            "visitor_not_signed",
            "Only a visitor id that this collector signed can be handed over; send a hit first.",
        ),
    }
}
