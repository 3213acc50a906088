//! `/v1/connections`: accounts at billing providers. Secrets go in and never come out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::billing;
use crate::billing::lists::Pass;
use crate::control::connections::Connection;
use crate::effects::random_id;
use crate::jobs::poll::PollStatus;

const NAME_CHARS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show)).routes(routes!(sync))
}

/// A connection as lists show it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConnectionDocument {
    pub id: String,
    pub provider: String,
    pub name: String,
    /// `production`, `sandbox`, or the address of a stand-in.
    pub environment: String,
    pub has_token: bool,
    /// How many secrets may sign.
    pub webhook_secrets: usize,
    /// Where the provider is to send its events.
    pub webhook_url: String,
    pub created_at_ms: i64,
    /// How far the provider's own lists were read, and what stands in the way.
    pub poll: PollStatus,
}

/// Every connection of the workspace, oldest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConnectionList {
    pub rows: Vec<ConnectionDocument>,
}

/// A connection to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// `polar`
    pub provider: String,
    pub name: String,
    /// As the provider showed them; any may sign.
    #[schema(value_type = Vec<String>)]
    pub webhook_secrets: Vec<SecretString>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// `production` (default), `sandbox`, or the address of a stand-in.
    #[serde(default)]
    pub environment: Option<String>,
}

impl ConnectionDocument {
    async fn of(app: &App, connection: &Connection) -> Result<ConnectionDocument, Problem> {
        let is_polling = app.config.poll.interval_minutes > 0;
        let poll = PollStatus::of(&app.control, connection, is_polling, app.clock.now_ms()).await?;
        Ok(ConnectionDocument {
            id: connection.id.clone(),
            provider: connection.provider.clone(),
            name: connection.name.clone(),
            environment: connection.environment.clone(),
            has_token: connection.token.is_some(),
            webhook_secrets: connection.webhook_secrets.len(),
            webhook_url: webhook_url(&app.config.http.public_url, connection),
            created_at_ms: connection.created_at_ms,
            poll,
        })
    }
}

/// The address to enter at the provider.
pub fn webhook_url(public_url: &str, connection: &Connection) -> String {
    let base = public_url.trim_end_matches('/');
    format!("{base}/webhooks/{}/{}", connection.provider, connection.workspace_id)
}

/// Connections of the workspace.
#[utoipa::path(get, path = "/v1/connections", tag = "Operation",
    responses((status = 200, body = ConnectionList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<App>, caller: Reader) -> Result<Json<ConnectionList>, Problem> {
    let all = app.control.connections(&app.secrets).await?;
    let own = all.iter().filter(|connection| connection.workspace_id == caller.workspace.id);
    let mut rows = Vec::new();
    for connection in own {
        rows.push(ConnectionDocument::of(&app, connection).await?);
    }
    Ok(Json(ConnectionList { rows }))
}

/// Connect an account. The secrets are sealed and never shown again.
#[utoipa::path(post, path = "/v1/connections", tag = "Operation", request_body = NewConnection,
    responses((status = 201, body = ConnectionDocument), (status = "4XX", body = Problem)))]
async fn create(State(app): State<App>, caller: Writer, body: Bytes) -> Result<Response, Problem> {
    let wanted: NewConnection = serde_json::from_slice(&body).map_err(|_| {
        // Not serde's words: they may quote a secret.
        let detail = "Send JSON such as {\"provider\": \"polar\", \"name\": \"Shop\", \"webhook_secrets\": [\"whsec_…\"]}.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    })?;
    if billing::provider(&wanted.provider).is_none() {
        return Err(Problem::invalid("provider", "Use `polar`."));
    }
    if wanted.name.trim().is_empty() || wanted.name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::invalid("name", "Give a name of up to 100 characters."));
    }
    if !billing::secrets_usable(&wanted.webhook_secrets) {
        return Err(Problem::invalid(
            "webhook_secrets",
            "Give at least one secret, as the provider showed it.",
        ));
    }
    let environment = wanted.environment.unwrap_or_else(|| "production".to_owned());
    billing::check_environment(&environment, &app.outbound).map_err(|refused| {
        let detail =
            format!("Use `production`, `sandbox`, or the address of a stand-in; of this one: {refused}.");
        Problem::invalid("environment", detail)
    })?;
    let connection = Connection {
        id: random_id("con_"),
        workspace_id: caller.workspace.id.clone(),
        provider: wanted.provider,
        name: wanted.name,
        environment,
        token: wanted.token,
        webhook_secrets: wanted.webhook_secrets,
        created_at_ms: app.clock.now_ms(),
    };
    app.control.save_connection(&connection, &app.secrets, app.clock.now_ms()).await?;
    app.reload_directory().await?;
    Ok((StatusCode::CREATED, Json(ConnectionDocument::of(&app, &connection).await?)).into_response())
}

/// One connection of the workspace.
#[utoipa::path(get, path = "/v1/connections/{id}", tag = "Operation", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<ConnectionDocument>, Problem> {
    let connection = own(&app, &caller.workspace.id, &id).await?;
    Ok(Json(ConnectionDocument::of(&app, &connection).await?))
}

/// What to read again.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// The whole history instead of what may have changed lately.
    #[serde(default)]
    pub full: bool,
}

/// Read the provider's lists now; `GET` the connection to see how far it is.
#[utoipa::path(post, path = "/v1/connections/{id}/sync", tag = "Operation", params(("id" = String, Path)),
    request_body(content = Option<Sync>),
    responses((status = 202, body = ConnectionDocument), (status = "4XX", body = Problem)))]
async fn sync(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted: Sync = if body.is_empty() {
        Sync::default()
    } else {
        serde_json::from_slice(&body).map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "Send nothing, or {\"full\": true}.")
        })?
    };
    let connection = own(&app, &caller.workspace.id, &id).await?;
    if connection.token.is_none() {
        let detail =
            "This connection has no access token; make one that has it to read the provider's lists.";
        return Err(Problem::new(StatusCode::CONFLICT, "no_token", detail));
    }
    let pass = if wanted.full { Pass::History } else { Pass::Deep };
    app.control.ask_poll(&connection.id, pass, app.clock.now_ms()).await?;
    let document = ConnectionDocument::of(&app, &connection).await?;
    Ok((StatusCode::ACCEPTED, Json(document)).into_response())
}

async fn own(app: &App, workspace_id: &str, id: &str) -> Result<Connection, Problem> {
    let all = app.control.connections(&app.secrets).await?;
    all.into_iter()
        .find(|connection| connection.workspace_id == workspace_id && connection.id == id)
        .ok_or_else(|| {
            Problem::not_found("unknown_connection", format!("This workspace has no connection {id:?}."))
        })
}
