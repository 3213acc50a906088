//! Endpoints and deliveries in words: what an endpoint is told of and whether it takes it, and where a delivery stands.

use jiff::tz::TimeZone;

use super::super::show;
use crate::endpoints::{AttemptDocument, DeliveryDocument, EndpointDocument};
use crate::events::EventType;

/// A type of event that can be chosen.
pub(super) struct Choice {
    pub name: &'static str,
    pub is_chosen: bool,
}

/// One endpoint.
pub(super) struct Card {
    pub id: String,
    pub url: String,
    pub is_on: bool,
    /// What the badge says, and its look.
    pub stands: String,
    pub look: &'static str,
    /// Why it is off, or since when it fails; empty when neither is so.
    pub trouble: String,
    /// What it is told of.
    pub told: String,
    pub since: String,
    pub types: Vec<Choice>,
}

/// One delivery.
pub(super) struct Row {
    pub id: String,
    pub kind: String,
    pub event: String,
    pub when: String,
    pub endpoint: String,
    pub state: String,
    pub look: &'static str,
    pub attempts: u32,
    /// What the newest try came to.
    pub last: String,
    /// When it is tried next; empty when it is not.
    pub next: String,
}

/// Every type there is, and whether it is chosen. A test is sent by its own button.
pub(super) fn choices(chosen: &[String]) -> Vec<Choice> {
    let wanted = |kind: &&EventType| **kind != EventType::EndpointTest;
    let choice = |kind: &EventType| Choice {
        name: kind.name(),
        is_chosen: chosen.iter().any(|name| name == kind.name()),
    };
    EventType::ALL.iter().filter(wanted).map(choice).collect()
}

impl Card {
    pub fn of(endpoint: EndpointDocument, zone: &TimeZone) -> Card {
        let EndpointDocument {
            id, url, events, enabled, disabled_why, failing_since_ms, created_at_ms, ..
        } = endpoint;
        let failing = failing_since_ms.map(|at_ms| show::moment(at_ms, zone));
        let (stands, look) = match (enabled, &failing) {
            (false, _) => ("off", "forged"),
            (true, Some(_)) => ("fails", "none"),
            (true, None) => ("on", "signed"),
        };
        let trouble = match (disabled_why, failing) {
            (Some(why), _) => format!("Told of nothing: {why}."),
            (None, Some(since)) => {
                format!("It has taken nothing since {since}. What failed is tried again by itself.")
            }
            (None, None) => String::new(),
        };
        Card {
            told: if events.is_empty() { "everything".to_owned() } else { events.join(", ") },
            types: choices(&events),
            since: show::moment(created_at_ms, zone),
            is_on: enabled,
            stands: stands.to_owned(),
            look,
            trouble,
            id,
            url,
        }
    }
}

impl Row {
    pub fn of(delivery: &DeliveryDocument, endpoints: &[EndpointDocument], zone: &TimeZone) -> Row {
        let endpoint = endpoints.iter().find(|endpoint| endpoint.id == delivery.endpoint);
        let is_off = endpoint.is_some_and(|endpoint| !endpoint.enabled);
        let next = match delivery.next_at_ms {
            Some(_) if is_off => "when the endpoint is on again".to_owned(),
            Some(at_ms) => show::moment(at_ms, zone),
            None => String::new(),
        };
        Row {
            id: delivery.id.clone(),
            kind: delivery.kind.clone(),
            event: delivery.event.clone(),
            when: show::moment(delivery.created_at_ms, zone),
            endpoint: endpoint.map(|endpoint| endpoint.url.clone()).unwrap_or_default(),
            state: delivery.state.clone(),
            look: look(&delivery.state),
            attempts: delivery.attempts,
            last: delivery.last.as_ref().map(AttemptDocument::came_to).unwrap_or_default(),
            next,
        }
    }
}

/// The badge of a delivery's state.
pub(super) fn look(state: &str) -> &'static str {
    match state {
        "delivered" => "signed",
        "failed" => "forged",
        _ => "none",
    }
}
