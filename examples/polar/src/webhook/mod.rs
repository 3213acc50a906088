//! Webhook endpoints, the events made for them, and what became of each delivery.
//!
//! An event belongs to one endpoint: two endpoints get two events with different ids. Its body is written when
//! it happens and sent again unchanged.

pub mod sender;
pub mod signature;

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::catalogue::ORGANIZATION_ID;
use crate::clock::Time;
use crate::ids::Dice;
use signature::Secret;

/// Deliveries tried before an event is given up.
pub const ATTEMPTS_MAX: usize = 10;

/// An endpoint is disabled when this many finished events in a row all failed.
pub const FAILED_IN_A_ROW_MAX: usize = 10;

/// Every event type Polar sends.
pub const EVENT_TYPES: [&str; 42] = [
    "checkout.created",
    "checkout.updated",
    "checkout.expired",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.state_changed",
    "customer_seat.assigned",
    "customer_seat.claimed",
    "customer_seat.revoked",
    "member.created",
    "member.updated",
    "member.deleted",
    "order.created",
    "order.updated",
    "order.paid",
    "order.refunded",
    "subscription.created",
    "subscription.updated",
    "subscription.active",
    "subscription.canceled",
    "subscription.uncanceled",
    "subscription.cycled",
    "subscription.revoked",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.migrated",
    "refund.created",
    "refund.updated",
    "product.created",
    "product.updated",
    "discount.created",
    "discount.updated",
    "discount.deleted",
    "benefit.created",
    "benefit.updated",
    "benefit_grant.created",
    "benefit_grant.updated",
    "benefit_grant.cycled",
    "benefit_grant.revoked",
    "organization.updated",
];

/// Where a merchant wants events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub url: String,
    pub name: Option<String>,
    pub secret: Secret,
    pub events: Vec<String>,
    pub enabled: bool,
    pub api_version: String,
    /// Whether each of the last finished events succeeded, oldest first.
    pub finished: VecDeque<bool>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Pending,
    Succeeded,
    Failed,
    /// Given up because its endpoint was disabled, or lost on purpose by a fault.
    Skipped,
}

/// One try to deliver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    pub id: Uuid,
    pub at: Time,
    pub http_code: Option<u16>,
    pub response: Option<String>,
    pub succeeded: bool,
}

/// One event for one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub id: Uuid,
    pub endpoint_id: Uuid,
    pub kind: String,
    pub created_at: Time,
    pub api_version: String,
    pub body: String,
    pub attempts: Vec<Attempt>,
    pub outcome: Outcome,
}

/// Trouble on the way to the receiver, wanted by a test. Percentages are of attempts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Dice seed: the same seed and the same events give the same trouble.
    pub seed: u64,
    /// The attempt never leaves and counts as failed, so it is tried again.
    pub drop_percent: u8,
    /// The event is never sent at all: only a poll finds what it said.
    pub lose_percent: u8,
    /// Sent once more after it was accepted.
    pub repeat_percent: u8,
    /// First attempts are taken at random from this many waiting events; 0 and 1 keep the order.
    pub reorder_window: usize,
    /// Each attempt waits up to this long before it leaves.
    pub delay_ms_max: u64,
    /// Nothing leaves while true; what happens meanwhile waits.
    pub hold: bool,
}

/// Events that wait for their first attempt, and the trouble in effect.
#[derive(Debug)]
pub struct Outbox {
    /// By endpoint and lane; see [`sender`].
    pub lanes: HashMap<(Uuid, u64), VecDeque<usize>>,
    pub running: HashSet<(Uuid, u64)>,
    /// Events not finished, and repeats and redeliveries under way.
    pub open: usize,
    pub faults: Faults,
    pub dice: Dice,
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox {
            lanes: HashMap::new(),
            running: HashSet::new(),
            open: 0,
            faults: Faults::default(),
            dice: Dice::new(0),
        }
    }
}

/// The endpoint as the API shows it.
pub fn render_endpoint(endpoint: &Endpoint) -> Value {
    json!({
        "created_at": endpoint.created_at, "modified_at": endpoint.modified_at, "id": endpoint.id,
        "url": endpoint.url, "name": endpoint.name, "format": "raw", "secret": endpoint.secret.text(),
        "organization_id": ORGANIZATION_ID, "events": endpoint.events, "enabled": endpoint.enabled,
        "api_version": endpoint.api_version,
        "uses_standard_webhook_signature": matches!(endpoint.secret, Secret::Standard(_)),
    })
}

/// One attempt as `/v1/webhooks/deliveries` shows it.
pub fn render_delivery(event: &Event, attempt: &Attempt) -> Value {
    let succeeded = match event.outcome {
        Outcome::Succeeded => Some(true),
        Outcome::Failed => Some(false),
        Outcome::Pending | Outcome::Skipped => None,
    };
    json!({
        "created_at": attempt.at, "modified_at": null, "id": attempt.id, "succeeded": attempt.succeeded,
        "http_code": attempt.http_code, "response": attempt.response,
        "webhook_event": {
            "created_at": event.created_at, "modified_at": null, "id": event.id,
            "last_http_code": event.attempts.last().and_then(|last| last.http_code), "succeeded": succeeded,
            "skipped": event.outcome == Outcome::Skipped, "payload": event.body, "type": event.kind,
            "is_archived": false, "api_version": event.api_version,
        },
    })
}
