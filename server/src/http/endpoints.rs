//! `/v1/endpoints` and `/v1/deliveries`: who is told of events, and what came of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::Admin;
use super::problem::Problem;
use crate::app::App;
use crate::endpoints::{
    DeliveryDocument, DeliveryList, EndpointChange, EndpointDocument, EndpointError, EndpointList, Endpoints,
    NewEndpoint, NewSecret, WantedDeliveries,
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(test))
        .routes(routes!(rotate))
        .routes(routes!(deliveries))
        .routes(routes!(delivery))
        .routes(routes!(replay))
}

/// Who is told of events, and every type of event there is.
#[utoipa::path(get, path = "/v1/endpoints", tag = "Events",
    responses((status = 200, body = EndpointList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<App>, caller: Admin) -> Result<Json<EndpointList>, Problem> {
    Ok(Json(Endpoints::of(&app, &caller.workspace.id).list().await?))
}

/// Have somebody told of events, as Standard Webhooks. The answer holds the secret they are signed with, this once.
#[utoipa::path(post, path = "/v1/endpoints", tag = "Events", request_body = NewEndpoint,
    responses((status = 201, body = EndpointDocument), (status = "4XX", body = Problem)))]
async fn create(
    State(app): State<App>,
    caller: Admin,
    body: Bytes,
) -> Result<(StatusCode, Json<EndpointDocument>), Problem> {
    let new = read(&body, r#"{"url": "https://example.com/webhooks", "events": ["commission.created"]}"#)?;
    Ok((StatusCode::CREATED, Json(Endpoints::of(&app, &caller.workspace.id).create(new).await?)))
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/endpoints/{id}", tag = "Events", params(("id" = String, Path)),
    responses((status = 200, body = EndpointDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<Json<EndpointDocument>, Problem> {
    Ok(Json(Endpoints::of(&app, &caller.workspace.id).show(&id).await?))
}

/// Change an endpoint's address or types, disable it, or enable it again: then what waits is tried at once.
#[utoipa::path(patch, path = "/v1/endpoints/{id}", tag = "Events", params(("id" = String, Path)),
    request_body = EndpointChange,
    responses((status = 200, body = EndpointDocument), (status = "4XX", body = Problem)))]
async fn change(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<EndpointDocument>, Problem> {
    let endpoints = Endpoints::of(&app, &caller.workspace.id);
    endpoints.show(&id).await?;
    let change = read(&body, r#"{"enabled": true}"#)?;
    Ok(Json(endpoints.change(&id, change).await?))
}

/// Remove an endpoint with its deliveries.
#[utoipa::path(delete, path = "/v1/endpoints/{id}", tag = "Events", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn remove(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    Endpoints::of(&app, &caller.workspace.id).remove(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send an endpoint an event that says nothing, `endpoint.test`.
#[utoipa::path(post, path = "/v1/endpoints/{id}/test", tag = "Events", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryDocument), (status = "4XX", body = Problem)))]
async fn test(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DeliveryDocument>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(Endpoints::of(&app, &caller.workspace.id).test(&id).await?)))
}

/// Give an endpoint another secret, shown this once. For a day, or as many hours as you say, deliveries carry a signature
/// by the old one beside that of the new one, as Standard Webhooks want it.
#[utoipa::path(post, path = "/v1/endpoints/{id}/rotate", tag = "Events", params(("id" = String, Path)),
    request_body = NewSecret,
    responses((status = 200, body = EndpointDocument), (status = "4XX", body = Problem)))]
async fn rotate(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<EndpointDocument>, Problem> {
    let endpoints = Endpoints::of(&app, &caller.workspace.id);
    endpoints.show(&id).await?;
    let asked = if body.is_empty() { NewSecret::default() } else { read(&body, r#"{"old_hours": 24}"#)? };
    Ok(Json(endpoints.rotate(&id, &asked).await?))
}

/// Deliveries of events, newest first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "Events", params(WantedDeliveries),
    responses((status = 200, body = DeliveryList), (status = "4XX", body = Problem)))]
async fn deliveries(
    State(app): State<App>,
    caller: Admin,
    wanted: Result<Query<WantedDeliveries>, QueryRejection>,
) -> Result<Json<DeliveryList>, Problem> {
    let refused = |_| Problem::invalid("query", "Filter by endpoint and state; page by after and limit.");
    let Query(wanted) = wanted.map_err(refused)?;
    Ok(Json(Endpoints::of(&app, &caller.workspace.id).deliveries(&wanted).await?))
}

/// One delivery: what is sent, and every try with its status, latency and the beginning of the answer.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "Events", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryDocument), (status = "4XX", body = Problem)))]
async fn delivery(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<Json<DeliveryDocument>, Problem> {
    Ok(Json(Endpoints::of(&app, &caller.workspace.id).delivery(&id).await?))
}

/// Try a delivery again at once, under the same id.
#[utoipa::path(post, path = "/v1/deliveries/{id}/replay", tag = "Events", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryDocument), (status = "4XX", body = Problem)))]
async fn replay(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DeliveryDocument>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(Endpoints::of(&app, &caller.workspace.id).replay(&id).await?)))
}

impl From<EndpointError> for Problem {
    fn from(error: EndpointError) -> Problem {
        let text = format!("{error}.");
        let sentence = text[..1].to_uppercase() + &text[1..];
        match error {
            EndpointError::UnknownEndpoint(_) => Problem::not_found("unknown_endpoint", sentence),
            EndpointError::UnknownDelivery(_) => Problem::not_found("unknown_delivery", sentence),
            EndpointError::Raced(_) => Problem::unavailable("secret_busy", sentence, 1),
            EndpointError::Refused(_) => Problem::invalid("url", sentence),
            EndpointError::Invalid { field, .. } => Problem::invalid(field, sentence),
            EndpointError::Control(error) => error.into(),
        }
    }
}
