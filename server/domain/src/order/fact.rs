//! Facts: what one delivery told about one object at one version, in words that are the same for every provider.
//!
//! Facts are stored as JSON for ever, so fields are added and never renamed. They hold no address of a person:
//! e-mails are [`HashedEmail`]s, made by the normaliser.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CheckoutFact, CustomerFact, DisputeFact, Interval, PaymentFact, SubscriptionFact};
use crate::identity::HashedEmail;
use crate::ids::FactId;
use crate::money::Currency;

/// What a merchant wrote on an object; every value as text, keys as they came.
pub type Metadata = BTreeMap<String, String>;

/// One thing a provider told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    Order(OrderFact),
    Refund(RefundFact),
    Subscription(SubscriptionFact),
    Customer(CustomerFact),
    Checkout(CheckoutFact),
    Dispute(DisputeFact),
    Payment(PaymentFact),
}

impl Fact {
    pub fn head(&self) -> &Head {
        match self {
            Fact::Order(fact) => &fact.head,
            Fact::Refund(fact) => &fact.head,
            Fact::Subscription(fact) => &fact.head,
            Fact::Customer(fact) => &fact.head,
            Fact::Checkout(fact) => &fact.head,
            Fact::Dispute(fact) => &fact.head,
            Fact::Payment(fact) => &fact.head,
        }
    }

    /// The stored name of the kind of object.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Order(_) => "order",
            Fact::Refund(_) => "refund",
            Fact::Subscription(_) => "subscription",
            Fact::Customer(_) => "customer",
            Fact::Checkout(_) => "checkout",
            Fact::Dispute(_) => "dispute",
            Fact::Payment(_) => "payment",
        }
    }
}

/// The event of a fact that was read from a provider's lists.
pub const POLL: &str = "poll";

/// What every fact says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub fact_id: FactId,
    /// What the provider calls the object.
    pub object_id: String,
    /// The provider's own time of this version: when it was modified, else when it was created. Milliseconds
    /// since the epoch; decides which fact is newer.
    pub version_ms: i64,
    /// When we got to know. Never decides anything; it is for people.
    pub observed_ms: i64,
    /// The provider's name of the event (`order.paid`), or [`POLL`].
    pub event: String,
}

impl Head {
    /// What decides between two facts about one object: the version, then how far along its life the event
    /// stands (providers send created, updated and paid of one version), then the fact id, so that every
    /// machine decides alike.
    pub fn newness(&self) -> (i64, u8, FactId) {
        (self.version_ms, event_rank(&self.event), self.fact_id)
    }
}

/// How far along an object's life an event stands, by the last word of its name.
fn event_rank(event: &str) -> u8 {
    match event.rsplit(['.', '_']).next().unwrap_or(event) {
        "created" | "opened" => 0,
        "active" | "activated" | "cycled" | "resumed" | "uncanceled" => 2,
        "paid" | "completed" | "succeeded" => 3,
        "refunded" | "due" | "paused" | "canceled" | "cancelled" => 4,
        "revoked" | "expired" | "deleted" | "failed" => 5,
        _ => 1,
    }
}

/// A version of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderFact {
    pub head: Head,
    /// When the provider made the order, which may be before it was paid.
    pub created_ms: i64,
    pub status: OrderStatus,
    /// Whether the provider counts the order as paid at this version (also when refunded since).
    pub paid: bool,
    /// When the order was paid: only when this very fact announces the payment or the object carries the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked_at_ms: Option<i64>,
    pub kind: OrderKind,
    pub currency: Currency,
    pub amounts: Amounts,
    /// The currency of the fee, which providers charge in their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_currency: Option<Currency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<String>,
    /// The provider's id of the discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_name: Option<String>,
    /// The code of a partner's link, as the merchant wrote it on the order or its discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_code: Option<String>,
    /// How often the product renews; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// ISO 3166 alpha-2 of the billing address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<HashedEmail>,
    /// The order's own metadata; that of its customer and subscription are facts of theirs.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// What an order costs, in minor units of its currency; the fee in those of the fee's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amounts {
    pub subtotal_minor: i64,
    pub discount_minor: i64,
    /// After discount, before tax: the default basis of revenue.
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    /// All refunds so far without tax, by the provider's own count.
    pub refunded_minor: i64,
    pub refunded_tax_minor: i64,
    /// What the provider keeps; often told only in a later version.
    pub fee_minor: i64,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Draft,
    Pending,
    Paid,
    PartiallyRefunded,
    Refunded,
    Void,
}

/// Why an order was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// The first order of a subscription.
    New,
    /// An order of a running subscription.
    Renewal,
    /// A change of a running subscription.
    Upgrade,
    OneTime,
    /// The start of a subscription for nothing. Normalisers say [`OrderKind::New`]; the fold finds out.
    Trial,
}

impl OrderKind {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            OrderKind::New => "new",
            OrderKind::Renewal => "renewal",
            OrderKind::Upgrade => "upgrade",
            OrderKind::OneTime => "one_time",
            OrderKind::Trial => "trial",
        }
    }
}

impl OrderStatus {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            OrderStatus::Draft => "draft",
            OrderStatus::Pending => "pending",
            OrderStatus::Paid => "paid",
            OrderStatus::PartiallyRefunded => "partially_refunded",
            OrderStatus::Refunded => "refunded",
            OrderStatus::Void => "void",
        }
    }
}

/// A version of a refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundFact {
    pub head: Head,
    /// What the provider calls the order.
    pub order_id: String,
    pub created_ms: i64,
    pub status: RefundStatus,
    /// Without tax, minor units, above zero.
    pub amount_minor: i64,
    pub tax_minor: i64,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
}

/// Where a refund stands. Only succeeded ones are booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Canceled,
}
