//! From an opened checkout to the paid first order.

use serde_json::Value;
use uuid::Uuid;

use super::record::{record_payment, record_subscription};
use super::{Refusal, Scene};
use crate::catalogue::tax_percent;
use crate::clock::Time;
use crate::model::{
    Checkout, CheckoutStatus, Customer, Metadata, Order, OrderStatus, Subscription, SubscriptionStatus,
};

/// The parameters a checkout link writes into metadata, under these names; it forgets all others.
const CAPTURED: [&str; 6] =
    ["reference_id", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];

/// What a checkout is opened with.
#[derive(Clone, Debug, Default)]
pub struct NewCheckout {
    pub product_ids: Vec<Uuid>,
    /// Another price than the product's, in minor units.
    pub amount: Option<i64>,
    pub metadata: Metadata,
    pub customer_metadata: Metadata,
    pub external_customer_id: Option<String>,
    pub customer_id: Option<Uuid>,
    pub customer_email: Option<String>,
    pub customer_name: Option<String>,
    pub success_url: Option<String>,
    pub return_url: Option<String>,
    pub embed_origin: Option<String>,
    /// Must exist.
    pub discount_id: Option<Uuid>,
    pub seats: Option<u32>,
}

/// What the buyer types into the hosted page.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub email: Option<String>,
    pub name: Option<String>,
    pub country: Option<String>,
}

/// A link's metadata with what the visit's query adds: exactly six names, empties dropped, the link's own win.
#[must_use]
pub fn capture(own: &Metadata, query: &[(String, String)]) -> Metadata {
    let mut metadata = own.clone();
    for name in CAPTURED {
        let given = query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some(value) = given.filter(|value| !value.is_empty()) {
            metadata.entry(name).or_insert_with(|| Value::from(value));
        }
    }
    metadata
}

/// Opens a checkout: checkout.created. The products must exist.
pub fn open(scene: &mut Scene<'_>, new: NewCheckout) -> Uuid {
    let created_at = scene.tick();
    let id = scene.state.ids.uuid();
    let client_secret = scene.state.ids.secret("polar_c_");
    let product = scene.state.product(new.product_ids[0]);
    let (product_id, price) = (product.id, product.price * i64::from(new.seats.unwrap_or(1)));
    let success_url = new.success_url.map_or_else(
        || format!("{}/checkout/{client_secret}/confirmation", scene.state.public_url),
        |url| url.replace("{CHECKOUT_ID}", &id.to_string()).replace("%7BCHECKOUT_ID%7D", &id.to_string()),
    );
    let preset = new.customer_id.and_then(|id| scene.state.customers.get(id));
    let customer_email = new.customer_email.or_else(|| preset.map(|customer| customer.email.clone()));
    let customer_name = new.customer_name.or_else(|| preset.and_then(|customer| customer.name.clone()));
    scene.state.add_checkout(Checkout {
        id,
        created_at,
        modified_at: None,
        status: CheckoutStatus::Open,
        client_secret,
        expires_at: created_at.plus_days(1),
        success_url,
        return_url: new.return_url,
        embed_origin: new.embed_origin,
        product_ids: new.product_ids,
        product_id,
        amount: new.amount.unwrap_or(price),
        tax: None,
        metadata: new.metadata,
        customer_metadata: new.customer_metadata,
        external_customer_id: new.external_customer_id,
        customer_id: new.customer_id,
        customer_email,
        customer_name,
        customer_country: None,
        discount_id: new.discount_id,
        seats: new.seats,
    });
    scene.emit_checkout("checkout.created", id);
    id
}

/// The buyer fills in the form: checkout.updated, tax computed.
pub fn fill(scene: &mut Scene<'_>, id: Uuid, form: Form) -> Result<(), Refusal> {
    let at = scene.tick();
    let checkout = scene.state.checkouts.get_mut(id).ok_or(Refusal::NotFound)?;
    if checkout.status != CheckoutStatus::Open {
        return Err(Refusal::NotNow("the checkout is no longer open"));
    }
    let is_locked = checkout.customer_id.is_some();
    if let Some(email) = form.email.filter(|email| !email.trim().is_empty() && !is_locked) {
        checkout.customer_email = Some(email.trim().to_owned());
    }
    checkout.customer_name = form.name.filter(|name| !name.is_empty()).or(checkout.customer_name.take());
    checkout.customer_country =
        form.country.filter(|country| !country.is_empty()).or(checkout.customer_country.take());
    checkout.modified_at = Some(at);
    let discount = checkout.discount_id.and_then(|id| scene.state.discounts.get(id));
    let net = checkout.amount - discount.map_or(0, |discount| discount.off(checkout.amount));
    checkout.tax = Some(net * tax_percent(checkout.customer_country.as_deref()) / 100);
    scene.emit_checkout("checkout.updated", id);
    Ok(())
}

/// The buyer clicks Pay. The customer is written before the payment is known, as Polar does.
/// `is_paid` false: the card is declined and the checkout is open again.
pub fn pay(scene: &mut Scene<'_>, id: Uuid, is_paid: bool) -> Result<Option<Uuid>, Refusal> {
    let checkout = scene.state.checkouts.get(id).ok_or(Refusal::NotFound)?.clone();
    if checkout.status != CheckoutStatus::Open {
        return Err(Refusal::NotNow("the checkout is no longer open"));
    }
    let customer_id = write_customer(scene, &checkout)?;
    set_status(scene, id, CheckoutStatus::Confirmed, Some(customer_id));
    if !is_paid {
        set_status(scene, id, CheckoutStatus::Open, None);
        return Ok(None);
    }
    let product = scene.state.product(checkout.product_id).clone();
    let discount = match checkout.discount_id.and_then(|id| scene.state.discounts.get_mut(id)) {
        Some(discount) => {
            discount.redemptions += 1;
            discount.off(checkout.amount)
        }
        None => 0,
    };
    let mut is_trial = false;
    let mut period = None;
    let subscription_id = product.interval.map(|interval| {
        let started_at = scene.tick();
        is_trial = product.trial_days.is_some();
        let trial = product.trial_days.map(|days| (started_at, started_at.plus_days(days)));
        period = trial;
        let subscription_id = scene.state.ids.uuid();
        scene.state.add_subscription(Subscription {
            id: subscription_id,
            created_at: started_at,
            modified_at: None,
            status: if is_trial { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active },
            amount: checkout.amount - discount,
            list_amount: checkout.amount,
            discount_id: checkout.discount_id,
            seats: checkout.seats,
            paused_at: None,
            resumes_at: None,
            pending_product: None,
            pending_lines: Vec::new(),
            currency: product.currency.clone(),
            interval,
            period_start: started_at,
            period_end: trial.map_or_else(|| interval.after(started_at), |trial| trial.1),
            trial,
            cancel_at_period_end: false,
            canceled_at: None,
            started_at,
            ends_at: None,
            ended_at: None,
            past_due_at: None,
            customer_id,
            product_id: product.id,
            checkout_id: Some(id),
            metadata: checkout.metadata.clone(),
        });
        for kind in ["subscription.created", "subscription.active", "subscription.updated"] {
            scene.emit_subscription(kind, subscription_id);
        }
        subscription_id
    });
    let (net, tax, discount) =
        if is_trial { (0, 0, 0) } else { (checkout.amount - discount, checkout.tax.unwrap_or(0), discount) };
    let order_id = scene.state.ids.uuid();
    let item_id = scene.state.ids.uuid();
    let created_at = scene.tick();
    let number = scene.state.orders.iter().len() as u64 + 1;
    scene.state.orders.push(Order {
        id: order_id,
        created_at,
        modified_at: None,
        status: OrderStatus::Paid,
        net,
        tax,
        discount,
        discount_id: checkout.discount_id.filter(|_| !is_trial),
        applied_balance: 0,
        seats: checkout.seats,
        lines: Vec::new(),
        refunded: 0,
        refunded_tax: 0,
        currency: product.currency.clone(),
        billing_reason: if subscription_id.is_some() { "subscription_create" } else { "purchase" }.into(),
        number,
        customer_id,
        product_id: product.id,
        subscription_id,
        checkout_id: Some(id),
        next_payment_attempt_at: None,
        metadata: checkout.metadata.clone(),
        platform_fee: None,
        item_id,
        period,
        is_trial,
    });
    if let Some(id) = subscription_id {
        record_subscription(scene, "subscription.created", id);
    }
    record_payment(scene, order_id, true, "purchase");
    scene.emit_order("order.created", order_id);
    touch(scene, order_id);
    scene.emit_order("order.updated", order_id);
    scene.emit_order("order.paid", order_id);
    set_status(scene, id, CheckoutStatus::Succeeded, None);
    charge_fee(scene, order_id);
    scene.emit_customer_state(customer_id);
    Ok(Some(order_id))
}

/// Marks an order as changed now.
pub(super) fn touch(scene: &mut Scene<'_>, order_id: Uuid) {
    let at = scene.tick();
    if let Some(order) = scene.state.orders.get_mut(order_id) {
        order.modified_at = Some(at);
    }
}

/// The later job that fills in Polar's fee: order.updated. Nothing when nothing was charged. The demo's fee is
/// 5 % and 50 cents, written as US cents whatever the order's currency.
pub(super) fn charge_fee(scene: &mut Scene<'_>, order_id: Uuid) {
    let at = scene.tick();
    let Some(order) = scene.state.orders.get_mut(order_id).filter(|order| order.net > 0) else { return };
    order.platform_fee = Some((order.net + order.tax) * 5 / 100 + 50);
    order.modified_at = Some(at);
    scene.emit_order("order.updated", order_id);
}

fn set_status(scene: &mut Scene<'_>, id: Uuid, status: CheckoutStatus, customer_id: Option<Uuid>) {
    let at = scene.tick();
    if let Some(checkout) = scene.state.checkouts.get_mut(id) {
        checkout.status = status;
        checkout.modified_at = Some(at);
        checkout.customer_id = customer_id.or(checkout.customer_id);
    }
    scene.emit_checkout("checkout.updated", id);
}

/// Finds the buyer by preset id, else by e-mail; makes one otherwise. `customer_metadata` is merged over what
/// is there; the external id counts only for a new customer.
fn write_customer(scene: &mut Scene<'_>, checkout: &Checkout) -> Result<Uuid, Refusal> {
    let at = scene.tick();
    let email = checkout.customer_email.clone().filter(|email| email.contains('@'));
    let known = match (checkout.customer_id, &email) {
        (Some(id), _) => Some(id),
        (None, Some(email)) => scene.state.customer_by_email(email).map(|customer| customer.id),
        (None, None) => return Err(Refusal::NotNow("an e-mail address is needed")),
    };
    if let Some(id) = known {
        let card = scene.state.ids.uuid();
        let customer = scene.state.customers.get_mut(id).ok_or(Refusal::NotFound)?;
        customer.metadata.extend(checkout.customer_metadata.clone());
        customer.name = checkout.customer_name.clone().or(customer.name.take());
        customer.country = checkout.customer_country.clone().or(customer.country.take());
        customer.payment_method_id.get_or_insert(card);
        customer.modified_at = Some(at);
        scene.emit_customer("customer.updated", id);
        scene.emit_customer_state(id);
        return Ok(id);
    }
    let external_id = checkout.external_customer_id.clone();
    if external_id.as_deref().is_some_and(|id| scene.state.customer_by_external_id(id).is_some()) {
        return Err(Refusal::NotNow("this external id belongs to a customer with another e-mail address"));
    }
    let (id, member_id, card) = (scene.state.ids.uuid(), scene.state.ids.uuid(), scene.state.ids.uuid());
    scene.state.add_customer(Customer {
        id,
        created_at: at,
        modified_at: None,
        metadata: checkout.customer_metadata.clone(),
        external_id,
        email: email.unwrap_or_default(),
        name: checkout.customer_name.clone(),
        country: checkout.customer_country.clone(),
        payment_method_id: Some(card),
        balance: 0,
        deleted_at: None,
    });
    scene.emit_customer("customer.created", id);
    let member = crate::render::member(member_id, scene.state.customer(id));
    scene.emit("member.created", &member);
    scene.emit_customer_state(id);
    Ok(id)
}

/// Checkouts nobody paid within a day: checkout.expired.
pub fn expire(scene: &mut Scene<'_>, now: Time) {
    let late: Vec<Uuid> = scene
        .state
        .checkouts
        .iter()
        .filter(|checkout| checkout.status == CheckoutStatus::Open && checkout.expires_at <= now)
        .map(|checkout| checkout.id)
        .collect();
    for id in late {
        let at = scene.tick();
        if let Some(checkout) = scene.state.checkouts.get_mut(id) {
            checkout.status = CheckoutStatus::Expired;
            checkout.modified_at = Some(at);
        }
        scene.emit_checkout("checkout.expired", id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_capture_six_names_and_their_own_metadata_wins() {
        let own =
            Metadata::from_iter([("utm_source".to_owned(), json!("own")), ("plan".to_owned(), json!(1))]);
        let query: Vec<(String, String)> = [
            ("reference_id", "vis_1"),
            ("utm_source", "newsletter"),
            ("utm_medium", "email"),
            ("utm_term", ""),
            ("utm_id", "7"),
            ("gclid", "x"),
            ("ref", "jane"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let captured = Value::Object(capture(&own, &query));
        let want = json!({ "utm_source": "own", "plan": 1, "reference_id": "vis_1", "utm_medium": "email" });
        assert_eq!(captured, want);
    }
}
