//! The whole HTTP surface on one screen.

mod checkouts;
mod endpoints;
mod error;
mod faults;
mod guard;
mod hosted;
mod lists;
mod money_lists;
mod query;
mod subscriptions;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};

pub(crate) use checkouts::{check_metadata, read};
pub(crate) use error::Error;
pub(crate) use faults::{ApiFaults, Trouble};
pub(crate) use guard::VERSIONS;
pub(crate) use query::Query;
pub(crate) use subscriptions::proration;

use crate::{Standin, control};

/// What handlers take.
pub(crate) type App = axum::extract::State<Arc<Standin>>;

/// A history call of thousands of purchases fits.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(crate) fn router(standin: Arc<Standin>) -> Router {
    let api = Router::new()
        .route("/v1/orders/", get(lists::orders))
        .route("/v1/orders/{id}", get(lists::order))
        .route("/v1/subscriptions/", get(lists::subscriptions))
        .route("/v1/subscriptions/{id}", get(lists::subscription))
        .route("/v1/subscriptions/{id}", patch(subscriptions::update).delete(subscriptions::revoke))
        .route("/v1/customers/", get(lists::customers))
        .route("/v1/customers/{id}", get(lists::customer))
        .route("/v1/customers/{id}/state", get(lists::customer_state))
        .route("/v1/customers/external/{external_id}", get(lists::customer_by_external_id))
        .route("/v1/products/", get(lists::products))
        .route("/v1/products/{id}", get(lists::product))
        .route("/v1/refunds/", get(lists::refunds).post(checkouts::create_refund))
        .route("/v1/disputes/", get(money_lists::disputes))
        .route("/v1/disputes/{id}", get(money_lists::dispute))
        .route("/v1/payments/", get(money_lists::payments))
        .route("/v1/payments/{id}", get(money_lists::payment))
        .route("/v1/discounts/", get(money_lists::discounts))
        .route("/v1/discounts/{id}", get(money_lists::discount))
        .route("/v1/events/", get(money_lists::events))
        .route("/v1/events/names", get(money_lists::event_names))
        .route("/v1/checkouts/", get(lists::checkouts).post(checkouts::create))
        .route("/v1/checkouts/{id}", get(lists::checkout))
        .route("/v1/checkout-links/", get(lists::checkout_links).post(checkouts::create_link))
        .route("/v1/checkout-links/{id}", get(lists::checkout_link))
        .route("/v1/webhooks/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/v1/webhooks/endpoints/{id}", get(endpoints::one))
        .route("/v1/webhooks/endpoints/{id}", patch(endpoints::update))
        .route("/v1/webhooks/endpoints/{id}", delete(endpoints::remove))
        .route("/v1/webhooks/endpoints/{id}/secret", patch(endpoints::reset_secret))
        .route("/v1/webhooks/deliveries", get(endpoints::deliveries))
        .route("/v1/webhooks/events/{id}/redeliver", post(endpoints::redeliver))
        .route_layer(from_fn_with_state(Arc::clone(&standin), faults::trouble))
        .route_layer(from_fn_with_state(Arc::clone(&standin), guard::token))
        .route("/v1/checkouts/client/{client_secret}", get(hosted::client_get))
        .route("/v1/checkouts/client/{client_secret}/confirm", post(hosted::client_confirm))
        .route_layer(from_fn_with_state(Arc::clone(&standin), guard::version));
    let public = Router::new()
        .route("/v1/checkout-links/{client_secret}/redirect", get(hosted::visit_link))
        .route("/{client_secret}", get(hosted::visit_link))
        .route("/checkout/{client_secret}", get(hosted::page))
        .route("/checkout/{client_secret}/confirm", post(hosted::confirm))
        .route("/checkout/{client_secret}/confirmation", get(hosted::confirmation));
    Router::new()
        .merge(api)
        .merge(public)
        .merge(control::routes())
        .fallback(async || Error::NotFound)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(standin)
}
