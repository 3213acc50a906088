//! `/v1/programs`, `/v1/partners` and `/v1/links`: a merchant's affiliates. What they mean is said in `affiliate`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::affiliate::coupons::{CouponDocument, CouponList, NewCoupon};
use crate::affiliate::groups::{GroupDocument, GroupList, NewGroup};
use crate::affiliate::links::{LinkDocument, LinkList, NewLink};
use crate::affiliate::partners::{NewPartner, PartnerChange, PartnerDocument, PartnerList};
use crate::affiliate::programs::{NewProgram, NewTerms, ProgramDocument, ProgramList};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::jobs::commission::accrue_coupon;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(programs, create_program))
        .routes(routes!(program))
        .routes(routes!(change_terms))
        .routes(routes!(groups, create_group))
        .routes(routes!(partners, create_partner))
        .routes(routes!(partner, change_partner))
        .routes(routes!(links, create_link))
        .routes(routes!(archive_link))
        .routes(routes!(coupons, create_coupon))
        .routes(routes!(archive_coupon))
}

type Made<T> = Result<(StatusCode, Json<T>), Problem>;

/// Affiliate programmes with every version of their terms.
#[utoipa::path(get, path = "/v1/programs", tag = "Affiliates",
    responses((status = 200, body = ProgramList), (status = "4XX", body = Problem)))]
async fn programs(State(app): State<App>, caller: Reader) -> Result<Json<ProgramList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).programs().await?))
}

/// Make a programme with its first terms.
#[utoipa::path(post, path = "/v1/programs", tag = "Affiliates", request_body = NewProgram,
    responses((status = 201, body = ProgramDocument), (status = "4XX", body = Problem)))]
async fn create_program(State(app): State<App>, caller: Writer, body: Bytes) -> Made<ProgramDocument> {
    let new = read(&body, r#"{"name": "Friends", "terms": {"reward": {"basis_points": 3000}}}"#)?;
    let made = Affiliates::of(&app, &caller.workspace).create_program(new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One programme.
#[utoipa::path(get, path = "/v1/programs/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = ProgramDocument), (status = "4XX", body = Problem)))]
async fn program(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<ProgramDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).program(&id).await?))
}

/// Give a programme other terms, for payments to come. What was earned keeps the terms it was made under.
#[utoipa::path(post, path = "/v1/programs/{id}/terms", tag = "Affiliates", params(("id" = String, Path)),
    request_body = NewTerms,
    responses((status = 201, body = ProgramDocument), (status = "4XX", body = Problem)))]
async fn change_terms(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Made<ProgramDocument> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.program(&id).await?;
    let new: NewTerms = read(&body, r#"{"terms": {"reward": {"basis_points": 2000}}}"#)?;
    Ok((StatusCode::CREATED, Json(affiliates.change_terms(&id, new).await?)))
}

/// Groups of a programme's partners, which may have terms of their own.
#[utoipa::path(get, path = "/v1/programs/{id}/groups", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = GroupList), (status = "4XX", body = Problem)))]
async fn groups(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<GroupList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).groups(&id).await?))
}

/// Make a group. Give it terms by `POST /v1/programs/{id}/terms`, and put partners into it by
/// `PATCH /v1/partners/{id}`.
#[utoipa::path(post, path = "/v1/programs/{id}/groups", tag = "Affiliates", params(("id" = String, Path)),
    request_body = NewGroup,
    responses((status = 201, body = GroupDocument), (status = "4XX", body = Problem)))]
async fn create_group(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Made<GroupDocument> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.program(&id).await?;
    let new = read(&body, r#"{"name": "Gold"}"#)?;
    Ok((StatusCode::CREATED, Json(affiliates.create_group(&id, new).await?)))
}

/// Partners, with their addresses and payout details.
#[utoipa::path(get, path = "/v1/partners", tag = "Affiliates",
    responses((status = 200, body = PartnerList), (status = "4XX", body = Problem)))]
async fn partners(State(app): State<App>, caller: Writer) -> Result<Json<PartnerList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).partners().await?))
}

/// Invite a partner, or enter somebody who applied.
#[utoipa::path(post, path = "/v1/partners", tag = "Affiliates", request_body = NewPartner,
    responses((status = 201, body = PartnerDocument), (status = "4XX", body = Problem)))]
async fn create_partner(State(app): State<App>, caller: Writer, body: Bytes) -> Made<PartnerDocument> {
    let new = read(&body, r#"{"program": "prg_…", "name": "Jane", "email": "jane@example.com"}"#)?;
    let made = Affiliates::of(&app, &caller.workspace).create_partner(new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One partner.
#[utoipa::path(get, path = "/v1/partners/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = PartnerDocument), (status = "4XX", body = Problem)))]
async fn partner(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<Json<PartnerDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).partner(&id).await?))
}

/// Approve, reject or suspend a partner, or change name and payout details. What was earned stays.
#[utoipa::path(patch, path = "/v1/partners/{id}", tag = "Affiliates", params(("id" = String, Path)),
    request_body = PartnerChange,
    responses((status = 200, body = PartnerDocument), (status = "4XX", body = Problem)))]
async fn change_partner(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<PartnerDocument>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.partner(&id).await?;
    let change: PartnerChange = read(&body, r#"{"status": "approved"}"#)?;
    let changed = affiliates.change_partner(&id, change).await?;
    app.reload_directory().await?;
    Ok(Json(changed))
}

/// Partners' links.
#[utoipa::path(get, path = "/v1/links", tag = "Affiliates",
    responses((status = 200, body = LinkList), (status = "4XX", body = Problem)))]
async fn links(State(app): State<App>, caller: Reader) -> Result<Json<LinkList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).links().await?))
}

/// Give a partner a link. Its code is for ever that partner's.
#[utoipa::path(post, path = "/v1/links", tag = "Affiliates", request_body = NewLink,
    responses((status = 201, body = LinkDocument), (status = "4XX", body = Problem)))]
async fn create_link(State(app): State<App>, caller: Writer, body: Bytes) -> Made<LinkDocument> {
    let new = read(&body, r#"{"partner": "prt_…", "code": "jane", "destination": "https://example.com/"}"#)?;
    let made = Affiliates::of(&app, &caller.workspace).create_link(new).await?;
    app.reload_directory().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Archive a link, by its code: it leads on, and its clicks earn nothing new.
#[utoipa::path(delete, path = "/v1/links/{id}", tag = "Affiliates",
    params(("id" = String, Path, description = "The link's code.")),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn archive_link(
    State(app): State<App>,
    caller: Writer,
    Path(code): Path<String>,
) -> Result<StatusCode, Problem> {
    Affiliates::of(&app, &caller.workspace).archive_link(&code).await?;
    app.reload_directory().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Discount codes that earn for partners.
#[utoipa::path(get, path = "/v1/coupons", tag = "Affiliates",
    responses((status = 200, body = CouponList), (status = "4XX", body = Problem)))]
async fn coupons(State(app): State<App>, caller: Reader) -> Result<Json<CouponList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).coupons().await?))
}

/// Say whose a discount code of the provider is. It is for ever that partner's, and earns for known sales as well.
#[utoipa::path(post, path = "/v1/coupons", tag = "Affiliates", request_body = NewCoupon,
    responses((status = 201, body = CouponDocument), (status = "4XX", body = Problem)))]
async fn create_coupon(State(app): State<App>, caller: Writer, body: Bytes) -> Made<CouponDocument> {
    let new = read(&body, r#"{"partner": "prt_…", "code": "JANE20"}"#)?;
    let made = Affiliates::of(&app, &caller.workspace).create_coupon(new).await?;
    let (of_app, workspace_id, code) = (app.clone(), caller.workspace.id.clone(), made.code.clone());
    // A task of its own: a caller that hangs up does not stop it half-way.
    let run = tokio::spawn(async move { accrue_coupon(&of_app, &workspace_id, &code).await });
    run.await.map_err(Problem::internal)??;
    Ok((StatusCode::CREATED, Json(made)))
}

/// End a coupon, by its code: it earns nothing for sales from now on. The discount itself is the provider's.
#[utoipa::path(delete, path = "/v1/coupons/{id}", tag = "Affiliates",
    params(("id" = String, Path, description = "The coupon's code.")),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn archive_coupon(
    State(app): State<App>,
    caller: Writer,
    Path(code): Path<String>,
) -> Result<StatusCode, Problem> {
    Affiliates::of(&app, &caller.workspace).archive_coupon(&code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A body, or what one looks like. Not with the reader's own words: they may quote an address.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let detail = format!("Send JSON such as {example}; yours does not read at {place}.");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    })
}

impl From<AffiliateError> for Problem {
    fn from(error: AffiliateError) -> Problem {
        let text = format!("{error}.");
        let sentence = text[..1].to_uppercase() + &text[1..];
        match error {
            AffiliateError::UnknownProgram(_) => Problem::not_found("unknown_program", sentence),
            AffiliateError::UnknownPartner(_) => Problem::not_found("unknown_partner", sentence),
            AffiliateError::UnknownLink(_) => Problem::not_found("unknown_link", sentence),
            AffiliateError::UnknownGroup(_) => Problem::not_found("unknown_group", sentence),
            AffiliateError::UnknownCoupon(_) => Problem::not_found("unknown_coupon", sentence),
            AffiliateError::UnknownCommission(_) => Problem::not_found("unknown_commission", sentence),
            AffiliateError::UnknownAsset(_) => Problem::not_found("unknown_asset", sentence),
            AffiliateError::UnknownFlag(_) => Problem::not_found("unknown_flag", sentence),
            AffiliateError::UnknownPayout(_) => Problem::not_found("unknown_payout", sentence),
            AffiliateError::UnknownStatement { .. } => Problem::not_found("unknown_statement", sentence),
            AffiliateError::PreviewOutdated | AffiliateError::ImportOutdated => {
                Problem::new(StatusCode::CONFLICT, "preview_outdated", sentence)
            }
            AffiliateError::PayoutClosed { .. } => {
                Problem::new(StatusCode::CONFLICT, "payout_closed", sentence)
            }
            AffiliateError::WithPaypal(_) => Problem::new(StatusCode::CONFLICT, "with_paypal", sentence),
            AffiliateError::NoPaypalAccount => Problem::not_found("no_paypal_account", sentence),
            AffiliateError::NothingForPaypal(_) => {
                Problem::new(StatusCode::CONFLICT, "nothing_for_paypal", sentence)
            }
            AffiliateError::NotUnclaimed(_) => Problem::new(StatusCode::CONFLICT, "not_unclaimed", sentence),
            AffiliateError::Paypal(_) => Problem::new(StatusCode::BAD_GATEWAY, "paypal_failed", sentence),
            AffiliateError::Raced => Problem::unavailable("ledger_busy", sentence, 1),
            AffiliateError::CodeTaken(_) => Problem::new(StatusCode::CONFLICT, "code_taken", sentence),
            AffiliateError::Status { .. } => Problem::new(StatusCode::CONFLICT, "wrong_status", sentence),
            AffiliateError::Terms(_) => Problem::invalid("terms", sentence),
            AffiliateError::Invalid { field, .. } => Problem::invalid(field, sentence),
            AffiliateError::File(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable_file", sentence)
            }
            AffiliateError::Destination(_) => {
                Problem::new(StatusCode::BAD_REQUEST, "foreign_destination", sentence)
            }
            AffiliateError::Control(error) => error.into(),
        }
    }
}
