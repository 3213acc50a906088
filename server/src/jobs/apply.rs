//! Applies kept webhooks: opens them, asks the provider what they say, appends the facts and marks what they
//! touch. Doing it twice changes nothing: fact ids derive from the provider's event id. What does not parse
//! stays in the inbox with its error, for `tributary replay`.

use futures::future::BoxFuture;

use super::facts::Facts;
use super::{Job, JobError, Place};
use crate::app::App;
use crate::billing::{self, Context, Normalised};
use crate::ingest::inbox::Webhook;

/// Webhooks of one step.
const BATCH: usize = 1000;

/// The job.
pub struct Apply;

impl Job for Apply {
    fn name(&self) -> &'static str {
        "apply"
    }

    fn place(&self) -> Place {
        Place::EveryNode
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async { Ok(apply_once(app).await? == BATCH) })
    }
}

/// What a kept body is sealed for: nobody can put one event's body in another's place.
pub fn sealing_place(connection_id: &str, event_id: &str) -> String {
    format!("webhook/{connection_id}/{event_id}")
}

/// Applies one batch and answers how many webhooks it took. Facts are durable before marks, marks before a
/// webhook counts as applied: a crash in between repeats harmless work.
pub async fn apply_once(app: &App) -> Result<usize, JobError> {
    let webhooks = app.inbox.pending_webhooks(BATCH).await?;
    if webhooks.is_empty() {
        return Ok(0);
    }
    let mut told = Facts::default();
    let mut applied = Vec::with_capacity(webhooks.len());
    for webhook in &webhooks {
        let outcome = match read(app, webhook) {
            Ok(Normalised::Facts(facts)) => {
                let Webhook { workspace_id, connection_id, received_at_ms, .. } = webhook;
                for fact in &facts {
                    told.push(workspace_id, connection_id, *received_at_ms, fact);
                }
                applied.push(webhook.id);
                "applied"
            }
            Ok(Normalised::Ignored { .. }) => {
                applied.push(webhook.id);
                "ignored"
            }
            Err(why) => {
                tracing::warn!(
                    webhook.id,
                    connection = webhook.connection_id,
                    "webhook {} of {} does not apply: {why}; `tributary replay --failed` tries it again",
                    webhook.id,
                    webhook.connection_id
                );
                app.inbox.webhook_failed(webhook.id, &why).await?;
                "failed"
            }
        };
        let provider = billing::provider(&webhook.provider).map_or("unknown", |provider| provider.name());
        metrics::counter!("tributary_webhooks_applied_total", "provider" => provider, "outcome" => outcome)
            .increment(1);
    }
    // Which inbox, and which of its webhooks: what was made of them is part of the token anyway.
    let ids: Vec<String> = applied.iter().map(i64::to_string).collect();
    told.keep(app, &format!("{} {}", app.inbox.id(), ids.join(","))).await?;
    app.inbox.webhooks_applied(&applied).await?;
    Ok(webhooks.len())
}

fn read(app: &App, webhook: &Webhook) -> Result<Normalised, String> {
    if webhook.sealed_body.is_empty() {
        // Its body went with a person who was erased; what it said of money is kept already.
        return Ok(Normalised::Ignored { event_type: "erased".to_owned() });
    }
    let provider = billing::provider(&webhook.provider)
        .ok_or_else(|| format!("there is no provider {:?} in this version", webhook.provider))?;
    let place = sealing_place(&webhook.connection_id, &webhook.event_id);
    let body = app.secrets.open_bytes(&place, &webhook.sealed_body).map_err(|error| error.to_string())?;
    let emails = app.secrets.email_hasher(&webhook.workspace_id);
    let context = Context {
        connection_id: &webhook.connection_id,
        delivery_id: &webhook.event_id,
        observed_ms: webhook.received_at_ms,
        emails: &emails,
    };
    provider.normalise(&body, &context).map_err(|error| error.to_string())
}
