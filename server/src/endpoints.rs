//! What a merchant does with endpoints and deliveries, for the API and for commands alike: says who is told of which
//! events, looks at what came of it, and has a delivery tried again. Sending is `jobs/deliver`.

mod documents;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use thiserror::Error;
use url::Url;

pub use documents::{
    AttemptDocument, DeliveryDocument, DeliveryList, EndpointChange, EndpointDocument, EndpointList,
    NewEndpoint, NewSecret, WantedDeliveries,
};

use crate::app::App;
use crate::control::deliveries::Listed;
use crate::control::endpoints::{Endpoint, OldSecret};
use crate::control::{Control, ControlError};
use crate::effects::{random_bytes, random_id};
use crate::events::{Event, EventType};
use crate::outbound::{Outbound, Refused};
use crate::secrets::Secrets;

const PAGE: usize = 100;
const PAGE_MAX: usize = 500;
/// Endpoints of one workspace.
const ENDPOINTS_MAX: usize = 20;
/// How long the secret before signs as well when nothing else is said, and at most.
const OLD_SECRET_HOURS: u32 = 24;
const OLD_SECRET_HOURS_MAX: u32 = 7 * 24;
/// Old secrets that sign beside the new one; with more, the oldest ends.
const OLD_SECRETS_MAX: usize = 4;
const HOUR_MS: i64 = 60 * 60 * 1000;
const DISABLED_BY_HAND: &str = "it was disabled by hand";

#[derive(Debug, Error)]
pub enum EndpointError {
    #[error("there is no endpoint {0:?} in this workspace")]
    UnknownEndpoint(String),
    #[error("there is no delivery {0:?} in this workspace; they are kept for 30 days")]
    UnknownDelivery(String),
    #[error("another secret was made for {0:?} in the same moment; ask again if you want one more")]
    Raced(String),
    #[error("url: {0}")]
    Refused(#[from] Refused),
    #[error("{detail}")]
    Invalid { field: &'static str, detail: String },
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// One workspace's endpoints.
#[derive(Clone, Copy)]
pub struct Endpoints<'a> {
    pub control: &'a Control,
    pub secrets: &'a Secrets,
    pub outbound: &'a Outbound,
    pub workspace_id: &'a str,
    pub now_ms: i64,
}

impl<'a> Endpoints<'a> {
    pub fn of(app: &'a App, workspace_id: &'a str) -> Endpoints<'a> {
        Endpoints {
            control: &app.control,
            secrets: &app.secrets,
            outbound: &app.outbound,
            workspace_id,
            now_ms: app.clock.now_ms(),
        }
    }

    pub async fn list(&self) -> Result<EndpointList, EndpointError> {
        let all = self.control.endpoints(self.workspace_id, self.secrets).await?;
        let event_types = EventType::ALL.iter().map(|kind| kind.name().to_owned()).collect();
        Ok(EndpointList { rows: all.iter().map(|endpoint| self.document(endpoint)).collect(), event_types })
    }

    pub async fn show(&self, id: &str) -> Result<EndpointDocument, EndpointError> {
        Ok(self.document(&self.stored(id).await?))
    }

    /// Adds an endpoint; the answer alone holds its secret.
    pub async fn create(&self, new: NewEndpoint) -> Result<EndpointDocument, EndpointError> {
        if self.control.endpoints(self.workspace_id, self.secrets).await?.len() >= ENDPOINTS_MAX {
            let detail = format!("url: a workspace has up to {ENDPOINTS_MAX} endpoints; remove one first");
            return Err(EndpointError::Invalid { field: "url", detail });
        }
        let endpoint = Endpoint {
            id: random_id("end_"),
            workspace_id: self.workspace_id.to_owned(),
            url: self.address(&new.url)?,
            secret: fresh_secret(),
            old_secrets: Vec::new(),
            event_types: types(new.events)?,
            disabled_why: None,
            failing_since_ms: None,
            created_at_ms: self.now_ms,
        };
        self.control.save_endpoint(&endpoint, self.secrets).await?;
        Ok(self.document(&endpoint).with_secret(&endpoint))
    }

    /// Gives an endpoint another secret; the answer alone holds it. For some hours deliveries carry a signature by the
    /// one before as well, so that nothing is refused while the new one is put in its place.
    pub async fn rotate(&self, id: &str, asked: &NewSecret) -> Result<EndpointDocument, EndpointError> {
        let hours = asked.old_hours.unwrap_or(OLD_SECRET_HOURS);
        if hours > OLD_SECRET_HOURS_MAX {
            let detail = format!(
                "old_hours: use 0 to {OLD_SECRET_HOURS_MAX}; 0 ends the old secret at once, when somebody else knows it"
            );
            return Err(EndpointError::Invalid { field: "old_hours", detail });
        }
        let before = self.stored(id).await?;
        let mut rotated = before.clone();
        rotated.secret = fresh_secret();
        rotated.old_secrets = match hours {
            // Whoever knows one may know those before it.
            0 => Vec::new(),
            _ => {
                let until_ms = self.now_ms + i64::from(hours) * HOUR_MS;
                let newest = OldSecret { secret: before.secret.clone(), until_ms };
                let old = before.old_secrets_at(self.now_ms).cloned();
                std::iter::once(newest).chain(old).take(OLD_SECRETS_MAX).collect()
            }
        };
        match self.control.rotate_endpoint_secret(&before, &rotated, self.secrets).await? {
            true => Ok(self.document(&rotated).with_secret(&rotated)),
            false => Err(EndpointError::Raced(id.to_owned())),
        }
    }

    pub async fn change(&self, id: &str, change: EndpointChange) -> Result<EndpointDocument, EndpointError> {
        let mut endpoint = self.stored(id).await?;
        if let Some(url) = change.url {
            endpoint.url = self.address(&url)?;
        }
        if let Some(events) = change.events {
            endpoint.event_types = types(events)?;
        }
        match change.enabled {
            Some(true) => (endpoint.disabled_why, endpoint.failing_since_ms) = (None, None),
            Some(false) => endpoint.disabled_why = Some(DISABLED_BY_HAND.to_owned()),
            None => {}
        }
        self.control.save_endpoint(&endpoint, self.secrets).await?;
        if change.enabled == Some(true) {
            self.control.hurry_deliveries(id, self.now_ms).await?;
        }
        Ok(self.document(&endpoint))
    }

    /// Removes an endpoint with its deliveries.
    pub async fn remove(&self, id: &str) -> Result<(), EndpointError> {
        match self.control.remove_endpoint(self.workspace_id, id).await? {
            true => Ok(()),
            false => Err(EndpointError::UnknownEndpoint(id.to_owned())),
        }
    }

    /// Sends an endpoint an event that says nothing, so that its signature and its way can be tried.
    pub async fn test(&self, id: &str) -> Result<DeliveryDocument, EndpointError> {
        self.stored(id).await?;
        let data = json!({ "sentence": "Nothing happened; this endpoint takes events." });
        let parts = [id, &self.now_ms.to_string()];
        let event = Event::new(EventType::EndpointTest, self.workspace_id, &parts, self.now_ms, data);
        let delivery = self.control.tell_endpoint(id, &event, self.now_ms).await?;
        self.delivery(&delivery).await
    }

    pub async fn deliveries(&self, wanted: &WantedDeliveries) -> Result<DeliveryList, EndpointError> {
        let limit = wanted.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("limit: use 1 to {PAGE_MAX}");
            return Err(EndpointError::Invalid { field: "limit", detail });
        }
        if let Some(state) =
            wanted.state.as_deref().filter(|state| !["waiting", "delivered", "failed"].contains(state))
        {
            let detail = format!("state {state:?}: use waiting, delivered or failed");
            return Err(EndpointError::Invalid { field: "state", detail });
        }
        let listed = Listed {
            endpoint_id: wanted.endpoint.as_deref(),
            state: wanted.state.as_deref(),
            after: wanted.after.as_deref(),
            limit: limit as i64 + 1,
        };
        let mut rows = self.control.deliveries(self.workspace_id, &listed).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let after = rows.last().filter(|_| has_more).map(|row| row.id.clone());
        Ok(DeliveryList { rows: rows.iter().map(DeliveryDocument::of).collect(), after })
    }

    /// One delivery with what is sent and every try.
    pub async fn delivery(&self, id: &str) -> Result<DeliveryDocument, EndpointError> {
        let found = self.control.delivery(self.workspace_id, id).await?;
        let (delivery, log) = found.ok_or_else(|| EndpointError::UnknownDelivery(id.to_owned()))?;
        let mut document = DeliveryDocument::of(&delivery);
        document.body = serde_json::from_str(&delivery.body).ok();
        document.log = log.into_iter().map(AttemptDocument::of).collect();
        Ok(document)
    }

    /// Has a delivery tried again at once, under the same id, also one that was taken.
    pub async fn replay(&self, id: &str) -> Result<DeliveryDocument, EndpointError> {
        match self.control.replay_delivery(self.workspace_id, id, self.now_ms).await? {
            true => self.delivery(id).await,
            false => Err(EndpointError::UnknownDelivery(id.to_owned())),
        }
    }

    async fn stored(&self, id: &str) -> Result<Endpoint, EndpointError> {
        let all = self.control.endpoints(self.workspace_id, self.secrets).await?;
        let found = all.into_iter().find(|endpoint| endpoint.id == id);
        found.ok_or_else(|| EndpointError::UnknownEndpoint(id.to_owned()))
    }

    fn document(&self, endpoint: &Endpoint) -> EndpointDocument {
        EndpointDocument::of(endpoint, self.now_ms)
    }

    fn address(&self, text: &str) -> Result<String, EndpointError> {
        let invalid = |_| EndpointError::Invalid {
            field: "url",
            detail: "url: write an address such as https://example.com/webhooks".to_owned(),
        };
        let url = Url::parse(text.trim()).map_err(invalid)?;
        self.outbound.check(&url)?;
        Ok(url.into())
    }
}

/// As Standard Webhooks write it.
fn fresh_secret() -> String {
    format!("whsec_{}", STANDARD.encode(random_bytes::<24>()))
}

/// Known types, each once.
fn types(mut names: Vec<String>) -> Result<Vec<String>, EndpointError> {
    if let Some(unknown) = names.iter().find(|name| EventType::named(name).is_none()) {
        let known: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
        let detail = format!("events: there is no {unknown:?}; use some of {}", known.join(", "));
        return Err(EndpointError::Invalid { field: "events", detail });
    }
    names.sort();
    names.dedup();
    Ok(names)
}
