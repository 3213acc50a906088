//! Every route there is.

use axum::http::StatusCode;
use axum::{Json, Router, middleware, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::health::Needs;
use super::openapi::Api;
use super::problem::{Problem, documents};
use super::shield::shield;
use super::{
    affiliates, attribution, click, codes, collect, commissions, connections, dead_letters, endpoints, flags,
    forget, handover, health, import, imports, jobs as runs, keys, metrics, orders, partner_statements,
    payouts, paypal, people, pixel_files, portal as portal_api, reconciliation, reports, simulate,
    statements, webhooks,
};
use crate::app::App;
use crate::{dashboard, portal};

/// The whole surface.
pub fn router(app: App) -> Router {
    let routes = collector_routes(&app).merge(shown(&app)).merge(operation(&app, Needs::NoMore));
    finish(routes, app)
}

/// What a node serves that only collects.
pub fn collector(app: App) -> Router {
    finish(collector_routes(&app).merge(operation(&app, Needs::NoMore)), app)
}

/// What a node serves that only answers questions. It takes nothing that has to pass an inbox: nobody empties its own.
pub fn api(app: App) -> Router {
    finish(shown(&app).merge(operation(&app, Needs::ClickHouse)), app)
}

/// What a node serves that only runs jobs.
pub fn jobs(app: App) -> Router {
    finish(operation(&app, Needs::ClickHouse), app)
}

/// All that goes into the inbox, and the pixel that sends it.
fn collector_routes(app: &App) -> Router<App> {
    Router::new()
        .merge(pixel_files::routes())
        .merge(click::routes())
        .merge(webhooks::routes(app.config.http.webhook_body_bytes_max))
        .merge(import::routes())
        .layer(middleware::from_fn_with_state(app.clone(), shield))
        .merge(collect::routes())
        .merge(handover::routes())
        .merge(forget::routes())
}

/// What is asked for: the API and the dashboard.
fn shown(app: &App) -> Router<App> {
    let (documented, api) = documented();
    documented
        .layer(middleware::map_response(documents))
        .merge(dashboard::routes(api.clone()))
        .merge(portal::routes())
        .route("/v1/openapi.json", get(async move || Json(api.clone())))
        .layer(middleware::from_fn_with_state(app.clone(), shield))
}

fn operation(app: &App, needs: Needs) -> Router<App> {
    Router::new()
        .merge(health::routes(needs))
        .merge(metrics::routes())
        .layer(middleware::from_fn_with_state(app.clone(), shield))
}

fn finish(routes: Router<App>, app: App) -> Router {
    routes
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
    let (routes, mut api) = OpenApiRouter::with_openapi(Api::openapi())
        .merge(reports::routes())
        .merge(orders::routes())
        .merge(keys::routes())
        .merge(connections::routes())
        .merge(runs::routes())
        .merge(attribution::routes())
        .merge(affiliates::routes())
        .merge(commissions::routes())
        .merge(payouts::routes())
        .merge(paypal::routes())
        .merge(partner_statements::routes())
        .merge(endpoints::routes())
        .merge(portal_api::routes())
        .merge(flags::routes())
        .merge(imports::routes())
        .merge(simulate::routes())
        .merge(dead_letters::routes())
        .merge(reconciliation::routes())
        .merge(statements::routes())
        .merge(people::routes())
        .split_for_parts();
    codes::describe(&mut api);
    (routes, api)
}
