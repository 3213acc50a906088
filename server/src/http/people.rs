//! `/v1/people`: forgetting a person. The request says who in its body, never in its address, which proxies log.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Admin;
use super::problem::Problem;
use crate::app::App;
use crate::control::erasures::Erasure;
use crate::jobs::erase::{self, Report, Who};
use crate::person_keys::PersonKeys;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(forget)).routes(routes!(progress))
}

/// Whom to forget: one of the two.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// E-mail address. Hashed at once; neither kept nor logged.
    #[serde(default)]
    email: Option<String>,
    /// Visitor id, signed or not.
    #[serde(default)]
    #[schema(example = "vis_01k6f0000000000000000000ac")]
    visitor: Option<String>,
}

/// Where an erasure stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErasureDocument {
    /// `ers_…`
    pub id: String,
    /// `waiting`, `running`, `done`.
    pub state: String,
    /// What is being done; empty at the end.
    pub step: String,
    pub asked_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at_ms: Option<i64>,
    /// What was removed so far.
    pub removed: Report,
}

impl From<Erasure> for ErasureDocument {
    fn from(erasure: Erasure) -> ErasureDocument {
        ErasureDocument {
            removed: serde_json::from_str(&erasure.report).unwrap_or_default(),
            id: erasure.id,
            state: erasure.state,
            step: erasure.step,
            asked_at_ms: erasure.asked_at_ms,
            done_at_ms: erasure.done_at_ms,
        }
    }
}

/// Forget a person: visits, bindings and everything that names them. Money stays, of nobody, and every total with it.
///
/// Answers at once; ask for the erasure by its id to see when it is done.
#[utoipa::path(delete, path = "/v1/people", tag = "Operation", request_body = Person,
    responses((status = 202, body = ErasureDocument), (status = "4XX", body = Problem)))]
async fn forget(State(app): State<App>, caller: Admin, body: Bytes) -> Result<Response, Problem> {
    let person: Person = serde_json::from_slice(&body).map_err(|_| {
        // Not serde's words: they may quote an address.
        let detail = "Send JSON: {\"email\": \"…\"} or {\"visitor\": \"vis_…\"}.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    })?;
    let who = match (person.email, person.visitor) {
        (Some(email), None) => Who::Email(email),
        (None, Some(visitor)) => {
            let id = wire::VisitorId::parse(visitor.trim()).ok_or_else(|| {
                Problem::invalid(
                    "visitor",
                    "Give a visitor id as the pixel writes it: vis_ and 26 characters.",
                )
            })?;
            Who::Visitor(domain::ids::VisitorId(id.ulid.to_u128()))
        }
        _ => return Err(Problem::invalid("email", "Give either an e-mail address or a visitor id.")),
    };
    let workspace = &caller.workspace.id;
    let keys = PersonKeys::new(&app.secrets, workspace);
    let erasure = erase::ask(&keys, workspace, &who, app.clock.now_ms())
        .ok_or_else(|| Problem::invalid("email", "That is not an e-mail address."))?;
    app.control.ask_erasure(&erasure).await?;
    app.jobs.wake();
    Ok((StatusCode::ACCEPTED, Json(ErasureDocument::from(erasure))).into_response())
}

/// How far an erasure is, and what it removed.
#[utoipa::path(get, path = "/v1/people/erasures/{id}", tag = "Operation",
    params(("id" = String, Path, description = "`ers_…`")),
    responses((status = 200, body = ErasureDocument), (status = "4XX", body = Problem)))]
async fn progress(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<Json<ErasureDocument>, Problem> {
    let erasure = app.control.erasure(&id).await?;
    let own = erasure.filter(|erasure| erasure.workspace_id == caller.workspace.id);
    let erasure =
        own.ok_or_else(|| Problem::not_found("unknown_erasure", "This workspace has no such erasure."))?;
    Ok(Json(erasure.into()))
}
