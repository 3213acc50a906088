//! Polar's own shapes, as far as we read them. Words stay text: a new word must not lose an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Around every object.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub r#type: String,
    /// When the event was made; absent or odd in hand-made events.
    #[serde(default, deserialize_with = "lenient_time")]
    pub timestamp: Option<Time>,
    #[serde(default)]
    pub data: Value,
}

#[derive(Deserialize)]
pub(super) struct Order {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    #[serde(default)]
    pub status: String,
    /// Absent in old versions: then the status tells.
    pub paid: Option<bool>,
    pub subtotal_amount: Option<i64>,
    #[serde(default)]
    pub discount_amount: Option<i64>,
    /// After discount, before tax.
    pub net_amount: i64,
    pub tax_amount: Option<i64>,
    pub total_amount: Option<i64>,
    pub refunded_amount: Option<i64>,
    pub refunded_tax_amount: Option<i64>,
    pub platform_fee_amount: Option<i64>,
    pub platform_fee_currency: Option<String>,
    pub currency: String,
    #[serde(default)]
    pub billing_reason: Option<String>,
    pub billing_address: Option<Address>,
    pub customer_id: Option<String>,
    pub product_id: Option<String>,
    pub subscription_id: Option<String>,
    pub checkout_id: Option<String>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
    pub customer: Option<Customer>,
    pub product: Option<Named>,
    pub discount: Option<Discount>,
    pub subscription: Option<Subscription>,
}

#[derive(Deserialize)]
pub(super) struct Subscription {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    #[serde(default)]
    pub status: String,
    pub amount: Option<i64>,
    pub currency: String,
    pub recurring_interval: Option<String>,
    pub recurring_interval_count: Option<u32>,
    pub customer_id: Option<String>,
    pub product_id: Option<String>,
    pub checkout_id: Option<String>,
    pub started_at: Option<Time>,
    pub trial_end: Option<Time>,
    pub current_period_start: Option<Time>,
    pub current_period_end: Option<Time>,
    pub cancel_at_period_end: Option<bool>,
    pub canceled_at: Option<Time>,
    pub ends_at: Option<Time>,
    pub ended_at: Option<Time>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
    pub customer: Option<Customer>,
}

#[derive(Deserialize)]
pub(super) struct Customer {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub external_id: Option<String>,
    /// Null for team customers.
    pub email: Option<String>,
    pub billing_address: Option<Address>,
    pub deleted_at: Option<Time>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub order_id: String,
    #[serde(default)]
    pub status: String,
    /// Without tax.
    pub amount: i64,
    pub tax_amount: Option<i64>,
    pub currency: String,
    pub reason: Option<String>,
    pub subscription_id: Option<String>,
    pub customer_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Checkout {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    #[serde(default)]
    pub status: String,
    pub customer_id: Option<String>,
    pub customer_email: Option<String>,
    pub external_customer_id: Option<String>,
    pub subscription_id: Option<String>,
    pub product_id: Option<String>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub customer_metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
pub(super) struct Address {
    pub country: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Discount {
    pub code: Option<String>,
}

/// ISO 8601 with zone and up to microseconds, as milliseconds since the epoch.
#[derive(Clone, Copy)]
pub(super) struct Time(pub i64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(|_| serde::de::Error::custom("not a time"))?;
        Ok(Time(at.as_millisecond()))
    }
}

fn lenient_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(Time::deserialize(value).ok())
}
