//! Applies kept webhooks: opens them, asks the provider what they say, appends the facts and marks what they
//! touch. Doing it twice changes nothing: fact ids derive from the provider's event id. What does not parse
//! stays in the inbox with its error, for `tributary replay`.

use std::collections::BTreeSet;

use domain::order::Fact;
use futures::future::BoxFuture;

use super::{Job, JobError, Place};
use crate::app::App;
use crate::billing::{self, Context, Normalised};
use crate::control::dirty::{Subject, SubjectKind};
use crate::ingest::inbox::Webhook;
use crate::secrets::sha256_hex;
use crate::store::row_binary::RowWriter;

/// Webhooks of one step.
const BATCH: usize = 1000;

const FACT_COLUMNS: &str = "workspace_id, connection_id, kind, object_id, version_at, fact_id, event, \
                            order_ref, subscription_ref, checkout_ref, customer_ref, payload, received_at";

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
    let mut rows = RowWriter::new();
    let mut subjects = BTreeSet::new();
    let mut applied = Vec::with_capacity(webhooks.len());
    for webhook in &webhooks {
        let outcome = match read(app, webhook) {
            Ok(Normalised::Facts(facts)) => {
                for fact in &facts {
                    write_fact(&mut rows, webhook, fact);
                    mark(&mut subjects, webhook, fact);
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
    if !rows.is_empty() {
        let ids: Vec<String> = applied.iter().map(i64::to_string).collect();
        // Which inbox, which of its webhooks, and what was made of them: a replay by a better normaliser
        // makes other rows and must not be taken for a retry.
        let content = [app.inbox.id().as_bytes(), ids.join(",").as_bytes(), rows.as_bytes()].concat();
        let token = format!("facts-{}", sha256_hex(&content));
        app.store.insert("facts", FACT_COLUMNS, "RowBinary", rows.into_bytes().into(), Some(&token)).await?;
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        app.control.mark_dirty(&subjects, app.clock.now_ms()).await?;
    }
    app.inbox.webhooks_applied(&applied).await?;
    Ok(webhooks.len())
}

fn read(app: &App, webhook: &Webhook) -> Result<Normalised, String> {
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

/// What a fact points at, in the words of its own object.
#[derive(Default)]
struct Refs<'a> {
    order: Option<&'a str>,
    subscription: Option<&'a str>,
    checkout: Option<&'a str>,
    customer: Option<&'a str>,
}

fn refs(fact: &Fact) -> Refs<'_> {
    match fact {
        Fact::Order(order) => Refs {
            order: Some(&order.head.object_id),
            subscription: order.subscription_id.as_deref(),
            checkout: order.checkout_id.as_deref(),
            customer: order.customer_id.as_deref(),
        },
        Fact::Refund(refund) => Refs {
            order: Some(&refund.order_id),
            subscription: refund.subscription_id.as_deref(),
            customer: refund.customer_id.as_deref(),
            ..Refs::default()
        },
        Fact::Subscription(subscription) => Refs {
            subscription: Some(&subscription.head.object_id),
            checkout: subscription.state.checkout_id.as_deref(),
            customer: subscription.state.customer_id.as_deref(),
            ..Refs::default()
        },
        Fact::Customer(customer) => Refs { customer: Some(&customer.head.object_id), ..Refs::default() },
        Fact::Checkout(checkout) => Refs {
            subscription: checkout.state.subscription_id.as_deref(),
            checkout: Some(&checkout.head.object_id),
            customer: checkout.state.customer_id.as_deref(),
            ..Refs::default()
        },
    }
}

fn write_fact(rows: &mut RowWriter, webhook: &Webhook, fact: &Fact) {
    let kind = match fact {
        Fact::Order(_) => 1,
        Fact::Subscription(_) => 2,
        Fact::Customer(_) => 3,
        Fact::Refund(_) => 4,
        Fact::Checkout(_) => 5,
    };
    let head = fact.head();
    let refs = refs(fact);
    let payload = serde_json::to_string(fact).expect("facts are plain values");
    rows.string(&webhook.workspace_id)
        .string(&webhook.connection_id)
        .i8(kind)
        .string(&head.object_id)
        .i64(head.version_ms)
        .uuid(head.fact_id.0)
        .string(&head.event)
        .string(refs.order.unwrap_or(""))
        .string(refs.subscription.unwrap_or(""))
        .string(refs.checkout.unwrap_or(""))
        .string(refs.customer.unwrap_or(""))
        .string(&payload)
        .i64(webhook.received_at_ms);
}

/// Marks the object a fact is about: its orders are found from it. A refund is its order's business.
fn mark(subjects: &mut BTreeSet<Subject>, webhook: &Webhook, fact: &Fact) {
    let (kind, id) = match fact {
        Fact::Order(order) => (SubjectKind::Order, &order.head.object_id),
        Fact::Refund(refund) => (SubjectKind::Order, &refund.order_id),
        Fact::Subscription(subscription) => (SubjectKind::Subscription, &subscription.head.object_id),
        Fact::Customer(customer) => (SubjectKind::Customer, &customer.head.object_id),
        Fact::Checkout(checkout) => (SubjectKind::Checkout, &checkout.head.object_id),
    };
    subjects.insert(Subject { workspace_id: webhook.workspace_id.clone(), kind, id: id.clone() });
}
