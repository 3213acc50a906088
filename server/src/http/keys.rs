//! `/v1/keys`: API keys of the caller's workspace. A key's clear text is answered once, when it is made.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Admin;
use super::problem::Problem;
use crate::app::App;
use crate::control::keys::{ApiKey, Scope};

const NAME_CHARS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A key as lists show it: never the key itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeyDocument {
    pub id: String,
    pub name: String,
    /// First characters of the key.
    #[schema(example = "trb_live_0kq3w")]
    pub prefix: String,
    /// `read`, `write`, `admin`.
    pub scopes: Vec<String>,
    pub created_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<i64>,
    /// The key itself; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl KeyDocument {
    fn of(key: ApiKey, clear: Option<String>) -> KeyDocument {
        KeyDocument {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_at_ms: key.created_at_ms,
            revoked_at_ms: key.revoked_at_ms,
            key: clear,
        }
    }
}

/// Every key of the workspace, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeyList {
    pub rows: Vec<KeyDocument>,
}

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    pub name: String,
    /// `read`, `write`, `admin`; none given: `read`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Make a `trb_test_` key.
    #[serde(default)]
    pub test: bool,
}

/// The keys of the workspace.
#[utoipa::path(get, path = "/v1/keys", tag = "Keys",
    responses((status = 200, body = KeyList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<App>, caller: Admin) -> Result<Json<KeyList>, Problem> {
    let keys = app.control.keys().await?.into_iter();
    let own = keys.filter(|key| key.workspace_id == caller.workspace.id);
    Ok(Json(KeyList { rows: own.map(|key| KeyDocument::of(key, None)).collect() }))
}

/// Make a key. The answer holds it in clear, once.
#[utoipa::path(post, path = "/v1/keys", tag = "Keys", request_body = NewKey,
    responses((status = 201, body = KeyDocument), (status = "4XX", body = Problem)))]
async fn create(State(app): State<App>, caller: Admin, body: axum::body::Bytes) -> Result<Response, Problem> {
    let wanted: NewKey = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_body",
            format!("Send JSON such as {{\"name\": \"reports\", \"scopes\": [\"read\"]}}: {error}."),
        )
    })?;
    if wanted.name.trim().is_empty() || wanted.name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::invalid("name", format!("name: use 1 to {NAME_CHARS_MAX} characters")));
    }
    let read = |word: &String| {
        Scope::parse(word).ok_or_else(|| Problem::invalid("scopes", "scopes: use read, write or admin"))
    };
    let mut scopes = wanted.scopes.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if scopes.is_empty() {
        scopes.push(Scope::Read);
    }
    let now_ms = app.clock.now_ms();
    let (key, clear) =
        app.control.create_key(&caller.workspace.id, &wanted.name, &scopes, !wanted.test, now_ms).await?;
    Ok((StatusCode::CREATED, Json(KeyDocument::of(key, Some(clear)))).into_response())
}

/// Make a key worthless, at once and for ever.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn revoke(
    State(app): State<App>,
    caller: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let key = app.control.key_by_id(&id).await?;
    let own = key.is_some_and(|key| key.workspace_id == caller.workspace.id);
    if !own || !app.control.revoke_key(&id, app.clock.now_ms()).await? {
        return Err(Problem::not_found("unknown_key", "This workspace has no valid key with that id."));
    }
    Ok(StatusCode::NO_CONTENT)
}
