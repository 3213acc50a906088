//! The partners' own pages, at `/partners`: what a partner's links brought, what that earned and why, and where the money
//! goes. Rendered on the server, readable without scripts, nothing inline. Shows a partner nothing of anybody else, of
//! customers neither name nor address, and computes no amount of its own: everything stands in the ledger.

pub(crate) mod apply;
mod assets;
mod data;
mod door;
mod earnings;
mod home;
pub mod limits;
mod links;
mod page;
mod payouts;
pub mod session;
mod show;
mod words;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The pages, for partners; merchants have the dashboard.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/partners", get(door::front))
        .route("/partners/sign-in", post(door::sign_in))
        .route("/partners/enter", get(door::confirm).post(door::open))
        .route("/partners/sign-out", post(door::sign_out))
        .route("/partners/apply/{program}", get(apply::form).post(apply::apply))
        .route("/partners/invitation", post(apply::answer))
        .route("/partners/links", get(links::list).post(links::create))
        .route("/partners/links/{code}/qr.svg", get(links::qr))
        .route("/partners/links/{code}/end", post(links::end))
        .route("/partners/commissions", get(earnings::list))
        .route("/partners/commissions/{id}", get(earnings::one))
        .route("/partners/customers", get(earnings::customers))
        .route("/partners/payouts", get(payouts::list))
        .route("/partners/payouts/details", post(payouts::change))
        .route("/partners/statements/{month}", get(payouts::statement))
        .route("/partners/assets", get(assets::list))
        .route("/assets/portal.css", get(assets::css))
        .route("/assets/portal.js", get(assets::js))
}
