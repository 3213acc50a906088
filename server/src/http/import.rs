//! `POST /v1/import/hits`: history from another tool or a log, through the collector's own pipeline, with
//! times that are believed. Needs a key that may write; the key says which workspace it is for.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use domain::visit::network::Country;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::auth::Writer;
use super::body;
use super::problem::Problem;
use crate::app::App;
use crate::ingest::pipeline::Request;

/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 8 << 20;

pub fn routes() -> Router<App> {
    Router::new().route("/v1/import/hits", post(import))
}

/// The hits of one browser.
#[derive(Deserialize)]
struct Browser<'a> {
    user_agent: String,
    /// ISO 3166 two letters, or absent; what is none counts as unknown.
    #[serde(default)]
    country: String,
    /// As `POST /c` takes them; `ws` must be the key's workspace, `at` is believed unless in the future.
    #[serde(borrow)]
    hits: &'a RawValue,
}

/// What became of an import.
#[derive(Serialize)]
struct Imported {
    accepted: usize,
    rejected: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    /// Position of the browser in the body, and of the hit in its list.
    browser: usize,
    index: usize,
    code: String,
}

async fn import(
    State(app): State<App>,
    caller: Writer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = body::read_plain(&headers, body, BODY_BYTES_MAX).await?;
    let browsers: Vec<Browser<'_>> = serde_json::from_slice(&body).map_err(|error| {
        Problem::invalid("body", format!("Send a list of {{user_agent, country, hits}}: {error}."))
    })?;
    let sites = app.collector.sites(&app.directory());
    let received_at_ms = app.clock.now_ms();
    // All browsers at once: their records share group commits.
    let takes = browsers.iter().enumerate().map(|(browser, Browser { user_agent, country, hits })| {
        let (app, sites, workspace) = (&app, &sites, &caller.workspace.id);
        async move {
            let hits = wire::decode(hits.get().as_bytes())
                .map_err(|error| Problem::invalid("hits", format!("Browser {browser}: {error}.")))?;
            if hits.iter().flatten().any(|hit| hit.ws != workspace.as_str()) {
                return Err(Problem::invalid(
                    "ws",
                    format!("Browser {browser}: this key imports for {workspace} only."),
                ));
            }
            let country = Country::parse(country);
            let country = country.as_ref().map_or("", Country::as_str);
            let request =
                Request { received_at_ms, user_agent, country, trusts_clock: true, ..Request::default() };
            let taken = app.collector.take(&app.inbox, sites, &request, &hits).await;
            let taken = taken.map_err(|error| super::collect::unavailable(&error))?;
            let refused = taken.rejected.into_iter().map(|rejected| Refused {
                browser,
                index: rejected.index,
                code: rejected.code.into_owned(),
            });
            Ok((taken.accepted, refused.collect::<Vec<_>>()))
        }
    });
    let mut imported = Imported { accepted: 0, rejected: Vec::new() };
    for taken in futures::future::join_all(takes).await {
        let (accepted, refused) = taken?;
        imported.accepted += accepted;
        imported.rejected.extend(refused);
    }
    Ok((StatusCode::ACCEPTED, Json(imported)).into_response())
}
