//! The page of one delivery: what is sent, what every try came to, and a button that sends it again under the same id.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::rows::Row;
use super::{sent_again, zone};
use crate::app::App;
use crate::control::keys::Scope;
use crate::endpoints::{EndpointError, Endpoints};
use crate::http::auth::Reader;
use crate::http::problem::Problem;

struct Try {
    number: u32,
    when: String,
    came_to: String,
    is_taken: bool,
    /// The beginning of what was answered.
    answer: String,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    workspace: String,
    said: Option<String>,
    row: Row,
    body: String,
    tries: Vec<Try>,
}

/// `GET /endpoints/deliveries/{id}`
pub(in crate::dashboard) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Path(id): Path<String>,
) -> Response {
    page(&app, &reader, &id, false).await
}

/// `POST /endpoints/deliveries/{id}`: sends it again.
pub(in crate::dashboard) async fn again(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Path(id): Path<String>,
) -> Response {
    page(&app, &reader, &id, true).await
}

async fn page(app: &App, reader: &Reader, id: &str, again: bool) -> Response {
    if !reader.key.allows(Scope::Admin) {
        let detail = "This session may not see deliveries. Sign in with a key that has the scope admin.";
        return failed(&Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
    }
    match build(app, reader, id, again).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(app: &App, reader: &Reader, id: &str, again: bool) -> Result<DeliveryPage, EndpointError> {
    let endpoints = Endpoints::of(app, &reader.workspace.id);
    let delivery = if again { endpoints.replay(id).await? } else { endpoints.delivery(id).await? };
    let zone = zone(reader);
    let tries = delivery.log.iter().rev().map(|attempt| Try {
        number: attempt.number,
        when: show::moment(attempt.at_ms, &zone),
        came_to: attempt.came_to(),
        is_taken: attempt.error.is_none(),
        answer: attempt.answer.clone(),
    });
    let body = delivery.body.as_ref().and_then(|body| serde_json::to_string_pretty(body).ok());
    Ok(DeliveryPage {
        workspace: reader.workspace.name.clone(),
        said: again.then(|| sent_again(&delivery.kind)),
        row: Row::of(&delivery, &endpoints.list().await?.rows, &zone),
        body: body.unwrap_or_default(),
        tries: tries.collect(),
    })
}
