//! The dashboard: pages rendered on the server from the same reports the API answers with, readable without
//! scripts. Never computes a number of its own, and allows nothing inline (`default-src 'self'`).

mod affiliates;
mod assets;
mod attribution;
mod chart;
mod docs;
mod endpoints;
mod home;
mod login;
mod match_quality;
mod order;
mod page;
mod reconciliation;
mod rejects;
mod show;
mod statements;
#[cfg(test)]
mod tests;
mod webhooks;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use login::login_link;

/// The pages, for people; the API has its own routes.
pub fn routes(api: utoipa::openapi::OpenApi) -> Router<App> {
    Router::new()
        .route("/", get(home::home))
        .route("/orders/{id}", get(order::order))
        .route("/reconciliation", get(reconciliation::show).post(reconciliation::begin))
        .route("/attribution", get(attribution::show).post(attribution::change))
        .route("/match-quality", get(match_quality::show))
        .route("/statements", get(statements::show).post(statements::make))
        .route("/not-counted", get(rejects::rejects))
        .route("/webhooks", get(webhooks::show).post(webhooks::replay))
        .route("/endpoints", get(endpoints::show).post(endpoints::change))
        .route("/endpoints/deliveries/{id}", get(endpoints::delivery::show).post(endpoints::delivery::again))
        .route("/login", get(login::form).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/assets/dashboard.css", get(assets::css))
        .route("/assets/dashboard.js", get(assets::js))
        .route("/assets/arrow.svg", get(assets::arrow))
        .route("/assets/mark.svg", get(assets::mark))
        .merge(affiliates::routes())
        .merge(docs::routes(api))
}
