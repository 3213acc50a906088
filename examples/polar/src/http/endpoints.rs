//! Webhook endpoints, deliveries and redelivery. Unlike Polar, plain http on loopback is welcome: that is where
//! the receivers of a demo and of tests live.

use std::collections::VecDeque;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::checkouts::read;
use super::guard::CURRENT_VERSION;
use super::query::{Query, SortKey};
use super::{App, Error, VERSIONS};
use crate::webhook::signature::Secret;
use crate::webhook::{Attempt, EVENT_TYPES, Endpoint, Event, render_delivery, render_endpoint, sender};

type Answer = Result<Json<Value>, Error>;

fn check_events(events: &[String]) -> Result<(), Error> {
    match events.iter().find(|kind| !EVENT_TYPES.contains(&kind.as_str())) {
        Some(_) => Err(Error::body("events", "Input is not one of Polar's event types")),
        None => Ok(()),
    }
}

fn check_version(version: &str) -> Result<(), Error> {
    if VERSIONS.contains(&version) {
        return Ok(());
    }
    Err(Error::body("api_version", "Input should be '2026-04', '2026-10' or '2027-01'"))
}

fn check_url(url: &str) -> Result<(), Error> {
    let is_fine =
        url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_fine { Ok(()) } else { Err(Error::body("url", "Input should be a valid URL")) }
}

fn check_format(format: Option<&str>) -> Result<(), Error> {
    if format.is_none_or(|format| format == "raw") {
        return Ok(());
    }
    Err(Error::body("format", "the stand-in sends the format 'raw' only"))
}

#[derive(Deserialize)]
struct NewEndpoint {
    url: String,
    format: Option<String>,
    events: Vec<String>,
    name: Option<String>,
    api_version: Option<String>,
    /// Given by the merchant: signs the legacy way.
    secret: Option<String>,
}

pub(super) async fn create(app: App, body: Bytes) -> Result<(StatusCode, Json<Value>), Error> {
    let body: NewEndpoint = read(&body)?;
    check_url(&body.url)?;
    check_format(body.format.as_deref())?;
    check_events(&body.events)?;
    let api_version = body.api_version.unwrap_or_else(|| CURRENT_VERSION.into());
    check_version(&api_version)?;
    let mut state = app.state();
    let key = state.ids.key();
    let endpoint = Endpoint {
        id: state.ids.uuid(),
        created_at: state.now(),
        modified_at: None,
        url: body.url,
        name: body.name,
        secret: body.secret.map_or_else(|| Secret::generate(key), Secret::Legacy),
        events: body.events,
        enabled: true,
        api_version,
        finished: VecDeque::new(),
    };
    let answer = render_endpoint(&endpoint);
    state.endpoints.push(endpoint);
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) async fn list(app: App, query: Query) -> Answer {
    let state = app.state();
    let key = |it: &Endpoint, name: &str| (name == "created_at").then_some(SortKey::At(Some(it.created_at)));
    query.page(state.endpoints.iter().collect(), key, render_endpoint)
}

pub(super) async fn one(app: App, Path(id): Path<Uuid>) -> Answer {
    let state = app.state();
    let endpoint =
        state.endpoints.iter().find(|endpoint| endpoint.id == id).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render_endpoint(endpoint)))
}

#[derive(Deserialize)]
struct EndpointChange {
    url: Option<String>,
    format: Option<String>,
    events: Option<Vec<String>>,
    name: Option<String>,
    api_version: Option<String>,
    enabled: Option<bool>,
}

pub(super) async fn update(app: App, Path(id): Path<Uuid>, body: Bytes) -> Answer {
    let change: EndpointChange = read(&body)?;
    change.url.as_deref().map_or(Ok(()), check_url)?;
    change.events.as_deref().map_or(Ok(()), check_events)?;
    change.api_version.as_deref().map_or(Ok(()), check_version)?;
    check_format(change.format.as_deref())?;
    let mut state = app.state();
    let now = state.now();
    let endpoint = state.endpoints.iter_mut().find(|it| it.id == id).ok_or(Error::ResourceNotFound)?;
    endpoint.url = change.url.unwrap_or(std::mem::take(&mut endpoint.url));
    endpoint.events = change.events.unwrap_or(std::mem::take(&mut endpoint.events));
    endpoint.api_version = change.api_version.unwrap_or(std::mem::take(&mut endpoint.api_version));
    endpoint.name = change.name.or(endpoint.name.take());
    endpoint.enabled = change.enabled.unwrap_or(endpoint.enabled);
    endpoint.modified_at = Some(now);
    Ok(Json(render_endpoint(endpoint)))
}

/// A new secret; the old one stops at once, and waiting events are signed with the new one.
pub(super) async fn reset_secret(app: App, Path(id): Path<Uuid>) -> Answer {
    let mut state = app.state();
    let (key, now) = (state.ids.key(), state.now());
    let endpoint = state.endpoints.iter_mut().find(|it| it.id == id).ok_or(Error::ResourceNotFound)?;
    endpoint.secret = Secret::generate(key);
    endpoint.modified_at = Some(now);
    Ok(Json(render_endpoint(endpoint)))
}

pub(super) async fn remove(app: App, Path(id): Path<Uuid>) -> Result<StatusCode, Error> {
    let mut state = app.state();
    let before = state.endpoints.len();
    state.endpoints.retain(|endpoint| endpoint.id != id);
    if state.endpoints.len() == before { Err(Error::ResourceNotFound) } else { Ok(StatusCode::NO_CONTENT) }
}

pub(super) async fn deliveries(app: App, query: Query) -> Answer {
    let state = app.state();
    let (from, to) = (query.time("start_timestamp")?, query.time("end_timestamp")?);
    let rows: Vec<(&Event, &Attempt)> = state
        .events
        .iter()
        .flat_map(|event| event.attempts.iter().map(move |attempt| (event, attempt)))
        .collect();
    let rows = rows.iter().filter(|(event, attempt)| {
        let class = attempt.http_code.map(|code| format!("{}xx", code / 100));
        query.allows_id("endpoint_id", Some(event.endpoint_id))
            && query.allows("event_type", Some(&event.kind))
            && query.allows("http_code_class", class.as_deref())
            && query.flag("succeeded").is_none_or(|wanted| wanted == attempt.succeeded)
            && from.is_none_or(|from| attempt.at >= from)
            && to.is_none_or(|to| attempt.at <= to)
    });
    query.page(
        rows.collect(),
        |(_, attempt), name| (name == "created_at").then_some(SortKey::At(Some(attempt.at))),
        |(event, attempt)| render_delivery(event, attempt),
    )
}

pub(super) async fn redeliver(app: App, Path(id): Path<Uuid>) -> Result<StatusCode, Error> {
    if sender::redeliver(&app, id) { Ok(StatusCode::ACCEPTED) } else { Err(Error::ResourceNotFound) }
}
