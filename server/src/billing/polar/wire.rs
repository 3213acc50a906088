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
    pub subtotal_amount: Option<Minor>,
    #[serde(default)]
    pub discount_amount: Option<Minor>,
    /// After discount, before tax.
    pub net_amount: Minor,
    pub tax_amount: Option<Minor>,
    pub total_amount: Option<Minor>,
    pub refunded_amount: Option<Minor>,
    pub refunded_tax_amount: Option<Minor>,
    pub platform_fee_amount: Option<Minor>,
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
    pub product: Option<Product>,
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
    pub amount: Option<Minor>,
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
    pub past_due_at: Option<Time>,
    pub paused_at: Option<Time>,
    pub seats: Option<u32>,
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
    pub amount: Minor,
    pub tax_amount: Option<Minor>,
    pub currency: String,
    pub reason: Option<String>,
    pub subscription_id: Option<String>,
    pub customer_id: Option<String>,
    /// The dispute this refund prevented.
    pub dispute: Option<Dispute>,
}

#[derive(Deserialize)]
pub(super) struct Dispute {
    pub id: String,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub order_id: String,
    #[serde(default)]
    pub status: String,
    /// Without tax, as in a refund.
    pub amount: Minor,
    pub tax_amount: Option<Minor>,
    pub currency: String,
    pub reason: Option<String>,
    /// In full in the list of disputes, absent inside a refund.
    pub customer: Option<Identified>,
}

#[derive(Deserialize)]
pub(super) struct Identified {
    pub id: String,
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

/// An entry of Polar's own journal, of the kind `order.paid`.
#[derive(Deserialize)]
pub(super) struct OrderPaid {
    pub id: String,
    pub timestamp: Time,
    pub metadata: OrderPaidMetadata,
}

#[derive(Deserialize)]
pub(super) struct OrderPaidMetadata {
    pub order_id: String,
}

#[derive(Deserialize)]
pub(super) struct Address {
    pub country: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Product {
    pub name: Option<String>,
    /// Null for what is sold once.
    pub recurring_interval: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Discount {
    pub id: Option<String>,
    pub name: Option<String>,
    /// Null for a discount that is given without being typed in.
    pub code: Option<String>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Value>>,
}

/// An amount in minor units: a whole number, or its digits as text.
#[derive(Clone, Copy)]
pub(super) struct Minor(pub i64);

/// Ten trillion of a currency with two decimals: more is damage, and sums of less never overflow.
const MINOR_MAX: i64 = 1_000_000_000_000_000;

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Minor, D::Error> {
        let minor = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_i64(),
            Value::String(digits) => digits.parse().ok(),
            _ => None,
        };
        minor
            .filter(|minor| (-MINOR_MAX..=MINOR_MAX).contains(minor))
            .map(Minor)
            .ok_or_else(|| serde::de::Error::custom("not an amount in minor units"))
    }
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
