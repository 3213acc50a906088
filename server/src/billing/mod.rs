//! Billing providers: what they send becomes provider-neutral facts. A provider is one file (with its wire
//! types in a folder beside it) and one line in [`PROVIDERS`]. Nothing here reads or writes a store, and no
//! address of a person leaves a normaliser: e-mails become keyed hashes.

pub mod books;
pub mod http;
pub mod lists;
mod polar;
pub mod signature;
pub mod webhooks;

use axum::http::HeaderMap;
use domain::identity::EmailHasher;
use domain::order::Fact;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::outbound::{Outbound, Refused};
use lists::{List, Pass};

pub use signature::SignatureError;

/// Every provider there is.
pub static PROVIDERS: [&dyn Provider; 1] = [&polar::Polar];

/// The provider called `name` in addresses and settings.
pub fn provider(name: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.into_iter().find(|provider| provider.name() == name)
}

/// A billing provider: how its webhooks are signed and what its objects mean.
pub trait Provider: Sync {
    /// As in `/webhooks/{name}/…` and `connection add {name}`.
    fn name(&self) -> &'static str;

    /// Checks the signature over the raw body against every secret.
    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        now_ms: i64,
    ) -> Result<Verified, SignatureError>;

    /// The type of the event in a body, when the body tells one.
    fn event_type(&self, body: &[u8]) -> Option<String>;

    /// What a webhook's body says.
    fn normalise(&self, body: &[u8], context: &Context<'_>) -> Result<Normalised, NormaliseError>;

    /// Where the API of an environment is, without a slash at the end.
    fn api_base(&self, environment: &str) -> String;

    /// Headers of every call, beside the token.
    fn api_headers(&self) -> &'static [(&'static str, &'static str)];

    /// The lists a poll reads, in its order; none for a provider that is not polled.
    fn lists(&self) -> &'static [List];

    /// How far before a pass objects of this kind are read again; `None`: all of them.
    fn lookback_ms(&self, kind: ObjectKind, pass: Pass) -> Option<i64>;

    /// The list of webhook endpoints, with the scope it needs.
    fn endpoints(&self) -> (&'static str, &'static str);

    /// The events a webhook endpoint has to send.
    fn webhook_events(&self) -> &'static [&'static str];

    /// What an endpoint that sends everything we need to `url` looks like, and the scope its making needs.
    fn endpoint(&self, url: &str) -> (serde_json::Value, &'static str);

    /// What an object read from the provider's API says; the same rules as for webhooks.
    fn normalise_object(
        &self,
        kind: ObjectKind,
        object: &serde_json::Value,
        context: &Context<'_>,
    ) -> Result<Vec<Fact>, NormaliseError>;

    /// What an object of a list says of money, read apart from facts; `None` when it moves none.
    fn said(
        &self,
        kind: ObjectKind,
        object: &serde_json::Value,
    ) -> Result<Option<books::Said>, NormaliseError>;
}

/// A webhook whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The provider's id of the event: the same at every redelivery.
    pub event_id: String,
    /// When this attempt was signed.
    pub signed_at_ms: i64,
}

/// What a normaliser needs to know beside the bytes.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub connection_id: &'a str,
    /// The provider's event id. Objects of a list have none: their facts are named by their versions.
    pub delivery_id: &'a str,
    /// When we got to know.
    pub observed_ms: i64,
    pub emails: &'a EmailHasher,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Normalised {
    Facts(Vec<Fact>),
    /// An event that says nothing about money or buyers, or one that is newer than this program.
    Ignored {
        event_type: String,
    },
}

/// Kinds of objects a poll reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Order,
    Subscription,
    Customer,
    Refund,
    Checkout,
    Dispute,
    /// When an order was paid, where the order itself does not say.
    Payment,
}

impl ObjectKind {
    pub const ALL: [ObjectKind; 7] = [
        ObjectKind::Order,
        ObjectKind::Subscription,
        ObjectKind::Customer,
        ObjectKind::Refund,
        ObjectKind::Checkout,
        ObjectKind::Dispute,
        ObjectKind::Payment,
    ];

    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Order => "order",
            ObjectKind::Subscription => "subscription",
            ObjectKind::Customer => "customer",
            ObjectKind::Refund => "refund",
            ObjectKind::Checkout => "checkout",
            ObjectKind::Dispute => "dispute",
            ObjectKind::Payment => "payment",
        }
    }

    /// Whether webhooks tell of it: what a poll finds of the others says nothing about their health.
    pub fn has_webhooks(self) -> bool {
        !matches!(self, ObjectKind::Dispute | ObjectKind::Payment)
    }
}

/// Why an event stays in the inbox as failed. Never holds a value of the body.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NormaliseError {
    #[error("the body is not the JSON of an event: {0}")]
    NotJson(String),
    #[error("{event_type} does not have the expected shape: {why}")]
    Shape { event_type: String, why: String },
}

/// Whether a connection can be checked by these: at least one, none empty.
pub fn secrets_usable(secrets: &[SecretString]) -> bool {
    !secrets.is_empty() && secrets.iter().all(|secret| !secret.expose_secret().trim().is_empty())
}

/// Whether the text names a provider's environment, or the address of a stand-in that may be called.
pub fn check_environment(text: &str, outbound: &Outbound) -> Result<(), Refused> {
    match text {
        "production" | "sandbox" => Ok(()),
        address => outbound.check(&url::Url::parse(address).map_err(|_| Refused::NotHttp)?),
    }
}

/// Days in milliseconds.
const fn days_ms(days: i64) -> i64 {
    days * 86_400_000
}
