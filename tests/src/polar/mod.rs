//! Polar as the shop's server meets it: objects with every field Polar sends, events in Polar's order, each
//! delivery signed. Payloads start from the recorded shapes in `fixtures/polar`; only ids, amounts, metadata and
//! times are put in, so that nothing the server reads was invented here.

mod objects;
mod scenes;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Dice, Price};

pub use scenes::Scene;

/// How an endpoint's secret is meant: Polar has both kinds live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Secrets made since September 2026: base64 of the key behind the prefix.
    Standard,
    /// Older ones, and those a merchant chose: the text itself is the key.
    Legacy,
}

impl Key {
    pub const ALL: [Key; 2] = [Key::Standard, Key::Legacy];

    /// The shop's secret of this kind.
    pub fn secret(self) -> &'static str {
        match self {
            Key::Standard => "whsec_c2NlbmFyaW9zIHNpZ24gd2l0aCB0aGlydHktdHdvIGJ5dGVz",
            Key::Legacy => "polar_whs_4nnq0PzTnYlQcWd8uXb3aJrK7eGh2mVs5tLoA1",
        }
    }

    /// The signature header's value, by the library that the standard's authors publish.
    pub fn sign(self, event_id: &str, signed_at_s: i64, body: &str) -> String {
        let signer = match self {
            Key::Standard => standardwebhooks::Webhook::new(self.secret()),
            Key::Legacy => standardwebhooks::Webhook::from_bytes(self.secret().as_bytes().to_vec()),
        };
        let signer = signer.expect("the shop's secrets are well formed");
        signer.sign(event_id, signed_at_s, body.as_bytes()).expect("any body can be signed")
    }
}

/// A webhook as Polar keeps it: sent unchanged at every attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `webhook-id`.
    pub id: String,
    /// `order.paid`, …
    pub kind: String,
    pub body: String,
}

/// A request that delivers `event`.
pub(crate) fn delivery(
    request: reqwest::RequestBuilder,
    event: &Event,
    signature: &str,
    signed_at_s: i64,
) -> reqwest::RequestBuilder {
    request
        .header("content-type", "application/json")
        .header("user-agent", "polar.sh webhooks")
        .header("webhook-id", &event.id)
        .header("webhook-timestamp", signed_at_s.to_string())
        .header("webhook-signature", signature)
        .header("webhook-api-version", objects::API_VERSION)
        .body(event.body.clone())
}

/// What is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    OneTime,
    Monthly { trial_days: Option<i64> },
}

/// What a checkout is opened with.
#[derive(Clone, Debug)]
pub struct NewCheckout {
    pub price: Price,
    pub product: Product,
    pub email: String,
    pub external_id: Option<String>,
    /// Goes to the order and the subscription.
    pub metadata: Map<String, Value>,
    pub customer_metadata: Map<String, Value>,
    /// Goes to the subscription alone.
    pub subscription_metadata: Map<String, Value>,
    /// A discount's code and its metadata. It takes nothing off: amounts are what tests say.
    pub discount: Option<(String, Value)>,
    /// Id and interval of the product, in the place of the recorded one's.
    pub plan: Option<(String, Option<&'static str>)>,
}

/// Everything one merchant has at Polar.
pub struct Polar {
    /// What its endpoint signs with.
    pub key: Key,
    dice: Dice,
    checkouts: BTreeMap<String, (Value, NewCheckout)>,
    customers: BTreeMap<String, Value>,
    subscriptions: BTreeMap<String, Value>,
    orders: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
}

impl Polar {
    /// An empty account; its ids follow from its name.
    pub(crate) fn new(name: &str) -> Polar {
        let seed = name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(131).wrapping_add(byte.into()));
        Polar {
            key: Key::Standard,
            dice: Dice::of(seed),
            checkouts: BTreeMap::new(),
            customers: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
        }
    }

    /// Something that happens at `now_ms`.
    pub(crate) fn scene(&mut self, now_ms: i64) -> Scene<'_> {
        Scene::new(self, now_ms)
    }
}

/// A time as Polar writes it.
fn iso(at_ms: i64) -> Value {
    Timestamp::from_millisecond(at_ms).expect("scenarios stay in this era").to_string().into()
}

/// A body around an object, compact as on the wire.
fn envelope(kind: &str, at_ms: i64, data: &Value) -> String {
    let api_version = objects::API_VERSION;
    json!({ "type": kind, "timestamp": iso(at_ms), "api_version": api_version, "data": data }).to_string()
}
