//! `/v1/payouts`: what partners are paid. Looked at, approved, given out as files, and closed by whoever sent the money.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::{Admin, Reader};
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::payouts::{PayoutDocument, PayoutList, PayoutPreview, Sent};
use crate::app::App;

/// How many files the payout has in this format.
const PARTS: HeaderName = HeaderName::from_static("tributary-parts");

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, approve))
        .routes(routes!(preview))
        .routes(routes!(show))
        .routes(routes!(file))
        .routes(routes!(paid))
        .routes(routes!(cancel))
        .routes(routes!(item_paid))
        .routes(routes!(item_failed))
}

/// Payouts, newest first.
#[utoipa::path(get, path = "/v1/payouts", tag = "Affiliates",
    responses((status = 200, body = PayoutList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<App>, caller: Reader) -> Result<Json<PayoutList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).payouts().await?))
}

/// In which currency.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct InCurrency {
    #[param(example = "USD")]
    currency: String,
}

/// What a payout in one currency would be now: who is paid how much, who is not and why. Moves nothing.
#[utoipa::path(get, path = "/v1/payouts/preview", tag = "Affiliates", params(InCurrency),
    responses((status = 200, body = PayoutPreview), (status = "4XX", body = Problem)))]
async fn preview(
    State(app): State<App>,
    caller: Reader,
    asked: Result<Query<InCurrency>, QueryRejection>,
) -> Result<Json<PayoutPreview>, Problem> {
    let refused = |_| Problem::invalid("currency", "Say which currency: currency=USD.");
    let Query(InCurrency { currency }) = asked.map_err(refused)?;
    Ok(Json(Affiliates::of(&app, &caller.workspace).preview_payout(&currency).await?))
}

/// A payout to be approved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    #[schema(example = "USD")]
    pub currency: String,
    /// From the preview.
    pub token: String,
}

/// Approve exactly what a preview showed. Asked again with the same token the answer is the same payout.
#[utoipa::path(post, path = "/v1/payouts", tag = "Affiliates", request_body = Approval,
    responses((status = 201, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn approve(
    State(app): State<App>,
    caller: Admin,
    body: Bytes,
) -> Result<(StatusCode, Json<PayoutDocument>), Problem> {
    let Approval { currency, token } = read(&body, r#"{"currency": "USD", "token": "pay_…"}"#)?;
    let made = Affiliates::of(&app, &caller.workspace).approve_payout(&currency, &token).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One payout.
#[utoipa::path(get, path = "/v1/payouts/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<PayoutDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).payout(&id).await?))
}

/// Which file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `paypal` (Payouts Web upload), `wise` (batch payments by e-mail) or `csv` (default: everybody).
    format: Option<String>,
    /// 1 (default) and on, where the rail takes only so many rows a file; the header `tributary-parts` says how many
    /// files there are.
    part: Option<usize>,
}

/// A payout as a file to upload or to pay by. The same bytes whenever it is asked for.
#[utoipa::path(get, path = "/v1/payouts/{id}/file", tag = "Affiliates", params(("id" = String, Path), Which),
    responses((status = 200, description = "CSV."), (status = "4XX", body = Problem)))]
async fn file(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.payout(&id).await?;
    let refused = |_| Problem::invalid("query", "Say format (paypal, wise or csv) and part, if you want.");
    let Query(which) = which.map_err(refused)?;
    let format = which.format.unwrap_or_else(|| "csv".to_owned());
    let part = which.part.unwrap_or(1);
    let mut files = affiliates.payout_files(&id, &format).await?;
    let parts = files.len();
    if parts == 0 {
        let detail = format!("Nobody in this payout is paid by {format}; ask for another format.");
        return Err(Problem::not_found("nothing_to_pay", detail));
    }
    if !(1..=parts).contains(&part) {
        return Err(Problem::invalid("part", format!("part: this payout has the parts 1 to {parts}.")));
    }
    let name = format!("attachment; filename=\"{id}-{format}-{part}.csv\"");
    let mut response =
        ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], files.swap_remove(part - 1)).into_response();
    let answer = response.headers_mut();
    answer.insert(PARTS, HeaderValue::from(parts));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Problem::internal)?);
    Ok(response)
}

/// Say that a payout was sent, but for the partners whose part failed: that is due again. Said again it changes nothing.
#[utoipa::path(post, path = "/v1/payouts/{id}/paid", tag = "Affiliates", params(("id" = String, Path)),
    request_body = Sent,
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn paid(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<PayoutDocument>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.payout(&id).await?;
    let sent = if body.is_empty() {
        Sent::default()
    } else {
        read(&body, r#"{"reference": "PayPal 5XY12345", "failed": []}"#)?
    };
    Ok(Json(affiliates.payout_paid(&id, &sent).await?))
}

/// Call off a payout that was not sent: everything in it is due again.
#[utoipa::path(post, path = "/v1/payouts/{id}/cancel", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn cancel(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<Json<PayoutDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).cancel_payout(&id).await?))
}

/// How one partner's part was sent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemSent {
    /// What the rail calls the payment, such as the number of a bank transfer or of a Stripe invoice.
    #[serde(default)]
    pub reference: String,
}

/// Say that one partner's part was sent. Said again it changes nothing.
#[utoipa::path(post, path = "/v1/payouts/{id}/items/{partner}/paid", tag = "Affiliates",
    params(("id" = String, Path), ("partner" = String, Path)), request_body = ItemSent,
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn item_paid(
    State(app): State<App>,
    caller: Admin,
    Path((id, partner)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<PayoutDocument>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.payout(&id).await?;
    let sent: ItemSent =
        if body.is_empty() { ItemSent::default() } else { read(&body, r#"{"reference": "TRANSFER-1"}"#)? };
    Ok(Json(affiliates.payout_item_paid(&id, &partner, &sent.reference).await?))
}

/// Say that one partner's part was not sent or did not arrive: it is due again.
#[utoipa::path(post, path = "/v1/payouts/{id}/items/{partner}/failed", tag = "Affiliates",
    params(("id" = String, Path), ("partner" = String, Path)),
    responses((status = 200, body = PayoutDocument), (status = "4XX", body = Problem)))]
async fn item_failed(
    State(app): State<App>,
    caller: Admin,
    Path((id, partner)): Path<(String, String)>,
) -> Result<Json<PayoutDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).payout_item_failed(&id, &partner).await?))
}
