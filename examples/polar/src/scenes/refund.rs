//! Refunds: at once, slow, or failing after they looked fine. Amounts are without tax; the tax share is added.

use uuid::Uuid;

use super::checkout::touch;
use super::record::record_order;
use super::{Refusal, Scene};
use crate::model::{Metadata, OrderStatus, Refund, RefundStatus};

/// The reasons Polar knows.
pub const REASONS: [&str; 7] = [
    "duplicate",
    "fraudulent",
    "customer_request",
    "service_disruption",
    "satisfaction_guarantee",
    "dispute_prevention",
    "other",
];

/// What is asked back.
#[derive(Clone, Debug)]
pub struct NewRefund {
    pub order_id: Uuid,
    /// Without tax, minor units; everything still refundable when absent.
    pub amount: Option<i64>,
    pub reason: String,
    pub metadata: Metadata,
    pub revoke_benefits: bool,
    /// Whether the processor answers at once.
    pub is_instant: bool,
    /// The dispute it prevents. Polar then names no subscription.
    pub dispute_id: Option<Uuid>,
}

/// refund.created, and when instant order.updated and order.refunded.
pub fn refund(scene: &mut Scene<'_>, new: NewRefund) -> Result<Uuid, Refusal> {
    let order = scene.state.orders.get(new.order_id).ok_or(Refusal::NotFound)?.clone();
    let refundable = order.net + order.applied_balance - order.refunded;
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Void) || refundable <= 0 {
        return Err(Refusal::NotNow("there is nothing to refund on this order"));
    }
    let amount = new.amount.unwrap_or(refundable);
    if amount <= 0 || amount > refundable {
        return Err(Refusal::NotNow("the amount is more than what can be refunded"));
    }
    let refundable_tax = order.tax - order.refunded_tax;
    let tax = if amount == refundable { refundable_tax } else { order.tax * amount / order.net };
    let created_at = scene.tick();
    let id = scene.state.ids.uuid();
    scene.state.refunds.push(Refund {
        id,
        created_at,
        modified_at: None,
        metadata: new.metadata,
        status: if new.is_instant { RefundStatus::Succeeded } else { RefundStatus::Pending },
        reason: new.reason,
        amount,
        tax,
        currency: order.currency,
        order_id: order.id,
        subscription_id: order.subscription_id.filter(|_| new.dispute_id.is_none()),
        customer_id: order.customer_id,
        revoke_benefits: new.revoke_benefits,
        dispute_id: new.dispute_id,
    });
    scene.emit_refund("refund.created", id);
    if new.is_instant {
        book(scene, id, 1);
        scene.emit_order("order.refunded", order.id);
    }
    Ok(id)
}

/// A pending refund comes through: refund.updated, order.updated, order.refunded.
pub fn succeed(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    let order_id = settle(scene, id, RefundStatus::Pending, RefundStatus::Succeeded)?;
    book(scene, id, 1);
    scene.emit_order("order.refunded", order_id);
    Ok(())
}

/// A refund fails. After success the order's `refunded_amount` falls again, and no event has a name for it:
/// refund.updated, order.updated.
pub fn fail(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    let before = scene.state.refunds.get(id).ok_or(Refusal::NotFound)?.status;
    settle(scene, id, before, RefundStatus::Failed)?;
    if before == RefundStatus::Succeeded {
        book(scene, id, -1);
    }
    Ok(())
}

fn settle(scene: &mut Scene<'_>, id: Uuid, from: RefundStatus, to: RefundStatus) -> Result<Uuid, Refusal> {
    let at = scene.tick();
    let refund = scene.state.refunds.get_mut(id).ok_or(Refusal::NotFound)?;
    if refund.status != from || from == RefundStatus::Failed {
        return Err(Refusal::NotNow("the refund is already settled"));
    }
    refund.status = to;
    refund.modified_at = Some(at);
    let order_id = refund.order_id;
    scene.emit_refund("refund.updated", id);
    Ok(order_id)
}

/// Adds or takes back a refund on its order: order.updated.
fn book(scene: &mut Scene<'_>, id: Uuid, sign: i64) {
    let Some((order_id, amount, tax)) =
        scene.state.refunds.get(id).map(|it| (it.order_id, it.amount, it.tax))
    else {
        return;
    };
    touch(scene, order_id);
    if let Some(order) = scene.state.orders.get_mut(order_id) {
        order.refunded += sign * amount;
        order.refunded_tax += sign * tax;
        order.status = match order.refunded {
            0 => OrderStatus::Paid,
            refunded if refunded >= order.net + order.applied_balance => OrderStatus::Refunded,
            _ => OrderStatus::PartiallyRefunded,
        };
    }
    record_order(scene, if sign > 0 { "order.refunded" } else { "balance.refund_reversal" }, order_id);
    scene.emit_order("order.updated", order_id);
}
