//! What happens to a running subscription: renewals, failed charges, cancellations, the end.

use uuid::Uuid;

use super::checkout::{charge_fee, touch};
use super::record::{record_order, record_payment, record_subscription};
use super::{Refusal, Scene};
use crate::catalogue::tax_percent;
use crate::clock::Time;
use crate::model::{Order, OrderStatus, Subscription, SubscriptionStatus};

pub(super) fn change(
    scene: &mut Scene<'_>,
    id: Uuid,
    change: impl FnOnce(&mut Subscription, Time),
) -> Result<(), Refusal> {
    let at = scene.tick();
    let subscription = scene.state.subscriptions.get_mut(id).ok_or(Refusal::NotFound)?;
    change(subscription, at);
    subscription.modified_at = Some(at);
    Ok(())
}

pub(super) fn status(scene: &Scene<'_>, id: Uuid) -> Result<SubscriptionStatus, Refusal> {
    scene.state.subscriptions.get(id).map(|subscription| subscription.status).ok_or(Refusal::NotFound)
}

/// What an order of a running subscription is made of.
#[derive(Default)]
pub(super) struct NewOrder {
    pub billing_reason: &'static str,
    /// Before and after it come these lines, amounts before tax; negative ones give back.
    pub lines: Vec<(String, i64)>,
    /// The plan's own line: before and after discount.
    pub plan: Option<(i64, i64)>,
    pub period: Option<(Time, Time)>,
}

/// A pending order: order.created. A total below zero is nothing to pay, and the rest goes to the buyer's credit;
/// credit that is there pays first.
pub(super) fn order(scene: &mut Scene<'_>, id: Uuid, new: NewOrder) -> Result<Uuid, Refusal> {
    let subscription = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?.clone();
    let (order_id, item_id) = (scene.state.ids.uuid(), scene.state.ids.uuid());
    let created_at = scene.tick();
    let mut lines: Vec<(Uuid, String, i64)> = Vec::new();
    for (label, amount) in new.lines {
        lines.push((scene.state.ids.uuid(), label, amount));
    }
    let (list, net_of_plan) = new.plan.unwrap_or((0, 0));
    let prorated: i64 = lines.iter().map(|line| line.2).sum();
    if new.plan.is_some() && !lines.is_empty() {
        let name = scene.state.product(subscription.product_id).name.clone();
        lines.push((scene.state.ids.uuid(), name, list));
    }
    let number = scene.state.orders.iter().len() as u64 + 1;
    let customer = scene.state.customers.get_mut(subscription.customer_id).ok_or(Refusal::NotFound)?;
    let sum = net_of_plan + prorated;
    let net = sum.max(0);
    let tax = net * tax_percent(customer.country.as_deref()) / 100;
    let used = customer.balance.min(net + tax);
    customer.balance += (-sum).max(0) - used;
    scene.state.orders.push(Order {
        id: order_id,
        created_at,
        modified_at: None,
        status: OrderStatus::Pending,
        net,
        tax,
        discount: if sum > 0 { list - net_of_plan } else { 0 },
        discount_id: subscription.discount_id.filter(|_| new.plan.is_some()),
        applied_balance: -used,
        seats: subscription.seats,
        lines,
        refunded: 0,
        refunded_tax: 0,
        currency: subscription.currency,
        billing_reason: new.billing_reason.into(),
        number,
        customer_id: subscription.customer_id,
        product_id: subscription.product_id,
        subscription_id: Some(id),
        checkout_id: None,
        next_payment_attempt_at: None,
        metadata: subscription.metadata,
        platform_fee: None,
        item_id,
        period: new.period,
        is_trial: false,
    });
    scene.emit_order("order.created", order_id);
    Ok(order_id)
}

/// The next period begins: subscription.cycled, subscription.updated, order.created (pending), then order.updated
/// and order.paid when charged and order.updated with the fee; or, when the charge fails, subscription.updated,
/// subscription.past_due and order.updated with the next attempt. A trial converts in the same way. A discount for
/// the first order is gone, a change of plan that waited takes effect.
pub fn renew(scene: &mut Scene<'_>, id: Uuid, is_paid: bool) -> Result<Uuid, Refusal> {
    let before = status(scene, id)?;
    if !matches!(before, SubscriptionStatus::Active | SubscriptionStatus::Trialing) {
        return Err(Refusal::NotNow("only an active or trialing subscription renews"));
    }
    let subscription = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?;
    let changed = subscription.pending_product.and_then(|(_, to, _)| scene.state.products.get(to)).cloned();
    let is_over = before == SubscriptionStatus::Active
        && subscription
            .discount_id
            .and_then(|id| scene.state.discounts.get(id))
            .is_some_and(|discount| discount.is_once);
    let kept = subscription.discount_id.filter(|_| !is_over);
    let list = changed
        .as_ref()
        .map_or(subscription.list_amount, |to| to.price * i64::from(subscription.seats.unwrap_or(1)));
    let off = kept.and_then(|id| scene.state.discounts.get(id)).map_or(0, |discount| discount.off(list));
    let mut lines = Vec::new();
    change(scene, id, |it, _| {
        it.status = SubscriptionStatus::Active;
        it.discount_id = kept;
        (it.list_amount, it.amount) = (list, list - off);
        if let Some(to) = changed {
            it.product_id = to.id;
            it.currency = to.currency;
            it.interval = to.interval.unwrap_or(it.interval);
        }
        it.pending_product = None;
        it.period_start = it.period_end;
        it.period_end = it.interval.after(it.period_start);
        lines = std::mem::take(&mut it.pending_lines);
    })?;
    scene.emit_subscription("subscription.cycled", id);
    scene.emit_subscription("subscription.updated", id);
    record_subscription(scene, "subscription.cycled", id);
    let it = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?;
    let new = NewOrder {
        billing_reason: "subscription_cycle",
        lines,
        plan: Some((it.list_amount, it.amount)),
        period: Some((it.period_start, it.period_end)),
    };
    let order_id = order(scene, id, new)?;
    let due = scene.state.orders.get(order_id).map_or(0, |it| it.net + it.tax + it.applied_balance);
    if is_paid || due == 0 {
        charge(scene, order_id, "subscription_cycle");
        charge_fee(scene, order_id);
    } else {
        record_payment(scene, order_id, false, "subscription_cycle");
        change(scene, id, |it, at| {
            it.status = SubscriptionStatus::PastDue;
            it.past_due_at = Some(at);
        })?;
        scene.emit_subscription("subscription.updated", id);
        scene.emit_subscription("subscription.past_due", id);
        record_subscription(scene, "subscription.past_due", id);
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
pub(super) fn charge(scene: &mut Scene<'_>, order_id: Uuid, trigger: &str) {
    touch(scene, order_id);
    if let Some(order) = scene.state.orders.get_mut(order_id) {
        order.status = OrderStatus::Paid;
        order.next_payment_attempt_at = None;
    }
    record_payment(scene, order_id, true, trigger);
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
    charge(scene, order_id, "retry_dunning");
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
    record_order(scene, "order.voided", order_id);
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
    record_subscription(scene, "subscription.revoked", id);
    for kind in ["subscription.updated", "subscription.canceled", "subscription.revoked"] {
        scene.emit_subscription(kind, id);
    }
    Ok(())
}
