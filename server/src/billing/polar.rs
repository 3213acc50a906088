//! Polar (polar.sh): signed webhooks of dated API versions, and the objects they carry.
//!
//! Lenient on purpose: unknown keys and unknown words are no reason to lose a sale. Only what money or
//! identity stands on must be there. Order events carry their customer and subscription in full, so each
//! gives up to three facts. Never rejects an event type: Polar adds some within a version.

mod books;
mod lists;
mod transform;
mod wire;

use axum::http::HeaderMap;
use domain::order::{Fact, POLL};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::books::Said;
use super::lists::{List, Pass};
use super::{Context, NormaliseError, Normalised, ObjectKind, Provider, SignatureError, Verified, signature};
use transform::Teller;

/// The provider.
pub struct Polar;

impl Provider for Polar {
    fn name(&self) -> &'static str {
        "polar"
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        now_ms: i64,
    ) -> Result<Verified, SignatureError> {
        signature::verify(headers, body, secrets, now_ms)
    }

    fn event_type(&self, body: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        serde_json::from_slice::<Typed>(body).ok().map(|typed| typed.r#type)
    }

    fn normalise(&self, body: &[u8], context: &Context<'_>) -> Result<Normalised, NormaliseError> {
        let envelope: wire::Envelope =
            serde_json::from_slice(body).map_err(|error| NormaliseError::NotJson(position(&error)))?;
        let wire::Envelope { r#type: event_type, timestamp, data } = envelope;
        // An object of a list that did not parse is kept as an event of this type.
        if let Some(noun) = event_type.strip_prefix("poll.") {
            let kind = ObjectKind::ALL.into_iter().find(|kind| kind.name() == noun);
            return kind.map_or(Ok(Normalised::Ignored { event_type: event_type.clone() }), |kind| {
                self.normalise_object(kind, &data, context).map(Normalised::Facts)
            });
        }
        let kind = match event_type.split_once('.').map_or("", |(noun, _)| noun) {
            "order" => ObjectKind::Order,
            "subscription" => ObjectKind::Subscription,
            "customer" => ObjectKind::Customer,
            "refund" => ObjectKind::Refund,
            "checkout" => ObjectKind::Checkout,
            _ => return Ok(Normalised::Ignored { event_type }),
        };
        let teller = Teller { context, event: &event_type, told_at_ms: timestamp.map(|at| at.0) };
        facts(kind, &data, &teller).map(Normalised::Facts)
    }

    fn api_base(&self, environment: &str) -> String {
        match environment {
            "production" => "https://api.polar.sh".to_owned(),
            "sandbox" => "https://sandbox-api.polar.sh".to_owned(),
            stand_in => stand_in.trim_end_matches('/').to_owned(),
        }
    }

    fn api_headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("polar-version", lists::API_VERSION)]
    }

    fn lists(&self) -> &'static [List] {
        &lists::LISTS
    }

    fn lookback_ms(&self, kind: ObjectKind, pass: Pass) -> Option<i64> {
        lists::lookback_ms(kind, pass)
    }

    fn endpoints(&self) -> (&'static str, &'static str) {
        ("/v1/webhooks/endpoints", "webhooks:read")
    }

    fn webhook_events(&self) -> &'static [&'static str] {
        &lists::EVENTS
    }

    fn endpoint(&self, url: &str) -> (Value, &'static str) {
        let body = serde_json::json!({
            "url": url, "format": "raw", "events": lists::EVENTS, "api_version": lists::API_VERSION,
            "name": "Tributary",
        });
        (body, "webhooks:write")
    }

    fn normalise_object(
        &self,
        kind: ObjectKind,
        object: &Value,
        context: &Context<'_>,
    ) -> Result<Vec<Fact>, NormaliseError> {
        facts(kind, object, &Teller { context, event: POLL, told_at_ms: None })
    }

    fn said(&self, kind: ObjectKind, object: &Value) -> Result<Option<Said>, NormaliseError> {
        books::said(kind, object)
    }
}

fn facts(kind: ObjectKind, data: &Value, teller: &Teller<'_>) -> Result<Vec<Fact>, NormaliseError> {
    match kind {
        ObjectKind::Order => teller.order(read(data, teller.event)?),
        ObjectKind::Subscription => teller.subscription(read(data, teller.event)?),
        ObjectKind::Customer => Ok(vec![teller.customer(read(data, teller.event)?)]),
        ObjectKind::Refund => teller.refund(read(data, teller.event)?),
        ObjectKind::Dispute => teller.dispute(read(data, teller.event)?).map(|fact| vec![fact]),
        ObjectKind::Checkout => Ok(vec![teller.checkout(read(data, teller.event)?)]),
        ObjectKind::Payment => Ok(vec![teller.payment(read(data, teller.event)?)]),
    }
}

fn read<T: DeserializeOwned>(data: &Value, event: &str) -> Result<T, NormaliseError> {
    T::deserialize(data)
        .map_err(|error| NormaliseError::Shape { event_type: event.to_owned(), why: without_values(&error) })
}

/// Where a body stops being JSON, without quoting it.
fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}, {:?}", error.line(), error.column(), error.classify())
}

/// Serde quotes offending values in back-ticks or after "invalid"; field names stand in back-ticks too and
/// are kept: only messages about missing fields pass as they are.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") { text } else { "a value is not of the expected type".to_owned() }
}

#[cfg(test)]
mod tests;
