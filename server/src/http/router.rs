//! Every route there is.

use axum::Router;
use tower_http::catch_panic::CatchPanicLayer;

use super::health;
use super::problem::Problem;
use crate::app::App;

/// The whole surface.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(health::routes())
        .fallback(async || {
            Problem::not_found("no_such_route", "There is nothing at this address; see /docs.")
        })
        .layer(CatchPanicLayer::new())
        .with_state(app)
}
