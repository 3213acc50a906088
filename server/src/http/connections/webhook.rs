//! The webhook endpoint of a connection, made and mended at the provider.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{own, provider_of, refused, webhook_url};
use crate::app::App;
use crate::billing::webhooks::{self, Done};
use crate::control::connections::Connection;
use crate::http::auth::Writer;
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(make_webhook)).routes(routes!(rotate_webhook))
}

/// What was done at the provider.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookDone {
    /// What the provider calls the endpoint.
    pub endpoint: String,
    pub done: Done,
    /// How many secrets may sign now: during a change the new one and the one before it.
    pub webhook_secrets: usize,
}

/// Make the webhook endpoint at the provider: exact events, raw format, pinned version. Ours is found again, mended or
/// switched on instead of made a second time.
#[utoipa::path(post, path = "/v1/connections/{id}/webhook", tag = "Operation", params(("id" = String, Path)),
    responses((status = 200, body = WebhookDone), (status = "4XX", body = Problem)))]
async fn make_webhook(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<Json<WebhookDone>, Problem> {
    let mut connection = own(&app, &caller.workspace.id, &id).await?;
    let done = ensure_webhook(&app, &mut connection).await?;
    Ok(Json(keep(&app, &connection, done).await?))
}

/// Give our endpoint at the provider another secret. What the old one signed is taken until the next change.
#[utoipa::path(post, path = "/v1/connections/{id}/webhook/rotate", tag = "Operation", params(("id" = String, Path)),
    responses((status = 200, body = WebhookDone), (status = "4XX", body = Problem)))]
async fn rotate_webhook(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<Json<WebhookDone>, Problem> {
    let mut connection = own(&app, &caller.workspace.id, &id).await?;
    let url = webhook_url(app.config.http.own_url(), &connection);
    let provider = provider_of(&connection)?;
    let endpoint = webhooks::rotate(&app.outbound, provider, &connection, &url).await.map_err(refused)?;
    let endpoint = endpoint.ok_or_else(|| {
        let detail = "The provider has no endpoint with our address; make it with `POST …/webhook` first.";
        Problem::not_found("unknown_webhook", detail)
    })?;
    let done = take(&mut connection, endpoint);
    Ok(Json(keep(&app, &connection, done).await?))
}

pub(super) async fn ensure_webhook(app: &App, connection: &mut Connection) -> Result<WebhookDone, Problem> {
    let url = webhook_url(app.config.http.own_url(), connection);
    let provider = provider_of(connection)?;
    let endpoint = webhooks::ensure(&app.outbound, provider, connection, &url).await.map_err(refused)?;
    Ok(take(connection, endpoint))
}

/// Keeps the newest secret beside those that are there by now: two changes at once each add theirs.
async fn keep(app: &App, connection: &Connection, done: WebhookDone) -> Result<WebhookDone, Problem> {
    let add = |kept: &mut Connection| {
        if let Some(newest) = connection.webhook_secrets.first() {
            kept.webhook_secrets = webhooks::with_secret(newest.clone(), &kept.webhook_secrets);
        }
    };
    let kept = app.control.change_connection(&connection.id, &app.secrets, app.clock.now_ms(), add).await?;
    app.reload_directory().await?;
    Ok(WebhookDone { webhook_secrets: kept.map_or(0, |kept| kept.webhook_secrets.len()), ..done })
}

fn take(connection: &mut Connection, endpoint: webhooks::Endpoint) -> WebhookDone {
    let webhooks::Endpoint { id: endpoint, done, secret } = endpoint;
    connection.webhook_secrets = webhooks::with_secret(secret, &connection.webhook_secrets);
    WebhookDone { endpoint, done, webhook_secrets: connection.webhook_secrets.len() }
}
