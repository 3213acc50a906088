//! `/v1/connections`: accounts at billing providers. Secrets go in and never come out.

mod webhook;

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
use super::problem::{Problem, sentence};
use crate::app::App;
use crate::billing;
use crate::billing::http::ApiError;
use crate::billing::lists::Pass;
use crate::control::connections::Connection;
use crate::effects::random_id;
use crate::jobs::poll::PollStatus;
use crate::outbound::Outbound;
use webhook::ensure_webhook;

const NAME_CHARS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
        .routes(routes!(sync))
        .merge(webhook::routes())
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
    /// What to choose there when the endpoint is made by hand: these events, in the format and version of the provider's
    /// own words.
    #[schema(value_type = Object)]
    pub webhook_endpoint: serde_json::Value,
    /// Scopes an access token needs to read everything, and to make the endpoint.
    pub token_scopes: Vec<String>,
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
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub webhook_secrets: Vec<SecretString>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// Make the webhook endpoint at the provider, or find ours there; needs a token that may. Then no secret has to be
    /// given.
    #[serde(default)]
    pub create_webhook: bool,
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
            webhook_endpoint: endpoint_of(app.config.http.own_url(), connection),
            token_scopes: scopes_of(connection),
            webhook_url: webhook_url(app.config.http.own_url(), connection),
            created_at_ms: connection.created_at_ms,
            poll,
        })
    }
}

/// The endpoint as it is to be at the provider.
pub fn endpoint_of(own_url: &str, connection: &Connection) -> serde_json::Value {
    let url = webhook_url(own_url, connection);
    billing::provider(&connection.provider)
        .map_or(serde_json::Value::Null, |provider| provider.endpoint(&url).0)
}

/// Every scope a token is asked for, each once.
pub fn scopes_of(connection: &Connection) -> Vec<String> {
    let Some(provider) = billing::provider(&connection.provider) else { return Vec::new() };
    let reading = provider.lists().iter().map(|list| list.scope);
    let making = [provider.endpoints().1, provider.endpoint("").1];
    reading.chain(making).map(str::to_owned).collect()
}

/// The address to enter at the provider.
pub fn webhook_url(own_url: &str, connection: &Connection) -> String {
    let base = own_url.trim_end_matches('/');
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
    let gets_one = wanted.create_webhook && wanted.webhook_secrets.is_empty();
    if !gets_one && !billing::secrets_usable(&wanted.webhook_secrets) {
        return Err(Problem::invalid(
            "webhook_secrets",
            "Give at least one secret, as the provider showed it, or a token and `create_webhook`.",
        ));
    }
    let environment = wanted.environment.unwrap_or_else(|| "production".to_owned());
    billing::check_environment(&environment, &app.outbound).map_err(|refused| {
        let detail =
            format!("Use `production`, `sandbox`, or the address of a stand-in; of this one: {refused}.");
        Problem::invalid("environment", detail)
    })?;
    let mut connection = Connection {
        id: random_id("con_"),
        workspace_id: caller.workspace.id.clone(),
        provider: wanted.provider,
        name: wanted.name,
        environment,
        token: wanted.token,
        webhook_secrets: wanted.webhook_secrets,
        created_at_ms: app.clock.now_ms(),
    };
    if connection.token.is_some() {
        check_token(&app.outbound, &connection, wanted.create_webhook).await?;
    }
    if wanted.create_webhook {
        ensure_webhook(&app, &mut connection).await?;
    }
    save(&app, &connection).await?;
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

/// Take a connection away: its webhooks are refused and its lists read no more, and its token and secrets are gone.
/// What it told stays, in every report.
#[utoipa::path(delete, path = "/v1/connections/{id}", tag = "Operation", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn remove(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let connection = own(&app, &caller.workspace.id, &id).await?;
    app.control.remove_connection(&connection.id, &app.secrets, app.clock.now_ms()).await?;
    app.reload_directory().await?;
    Ok(StatusCode::NO_CONTENT)
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

fn provider_of(connection: &Connection) -> Result<&'static dyn billing::Provider, Problem> {
    billing::provider(&connection.provider).ok_or_else(|| Problem::invalid("provider", "Use `polar`."))
}

async fn save(app: &App, connection: &Connection) -> Result<(), Problem> {
    app.control.save_connection(connection, &app.secrets, app.clock.now_ms()).await?;
    Ok(app.reload_directory().await?)
}

/// Refuses a token that the provider refuses or that lacks a scope, naming each. A provider that cannot be reached now
/// is no reason: the poll says the same later.
pub async fn check_token(
    outbound: &Outbound,
    connection: &Connection,
    makes_webhook: bool,
) -> Result<(), Problem> {
    let provider = provider_of(connection)?;
    let (_, write) = provider.endpoint("");
    match billing::http::missing_scopes(outbound, provider, connection).await {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(mut missing) => {
            if makes_webhook && missing.contains(&provider.endpoints().1) {
                missing.push(write);
            }
            let detail = format!(
                "The token lacks the scopes {}; make one that has them and enter it.",
                missing.join(", ")
            );
            let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "missing_token_scopes", detail);
            problem.field = Some("token".to_owned());
            Err(problem)
        }
        Err(
            error @ (ApiError::Unauthorized
            | ApiError::Forbidden
            | ApiError::Version(_)
            | ApiError::Address(_)),
        ) => Err(refused(error)),
        Err(error) => {
            tracing::warn!(connection = connection.id, "the token could not be checked: {error}");
            Ok(())
        }
    }
}

/// What a provider would not do, in our words.
fn refused(error: ApiError) -> Problem {
    let text = sentence(&error);
    match error {
        ApiError::NoToken => Problem::new(StatusCode::CONFLICT, "no_token", text),
        ApiError::Unauthorized => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "token_refused", text),
        ApiError::Scope(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "missing_token_scopes", text),
        ApiError::TooMany(_) | ApiError::Away(_) | ApiError::Unreachable(_) | ApiError::Broken(_) => {
            Problem::unavailable("provider_unavailable", text, 30)
        }
        ApiError::Forbidden | ApiError::Version(_) | ApiError::Rejected(_) | ApiError::Address(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "provider_refused", text)
        }
    }
}

async fn own(app: &App, workspace_id: &str, id: &str) -> Result<Connection, Problem> {
    let own = app.control.connections_of(workspace_id, &app.secrets).await?;
    own.into_iter().find(|connection| connection.id == id).ok_or_else(|| {
        Problem::not_found("unknown_connection", format!("This workspace has no connection {id:?}."))
    })
}
