//! Providers' webhooks: checked, sealed and durable before they are answered; understood later, by the
//! apply job. A body that makes no sense but is signed is kept too: it is the provider's word.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Serialize;

use super::problem::{Problem, sentence};
use crate::app::App;
use crate::billing::{self, Provider, SignatureError, Verified};
use crate::control::connections::Connection;
use crate::ingest::inbox::{Kept, NewWebhook};
use crate::jobs::apply::sealing_place;

pub fn routes(webhook_body_bytes_max: usize) -> Router<App> {
    Router::new()
        .route("/webhooks/{provider}/{workspace}", post(receive))
        .layer(DefaultBodyLimit::max(webhook_body_bytes_max))
}

/// What a provider is told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Received {
    /// The event is durable.
    pub received: bool,
    /// This event id was received before; nothing was done.
    pub duplicate: bool,
}

async fn receive(
    State(app): State<App>,
    Path((provider, workspace)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Received>), Problem> {
    let known = billing::provider(&provider);
    let answer = match known {
        None => Err(Problem::not_found("unknown_provider", format!("There is no provider {provider:?}."))),
        Some(known) => keep(&app, known, &workspace, &headers, body).await,
    };
    let outcome = match &answer {
        Ok(Kept::New) => "kept",
        Ok(Kept::Duplicate) => "duplicate",
        Err(problem) => problem.code,
    };
    let provider = known.map_or("unknown", |provider| provider.name());
    metrics::counter!("tributary_webhooks_total", "provider" => provider, "outcome" => outcome).increment(1);
    match answer? {
        Kept::New => {
            app.jobs.wake();
            Ok((StatusCode::ACCEPTED, Json(Received { received: true, duplicate: false })))
        }
        Kept::Duplicate => Ok((StatusCode::OK, Json(Received { received: true, duplicate: true }))),
    }
}

async fn keep(
    app: &App,
    provider: &'static dyn Provider,
    workspace: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Kept, Problem> {
    let directory = app.directory();
    if !directory.workspaces.contains_key(workspace) {
        return Err(Problem::not_found("unknown_workspace", format!("There is no workspace {workspace:?}.")));
    }
    let body = body.map_err(unreadable)?;
    let connections = directory.connections_of(workspace, provider.name());
    let (connection, verified) = signer(provider, connections, headers, &body, app.clock.now_ms())?;
    let place = sealing_place(&connection.id, &verified.event_id);
    let webhook = NewWebhook {
        provider: provider.name().to_owned(),
        workspace_id: workspace.to_owned(),
        connection_id: connection.id.clone(),
        event_type: provider.event_type(&body),
        received_at_ms: app.clock.now_ms(),
        sealed_body: app.secrets.seal_bytes(&place, &body),
        event_id: verified.event_id,
    };
    app.inbox.keep_webhook(webhook).await.map_err(|error| {
        tracing::error!(cause = %error, "a webhook could not be kept: {error}");
        Problem::unavailable("inbox_unavailable", "The event could not be made durable; send it again.", 30)
    })
}

/// The connection one of whose secrets made the signature. Of several refusals the most telling is given.
fn signer<'a>(
    provider: &dyn Provider,
    connections: impl Iterator<Item = &'a std::sync::Arc<Connection>>,
    headers: &HeaderMap,
    body: &[u8],
    now_ms: i64,
) -> Result<(&'a Connection, Verified), Problem> {
    let mut refusal: Option<SignatureError> = None;
    for connection in connections {
        match provider.verify(headers, body, &connection.webhook_secrets, now_ms) {
            Ok(verified) => return Ok((connection, verified)),
            Err(SignatureError::BadSignature) => {
                refusal.get_or_insert(SignatureError::BadSignature);
            }
            Err(telling) => refusal = Some(telling),
        }
    }
    Err(match refusal {
        Some(error) => Problem::new(StatusCode::UNAUTHORIZED, error.code(), sentence(error)),
        None => Problem::not_found(
            "no_connection",
            format!(
                "This workspace has no {0} connection; add one with `tributary connection add {0}`.",
                provider.name()
            ),
        ),
    })
}

fn unreadable(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The event is larger than http.webhook_body_bytes_max.",
        ),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "truncated_body",
            "The body ended before its announced length; send the event again.",
        ),
    }
}
