//! What Polar keeps: the objects, as values. How they look in JSON is in `render`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Time;

/// Flat pairs a merchant attaches to a checkout; copied to orders, subscriptions and customers.
pub type Metadata = Map<String, Value>;

/// How often a subscription is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    Month,
    Year,
}

impl Interval {
    /// The end of a period that starts at `at`.
    #[must_use]
    pub fn after(self, at: Time) -> Time {
        at.plus_months(if self == Interval::Month { 1 } else { 12 })
    }

    /// Polar's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        if self == Interval::Month { "month" } else { "year" }
    }
}

/// Something for sale, with its one fixed price in minor units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Product {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub interval: Option<Interval>,
    pub trial_days: Option<i64>,
    pub price_id: Uuid,
    pub price: i64,
    pub currency: String,
    pub created_at: Time,
}

/// A buyer. E-mail unique without regard to case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub metadata: Metadata,
    pub external_id: Option<String>,
    pub email: String,
    pub name: Option<String>,
    pub country: Option<String>,
    pub payment_method_id: Option<Uuid>,
    /// What downgrades left to its credit, in minor units; spent by the next orders.
    #[serde(default)]
    pub balance: i64,
    #[serde(default)]
    pub deleted_at: Option<Time>,
}

/// A link that opens a new checkout at every visit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckoutLink {
    pub id: Uuid,
    pub created_at: Time,
    pub client_secret: String,
    pub metadata: Metadata,
    pub label: Option<String>,
    pub success_url: Option<String>,
    pub product_ids: Vec<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckoutStatus {
    Open,
    Expired,
    Confirmed,
    Succeeded,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkout {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub status: CheckoutStatus,
    pub client_secret: String,
    pub expires_at: Time,
    pub success_url: String,
    pub return_url: Option<String>,
    pub embed_origin: Option<String>,
    pub product_ids: Vec<Uuid>,
    /// The chosen one of `product_ids`.
    pub product_id: Uuid,
    /// Net price in minor units; the product's unless the history mode says otherwise.
    pub amount: i64,
    pub tax: Option<i64>,
    pub metadata: Metadata,
    pub customer_metadata: Metadata,
    pub external_customer_id: Option<String>,
    pub customer_id: Option<Uuid>,
    pub customer_email: Option<String>,
    pub customer_name: Option<String>,
    pub customer_country: Option<String>,
    #[serde(default)]
    pub discount_id: Option<Uuid>,
    #[serde(default)]
    pub seats: Option<u32>,
}

/// What a discount takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// Hundredths of a percent.
    BasisPoints(i64),
    /// Minor units, of any currency.
    Amount(i64),
}

/// A price reduction by code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Discount {
    pub id: Uuid,
    pub created_at: Time,
    pub name: String,
    pub code: String,
    pub off: Off,
    /// Of a subscription: for the first order only, or for all.
    pub is_once: bool,
    pub redemptions: u64,
}

impl Discount {
    /// What it takes off `amount`, in minor units.
    #[must_use]
    pub fn off(&self, amount: i64) -> i64 {
        match self.off {
            Off::BasisPoints(points) => amount * points / 10_000,
            Off::Amount(off) => off.min(amount),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Pending,
    Paid,
    Refunded,
    PartiallyRefunded,
    Void,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub status: OrderStatus,
    /// After discount, before tax, in minor units.
    pub net: i64,
    pub tax: i64,
    #[serde(default)]
    pub discount: i64,
    #[serde(default)]
    pub discount_id: Option<Uuid>,
    /// Credit of the customer that was used; zero or below.
    #[serde(default)]
    pub applied_balance: i64,
    #[serde(default)]
    pub seats: Option<u32>,
    /// Lines of a change of plan: label and amount; one line by the product when empty.
    #[serde(default)]
    pub lines: Vec<(Uuid, String, i64)>,
    pub refunded: i64,
    pub refunded_tax: i64,
    pub currency: String,
    pub billing_reason: String,
    pub number: u64,
    pub customer_id: Uuid,
    pub product_id: Uuid,
    pub subscription_id: Option<Uuid>,
    pub checkout_id: Option<Uuid>,
    pub next_payment_attempt_at: Option<Time>,
    pub metadata: Metadata,
    pub platform_fee: Option<i64>,
    pub item_id: Uuid,
    /// The period this order pays, for renewals and trials.
    pub period: Option<(Time, Time)>,
    pub is_trial: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    Trialing,
    Active,
    PastDue,
    Paused,
    Canceled,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub status: SubscriptionStatus,
    /// Per period, after the discount attached, in minor units.
    pub amount: i64,
    /// The same before the discount.
    #[serde(default)]
    pub list_amount: i64,
    #[serde(default)]
    pub discount_id: Option<Uuid>,
    #[serde(default)]
    pub seats: Option<u32>,
    #[serde(default)]
    pub paused_at: Option<Time>,
    #[serde(default)]
    pub resumes_at: Option<Time>,
    /// Product to change to at the next period.
    #[serde(default)]
    pub pending_product: Option<(Uuid, Uuid, Time)>,
    /// Proration lines for the next order: label and amount.
    #[serde(default)]
    pub pending_lines: Vec<(String, i64)>,
    pub currency: String,
    pub interval: Interval,
    pub period_start: Time,
    pub period_end: Time,
    pub trial: Option<(Time, Time)>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<Time>,
    pub started_at: Time,
    pub ends_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub past_due_at: Option<Time>,
    pub customer_id: Uuid,
    pub product_id: Uuid,
    pub checkout_id: Option<Uuid>,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub metadata: Metadata,
    pub status: RefundStatus,
    pub reason: String,
    /// Without tax, in minor units.
    pub amount: i64,
    pub tax: i64,
    pub currency: String,
    pub order_id: Uuid,
    pub subscription_id: Option<Uuid>,
    pub customer_id: Uuid,
    pub revoke_benefits: bool,
    #[serde(default)]
    pub dispute_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    Prevented,
    EarlyWarning,
    NeedsResponse,
    UnderReview,
    Lost,
    Won,
}

/// A buyer's bank asks for the money back. No webhook tells of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dispute {
    pub id: Uuid,
    pub created_at: Time,
    pub modified_at: Option<Time>,
    pub status: DisputeStatus,
    /// Without tax, in minor units.
    pub amount: i64,
    pub tax: i64,
    pub currency: String,
    pub reason: Option<String>,
    pub order_id: Uuid,
    pub payment_id: Uuid,
}

/// One try to charge a card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    pub id: Uuid,
    pub created_at: Time,
    pub succeeded: bool,
    /// With tax, in minor units.
    pub amount: i64,
    pub currency: String,
    pub trigger: String,
    pub order_id: Uuid,
    pub checkout_id: Option<Uuid>,
    pub customer_id: Uuid,
}

/// What `/v1/events/` says the system did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemEvent {
    pub id: Uuid,
    pub at: Time,
    pub name: String,
    pub customer_id: Uuid,
    pub metadata: Metadata,
}

/// Rows with an id and a time of creation.
pub trait Row {
    fn id(&self) -> Uuid;
}

macro_rules! rows {
    ($($row:ty),*) => { $(impl Row for $row { fn id(&self) -> Uuid { self.id } })* };
}
rows!(
    Product,
    Customer,
    CheckoutLink,
    Checkout,
    Discount,
    Order,
    Subscription,
    Refund,
    Dispute,
    Payment,
    SystemEvent
);

/// Rows in the order they were made, found by id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table<T> {
    rows: Vec<T>,
    by_id: HashMap<Uuid, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: Vec::new(), by_id: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    pub fn push(&mut self, row: T) {
        self.by_id.insert(row.id(), self.rows.len());
        self.rows.push(row);
    }

    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&T> {
        self.by_id.get(&id).map(|&at| &self.rows[at])
    }

    pub fn get_mut(&mut self, id: Uuid) -> Option<&mut T> {
        self.by_id.get(&id).map(|&at| &mut self.rows[at])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }
}
