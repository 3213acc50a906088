//! `POST /c/forget`: consent was withdrawn on a page of another host, which cannot delete this host's cookie. It is
//! taken back here. Reads no id, and neither stores nor counts anything.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::body;
use super::collect::{VISITOR_COOKIE, allow_origin, cookie_domain, preflight};
use super::problem::Problem;
use crate::app::App;
use crate::ingest::collector::CookieWish;
use crate::ingest::outcome::Outcome;

/// A workspace and a domain.
const BODY_BYTES_MAX: usize = 1024;

pub fn routes() -> Router<App> {
    Router::new().route("/c/forget", post(forget).options(preflight))
}

/// Where the cookie may have been set.
#[derive(Deserialize)]
struct Asked {
    /// Workspace id.
    ws: String,
    /// As hits name it.
    cookie_domain: Option<String>,
}

async fn forget(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    let asked = match read(&headers, body).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let sites = app.collector.sites(&app.directory());
    let site = sites.get(&asked.ws);
    let from = [header::ORIGIN, header::REFERER].iter().find_map(|name| headers.get(name));
    let from = from.and_then(|from| from.to_str().ok()).unwrap_or("");
    let refused =
        |outcome: Outcome| Problem::new(outcome.status(), outcome.code(), outcome.sentence()).into_response();
    let mut response = match site {
        None => refused(Outcome::UnknownWorkspace),
        Some(site) if !site.allows(from) => refused(Outcome::ForeignOrigin),
        Some(_) => taken_back(&headers, asked.cookie_domain),
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    allow_origin(answer, &headers, |origin| site.is_some_and(|site| site.allows(origin)));
    response
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Asked, Problem> {
    let body = body::read_plain(headers, body, BODY_BYTES_MAX).await?;
    serde_json::from_slice(&body).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "Send an object with the workspace as `ws`.")
    })
}

/// The cookie was set for this host, or for a domain above it: whichever it was, it is gone.
fn taken_back(headers: &HeaderMap, domain: Option<String>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let domain = cookie_domain(&CookieWish { domain }, headers);
    let domain = domain.map(|domain| format!("; Domain={domain}"));
    for domain in std::iter::once(String::new()).chain(domain) {
        let gone = format!("{VISITOR_COOKIE}=; Max-Age=0; Path=/; Secure; SameSite=Lax{domain}");
        if let Ok(gone) = HeaderValue::try_from(gone) {
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
    }
    response
}
