//! Changes of a running subscription: another plan with proration, seats, a pause, new metadata.

use uuid::Uuid;

use super::checkout::charge_fee;
use super::subscription::{NewOrder, change, charge, order, renew, status};
use super::{Refusal, Scene};
use crate::model::{Metadata, SubscriptionStatus};

/// How a change in the middle of a period is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proration {
    /// An order at once.
    Invoice,
    /// Lines on the next order.
    Prorate,
    /// The change itself waits for the next period.
    NextPeriod,
}

fn is_running(scene: &Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    match status(scene, id)? {
        SubscriptionStatus::Active | SubscriptionStatus::Trialing => Ok(()),
        _ => Err(Refusal::NotNow("only an active or trialing subscription changes")),
    }
}

/// Another product. With `invoice`: order.created, order.updated, order.paid (subscription_update), and only then
/// subscription.updated. What is left over of the old plan and not used up goes to the customer's credit.
pub fn change_product(
    scene: &mut Scene<'_>,
    id: Uuid,
    product_id: Uuid,
    proration: Proration,
) -> Result<Option<Uuid>, Refusal> {
    is_running(scene, id)?;
    let product = scene.state.products.get(product_id).ok_or(Refusal::NotFound)?.clone();
    let interval = product.interval.ok_or(Refusal::NotNow("the product is not a subscription"))?;
    let before = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?.clone();
    if proration == Proration::NextPeriod {
        let pending = (scene.state.ids.uuid(), product_id, before.period_end);
        change(scene, id, |it, _| it.pending_product = Some(pending))?;
        scene.emit_subscription("subscription.updated", id);
        return Ok(None);
    }
    let list_amount = product.price * i64::from(before.seats.unwrap_or(1));
    let discount = before.discount_id.and_then(|id| scene.state.discounts.get(id));
    let amount = list_amount - discount.map_or(0, |discount| discount.off(list_amount));
    let lines = lines(scene, &before, amount, &product.name);
    let order_id = match proration {
        Proration::Invoice => Some(settle_now(scene, id, lines)?),
        Proration::Prorate | Proration::NextPeriod => {
            change(scene, id, |it, _| it.pending_lines.extend(lines))?;
            None
        }
    };
    change(scene, id, |it, _| {
        it.product_id = product_id;
        it.currency = product.currency;
        it.interval = interval;
        (it.list_amount, it.amount) = (list_amount, amount);
    })?;
    scene.emit_subscription("subscription.updated", id);
    if let Some(order_id) = order_id {
        charge_fee(scene, order_id);
    }
    Ok(order_id)
}

/// Another number of seats, invoiced at once.
pub fn change_seats(scene: &mut Scene<'_>, id: Uuid, seats: u32) -> Result<Option<Uuid>, Refusal> {
    is_running(scene, id)?;
    let before = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?.clone();
    let product = scene.state.product(before.product_id).clone();
    let list_amount = product.price * i64::from(seats.max(1));
    let discount = before.discount_id.and_then(|id| scene.state.discounts.get(id));
    let amount = list_amount - discount.map_or(0, |discount| discount.off(list_amount));
    let lines = lines(scene, &before, amount, &product.name);
    let order_id = settle_now(scene, id, lines)?;
    change(scene, id, |it, _| {
        it.seats = Some(seats.max(1));
        (it.list_amount, it.amount) = (list_amount, amount);
    })?;
    scene.emit_subscription("subscription.updated", id);
    charge_fee(scene, order_id);
    Ok(Some(order_id))
}

/// The rest of the period, given back at the old price and charged at the new one.
fn lines(
    scene: &Scene<'_>,
    before: &crate::model::Subscription,
    amount: i64,
    name: &str,
) -> Vec<(String, i64)> {
    let whole = (before.period_end.0 - before.period_start.0).max(1);
    let left = (before.period_end.0 - scene.time().0).clamp(0, whole);
    let part = |amount: i64| (i128::from(amount) * i128::from(left) / i128::from(whole)) as i64;
    let old = if before.status == SubscriptionStatus::Trialing { 0 } else { part(before.amount) };
    vec![
        ("Remaining time on the previous plan".to_owned(), -old),
        (format!("Remaining time on {name}"), part(amount)),
    ]
}

fn settle_now(scene: &mut Scene<'_>, id: Uuid, lines: Vec<(String, i64)>) -> Result<Uuid, Refusal> {
    let new = NewOrder { billing_reason: "subscription_update", lines, ..NewOrder::default() };
    let order_id = order(scene, id, new)?;
    charge(scene, order_id, "purchase");
    Ok(order_id)
}

/// subscription.updated, subscription.paused.
pub fn pause(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    is_running(scene, id)?;
    change(scene, id, |it, at| {
        it.status = SubscriptionStatus::Paused;
        it.paused_at = Some(at);
        it.resumes_at = Some(at.plus_months(2));
    })?;
    scene.emit_subscription("subscription.updated", id);
    scene.emit_subscription("subscription.paused", id);
    Ok(())
}

/// subscription.updated, subscription.resumed, and the order of a new period.
pub fn resume(scene: &mut Scene<'_>, id: Uuid) -> Result<Uuid, Refusal> {
    if status(scene, id)? != SubscriptionStatus::Paused {
        return Err(Refusal::NotNow("the subscription is not paused"));
    }
    change(scene, id, |it, at| {
        it.status = SubscriptionStatus::Active;
        (it.paused_at, it.resumes_at) = (None, None);
        it.period_end = at;
    })?;
    scene.emit_subscription("subscription.updated", id);
    scene.emit_subscription("subscription.resumed", id);
    renew(scene, id, true)
}

/// Replaces the whole map: subscription.updated. Orders already made keep theirs.
pub fn set_metadata(scene: &mut Scene<'_>, id: Uuid, metadata: Metadata) -> Result<(), Refusal> {
    status(scene, id)?;
    change(scene, id, |it, _| it.metadata = metadata)?;
    scene.emit_subscription("subscription.updated", id);
    Ok(())
}
