//! Polar's objects, made from the recorded ones: every field stays, the named ones are replaced.

use serde_json::{Map, Value, json};

use super::{NewCheckout, Product, iso};
use crate::Price;

pub(super) const API_VERSION: &str = "2026-10";

const CHECKOUT: &str =
    include_str!("../../fixtures/polar/scenarios/one_time_checkout_link/checkout.created.json");
const CUSTOMER: &str = include_str!("../../fixtures/polar/customer.created.json");
const CUSTOMER_STATE: &str = include_str!("../../fixtures/polar/customer.state_changed.json");
const ORDER_ONE_TIME: &str =
    include_str!("../../fixtures/polar/scenarios/one_time_checkout_link/order.paid.json");
const ORDER_RECURRING: &str = include_str!("../../fixtures/polar/order.created.json");
const ORDER_RENEWAL: &str = include_str!("../../fixtures/polar/scenarios/renewal/order.created.pending.json");
const SUBSCRIPTION: &str = include_str!("../../fixtures/polar/subscription.created.json");
const SUBSCRIPTION_TRIAL: &str =
    include_str!("../../fixtures/polar/scenarios/trial/subscription.created.trialing.json");
const REFUND: &str = include_str!("../../fixtures/polar/refund.created.json");

/// The object in a recorded event.
fn recorded(event: &str) -> Value {
    let mut event: Value = serde_json::from_str(event).expect("a fixture is JSON");
    event["data"].take()
}

/// Replaces fields of an object. Only fields that are there: Polar does not send others.
pub(super) fn set(object: &mut Value, fields: Value) {
    let (Value::Object(object), Value::Object(fields)) = (object, fields) else {
        panic!("fields are set on objects")
    };
    for (name, value) in fields {
        let field = object.get_mut(&name).unwrap_or_else(|| panic!("Polar sends no field {name:?} here"));
        *field = value;
    }
}

/// One fifth on top, rounded down: enough to notice when tax is taken for money.
pub(super) fn tax_of(net: i64) -> i64 {
    net / 5
}

pub(super) fn checkout(id: &str, new: &NewCheckout, at_ms: i64) -> Value {
    let mut checkout = recorded(CHECKOUT);
    let Price { minor, currency } = new.price;
    set(
        &mut checkout,
        json!({
            "id": id, "created_at": iso(at_ms), "modified_at": null, "status": "open",
            "expires_at": iso(at_ms + 24 * 3_600_000), "amount": minor, "discount_amount": 0, "net_amount": minor,
            "tax_amount": null, "total_amount": minor, "subtotal_amount": minor, "currency": currency,
            "customer_id": null, "customer_email": null, "metadata": new.metadata,
            "customer_metadata": new.customer_metadata, "external_customer_id": new.external_id,
            "customer_external_id": new.external_id, "subscription_id": null,
        }),
    );
    checkout
}

pub(super) fn customer(id: &str, new: &NewCheckout, at_ms: i64) -> Value {
    let mut customer = recorded(CUSTOMER);
    set(
        &mut customer,
        json!({
            "id": id, "created_at": iso(at_ms), "modified_at": null, "metadata": new.customer_metadata,
            "external_id": new.external_id, "email": new.email, "deleted_at": null,
        }),
    );
    customer
}

/// `customer.state_changed`: the customer beside lists that are about somebody's plans.
pub(super) fn customer_state(customer: &Value) -> Value {
    let mut state = recorded(CUSTOMER_STATE);
    set(&mut state, customer.clone());
    set(&mut state, json!({ "active_subscriptions": [], "granted_benefits": [] }));
    state
}

pub(super) fn subscription(
    id: &str,
    new: &NewCheckout,
    checkout_id: &str,
    customer: &Value,
    at_ms: i64,
) -> Value {
    let trial_days = match new.product {
        Product::Monthly { trial_days } => trial_days,
        Product::OneTime => panic!("nobody subscribes to a thing"),
    };
    let mut subscription = recorded(if trial_days.is_some() { SUBSCRIPTION_TRIAL } else { SUBSCRIPTION });
    let mut metadata = new.metadata.clone();
    metadata.extend(new.subscription_metadata.clone());
    let trial_end = trial_days.map(|days| iso(at_ms + days * 86_400_000));
    set(
        &mut subscription,
        json!({
            "id": id, "created_at": iso(at_ms), "modified_at": null, "amount": new.price.minor,
            "currency": new.price.currency, "current_period_start": iso(at_ms),
            "current_period_end": trial_end.clone().unwrap_or_else(|| iso(at_ms + 30 * 86_400_000)),
            "trial_start": trial_days.map(|_| iso(at_ms)), "trial_end": trial_end, "started_at": iso(at_ms),
            "customer_id": customer["id"], "user_id": customer["id"], "customer": customer,
            "checkout_id": checkout_id, "metadata": metadata, "discount_id": null, "discount": null,
        }),
    );
    subscription
}

/// What an order holds of its subscription: the same without the objects around it.
pub(super) fn short(subscription: &Value) -> Value {
    let around = [
        "user",
        "custom_field_data",
        "price",
        "customer",
        "meters",
        "pending_update",
        "prices",
        "discount",
        "product",
    ];
    let fields = subscription.as_object().expect("a subscription is an object");
    let kept = fields.iter().filter(|(name, _)| !around.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// Which order this is to Polar.
pub(super) struct NewOrder<'a> {
    pub id: &'a str,
    pub billing_reason: &'a str,
    pub price: Price,
    pub checkout_id: Option<&'a str>,
    pub customer: &'a Value,
    pub subscription: Option<&'a Value>,
    pub metadata: Value,
    pub is_paid: bool,
    pub at_ms: i64,
}

pub(super) fn order(new: NewOrder<'_>) -> Value {
    let mut order = recorded(match new.billing_reason {
        "purchase" => ORDER_ONE_TIME,
        "subscription_cycle" => ORDER_RENEWAL,
        _ => ORDER_RECURRING,
    });
    let Price { minor: net, currency } = new.price;
    let tax = tax_of(net);
    let receipt = (new.is_paid && net > 0).then_some("RCPT-9C2A1F0E-0042");
    set(
        &mut order,
        json!({
            "id": new.id, "created_at": iso(new.at_ms), "modified_at": null,
            "status": if new.is_paid { "paid" } else { "pending" }, "paid": new.is_paid,
            "subtotal_amount": net, "discount_amount": 0, "net_amount": net, "tax_amount": tax,
            "total_amount": net + tax, "due_amount": net + tax, "refunded_amount": 0, "refunded_tax_amount": 0,
            "currency": currency, "billing_reason": new.billing_reason, "receipt_number": receipt,
            "customer_id": new.customer["id"], "user_id": new.customer["id"], "customer": new.customer,
            "subscription_id": new.subscription.map(|subscription| &subscription["id"]),
            "subscription": new.subscription.map(short), "checkout_id": new.checkout_id,
            "metadata": new.metadata, "discount_id": null, "discount": null, "amount": net,
            "refundable_amount": net, "refundable_tax_amount": tax, "platform_fee_amount": 0,
            "platform_fee_currency": null,
        }),
    );
    set(&mut order["items"][0], json!({ "created_at": iso(new.at_ms), "amount": net }));
    order
}

pub(super) fn refund(id: &str, order: &Value, amount: i64, tax: i64, is_instant: bool, at_ms: i64) -> Value {
    let mut refund = recorded(REFUND);
    set(
        &mut refund,
        json!({
            "id": id, "created_at": iso(at_ms), "modified_at": null,
            "status": if is_instant { "succeeded" } else { "pending" }, "amount": amount, "tax_amount": tax,
            "currency": order["currency"], "order_id": order["id"], "customer_id": order["customer_id"],
            "subscription_id": order["subscription_id"],
        }),
    );
    refund
}
