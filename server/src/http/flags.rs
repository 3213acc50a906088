//! `/v1/flags`: what is doubtful about commissions, and what people decide about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use domain::affiliate::flag::Limits;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::{Admin, Caller, Reader};
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::flag_limits::FlagLimits;
use crate::affiliate::flags::{Deciding, FlagDocument, FlagList, WantedFlags};
use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(limits, set_limits))
        .routes(routes!(show))
        .routes(routes!(decide))
}

/// Who decides, as it is kept.
pub fn decider<const SCOPE: usize>(caller: &Caller<SCOPE>) -> String {
    match caller.by_session {
        true => format!("session of {}", caller.key.id),
        false => caller.key.id.clone(),
    }
}

/// Flags on commissions, newest first.
#[utoipa::path(get, path = "/v1/flags", tag = "Affiliates", params(WantedFlags),
    responses((status = 200, body = FlagList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<App>,
    caller: Reader,
    wanted: Result<Query<WantedFlags>, QueryRejection>,
) -> Result<Json<FlagList>, Problem> {
    let refused = |_| {
        Problem::invalid("query", "Filter by state, kind, partner and commission; page by after and limit.")
    };
    let Query(wanted) = wanted.map_err(refused)?;
    Ok(Json(Affiliates::of(&app, &caller.workspace).flags(&wanted).await?))
}

/// From where on commissions are doubted in this workspace.
#[utoipa::path(get, path = "/v1/flags/limits", tag = "Affiliates",
    responses((status = 200, body = FlagLimits), (status = "4XX", body = Problem)))]
async fn limits(State(app): State<App>, caller: Reader) -> Json<FlagLimits> {
    Json(FlagLimits::of(Affiliates::of(&app, &caller.workspace).flag_limits()))
}

/// Choose from where on commissions are doubted. What is left out is as for whoever chose nothing. Goes for what is booked
/// from now on, or looked at once more before it becomes due; flags that were raised stay.
#[utoipa::path(put, path = "/v1/flags/limits", tag = "Affiliates", request_body = FlagLimits,
    responses((status = 200, body = FlagLimits), (status = "4XX", body = Problem)))]
async fn set_limits(State(app): State<App>, caller: Admin, body: Bytes) -> Result<Json<FlagLimits>, Problem> {
    let wanted: FlagLimits = read(&body, r#"{"velocity_sales_max": 20, "velocity_minutes": 60}"#)?;
    let affiliates = Affiliates::of(&app, &caller.workspace);
    let limits = affiliates.set_flag_limits(wanted.or(Limits::default())).await?;
    app.reload_directory().await?;
    Ok(Json(FlagLimits::of(limits)))
}

/// One flag, with what was seen and every decision about it.
#[utoipa::path(get, path = "/v1/flags/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = FlagDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<FlagDocument>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).flag(&id).await?))
}

/// Clear a flag, and the money flows on; or reject it, and the commission earns nothing. Kept for ever; who thinks better
/// of it decides again. Asked for what stands already it changes nothing.
#[utoipa::path(post, path = "/v1/flags/{id}/decision", tag = "Affiliates", params(("id" = String, Path)),
    request_body = Deciding,
    responses((status = 200, body = FlagDocument), (status = "4XX", body = Problem)))]
async fn decide(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<FlagDocument>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.flag(&id).await?;
    let deciding: Deciding = read(&body, r#"{"decision": "cleared", "note": "asked them"}"#)?;
    Ok(Json(affiliates.decide_flag(&id, &deciding, &decider(&caller)).await?))
}
