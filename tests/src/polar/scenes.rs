//! What happens at Polar, and the events each happening sends, in Polar's own order (read in its source in
//! August 2026). A scene moves its own time a little with every step, so that versions rise.

mod customers;

use serde_json::{Value, json};

use super::objects::{self, NewOrder, set, tax_of};
use super::{Event, NewCheckout, Polar, Product, envelope, iso};
use crate::Price;

/// Between two steps of one scene.
const STEP_MS: i64 = 37;
/// A buyer fills in the form for this long.
const FORM_MS: i64 = 60_000;

/// One happening.
pub struct Scene<'a> {
    polar: &'a mut Polar,
    at_ms: i64,
    events: Vec<Event>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(polar: &'a mut Polar, at_ms: i64) -> Scene<'a> {
        Scene { polar, at_ms, events: Vec::new() }
    }

    /// When it was over, and what it sent.
    pub(crate) fn end(self) -> (i64, Vec<Event>) {
        (self.at_ms, self.events)
    }

    /// A checkout begins: checkout.created.
    pub(crate) fn opens(&mut self, new: NewCheckout) -> String {
        let id = self.polar.dice.uuid();
        let checkout = objects::checkout(&id, &new, self.at_ms);
        self.polar.checkouts.insert(id.clone(), (checkout, new));
        self.send_checkout("checkout.created", &id);
        id
    }

    /// The buyer fills in the form and pays. Returns the order and, if there is one, the subscription.
    pub(crate) fn pays(&mut self, checkout_id: &str) -> (String, Option<String>) {
        let new = self.polar.checkouts[checkout_id].1.clone();
        self.at_ms += FORM_MS;
        self.change_checkout(
            checkout_id,
            json!({ "customer_email": new.email, "tax_amount": tax_of(new.price.minor) }),
        );
        let customer_id = self.customer(&new);
        self.change_checkout(checkout_id, json!({ "status": "confirmed", "customer_id": customer_id }));
        let customer = self.polar.customers[&customer_id].clone();
        let subscription_id = match new.product {
            Product::OneTime => None,
            Product::Monthly { .. } => {
                let id = self.polar.dice.uuid();
                let at_ms = self.tick();
                let subscription = objects::subscription(&id, &new, checkout_id, &customer, at_ms);
                self.polar.subscriptions.insert(id.clone(), subscription);
                for kind in ["subscription.created", "subscription.active", "subscription.updated"] {
                    self.send_subscription(kind, &id);
                }
                Some(id)
            }
        };
        let is_trial = matches!(new.product, Product::Monthly { trial_days: Some(_) });
        let price = if is_trial { Price { minor: 0, ..new.price } } else { new.price };
        let reason = if subscription_id.is_some() { "subscription_create" } else { "purchase" };
        let order_id = self.order(
            reason,
            price,
            Some(checkout_id),
            &customer,
            subscription_id.as_deref(),
            true,
            json!(new.metadata),
        );
        self.is_of(&order_id, &new);
        self.send_order("order.created", &order_id);
        self.change_order(&order_id, json!({}));
        self.send_order("order.paid", &order_id);
        self.change_checkout(checkout_id, json!({ "status": "succeeded" }));
        self.fee(&order_id);
        let grant_id = self.polar.dice.uuid();
        self.send(
            "benefit_grant.created",
            &json!({ "id": grant_id, "customer_id": customer_id, "is_granted": true }),
        );
        self.send("customer.state_changed", &objects::customer_state(&customer));
        (order_id, subscription_id)
    }

    /// The next period: subscription.cycled and .updated, order.created (pending), then updated and paid.
    pub(crate) fn renews(&mut self, subscription_id: &str) -> String {
        let at_ms = self.tick();
        let subscription = self.subscription(subscription_id);
        let from = subscription["current_period_end"].clone();
        set(
            subscription,
            json!({
                "status": "active", "modified_at": iso(at_ms), "current_period_start": from,
                "current_period_end": iso(at_ms + 30 * 86_400_000),
            }),
        );
        self.send_subscription("subscription.cycled", subscription_id);
        self.send_subscription("subscription.updated", subscription_id);
        let (price, customer, metadata) = self.terms(subscription_id);
        let order_id =
            self.order("subscription_cycle", price, None, &customer, Some(subscription_id), false, metadata);
        self.send_order("order.created", &order_id);
        self.change_order(&order_id, json!({ "status": "paid", "paid": true }));
        self.send_order("order.paid", &order_id);
        self.fee(&order_id);
        order_id
    }

    /// A dearer plan with an invoice at once: the order comes before the subscription's update.
    pub(crate) fn upgrades(&mut self, subscription_id: &str, price: Price) -> String {
        let (_, customer, metadata) = self.terms(subscription_id);
        let order_id =
            self.order("subscription_update", price, None, &customer, Some(subscription_id), true, metadata);
        self.send_order("order.created", &order_id);
        self.change_order(&order_id, json!({}));
        self.send_order("order.paid", &order_id);
        let at_ms = self.tick();
        set(self.subscription(subscription_id), json!({ "modified_at": iso(at_ms), "amount": price.minor }));
        self.send_subscription("subscription.updated", subscription_id);
        self.fee(&order_id);
        order_id
    }

    /// Money goes back: everything that is left when `amount` is none. An instant refund is refund.created,
    /// order.updated, order.refunded; another is refund.created alone, while it is pending.
    pub(crate) fn refunds(&mut self, order_id: &str, amount: Option<i64>, is_instant: bool) -> String {
        let at_ms = self.tick();
        let order = &self.polar.orders[order_id];
        let number = |field: &str| order[field].as_i64().expect("an amount");
        let left = number("net_amount") - number("refunded_amount");
        let amount = amount.unwrap_or(left);
        assert!(amount > 0 && amount <= left, "Polar refunds no more than was paid");
        let tax_left = number("tax_amount") - number("refunded_tax_amount");
        let tax = if amount == left { tax_left } else { tax_of(amount).min(tax_left) };
        let id = self.polar.dice.uuid();
        let refund = objects::refund(&id, &self.polar.orders[order_id], amount, tax, is_instant, at_ms);
        self.polar.refunds.insert(id.clone(), refund);
        self.send_refund("refund.created", &id);
        if is_instant {
            self.book(&id, 1);
            self.send_order("order.refunded", order_id);
        }
        id
    }

    /// A refund ends well or badly, after it was pending or after it had succeeded.
    pub(crate) fn settles_refund(&mut self, id: &str, status: &str) {
        let at_ms = self.tick();
        let refund = self.polar.refunds.get_mut(id).expect("the refund exists");
        let before = refund["status"].clone();
        set(refund, json!({ "status": status, "modified_at": iso(at_ms) }));
        let order_id = refund["order_id"].as_str().expect("an id").to_owned();
        self.send_refund("refund.updated", id);
        match (before == "succeeded", status == "succeeded") {
            (false, true) => {
                self.book(id, 1);
                self.send_order("order.refunded", &order_id);
            }
            (true, false) => self.book(id, -1),
            _ => {}
        }
    }

    /// What the checkout was of, where it was said.
    fn is_of(&mut self, order_id: &str, new: &NewCheckout) {
        let order = self.polar.orders.get_mut(order_id).expect("just made");
        if let Some((code, metadata)) = &new.discount {
            let id = self.polar.dice.uuid();
            let discount = json!({
                "id": id, "name": "For friends", "code": code, "metadata": metadata, "type": "percentage",
                "basis_points": 1000, "duration": "once",
            });
            set(order, json!({ "discount_id": id, "discount": discount }));
        }
        if let Some((id, interval)) = &new.plan {
            set(order, json!({ "product_id": id }));
            set(&mut order["product"], json!({ "id": id, "recurring_interval": interval }));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what Polar knows of an order when it makes it")]
    fn order(
        &mut self,
        billing_reason: &str,
        price: Price,
        checkout_id: Option<&str>,
        customer: &Value,
        subscription_id: Option<&str>,
        is_paid: bool,
        metadata: Value,
    ) -> String {
        let id = self.polar.dice.uuid();
        let at_ms = self.tick();
        let subscription = subscription_id.map(|id| &self.polar.subscriptions[id]);
        let new = NewOrder {
            id: &id,
            billing_reason,
            price,
            checkout_id,
            customer,
            subscription,
            metadata,
            is_paid,
            at_ms,
        };
        let order = objects::order(new);
        self.polar.orders.insert(id.clone(), order);
        id
    }

    /// What a running subscription charges, whom, and what it writes on its orders.
    fn terms(&self, id: &str) -> (Price, Value, Value) {
        let subscription = &self.polar.subscriptions[id];
        let currency = if subscription["currency"] == "eur" { "eur" } else { "usd" };
        let price = Price { minor: subscription["amount"].as_i64().expect("an amount"), currency };
        let customer = self.polar.customers[subscription["customer_id"].as_str().expect("an id")].clone();
        (price, customer, subscription["metadata"].clone())
    }

    fn subscription(&mut self, id: &str) -> &mut Value {
        self.polar.subscriptions.get_mut(id).expect("the subscription exists")
    }

    /// A later job at Polar fills in its fee: order.updated. Nothing when nothing was charged.
    fn fee(&mut self, order_id: &str) {
        let total = self.polar.orders[order_id]["total_amount"].as_i64().expect("an amount");
        if total > 0 {
            let fee = total * 4 / 100 + 40;
            self.change_order(
                order_id,
                json!({ "platform_fee_amount": fee, "platform_fee_currency": "usd" }),
            );
        }
    }

    /// Adds a refund to its order, or takes it off again: order.updated.
    fn book(&mut self, refund_id: &str, sign: i64) {
        let refund = &self.polar.refunds[refund_id];
        let number = |value: &Value| value.as_i64().expect("an amount");
        let (amount, tax) = (sign * number(&refund["amount"]), sign * number(&refund["tax_amount"]));
        let order_id = refund["order_id"].as_str().expect("an id").to_owned();
        let order = &self.polar.orders[&order_id];
        let net = number(&order["net_amount"]);
        let refunded = number(&order["refunded_amount"]) + amount;
        let refunded_tax = number(&order["refunded_tax_amount"]) + tax;
        let status = match refunded {
            0 => "paid",
            all if all == net => "refunded",
            _ => "partially_refunded",
        };
        let fields = json!({
            "status": status, "refunded_amount": refunded, "refunded_tax_amount": refunded_tax,
            "refundable_amount": net - refunded,
            "refundable_tax_amount": number(&order["tax_amount"]) - refunded_tax,
        });
        self.change_order(&order_id, fields);
    }

    /// Changes an order: order.updated.
    fn change_order(&mut self, id: &str, fields: Value) {
        let at_ms = self.tick();
        let order = self.polar.orders.get_mut(id).expect("the order exists");
        set(order, fields);
        set(order, json!({ "modified_at": iso(at_ms) }));
        self.send_order("order.updated", id);
    }

    /// Changes a checkout: checkout.updated.
    fn change_checkout(&mut self, id: &str, fields: Value) {
        let at_ms = self.tick();
        let (checkout, _) = self.polar.checkouts.get_mut(id).expect("the checkout exists");
        set(checkout, fields);
        set(checkout, json!({ "modified_at": iso(at_ms) }));
        self.send_checkout("checkout.updated", id);
    }

    fn send_checkout(&mut self, kind: &str, id: &str) {
        let data = self.polar.checkouts[id].0.clone();
        self.send(kind, &data);
    }

    fn send_order(&mut self, kind: &str, id: &str) {
        let data = self.polar.orders[id].clone();
        self.send(kind, &data);
    }

    fn send_subscription(&mut self, kind: &str, id: &str) {
        let data = self.polar.subscriptions[id].clone();
        self.send(kind, &data);
    }

    fn send_refund(&mut self, kind: &str, id: &str) {
        let data = self.polar.refunds[id].clone();
        self.send(kind, &data);
    }

    fn send(&mut self, kind: &str, data: &Value) {
        let at_ms = self.tick();
        let id = self.polar.dice.uuid();
        self.events.push(Event { id, kind: kind.to_owned(), body: envelope(kind, at_ms, data) });
    }

    fn tick(&mut self) -> i64 {
        self.at_ms += STEP_MS;
        self.at_ms
    }
}
