//! The objects as Polar writes them: every field of the public schema, and the deprecated ones that are still
//! on the wire (`user`, `amount` of an order, …). Amounts are integers in minor units.

pub mod money;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::catalogue::{INVOICE_PREFIX, ORGANIZATION_ID};
use crate::model::{
    Checkout, CheckoutLink, CheckoutStatus, Customer, Order, OrderStatus, Product, Refund, Subscription,
    SubscriptionStatus,
};
use crate::state::State;

/// `base` with the fields of `more` added.
fn with(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else { return Value::Null };
    base.extend(more);
    Value::Object(base)
}

pub(crate) fn address(country: Option<&str>) -> Value {
    country.map_or(Value::Null, |country| {
        json!({ "line1": null, "line2": null, "postal_code": null, "city": null, "state": null,
                "country": country })
    })
}

fn avatar(email: &str) -> String {
    use std::fmt::Write;
    let hash = Sha256::digest(email.to_lowercase());
    let mut hex = String::new();
    for byte in hash {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    format!("https://www.gravatar.com/avatar/{hex}?d=404")
}

pub fn customer(customer: &Customer) -> Value {
    json!({
        "id": customer.id, "created_at": customer.created_at, "modified_at": customer.modified_at,
        "metadata": customer.metadata, "external_id": customer.external_id, "email": customer.email,
        "email_verified": false, "type": "individual", "name": customer.name, "billing_name": customer.name,
        "billing_address": address(customer.country.as_deref()), "tax_id": null, "locale": "en",
        "organization_id": ORGANIZATION_ID, "default_payment_method_id": customer.payment_method_id,
        "deleted_at": customer.deleted_at, "first_user_event_at": null, "avatar_url": avatar(&customer.email),
    })
}

fn user(customer: &Customer) -> Value {
    json!({
        "id": customer.id, "email": customer.email,
        "public_name": customer.email.get(..1).unwrap_or_default().to_uppercase(),
        "avatar_url": avatar(&customer.email), "github_username": null,
    })
}

pub fn member(id: uuid::Uuid, customer: &Customer) -> Value {
    json!({
        "id": id, "created_at": customer.created_at, "modified_at": null, "customer_id": customer.id,
        "email": customer.email, "name": customer.name, "external_id": customer.external_id, "role": "owner",
    })
}

fn price(product: &Product) -> Value {
    json!({
        "created_at": product.created_at, "modified_at": null, "id": product.price_id, "source": "catalog",
        "amount_type": "fixed", "price_currency": product.currency, "tax_behavior": null,
        "is_archived": false, "product_id": product.id, "price_amount": product.price,
    })
}

/// What an order shows of its product: no prices.
pub(crate) fn order_product(product: &Product) -> Value {
    json!({
        "id": product.id, "created_at": product.created_at, "modified_at": null,
        "trial_interval": product.trial_days.map(|_| "day"), "trial_interval_count": product.trial_days,
        "name": product.name, "description": product.description, "visibility": "public",
        "recurring_interval": product.interval, "recurring_interval_count": product.interval.map(|_| 1),
        "meter_interval": null, "meter_interval_count": null, "is_recurring": product.interval.is_some(),
        "is_archived": false, "organization_id": ORGANIZATION_ID, "metadata": { "plan": product.slug },
    })
}

pub fn product(product: &Product) -> Value {
    with(
        order_product(product),
        json!({ "is_deletable": false, "prices": [price(product)], "benefits": [], "medias": [],
                "attached_custom_fields": [] }),
    )
}

fn checkout_product(product: &Product) -> Value {
    with(order_product(product), json!({ "prices": [price(product)], "benefits": [], "medias": [] }))
}

pub fn checkout_link(state: &State, link: &CheckoutLink) -> Value {
    let products: Vec<Value> =
        link.product_ids.iter().filter_map(|id| state.products.get(*id)).map(checkout_product).collect();
    json!({
        "id": link.id, "created_at": link.created_at, "modified_at": null, "trial_interval": null,
        "trial_interval_count": null, "metadata": link.metadata, "payment_processor": "stripe",
        "client_secret": link.client_secret, "success_url": link.success_url, "return_url": null,
        "label": link.label, "allow_discount_codes": true, "require_billing_address": false,
        "discount_id": null, "seats": null, "organization_id": ORGANIZATION_ID, "products": products,
        "discount": null, "url": format!("{}/{}", state.public_url, link.client_secret),
    })
}

pub fn checkout(state: &State, checkout: &Checkout) -> Value {
    let chosen = state.product(checkout.product_id);
    let products: Vec<&Product> =
        checkout.product_ids.iter().filter_map(|id| state.products.get(*id)).collect();
    let prices: Map<String, Value> =
        products.iter().map(|product| (product.id.to_string(), json!([price(product)]))).collect();
    let is_recurring = chosen.interval.is_some();
    let is_trial = chosen.trial_days.is_some();
    let is_done = checkout.status == CheckoutStatus::Succeeded;
    let tax = checkout.tax.unwrap_or(0);
    let discount = checkout.discount_id.and_then(|id| state.discounts.get(id));
    let off = discount.map_or(0, |discount| discount.off(checkout.amount));
    let net = checkout.amount - off;
    let base = json!({
        "id": checkout.id, "created_at": checkout.created_at, "modified_at": checkout.modified_at,
        "custom_field_data": {}, "payment_processor": "stripe", "status": checkout.status,
        "client_secret": checkout.client_secret,
        "url": format!("{}/checkout/{}", state.public_url, checkout.client_secret),
        "expires_at": checkout.expires_at, "success_url": checkout.success_url,
        "return_url": checkout.return_url, "embed_origin": checkout.embed_origin,
        "amount": checkout.amount, "seats": checkout.seats, "min_seats": null, "max_seats": null, "units": null,
        "min_units": null, "max_units": null, "discount_amount": off, "net_amount": net,
        "tax_amount": checkout.tax, "tax_behavior": checkout.tax.map(|_| "exclusive"),
        "total_amount": net + tax, "currency": chosen.currency, "allow_trial": true,
        "active_trial_interval": is_trial.then_some("day"), "active_trial_interval_count": chosen.trial_days,
        "trial_end": chosen.trial_days.map(|days| checkout.created_at.plus_days(days)),
        "organization_id": ORGANIZATION_ID, "product_id": chosen.id, "product_price_id": chosen.price_id,
        "discount_id": checkout.discount_id, "allow_discount_codes": true, "require_billing_address": false,
        "is_discount_applicable": checkout.amount > 0, "is_free_product_price": checkout.amount == 0,
        "is_payment_required": !is_trial && net > 0, "is_payment_setup_required": is_recurring,
        "is_payment_form_required": checkout.amount > 0, "customer_id": checkout.customer_id,
    });
    let more = json!({
        "is_business_customer": false, "customer_name": checkout.customer_name,
        "customer_email": checkout.customer_email, "customer_ip_address": null,
        "customer_billing_name": checkout.customer_name,
        "customer_billing_address": address(checkout.customer_country.as_deref()), "customer_tax_id": null,
        "locale": "en", "payment_method_type": is_done.then_some("card"),
        "payment_processor_metadata": { "publishable_key": "standin" },
        "customer_billing_address_fields": { "country": true, "state": false, "city": false,
            "postal_code": false, "line1": false, "line2": false },
        "billing_address_fields": { "country": "required", "state": "disabled", "city": "disabled",
            "postal_code": "disabled", "line1": "disabled", "line2": "disabled" },
        "trial_interval": null, "trial_interval_count": null, "metadata": checkout.metadata,
        "external_customer_id": checkout.external_customer_id,
        "customer_external_id": checkout.external_customer_id,
        "products": products.iter().map(|product| checkout_product(product)).collect::<Vec<_>>(),
        "product": checkout_product(chosen), "product_price": price(chosen), "prices": prices,
        "discount": discount.map(money::checkout_discount), "subscription_id": null, "attached_custom_fields": [],
        "customer_metadata": checkout.customer_metadata, "subtotal_amount": checkout.amount,
    });
    with(base, more)
}

/// The fields a subscription has inside an order.
fn subscription_core(state: &State, subscription: &Subscription) -> Value {
    let product = state.product(subscription.product_id);
    json!({
        "metadata": subscription.metadata, "created_at": subscription.created_at,
        "modified_at": subscription.modified_at, "id": subscription.id, "amount": subscription.amount,
        "currency": subscription.currency, "recurring_interval": subscription.interval,
        "recurring_interval_count": 1, "status": subscription.status,
        "current_period_start": subscription.period_start, "current_period_end": subscription.period_end,
        "current_meter_period_start": null, "current_meter_period_end": null,
        "trial_start": subscription.trial.map(|trial| trial.0),
        "trial_end": subscription.trial.map(|trial| trial.1),
        "cancel_at_period_end": subscription.cancel_at_period_end, "canceled_at": subscription.canceled_at,
        "started_at": subscription.started_at, "ends_at": subscription.ends_at,
        "ended_at": subscription.ended_at, "past_due_at": subscription.past_due_at,
        "pause_at_period_end": false, "paused_at": subscription.paused_at,
        "resumes_at": subscription.resumes_at,
        "customer_id": subscription.customer_id, "product_id": subscription.product_id, "discount_id": subscription.discount_id,
        "checkout_id": subscription.checkout_id, "seats": subscription.seats, "units": null,
        "customer_cancellation_reason": null, "customer_cancellation_comment": null,
        "price_id": product.price_id, "user_id": subscription.customer_id,
    })
}

pub fn subscription(state: &State, subscription: &Subscription) -> Value {
    let buyer = state.customer(subscription.customer_id);
    let bought = state.product(subscription.product_id);
    with(
        subscription_core(state, subscription),
        json!({
            "custom_field_data": {}, "customer": customer(buyer), "user": user(buyer),
            "product": product(bought), "discount": discount_of(state, subscription.discount_id), "price": price(bought), "prices": [price(bought)],
            "meters": [],
            "pending_update": subscription.pending_product.map(|(id, product_id, applies_at)| json!({
                "created_at": subscription.modified_at, "modified_at": null, "id": id,
                "applies_at": applies_at, "product_id": product_id, "seats": null, "units": null,
            })),
        }),
    )
}

pub fn order(state: &State, order: &Order) -> Value {
    let buyer = state.customer(order.customer_id);
    let product = state.product(order.product_id);
    let subscription = order.subscription_id.and_then(|id| state.subscriptions.get(id));
    let is_paid = !matches!(order.status, OrderStatus::Pending | OrderStatus::Void);
    let number = format!("{INVOICE_PREFIX}-{:04}", order.number);
    let total = order.net + order.tax;
    let label = match order.period {
        Some((from, to)) => {
            let name = if order.is_trial {
                format!("Trial period for {}", product.name)
            } else {
                product.name.clone()
            };
            format!("{name} — From {} to {}", from.long_date(), to.long_date())
        }
        None => product.name.clone(),
    };
    let base = json!({
        "id": order.id, "created_at": order.created_at, "modified_at": order.modified_at,
        "status": order.status, "paid": is_paid, "subtotal_amount": order.net + order.discount,
        "discount_amount": order.discount,
        "net_amount": order.net, "tax_amount": order.tax, "total_amount": total,
        "applied_balance_amount": order.applied_balance, "due_amount": (total + order.applied_balance).max(0),
        "refunded_amount": order.refunded, "refunded_tax_amount": order.refunded_tax,
        "currency": order.currency, "billing_reason": order.billing_reason, "billing_name": buyer.name,
        "billing_address": address(buyer.country.as_deref()), "invoice_number": number,
        "is_invoice_generated": false,
        "receipt_number": (is_paid && total > 0).then(|| number.replacen("PINE", "RCPT", 1)),
        "seats": order.seats, "units": null, "customer_id": order.customer_id, "product_id": order.product_id,
        "product_price_id": (!order.is_trial).then_some(product.price_id), "discount_id": order.discount_id,
        "subscription_id": order.subscription_id, "checkout_id": order.checkout_id,
        "next_payment_attempt_at": order.next_payment_attempt_at, "metadata": order.metadata,
        "custom_field_data": {}, "platform_fee_amount": order.platform_fee.unwrap_or(0),
        "platform_fee_currency": order.platform_fee.map(|_| "usd"),
    });
    let more = json!({
        "customer": customer(buyer), "user_id": buyer.id, "user": user(buyer),
        "product": order_product(product),
        "product_price": if order.is_trial { Value::Null } else { price(product) },
        "discount": discount_of(state, order.discount_id),
        "subscription": subscription.map(|subscription| subscription_core(state, subscription)),
        "items": money::items(order, product, &label),
        "description": product.name, "amount": order.net, "from_balance_amount": 0,
        "refundable_amount": (order.net + order.applied_balance - order.refunded).max(0),
        "refundable_tax_amount": order.tax - order.refunded_tax,
    });
    with(base, more)
}

fn discount_of(state: &State, id: Option<uuid::Uuid>) -> Value {
    id.and_then(|id| state.discounts.get(id)).map_or(Value::Null, money::discount)
}

pub fn refund(state: &State, refund: &Refund) -> Value {
    let dispute = refund.dispute_id.and_then(|id| state.disputes.get(id));
    json!({
        "created_at": refund.created_at, "modified_at": refund.modified_at, "id": refund.id,
        "metadata": refund.metadata, "status": refund.status, "reason": refund.reason,
        "amount": refund.amount, "tax_amount": refund.tax, "currency": refund.currency,
        "organization_id": ORGANIZATION_ID, "order_id": refund.order_id,
        "subscription_id": refund.subscription_id, "customer_id": refund.customer_id,
        "revoke_benefits": refund.revoke_benefits, "dispute": dispute.map(money::dispute_core),
    })
}

/// `customer.state_changed` and `/v1/customers/{id}/state`: the customer and what runs.
pub fn customer_state(state: &State, buyer: &Customer) -> Value {
    let active: Vec<Value> = state
        .subscriptions_of(buyer.id)
        .filter(|it| matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing))
        .map(|it| {
            json!({
                "created_at": it.created_at, "modified_at": it.modified_at, "id": it.id, "amount": it.amount,
                "currency": it.currency, "recurring_interval": it.interval, "status": it.status,
                "current_period_start": it.period_start, "current_period_end": it.period_end,
                "trial_start": it.trial.map(|trial| trial.0), "trial_end": it.trial.map(|trial| trial.1),
                "cancel_at_period_end": it.cancel_at_period_end, "canceled_at": it.canceled_at,
                "started_at": it.started_at, "ends_at": it.ends_at, "product_id": it.product_id,
                "discount_id": it.discount_id, "seats": it.seats, "units": null,
                "price_id": state.product(it.product_id).price_id, "metadata": it.metadata,
                "custom_field_data": {}, "meters": [],
            })
        })
        .collect();
    with(
        customer(buyer),
        json!({ "active_subscriptions": active, "granted_benefits": [], "active_meters": [] }),
    )
}
