//! `/v1/verify`, and the jobs that a person can start: working off what waits, attribution of everything.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Admin, Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::jobs::attribute::{Posted, attribute_all};
use crate::jobs::verify::Verification;
use crate::jobs::waiting::{Waiting, waiting};
use crate::jobs::{JobError, verify};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(still_waiting, reconcile))
        .routes(routes!(attribute))
}

/// Check every invariant now: credits are the orders, to the cent, and nothing waits unseen.
#[utoipa::path(get, path = "/v1/verify", tag = "Operation",
    responses((status = 200, body = Verification), (status = "4XX", body = Problem)))]
async fn check(State(app): State<App>, caller: Reader) -> Result<Json<Verification>, Problem> {
    Ok(Json(verify::verify(&app, &caller.workspace.id).await?))
}

/// Credit every order anew, of every workspace; nothing changes unless the new sums are proven.
#[utoipa::path(post, path = "/v1/attribution/run", tag = "Operation",
    responses((status = 200, body = Posted), (status = "4XX", body = Problem)))]
async fn attribute(State(app): State<App>, _caller: Admin) -> Result<Json<Posted>, Problem> {
    // A task of its own: a caller that hangs up does not stop it half-way.
    let run = tokio::spawn(async move { attribute_all(&app).await });
    Ok(Json(run.await.map_err(Problem::internal)??))
}

/// Since when.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct Before {
    /// Count what was told before this moment, milliseconds since the epoch; now when left out.
    before_ms: Option<i64>,
}

/// What still waits to become orders and credits.
#[utoipa::path(get, path = "/v1/reconcile", tag = "Operation", params(Before),
    responses((status = 200, body = Waiting), (status = "4XX", body = Problem)))]
async fn still_waiting(
    State(app): State<App>,
    caller: Reader,
    asked: Result<Query<Before>, QueryRejection>,
) -> Result<Json<Waiting>, Problem> {
    let Ok(Query(Before { before_ms })) = asked else {
        return Err(Problem::invalid("before_ms", "before_ms: use whole milliseconds since the epoch"));
    };
    let before_ms = before_ms.unwrap_or_else(|| app.clock.now_ms());
    Ok(Json(waiting(&app, &caller.workspace.id, before_ms).await?))
}

/// Start the jobs now instead of within a second, and tell what waits; `GET` tells how it goes.
#[utoipa::path(post, path = "/v1/reconcile", tag = "Operation",
    responses((status = 202, body = Waiting), (status = "4XX", body = Problem)))]
async fn reconcile(State(app): State<App>, caller: Writer) -> Result<(StatusCode, Json<Waiting>), Problem> {
    let waiting = waiting(&app, &caller.workspace.id, app.clock.now_ms()).await?;
    app.jobs.wake();
    Ok((StatusCode::ACCEPTED, Json(waiting)))
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Problem {
        match error {
            JobError::Store(error) => error.into(),
            JobError::Control(error) => error.into(),
            other => Problem::internal(other),
        }
    }
}
