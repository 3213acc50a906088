//! `/v1/attribution/preview` and `…/apply`: the difference a change of the rules would make, before it is made.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::attribution::model_index;
use domain::order::Basis;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Admin, Reader};
use super::problem::Problem;
use crate::app::App;
use crate::jobs::attribute::preview::{self, Applied, Change, Preview, PreviewError};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(apply))
}

/// What is to be changed. Everything left out stays; nothing at all asks what became known since: late visits,
/// late bindings.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Days before a purchase in which a visit can earn, 1 to 3650.
    window_days: Option<u32>,
    /// What counts as revenue in reports that do not say: `net` or `gross`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    basis: Option<Basis>,
    /// Under which model the difference is told; every model is changed.
    model: Option<String>,
}

/// A preview to be made true.
#[derive(Debug, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Token {
    /// As the preview answered it.
    token: String,
}

/// Show which orders a change would move and by how much; nothing is changed.
///
/// In the body as JSON, or in the query. The difference of all channels together is zero, but for another basis.
#[utoipa::path(post, path = "/v1/attribution/preview", tag = "Operation", params(Asked), request_body = Option<Asked>,
    responses((status = 200, body = Preview), (status = "4XX", body = Problem)))]
async fn look(
    State(app): State<App>,
    caller: Reader,
    query: Result<Query<Asked>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Preview>, Problem> {
    let asked = read(query, &body)?;
    let model = match asked.model.as_deref() {
        None => None,
        Some(name) => Some(
            model_index(name)
                .ok_or_else(|| Problem::invalid("model", format!("model: there is no model {name:?}")))?,
        ),
    };
    let change = Change { window_days: asked.window_days, basis: asked.basis };
    Ok(Json(preview::preview(&app, &caller.workspace.id, change, model).await?))
}

/// Make exactly the change that a preview showed; 409 when it would be another one by now.
#[utoipa::path(post, path = "/v1/attribution/apply", tag = "Operation", params(Token), request_body = Option<Token>,
    responses((status = 200, body = Applied), (status = "4XX", body = Problem)))]
async fn apply(
    State(app): State<App>,
    caller: Admin,
    query: Result<Query<Token>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Applied>, Problem> {
    let Token { token } = read(query, &body)?;
    let workspace_id = caller.workspace.id.clone();
    // A task of its own: a caller that hangs up does not stop it half-way.
    let run = tokio::spawn(async move { preview::apply(&app, &workspace_id, &token).await });
    Ok(Json(run.await.map_err(Problem::internal)??))
}

/// The body when there is one, else the query.
fn read<T: for<'de> Deserialize<'de>>(
    query: Result<Query<T>, QueryRejection>,
    body: &[u8],
) -> Result<T, Problem> {
    let invalid = |why: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_body", why);
    match body {
        [] => query.map(|Query(asked)| asked).map_err(|error| invalid(error.body_text())),
        body => {
            serde_json::from_slice(body).map_err(|error| invalid(format!("The body does not read: {error}")))
        }
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Problem {
        let text = error.to_string();
        match error {
            PreviewError::NoWorkspace(_) => Problem::not_found("unknown_workspace", text),
            PreviewError::Window => Problem::invalid("window_days", text),
            PreviewError::NoToken => Problem::invalid("token", text),
            PreviewError::Outdated => Problem::new(StatusCode::CONFLICT, "preview_outdated", text),
            PreviewError::Job(error) => error.into(),
        }
    }
}
