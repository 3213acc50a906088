//! `/v1/verify`, and the jobs that a person can start: attribution of everything, applying failed webhooks again.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Admin, Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::ingest::inbox::{InboxError, Replay};
use crate::jobs::attribute::{Posted, attribute_all};
use crate::jobs::verify::Verification;
use crate::jobs::{JobError, verify};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(check)).routes(routes!(attribute)).routes(routes!(replay))
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
    Ok(Json(attribute_all(&app).await?))
}

/// How many webhooks are applied again.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Replayed {
    pub webhooks: usize,
}

/// Apply the workspace's failed webhooks again.
#[utoipa::path(post, path = "/v1/webhooks/replay", tag = "Operation",
    responses((status = 200, body = Replayed), (status = "4XX", body = Problem)))]
async fn replay(State(app): State<App>, caller: Writer) -> Result<Json<Replayed>, Problem> {
    let failed = app.inbox.failed_webhooks(100_000).await.map_err(unavailable)?;
    let own = failed.iter().filter(|webhook| webhook.workspace_id == caller.workspace.id);
    let ids = own.map(|webhook| webhook.id).collect();
    let webhooks = app.inbox.replay_webhooks(Replay::Ids(ids)).await.map_err(unavailable)?;
    app.jobs.wake();
    Ok(Json(Replayed { webhooks }))
}

fn unavailable(error: InboxError) -> Problem {
    JobError::from(error).into()
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
