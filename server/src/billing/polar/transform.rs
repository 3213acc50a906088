//! From Polar's shapes to neutral facts. Every rule that needed a look at Polar's source says so.

use std::collections::BTreeMap;

use domain::affiliate::LinkCode;
use domain::ids::FactId;
use domain::money::Currency;
use domain::order::{
    Amounts, CheckoutFact, CheckoutState, CheckoutStatus, CustomerFact, CustomerState, DisputeFact,
    DisputeStatus, Fact, Head, Interval, Metadata, OrderFact, OrderKind, OrderStatus, POLL, PaymentFact,
    RefundFact, RefundStatus, SubscriptionFact, SubscriptionState, SubscriptionStatus,
};
use serde_json::Value;

use super::wire;
use crate::billing::{Context, NormaliseError};

/// Keys under which a merchant says which partner brought a sale. The second is what shops commonly write.
const PARTNER_KEYS: [&str; 2] = ["tributary_partner", "affiliate"];

/// Who tells: one delivery or one poll.
pub(super) struct Teller<'a> {
    pub context: &'a Context<'a>,
    /// `order.paid`, or `poll`.
    pub event: &'a str,
    /// When the event was made; none for a poll.
    pub told_at_ms: Option<i64>,
}

impl Teller<'_> {
    /// The order, and the customer and subscription inside it.
    pub fn order(&self, order: wire::Order) -> Result<Vec<Fact>, NormaliseError> {
        let version_ms = version(order.created_at, order.modified_at);
        let status = order_status(&order.status, order.paid);
        let paid = order.paid.unwrap_or(matches!(
            status,
            OrderStatus::Paid | OrderStatus::Refunded | OrderStatus::PartiallyRefunded
        ));
        let net_minor = order.net_amount.0;
        let tax_minor = minor(order.tax_amount).unwrap_or(0);
        let discount_minor = minor(order.discount_amount).unwrap_or(0);
        let email = order.customer.as_ref().and_then(|customer| customer.email.as_deref());
        let billing = order.billing_address.and_then(|address| address.country);
        let country = billing.or_else(|| country_of(order.customer.as_ref()));
        let own = metadata(order.metadata);
        let (discount, discount_metadata) = match order.discount {
            Some(discount) => {
                (Some((discount.id, discount.name, discount.code)), metadata(discount.metadata))
            }
            None => (None, Metadata::new()),
        };
        let (discount_id, discount_name, discount_code) = discount.unwrap_or_default();
        let (product_name, renews) = match order.product {
            Some(product) => (product.name, product.recurring_interval),
            None => (None, None),
        };
        let of_subscription = order.subscription.as_ref();
        let renews = renews.or_else(|| of_subscription?.recurring_interval.clone());
        let fact = Fact::Order(OrderFact {
            head: self.head("order", &order.id, version_ms),
            created_ms: order.created_at.0,
            status,
            paid,
            // Sent once, on the transition to paid; the object itself carries no such time.
            booked_at_ms: self.told_at_ms.filter(|_| paid && self.event == "order.paid"),
            kind: kind(order.billing_reason.as_deref(), order.subscription_id.is_some()),
            currency: self.currency(&order.currency)?,
            amounts: Amounts {
                subtotal_minor: minor(order.subtotal_amount).unwrap_or(net_minor + discount_minor),
                discount_minor,
                net_minor,
                tax_minor,
                total_minor: minor(order.total_amount).unwrap_or(net_minor + tax_minor),
                refunded_minor: minor(order.refunded_amount).unwrap_or(0),
                refunded_tax_minor: minor(order.refunded_tax_amount).unwrap_or(0),
                fee_minor: minor(order.platform_fee_amount).unwrap_or(0),
            },
            fee_currency: order.platform_fee_currency.and_then(|code| code.parse().ok()),
            subscription_id: order.subscription_id,
            checkout_id: order.checkout_id,
            customer_id: order.customer_id,
            product_id: order.product_id,
            product_name,
            discount_code,
            discount_id,
            discount_name,
            partner_code: partner_code(&own).or_else(|| partner_code(&discount_metadata)),
            interval: renews.as_deref().and_then(interval),
            country,
            email: email.and_then(|address| self.context.emails.hash(address)),
            metadata: own,
        });
        let customer = order.customer.map(|customer| self.customer(customer));
        let subscription =
            order.subscription.map(|subscription| self.subscription(subscription)).transpose()?;
        Ok([fact].into_iter().chain(customer).chain(subscription.into_iter().flatten()).collect())
    }

    /// The subscription, and the customer inside it.
    pub fn subscription(&self, subscription: wire::Subscription) -> Result<Vec<Fact>, NormaliseError> {
        let version_ms = version(subscription.created_at, subscription.modified_at);
        let at = |time: Option<wire::Time>| time.map(|time| time.0);
        let fact = Fact::Subscription(SubscriptionFact {
            head: self.head("subscription", &subscription.id, version_ms),
            state: SubscriptionState {
                created_ms: subscription.created_at.0,
                status: subscription_status(&subscription.status),
                amount_minor: minor(subscription.amount).unwrap_or(0),
                currency: self.currency(&subscription.currency)?,
                interval: subscription.recurring_interval.as_deref().and_then(interval),
                interval_count: subscription.recurring_interval_count.unwrap_or(1),
                customer_id: subscription.customer_id,
                product_id: subscription.product_id,
                checkout_id: subscription.checkout_id,
                started_ms: at(subscription.started_at),
                trial_end_ms: at(subscription.trial_end),
                period_start_ms: at(subscription.current_period_start),
                period_end_ms: at(subscription.current_period_end),
                past_due_ms: at(subscription.past_due_at),
                paused_ms: at(subscription.paused_at),
                seats: subscription.seats,
                cancel_at_period_end: subscription.cancel_at_period_end.unwrap_or(false),
                canceled_ms: at(subscription.canceled_at),
                ends_ms: at(subscription.ends_at),
                ended_ms: at(subscription.ended_at),
                metadata: metadata(subscription.metadata),
            },
        });
        let customer = subscription.customer.map(|customer| self.customer(customer));
        Ok([fact].into_iter().chain(customer).collect())
    }

    /// `customer.state_changed` adds lists to the customer; they are left out, because its short
    /// subscriptions would hide what the full ones say, and each has an event of its own.
    pub fn customer(&self, customer: wire::Customer) -> Fact {
        let country = country_of(Some(&customer));
        Fact::Customer(CustomerFact {
            head: self.head("customer", &customer.id, version(customer.created_at, customer.modified_at)),
            state: CustomerState {
                created_ms: customer.created_at.0,
                external_id: customer.external_id.filter(|id| !id.is_empty()),
                email: customer.email.and_then(|address| self.context.emails.hash(&address)),
                country,
                deleted: customer.deleted_at.is_some(),
                metadata: metadata(customer.metadata),
            },
        })
    }

    /// The refund, and the dispute it prevented.
    pub fn refund(&self, refund: wire::Refund) -> Result<Vec<Fact>, NormaliseError> {
        let fact = Fact::Refund(RefundFact {
            head: self.head("refund", &refund.id, version(refund.created_at, refund.modified_at)),
            order_id: refund.order_id,
            created_ms: refund.created_at.0,
            status: refund_status(&refund.status),
            amount_minor: refund.amount.0,
            tax_minor: minor(refund.tax_amount).unwrap_or(0),
            currency: self.currency(&refund.currency)?,
            reason: refund.reason,
            subscription_id: refund.subscription_id,
            customer_id: refund.customer_id,
        });
        let dispute = refund.dispute.map(|dispute| self.dispute(dispute)).transpose()?;
        Ok([fact].into_iter().chain(dispute).collect())
    }

    pub fn dispute(&self, dispute: wire::Dispute) -> Result<Fact, NormaliseError> {
        Ok(Fact::Dispute(DisputeFact {
            head: self.head("dispute", &dispute.id, version(dispute.created_at, dispute.modified_at)),
            order_id: dispute.order_id,
            created_ms: dispute.created_at.0,
            status: dispute_status(&dispute.status),
            amount_minor: dispute.amount.0,
            tax_minor: minor(dispute.tax_amount).unwrap_or(0),
            currency: self.currency(&dispute.currency)?,
            reason: dispute.reason,
            customer_id: dispute.customer.map(|customer| customer.id),
        }))
    }

    pub fn checkout(&self, checkout: wire::Checkout) -> Fact {
        Fact::Checkout(CheckoutFact {
            head: self.head("checkout", &checkout.id, version(checkout.created_at, checkout.modified_at)),
            state: CheckoutState {
                created_ms: checkout.created_at.0,
                status: checkout_status(&checkout.status),
                customer_id: checkout.customer_id,
                customer_external_id: checkout.external_customer_id,
                subscription_id: checkout.subscription_id,
                product_id: checkout.product_id,
                email: checkout.customer_email.and_then(|address| self.context.emails.hash(&address)),
                metadata: metadata(checkout.metadata),
                customer_metadata: metadata(checkout.customer_metadata),
            },
        })
    }

    /// When an order was paid, from Polar's own journal: neither orders nor payments of its lists carry that time.
    pub fn payment(&self, paid: wire::OrderPaid) -> Fact {
        Fact::Payment(PaymentFact {
            head: self.head("payment", &paid.id, paid.timestamp.0),
            order_id: paid.metadata.order_id,
            paid_at_ms: paid.timestamp.0,
        })
    }

    fn head(&self, kind: &str, object_id: &str, version_ms: i64) -> Head {
        let Context { connection_id, delivery_id, observed_ms, .. } = *self.context;
        // What a list says of one version is one fact, however often and wherever inside it is read.
        let version = format!("version {version_ms}");
        let delivery_id = if self.event == POLL { &version } else { delivery_id };
        Head {
            fact_id: FactId::derive(connection_id, delivery_id, kind, object_id),
            object_id: object_id.to_owned(),
            version_ms,
            observed_ms,
            event: self.event.to_owned(),
        }
    }

    fn currency(&self, code: &str) -> Result<Currency, NormaliseError> {
        code.parse().map_err(|_| NormaliseError::Shape {
            event_type: self.event.to_owned(),
            why: "the currency is not three letters".to_owned(),
        })
    }
}

fn version(created: wire::Time, modified: Option<wire::Time>) -> i64 {
    modified.unwrap_or(created).0
}

fn minor(amount: Option<wire::Minor>) -> Option<i64> {
    amount.map(|amount| amount.0)
}

/// Values as text; lists and maps, which Polar does not take, are left out.
fn metadata(map: Option<BTreeMap<String, Value>>) -> Metadata {
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    map.into_iter().flatten().filter_map(|(key, value)| Some((key, text(value)?))).collect()
}

/// Polar writes US and Canadian states as `US-CA` in some places.
fn country_of(customer: Option<&wire::Customer>) -> Option<String> {
    let country = customer?.billing_address.as_ref()?.country.as_deref()?;
    country.get(..2).map(str::to_ascii_uppercase)
}

/// Internal reasons (`subscription_cycle_after_trial`) are shown as `subscription_cycle`. A word we do not
/// know is an order of a running subscription when it names one: never new revenue by mistake.
fn kind(billing_reason: Option<&str>, of_subscription: bool) -> OrderKind {
    match billing_reason {
        Some("purchase") => OrderKind::OneTime,
        Some("subscription_create") => OrderKind::New,
        Some("subscription_update") => OrderKind::Upgrade,
        _ if of_subscription => OrderKind::Renewal,
        _ => OrderKind::OneTime,
    }
}

/// A word we do not know is paid when the order says so, else not yet.
pub(super) fn order_status(word: &str, paid: Option<bool>) -> OrderStatus {
    match word {
        "draft" => OrderStatus::Draft,
        "pending" => OrderStatus::Pending,
        "paid" => OrderStatus::Paid,
        "refunded" => OrderStatus::Refunded,
        "partially_refunded" => OrderStatus::PartiallyRefunded,
        "void" => OrderStatus::Void,
        _ if paid == Some(true) => OrderStatus::Paid,
        _ => OrderStatus::Pending,
    }
}

fn subscription_status(word: &str) -> SubscriptionStatus {
    match word {
        "incomplete_expired" => SubscriptionStatus::IncompleteExpired,
        "trialing" => SubscriptionStatus::Trialing,
        "active" => SubscriptionStatus::Active,
        "past_due" => SubscriptionStatus::PastDue,
        "paused" => SubscriptionStatus::Paused,
        "canceled" => SubscriptionStatus::Canceled,
        "unpaid" => SubscriptionStatus::Unpaid,
        // `incomplete`, and words we do not know: counted as nothing.
        _ => SubscriptionStatus::Incomplete,
    }
}

fn refund_status(word: &str) -> RefundStatus {
    match word {
        "succeeded" => RefundStatus::Succeeded,
        "failed" => RefundStatus::Failed,
        "canceled" => RefundStatus::Canceled,
        // `pending`, and words we do not know: shown, not booked.
        _ => RefundStatus::Pending,
    }
}

fn dispute_status(word: &str) -> DisputeStatus {
    match word {
        "lost" => DisputeStatus::Lost,
        "won" => DisputeStatus::Won,
        "prevented" => DisputeStatus::Prevented,
        // `early_warning`, `needs_response`, `under_review`, and words we do not know: not booked.
        _ => DisputeStatus::Open,
    }
}

fn checkout_status(word: &str) -> CheckoutStatus {
    match word {
        "expired" => CheckoutStatus::Expired,
        "confirmed" => CheckoutStatus::Confirmed,
        "succeeded" => CheckoutStatus::Succeeded,
        "failed" => CheckoutStatus::Failed,
        _ => CheckoutStatus::Open,
    }
}

/// A word we do not know is no interval.
fn interval(word: &str) -> Option<Interval> {
    Interval::named(word)
}

/// The code of a partner's link that a merchant wrote on an order or a discount. What cannot be one is left out: people
/// write names and addresses there as well.
fn partner_code(metadata: &Metadata) -> Option<String> {
    let written = PARTNER_KEYS.into_iter().filter_map(|key| metadata.get(key));
    let mut codes = written.filter_map(|text| text.trim().parse::<LinkCode>().ok());
    codes.next().map(|code| code.to_string())
}
