//! Customers that are made one, or deleted. Polar has no event of its own for the first: what was bought is told again
//! under its new customer.

use uuid::Uuid;

use super::{Refusal, Scene};

/// customer.deleted, customer.state_changed. Its address is free again; what it bought keeps it.
pub fn delete(scene: &mut Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    is_there(scene, id)?;
    let at = scene.tick();
    if let Some(customer) = scene.state.customers.get_mut(id) {
        (customer.deleted_at, customer.modified_at) = (Some(at), Some(at));
    }
    scene.state.free_address_of(id);
    scene.emit_customer("customer.deleted", id);
    scene.emit_customer_state(id);
    Ok(())
}

/// Everything of `from` is the other's from now on: subscription.updated and order.updated of each, customer.updated and
/// customer.state_changed, then `from` is deleted.
pub fn merge(scene: &mut Scene<'_>, from: Uuid, into: Uuid) -> Result<(), Refusal> {
    is_there(scene, from)?;
    is_there(scene, into)?;
    if from == into {
        return Err(Refusal::NotNow("a customer cannot be made one with itself"));
    }
    let at = scene.tick();
    if let Some(customer) = scene.state.customers.get_mut(into) {
        customer.modified_at = Some(at);
    }
    for id in scene.state.give_subscriptions(from, into) {
        let at = scene.tick();
        if let Some(subscription) = scene.state.subscriptions.get_mut(id) {
            subscription.modified_at = Some(at);
        }
        scene.emit_subscription("subscription.updated", id);
    }
    let theirs = scene.state.orders.iter().filter(|order| order.customer_id == from);
    for id in theirs.map(|order| order.id).collect::<Vec<_>>() {
        let at = scene.tick();
        if let Some(order) = scene.state.orders.get_mut(id) {
            order.customer_id = into;
            order.modified_at = Some(at);
        }
        scene.emit_order("order.updated", id);
    }
    scene.emit_customer("customer.updated", into);
    scene.emit_customer_state(into);
    delete(scene, from)
}

/// Whether the customer is one that is not deleted.
fn is_there(scene: &Scene<'_>, id: Uuid) -> Result<(), Refusal> {
    match scene.state.customers.get(id) {
        None => Err(Refusal::NotFound),
        Some(customer) if customer.deleted_at.is_some() => Err(Refusal::NotNow("the customer is deleted")),
        Some(_) => Ok(()),
    }
}
