//! What belongs to a sale beside its order: its lines, discounts, payments, disputes and system events.

use serde_json::{Value, json};

use super::{customer, with};
use crate::catalogue::ORGANIZATION_ID;
use crate::model::{Discount, Dispute, DisputeStatus, Off, Order, Payment, Product, SystemEvent};
use crate::state::State;

/// The lines of an order. Their amounts are before discount, their taxes add up to the order's.
pub fn items(order: &Order, product: &Product, label: &str) -> Value {
    let line = |id, label: &str, amount: i64, tax: i64, is_proration: bool| {
        json!({
            "created_at": order.created_at, "modified_at": null, "id": id, "label": label,
            "amount": amount, "tax_amount": tax, "proration": is_proration,
            "product_price_id": (!order.is_trial).then_some(product.price_id),
            "start_timestamp": order.period.map(|period| period.0),
            "end_timestamp": order.period.map(|period| period.1),
        })
    };
    if order.lines.is_empty() {
        return json!([line(order.item_id, label, order.net + order.discount, order.tax, false)]);
    }
    let last = order.lines.len() - 1;
    let lines = order.lines.iter().enumerate().map(|(at, (id, label, amount))| {
        let tax = if at == last { order.tax } else { 0 };
        line(*id, label, *amount, tax, order.period.is_none() || at < last)
    });
    lines.collect()
}

/// A discount inside an order or a subscription.
pub fn discount(discount: &Discount) -> Value {
    with(
        checkout_discount(discount),
        json!({
            "created_at": discount.created_at, "modified_at": null, "metadata": {}, "starts_at": null,
            "ends_at": null, "max_redemptions": null, "max_redemptions_per_customer": null,
            "redemptions_count": discount.redemptions, "organization_id": ORGANIZATION_ID,
        }),
    )
}

/// A discount inside a checkout.
pub fn checkout_discount(discount: &Discount) -> Value {
    let base = json!({
        "id": discount.id, "name": discount.name, "code": discount.code,
        "duration": if discount.is_once { "once" } else { "forever" },
    });
    let off = match discount.off {
        Off::BasisPoints(points) => json!({ "type": "percentage", "basis_points": points }),
        Off::Amount(amount) => json!({ "type": "fixed", "amount": amount, "currency": "usd",
            "amounts": { "usd": amount, "eur": amount } }),
    };
    with(base, off)
}

/// A discount in its list.
pub fn listed_discount(it: &Discount) -> Value {
    with(discount(it), json!({ "products": [] }))
}

/// A dispute inside a refund.
pub fn dispute_core(dispute: &Dispute) -> Value {
    let resolved = matches!(dispute.status, DisputeStatus::Won | DisputeStatus::Lost);
    json!({
        "created_at": dispute.created_at, "modified_at": dispute.modified_at, "id": dispute.id,
        "status": dispute.status, "resolved": resolved,
        "closed": resolved || dispute.status == DisputeStatus::Prevented, "amount": dispute.amount,
        "tax_amount": dispute.tax, "currency": dispute.currency, "reason": dispute.reason,
        "evidence_due_by": null, "past_due": false, "order_id": dispute.order_id,
        "payment_id": dispute.payment_id,
    })
}

/// A dispute in its list.
pub fn dispute(state: &State, dispute: &Dispute) -> Value {
    let order = state.orders.get(dispute.order_id);
    let buyer = order.map(|order| customer(state.customer(order.customer_id)));
    with(dispute_core(dispute), json!({ "customer": buyer, "case_id": null }))
}

pub fn payment(payment: &Payment) -> Value {
    json!({
        "created_at": payment.created_at, "modified_at": null, "id": payment.id, "processor": "stripe",
        "status": if payment.succeeded { "succeeded" } else { "failed" }, "amount": payment.amount,
        "currency": payment.currency, "method": "card", "trigger": payment.trigger,
        "decline_reason": (!payment.succeeded).then_some("insufficient_funds"),
        "decline_message": (!payment.succeeded).then_some("Your card has insufficient funds."),
        "organization_id": ORGANIZATION_ID, "checkout_id": payment.checkout_id, "order_id": payment.order_id,
        "processor_metadata": {}, "method_metadata": { "brand": "visa", "last4": "4242" },
    })
}

pub fn system_event(state: &State, event: &SystemEvent) -> Value {
    let buyer = state.customer(event.customer_id);
    json!({
        "id": event.id, "timestamp": event.at, "organization_id": ORGANIZATION_ID,
        "customer_id": event.customer_id, "customer": customer(buyer),
        "external_customer_id": buyer.external_id, "member_id": null, "external_member_id": null,
        "child_count": 0, "parent_id": null, "label": event.name.replace('.', " "), "source": "system",
        "name": event.name, "metadata": event.metadata,
    })
}
