//! Every route there is.

use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::Api;
use super::problem::Problem;
use super::{health, keys, orders, reports};
use crate::app::App;

/// The whole surface.
pub fn router(app: App) -> Router {
    let (documented, api) = documented();
    Router::new()
        .merge(health::routes())
        .merge(documented)
        .route("/v1/openapi.json", get(async move || Json(api.clone())))
        .fallback(async || {
            Problem::not_found("no_such_route", "There is nothing at this address; see /docs.")
        })
        .method_not_allowed_fallback(async || {
            let detail = "This address does not take that method; see /docs.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(CatchPanicLayer::new())
        .with_state(app)
}

/// The routes that describe themselves, with their description.
fn documented() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(reports::routes())
        .merge(orders::routes())
        .merge(keys::routes())
        .split_for_parts()
}
