//! Endpoints and deliveries as they are asked for and told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control::deliveries::{Attempt, Delivery};
use crate::control::endpoints::Endpoint;

/// Somebody to be told of events.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// On the public internet, by https.
    #[schema(example = "https://example.com/webhooks/tributary")]
    pub url: String,
    /// Types of events, such as `commission.created`; all when left out.
    #[serde(default)]
    pub events: Vec<String>,
}

/// What to change; what is left out stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// `true` tells it of events again and tries what waits at once; `false` tells it of nothing.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// How a secret is to give way to another.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// For how many hours deliveries are signed with the old one as well, 0 to 168; 24 when left out. 0 ends it at once,
    /// and those before it: for one that somebody else knows.
    #[serde(default)]
    pub old_hours: Option<u32>,
}

/// Who is told of events.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointDocument {
    #[schema(example = "end_0kq3w5ymz1x7c2v9b4nd")]
    pub id: String,
    pub url: String,
    /// Empty: all.
    pub events: Vec<String>,
    pub enabled: bool,
    /// Why it is told of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_why: Option<String>,
    /// First failure since it last took something: after some days of it, it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<i64>,
    pub created_at_ms: i64,
    /// Until then deliveries carry signatures by the secrets before this one as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret_until_ms: Option<i64>,
    /// What deliveries are signed with, as Standard Webhooks write it. Shown once, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Endpoints of the workspace, oldest first, and every type of event there is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointList {
    pub rows: Vec<EndpointDocument>,
    pub event_types: Vec<String>,
}

/// What came of one try.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttemptDocument {
    pub number: u32,
    pub at_ms: i64,
    pub latency_ms: i64,
    /// HTTP status; absent when no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it does not count as taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first 1 kB of the answer.
    pub answer: String,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryDocument {
    #[schema(example = "dlv_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    pub endpoint: String,
    /// Sent as `webhook-id`, the same at every try.
    pub event: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// `waiting`, `delivered`, `failed`.
    pub state: String,
    pub attempts: u32,
    /// When it is tried next, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at_ms: Option<i64>,
    /// What the newest try came to; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<AttemptDocument>,
    /// What is sent, and every try; of one delivery only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<AttemptDocument>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryList {
    pub rows: Vec<DeliveryDocument>,
    /// Ask with it for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which deliveries are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WantedDeliveries {
    /// Only to this endpoint, `end_…`.
    pub endpoint: Option<String>,
    /// Only those that stand so: `waiting`, `delivered`, `failed`.
    pub state: Option<String>,
    /// The last one of the page before.
    pub after: Option<String>,
    /// 1 to 500; 100 when left out.
    pub limit: Option<usize>,
}

impl EndpointDocument {
    pub(super) fn of(endpoint: &Endpoint, now_ms: i64) -> EndpointDocument {
        EndpointDocument {
            id: endpoint.id.clone(),
            url: endpoint.url.clone(),
            events: endpoint.event_types.clone(),
            enabled: endpoint.disabled_why.is_none(),
            disabled_why: endpoint.disabled_why.clone(),
            failing_since_ms: endpoint.failing_since_ms,
            created_at_ms: endpoint.created_at_ms,
            old_secret_until_ms: endpoint.old_secrets_at(now_ms).map(|old| old.until_ms).max(),
            secret: None,
        }
    }

    pub(super) fn with_secret(self, endpoint: &Endpoint) -> EndpointDocument {
        EndpointDocument { secret: Some(endpoint.secret.clone()), ..self }
    }
}

impl DeliveryDocument {
    pub(super) fn of(delivery: &Delivery) -> DeliveryDocument {
        DeliveryDocument {
            id: delivery.id.clone(),
            endpoint: delivery.endpoint_id.clone(),
            event: delivery.event_id.clone(),
            kind: delivery.event_type.clone(),
            state: delivery.state.clone(),
            attempts: delivery.attempts,
            next_at_ms: (delivery.state == "waiting").then_some(delivery.next_at_ms),
            created_at_ms: delivery.created_at_ms,
            done_at_ms: delivery.done_at_ms,
            last: delivery.last.clone().map(AttemptDocument::of),
            body: None,
            log: Vec::new(),
        }
    }
}

impl AttemptDocument {
    /// What it came to, in words: the status and how long it took, or why it does not count.
    pub fn came_to(&self) -> String {
        match (self.status, &self.error) {
            (_, Some(error)) => error.clone(),
            (Some(status), None) => format!("{status} in {} ms", self.latency_ms),
            (None, None) => String::new(),
        }
    }

    pub(super) fn of(attempt: Attempt) -> AttemptDocument {
        let Attempt { number, at_ms, latency_ms, status, error, answer } = attempt;
        AttemptDocument { number, at_ms, latency_ms, status, error, answer }
    }
}
