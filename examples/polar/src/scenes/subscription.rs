//! What happens to a running subscription: renewals, failed charges, cancellations, the end.

use uuid::Uuid;

use super::checkout::{charge_fee, touch};
use super::{Refusal, Scene};
use crate::catalogue::tax_percent;
use crate::model::{Order, OrderStatus, Subscription, SubscriptionStatus};

fn change(
    scene: &mut Scene<'_>,
    id: Uuid,
    change: impl FnOnce(&mut Subscription, crate::clock::Time),
) -> Result<(), Refusal> {
    let at = scene.tick();
    let subscription = scene.state.subscriptions.get_mut(id).ok_or(Refusal::NotFound)?;
    change(subscription, at);
    subscription.modified_at = Some(at);
    Ok(())
}

fn status(scene: &Scene<'_>, id: Uuid) -> Result<SubscriptionStatus, Refusal> {
    scene.state.subscriptions.get(id).map(|subscription| subscription.status).ok_or(Refusal::NotFound)
}

/// The next period begins: subscription.cycled, subscription.updated, order.created (pending), then order.updated
/// and order.paid when charged and order.updated with the fee; or, when the charge fails, subscription.updated,
/// subscription.past_due and order.updated with the next attempt. A trial converts in the same way.
pub fn renew(scene: &mut Scene<'_>, id: Uuid, is_paid: bool) -> Result<Uuid, Refusal> {
    if !matches!(status(scene, id)?, SubscriptionStatus::Active | SubscriptionStatus::Trialing) {
        return Err(Refusal::NotNow("only an active or trialing subscription renews"));
    }
    change(scene, id, |it, _| {
        it.status = SubscriptionStatus::Active;
        it.period_start = it.period_end;
        it.period_end = it.interval.after(it.period_start);
    })?;
    scene.emit_subscription("subscription.cycled", id);
    scene.emit_subscription("subscription.updated", id);
    let order_id = scene.state.ids.uuid();
    let item_id = scene.state.ids.uuid();
    let created_at = scene.tick();
    let subscription = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?.clone();
    let country = scene.state.customer(subscription.customer_id).country.clone();
    let number = scene.state.orders.iter().len() as u64 + 1;
    scene.state.orders.push(Order {
        id: order_id,
        created_at,
        modified_at: None,
        status: OrderStatus::Pending,
        net: subscription.amount,
        tax: subscription.amount * tax_percent(country.as_deref()) / 100,
        refunded: 0,
        refunded_tax: 0,
        currency: subscription.currency,
        billing_reason: "subscription_cycle".into(),
        number,
        customer_id: subscription.customer_id,
        product_id: subscription.product_id,
        subscription_id: Some(id),
        checkout_id: None,
        next_payment_attempt_at: None,
        metadata: subscription.metadata,
        platform_fee: None,
        item_id,
        period: Some((subscription.period_start, subscription.period_end)),
        is_trial: false,
    });
    scene.emit_order("order.created", order_id);
    if is_paid {
        charge(scene, order_id);
        charge_fee(scene, order_id);
    } else {
        change(scene, id, |it, at| {
            it.status = SubscriptionStatus::PastDue;
            it.past_due_at = Some(at);
        })?;
        scene.emit_subscription("subscription.updated", id);
        scene.emit_subscription("subscription.past_due", id);
        touch(scene, order_id);
        let next = scene.time().plus_days(2);
        if let Some(order) = scene.state.orders.get_mut(order_id) {
            order.next_payment_attempt_at = Some(next);
        }
        scene.emit_order("order.updated", order_id);
    }
    Ok(order_id)
}

/// order.updated and order.paid.
fn charge(scene: &mut Scene<'_>, order_id: Uuid) {
    touch(scene, order_id);
    if let Some(order) = scene.state.orders.get_mut(order_id) {
        order.status = OrderStatus::Paid;
        order.next_payment_attempt_at = None;
    }
    scene.emit_order("order.updated", order_id);
    scene.emit_order("order.paid", order_id);
}

/// The subscription's last order that waits for money.
fn unpaid_order(scene: &Scene<'_>, id: Uuid) -> Result<Uuid, Refusal> {
    let is_unpaid =
        |order: &&Order| order.subscription_id == Some(id) && order.status == OrderStatus::Pending;
    let order = scene.state.orders.iter().rev().find(is_unpaid);
    order.map(|order| order.id).ok_or(Refusal::NotNow("no order of this subscription waits for payment"))
}

/// A retried charge works: order.updated, order.paid, subscription.updated, subscription.active.
pub fn recover(scene: &mut Scene<'_>, id: Uuid) -> Result<Uuid, Refusal> {
    status(scene, id)?;
    let order_id = unpaid_order(scene, id)?;
    charge(scene, order_id);
    change(scene, id, |it, _| {
        it.status = SubscriptionStatus::Active;
        it.past_due_at = None;
    })?;
    scene.emit_subscription("subscription.updated", id);
    scene.emit_subscription("subscription.active", id);
    charge_fee(scene, order_id);
    Ok(order_id)
}

/// Every retry failed: the subscription ends and its order is void.
pub fn exhaust(scene: &mut Scene<'_>, id: Uuid) -> Result<Uuid, Refusal> {
    status(scene, id)?;
    let order_id = unpaid_order(scene, id)?;
    end(scene, id)?;
    touch(scene, order_id);
    if let Some(order) = scene.state.orders.get_mut(order_id) {
        order.status = OrderStatus::Void;
        order.next_payment_attempt_at = None;
    }
    scene.emit_order("order.updated", order_id);
    Ok(order_id)
}

/// Cancel at the end of the period: subscription.updated, subscription.canceled; the status stays.
pub fn cancel(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    if status(scene, id)? == SubscriptionStatus::Canceled {
        return Err(Refusal::NotNow("the subscription has ended"));
    }
    change(scene, id, |it, at| {
        it.cancel_at_period_end = true;
        it.canceled_at = Some(at);
        it.ends_at = Some(it.period_end);
    })?;
    scene.emit_subscription("subscription.updated", id);
    scene.emit_subscription("subscription.canceled", id);
    Ok(())
}

/// The buyer changes their mind: subscription.updated, subscription.uncanceled.
pub fn uncancel(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    let subscription = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?;
    if !subscription.cancel_at_period_end || subscription.ended_at.is_some() {
        return Err(Refusal::NotNow("nothing is scheduled to end"));
    }
    change(scene, id, |it, _| {
        it.cancel_at_period_end = false;
        it.canceled_at = None;
        it.ends_at = None;
    })?;
    scene.emit_subscription("subscription.updated", id);
    scene.emit_subscription("subscription.uncanceled", id);
    Ok(())
}

/// Ends now, or at the end of a period that was cancelled: updated, canceled (again), revoked.
pub fn revoke(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    if status(scene, id)? == SubscriptionStatus::Canceled {
        return Err(Refusal::NotNow("the subscription has ended"));
    }
    end(scene, id)?;
    let customer_id = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?.customer_id;
    scene.emit_customer_state(customer_id);
    Ok(())
}

fn end(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    change(scene, id, |it, at| {
        it.status = SubscriptionStatus::Canceled;
        it.canceled_at.get_or_insert(at);
        it.ends_at.get_or_insert(at);
        it.ended_at = Some(at);
    })?;
    for kind in ["subscription.updated", "subscription.canceled", "subscription.revoked"] {
        scene.emit_subscription(kind, id);
    }
    Ok(())
}
