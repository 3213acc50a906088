//! `/v1/webhooks/failed` and `/v1/webhooks/replay`: what a provider told and we could not apply. It is never dropped:
//! it lies with its error until it applies, here to be looked at and tried again.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::ingest::inbox::{self, InboxError, Meant, Replay};
use crate::jobs::JobError;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(failed)).routes(routes!(replay))
}

/// Which failed webhooks.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    pub connection: Option<String>,
    /// Such as `order.paid`; `poll.order` for an object of a list.
    pub event_type: Option<String>,
    /// Only this event, by the provider's id.
    pub event: Option<String>,
    /// Rows, at most 500.
    pub limit: Option<usize>,
    /// Continue behind this row.
    pub after: Option<i64>,
}

/// One webhook, or object of a list, that does not apply. Its body stays sealed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FailedWebhook {
    pub id: i64,
    pub provider: String,
    pub connection: String,
    /// The provider's id of the event.
    pub event: String,
    /// `no type` where the provider gave none.
    pub event_type: String,
    pub received_at_ms: i64,
    /// How often applying it failed.
    pub attempts: u32,
    /// Why it failed last; never holds a value of the body.
    pub error: String,
    /// What to do.
    pub next: String,
}

/// Failed webhooks of one kind and error.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FailedCount {
    pub connection: String,
    pub event_type: String,
    pub error: String,
    pub webhooks: u64,
}

/// Oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FailedWebhooks {
    /// All that are meant, also those on other pages.
    pub total: u64,
    /// The most frequent first.
    pub counts: Vec<FailedCount>,
    pub rows: Vec<FailedWebhook>,
    /// Give this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
}

/// How many webhooks are applied again.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Replayed {
    pub webhooks: usize,
}

/// What a provider told that could not be applied, with the reason and what to do. Nothing of it is ever dropped.
#[utoipa::path(get, path = "/v1/webhooks/failed", tag = "Operation", params(Which),
    responses((status = 200, body = FailedWebhooks), (status = "4XX", body = Problem)))]
async fn failed(
    State(app): State<App>,
    caller: Reader,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<FailedWebhooks>, Problem> {
    Ok(Json(list(&app, &caller.workspace.id, &read(which)?).await?))
}

/// Apply failed webhooks again: all of the workspace, those of a connection or type, or one.
#[utoipa::path(post, path = "/v1/webhooks/replay", tag = "Operation", params(Which),
    responses((status = 200, body = Replayed), (status = "4XX", body = Problem)))]
async fn replay(
    State(app): State<App>,
    caller: Writer,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Replayed>, Problem> {
    let webhooks = again(&app, &caller.workspace.id, &read(which)?).await?;
    Ok(Json(Replayed { webhooks }))
}

/// Has failed webhooks applied again and answers how many; one that is named must be among them.
pub async fn again(app: &App, workspace_id: &str, which: &Which) -> Result<usize, Problem> {
    let replay = Replay::Failed(meant(workspace_id, which));
    let webhooks = app.inbox.replay_webhooks(replay).await.map_err(unavailable)?;
    if webhooks == 0 && which.event.is_some() {
        return Err(Problem::not_found(
            "unknown_webhook",
            "No failed webhook of this workspace has that event id.",
        ));
    }
    app.jobs.wake();
    Ok(webhooks)
}

fn read(which: Result<Query<Which>, QueryRejection>) -> Result<Which, Problem> {
    let refused = |_| {
        Problem::invalid(
            "query",
            "Use connection, event_type, event, limit and after only; numbers as digits.",
        )
    };
    which.map(|Query(which)| which).map_err(refused)
}

/// A workspace's failed webhooks, page by page, with counts of all.
pub async fn list(app: &App, workspace_id: &str, which: &Which) -> Result<FailedWebhooks, Problem> {
    let meant = meant(workspace_id, which);
    let counts = app.inbox.failed_counts(&meant).await.map_err(unavailable)?;
    let counts: Vec<FailedCount> = counts.into_iter().map(FailedCount::from).collect();
    let limit = which.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let found = app.inbox.failed_webhooks(&meant, which.after.unwrap_or(0), limit + 1).await;
    let mut rows: Vec<FailedWebhook> = found.map_err(unavailable)?.iter().map(FailedWebhook::of).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let after = if more { rows.last().map(|row| row.id) } else { None };
    Ok(FailedWebhooks { total: counts.iter().map(|count| count.webhooks).sum(), counts, rows, after })
}

fn meant(workspace_id: &str, which: &Which) -> Meant {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Meant {
        workspace_id: Some(workspace_id.to_owned()),
        connection_id: given(&which.connection),
        event_type: given(&which.event_type),
        event_ids: given(&which.event).into_iter().collect(),
    }
}

impl From<inbox::FailedCount> for FailedCount {
    fn from(count: inbox::FailedCount) -> FailedCount {
        let inbox::FailedCount { connection_id: connection, event_type, error, webhooks } = count;
        FailedCount { connection, event_type, error, webhooks }
    }
}

impl FailedWebhook {
    fn of(webhook: &inbox::FailedWebhook) -> FailedWebhook {
        let error = webhook.error().to_owned();
        let next = match () {
            () if error.contains("not the JSON") => {
                "The body is damaged: send the event again at the provider, or run a full sync; the order comes with it."
            }
            () if error.contains("operator's key") || error.contains("sealed") => {
                "It was sealed with another key: start with the key it came in under, then replay."
            }
            () if error.contains("no provider") => "It comes from a newer Tributary: update, then replay.",
            () => {
                "A field is not as this version expects: update Tributary and replay; a full sync reads the newest state."
            }
        };
        FailedWebhook {
            id: webhook.id,
            provider: webhook.provider.clone(),
            connection: webhook.connection_id.clone(),
            event: webhook.event_id.clone(),
            event_type: webhook.event_type().to_owned(),
            received_at_ms: webhook.received_at_ms,
            attempts: webhook.attempts,
            error,
            next: next.to_owned(),
        }
    }
}

fn unavailable(error: InboxError) -> Problem {
    JobError::from(error).into()
}
