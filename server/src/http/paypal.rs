//! `/v1/paypal` and what of `/v1/payouts` goes by it: the account payouts are sent from, sending, and calling back what
//! nobody claimed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::Admin;
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::payouts::{AccountDocument, NewAccount, PayoutDocument};
use crate::app::App;
use crate::jobs::paypal::cancel_unclaimed;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(account, set_account, remove_account))
        .routes(routes!(send))
        .routes(routes!(cancel_item))
}

/// The PayPal account payouts are sent from.
#[utoipa::path(get, path = "/v1/paypal", tag = "Affiliates",
    responses((status = 200, body = AccountDocument), (status = "4XX", body = Problem)))]
async fn account(State(app): State<App>, caller: Admin) -> Result<Json<AccountDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).paypal_account().await?))
}

/// Pay from this account from now on. Its secret is kept sealed.
#[utoipa::path(put, path = "/v1/paypal", tag = "Affiliates", request_body = NewAccount,
    responses((status = 200, body = AccountDocument), (status = "4XX", body = Problem)))]
async fn set_account(
    State(app): State<App>,
    caller: Admin,
    body: Bytes,
) -> Result<Json<AccountDocument>, Problem> {
    let new = read(&body, r#"{"environment": "sandbox", "client_id": "…", "client_secret": "…"}"#)?;
    Ok(Json(Affiliates::of(&app, &caller.workspace).set_paypal_account(new, &app.outbound).await?))
}

/// Forget the account.
#[utoipa::path(delete, path = "/v1/paypal", tag = "Affiliates",
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn remove_account(State(app): State<App>, caller: Admin) -> Result<StatusCode, Problem> {
    Affiliates::of(&app, &caller.workspace).remove_paypal_account().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a payout's items that go by PayPal sent by its Payouts API. Asked again it sends nothing again; how each item
/// ends is taken from PayPal.
#[utoipa::path(post, path = "/v1/payouts/{id}/send", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 202, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn send(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<PayoutDocument>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(Affiliates::of(&app, &caller.workspace).send_payout(&id).await?)))
}

/// Call back an item sent by PayPal that the partner has not claimed: it is due again.
#[utoipa::path(post, path = "/v1/payouts/{id}/items/{partner}/cancel", tag = "Affiliates",
    params(("id" = String, Path), ("partner" = String, Path)),
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn cancel_item(
    State(app): State<App>,
    caller: Admin,
    Path((id, partner)): Path<(String, String)>,
) -> Result<Json<PayoutDocument>, Problem> {
    cancel_unclaimed(&app, &caller.workspace, &id, &partner).await?;
    Ok(Json(Affiliates::of(&app, &caller.workspace).payout(&id).await?))
}
