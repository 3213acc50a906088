//! `POST /v1/programs/{id}/simulate`: what partners would have earned under other terms, before they are published.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::Reader;
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::simulator::{SimulationDocument, SimulationError, Supposed, simulation};
use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(simulate))
}

/// The same in the query, for who has no body.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct InQuery {
    /// Terms as JSON.
    terms: Option<String>,
    group: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// What partners would have earned by the payments of some days under other terms, partner by partner, beside what the
/// ledger says. Found by the functions that book commissions; books nothing.
///
/// In the body as JSON, or in the query. Other terms count as if they had been in force from the first day on: who won a
/// customer of before is decided by the terms of then.
#[utoipa::path(post, path = "/v1/programs/{id}/simulate", tag = "Affiliates", params(("id" = String, Path), InQuery),
    request_body = Option<Supposed>,
    responses((status = 200, body = SimulationDocument), (status = "4XX", body = Problem)))]
async fn simulate(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
    query: Result<Query<InQuery>, QueryRejection>,
    body: Bytes,
) -> Result<Json<SimulationDocument>, Problem> {
    Affiliates::of(&app, &caller.workspace).program(&id).await?;
    const EXAMPLE: &str =
        r#"{"terms": {"reward": {"basis_points": 2000}}, "from": "2026-07-01", "to": "2026-09-30"}"#;
    let supposed = if body.is_empty() {
        let refused = |_| Problem::invalid("query", "Say terms (as JSON), group, from and to, if you want.");
        let Query(InQuery { terms, group, from, to }) = query.map_err(refused)?;
        let terms =
            terms.map(|text| read(text.as_bytes(), r#"{"reward": {"basis_points": 2000}}"#)).transpose()?;
        Supposed { terms, group, from, to }
    } else {
        read(&body, EXAMPLE)?
    };
    Ok(Json(simulation(&app, &caller.workspace, &id, supposed).await?))
}

impl From<SimulationError> for Problem {
    fn from(error: SimulationError) -> Problem {
        match error {
            SimulationError::Affiliate(error) => error.into(),
            SimulationError::Job(error) => error.into(),
        }
    }
}
