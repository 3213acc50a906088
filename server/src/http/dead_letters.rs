//! `/v1/webhooks/failed` and `/v1/webhooks/replay`: what a provider told and we could not apply. It is never dropped:
//! it lies with its error until it applies, here to be looked at and tried again.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::ingest::inbox::{InboxError, Replay, Webhook};
use crate::jobs::JobError;

/// Failed webhooks looked at; there are never this many but in a catastrophe.
const FAILED_MAX: usize = 100_000;
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
    pub event_type: Option<String>,
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
    let meant = meant(app, workspace_id, which).await?;
    if meant.is_empty() && which.event.is_some() {
        return Err(Problem::not_found(
            "unknown_webhook",
            "No failed webhook of this workspace has that event id.",
        ));
    }
    let ids = meant.iter().map(|webhook| webhook.id).collect();
    let webhooks = app.inbox.replay_webhooks(Replay::Ids(ids)).await.map_err(unavailable)?;
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
    let meant = meant(app, workspace_id, which).await?;
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for webhook in &meant {
        let key = (webhook.connection_id.as_str(), event_type(webhook), error(webhook));
        *counts.entry(key).or_default() += 1;
    }
    let count = |((connection, event_type, error), webhooks): (_, u64)| FailedCount {
        connection: str::to_owned(connection),
        event_type: str::to_owned(event_type),
        error: str::to_owned(error),
        webhooks,
    };
    let mut counts: Vec<FailedCount> = counts.into_iter().map(count).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.webhooks));
    let limit = which.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let behind = meant.iter().filter(|webhook| which.after.is_none_or(|after| webhook.id > after));
    let mut rows: Vec<FailedWebhook> = behind.take(limit + 1).map(FailedWebhook::of).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let after = if more { rows.last().map(|row| row.id) } else { None };
    Ok(FailedWebhooks { total: meant.len() as u64, counts, rows, after })
}

async fn meant(app: &App, workspace_id: &str, which: &Which) -> Result<Vec<Webhook>, Problem> {
    let mut failed = app.inbox.failed_webhooks(FAILED_MAX).await.map_err(unavailable)?;
    let is = |wanted: &Option<String>, value: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == value)
    };
    failed.retain(|webhook| {
        webhook.workspace_id == workspace_id
            && is(&which.connection, &webhook.connection_id)
            && is(&which.event_type, event_type(webhook))
            && is(&which.event, &webhook.event_id)
    });
    Ok(failed)
}

fn event_type(webhook: &Webhook) -> &str {
    webhook.event_type.as_deref().unwrap_or("no type")
}

fn error(webhook: &Webhook) -> &str {
    // Kept back by a poll, and not tried yet.
    webhook.error.as_deref().unwrap_or("no error was kept")
}

impl FailedWebhook {
    fn of(webhook: &Webhook) -> FailedWebhook {
        let error = error(webhook).to_owned();
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
            event_type: webhook.event_type.clone(),
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
