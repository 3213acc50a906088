//! `/v1/partners/{id}/statements`: a partner's monthly statements, given out byte for byte as they were made.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::affiliate::statement::to_csv;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Reader;
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::statements::{PartnerChain, PartnerStatementList};
use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(file)).routes(routes!(verify))
}

/// Statements of every month that is over, oldest first. One that was not made yet is made now, and never again.
#[utoipa::path(get, path = "/v1/partners/{id}/statements", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = PartnerStatementList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<PartnerStatementList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).partner_statements(&id).await?))
}

/// Which month, in which form.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    #[param(example = "2026-10")]
    month: String,
    /// `json` (default) or `csv`.
    format: Option<String>,
}

/// One statement with its lines, byte for byte as it was made.
#[utoipa::path(get, path = "/v1/partners/{id}/statements/file", tag = "Affiliates",
    params(("id" = String, Path), Which),
    responses((status = 200, description = "The statement with its hash, as JSON or CSV."),
        (status = "4XX", body = Problem)))]
async fn file(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.partner(&id).await?;
    let refused = |_| Problem::invalid("query", "Say month, such as 2026-10, and format if you want.");
    let Query(which) = which.map_err(refused)?;
    let format = which.format.unwrap_or_else(|| "json".to_owned());
    let sealed = affiliates.partner_statement(&id, &which.month).await?;
    let (kind, body) = match format.as_str() {
        "json" => ("application/json", serde_json::to_string(&sealed).expect("plain values")),
        "csv" => ("text/csv; charset=utf-8", to_csv(&sealed)),
        _ => return Err(Problem::invalid("format", format!("format {format:?}: use json or csv"))),
    };
    let name = format!("attachment; filename=\"statement-{id}-{}.{format}\"", which.month);
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let name = HeaderValue::try_from(name).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Prove that no statement of a partner was changed, none is missing, and the ledger still says the same.
#[utoipa::path(get, path = "/v1/partners/{id}/statements/verify", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = PartnerChain), (status = "4XX", body = Problem)))]
async fn verify(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<PartnerChain>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.partner(&id).await?;
    Ok(Json(affiliates.prove_partner_statements(&id).await?))
}
