//! What Polar writes down beside its webhooks: payments, and the system's own events.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Scene;
use crate::model::{Metadata, Payment, SystemEvent};

/// A try to charge an order. Nothing when nothing is due.
pub(super) fn record_payment(scene: &mut Scene<'_>, order_id: Uuid, succeeded: bool, trigger: &str) {
    let created_at = scene.time();
    let id = scene.state.ids.uuid();
    let Some(order) = scene.state.orders.get(order_id) else { return };
    let amount = order.net + order.tax + order.applied_balance;
    if amount > 0 {
        let payment = Payment {
            id,
            created_at,
            succeeded,
            amount,
            currency: order.currency.clone(),
            trigger: trigger.to_owned(),
            order_id,
            checkout_id: order.checkout_id,
            customer_id: order.customer_id,
        };
        scene.state.payments.push(payment);
    }
    if succeeded {
        record_order(scene, "order.paid", order_id);
    }
}

/// An event about an order.
pub(super) fn record_order(scene: &mut Scene<'_>, name: &str, order_id: Uuid) {
    let Some(order) = scene.state.orders.get(order_id) else { return };
    let customer_id = order.customer_id;
    let mut about = json!({
        "order_id": order_id, "amount": order.net + order.tax, "net_amount": order.net,
        "tax_amount": order.tax, "discount_amount": order.discount, "currency": order.currency,
        "refunded_amount": order.refunded, "applied_balance_amount": order.applied_balance,
        "product_id": order.product_id,
    });
    if let Some(id) = order.subscription_id {
        about["subscription_id"] = json!(id);
    }
    record(scene, name, customer_id, about);
}

/// An event about a subscription.
pub(super) fn record_subscription(scene: &mut Scene<'_>, name: &str, id: Uuid) {
    let Some(it) = scene.state.subscriptions.get(id) else { return };
    let customer_id = it.customer_id;
    let about = json!({
        "subscription_id": id, "product_id": it.product_id, "amount": it.amount, "currency": it.currency,
        "recurring_interval": it.interval, "recurring_interval_count": 1, "started_at": it.started_at,
    });
    record(scene, name, customer_id, about);
}

/// An event about anything.
pub(super) fn record(scene: &mut Scene<'_>, name: &str, customer_id: Uuid, about: Value) {
    let Value::Object(about) = about else { return };
    let (id, at) = (scene.state.ids.uuid(), scene.time());
    let metadata: Metadata = about.into_iter().filter(|(_, value)| !value.is_null()).collect();
    scene.state.system_events.push(SystemEvent { id, at, name: name.to_owned(), customer_id, metadata });
}
