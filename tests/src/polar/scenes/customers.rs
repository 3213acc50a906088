//! What happens to customers at Polar: they are written, made one, and deleted.

use serde_json::json;

use super::super::objects::{self, set};
use super::super::{NewCheckout, iso};
use super::Scene;

impl Scene<'_> {
    /// The buyer by e-mail, or a new one; written before the payment is known.
    pub(super) fn customer(&mut self, new: &NewCheckout) -> String {
        let at_ms = self.tick();
        let id = self.customer_of(&new.email);
        let is_known = id.is_some();
        let id = id.unwrap_or_else(|| self.polar.dice.uuid());
        if is_known {
            let customer = self.polar.customers.get_mut(&id).expect("just found");
            let mut metadata = customer["metadata"].as_object().cloned().unwrap_or_default();
            metadata.extend(new.customer_metadata.clone());
            set(customer, json!({ "metadata": metadata, "modified_at": iso(at_ms) }));
        } else {
            self.polar.customers.insert(id.clone(), objects::customer(&id, new, at_ms));
        }
        let customer = self.polar.customers[&id].clone();
        self.send(if is_known { "customer.updated" } else { "customer.created" }, &customer);
        if !is_known {
            let member_id = self.polar.dice.uuid();
            self.send("member.created", &json!({ "id": member_id, "customer_id": id, "role": "owner" }));
        }
        self.send("customer.state_changed", &objects::customer_state(&customer));
        id
    }

    /// The customer who has an address now. Addresses of deleted ones are free again.
    fn customer_of(&self, email: &str) -> Option<String> {
        let is_theirs = |it: &serde_json::Value| it["email"] == email && it["deleted_at"].is_null();
        self.polar.customers.iter().find(|(_, it)| is_theirs(it)).map(|(id, _)| id.clone())
    }

    /// Two customers become one: what the first bought and subscribed to is the second's from now on, and the first is
    /// deleted. Polar has no event of its own for it: order.updated and subscription.updated of each,
    /// customer.updated and customer.state_changed, customer.deleted.
    pub(crate) fn merges(&mut self, email: &str, into: &str) {
        let from = self.customer_of(email).expect("a customer has the address");
        let into = self.customer_of(into).expect("a customer has the other address");
        let at_ms = self.tick();
        let customer = self.polar.customers.get_mut(&into).expect("just found");
        set(customer, json!({ "modified_at": iso(at_ms) }));
        let customer = customer.clone();
        let whose = json!({ "customer_id": into, "user_id": into, "customer": customer });
        let is_theirs = |object: &serde_json::Value| object["customer_id"] == from.as_str();
        let subscriptions: Vec<String> = self
            .polar
            .subscriptions
            .iter()
            .filter(|(_, it)| is_theirs(it))
            .map(|(id, _)| id.clone())
            .collect();
        for id in subscriptions {
            let at_ms = self.tick();
            set(self.subscription(&id), whose.clone());
            set(self.subscription(&id), json!({ "modified_at": iso(at_ms) }));
            self.send_subscription("subscription.updated", &id);
        }
        let orders: Vec<String> =
            self.polar.orders.iter().filter(|(_, it)| is_theirs(it)).map(|(id, _)| id.clone()).collect();
        for id in orders {
            self.change_order(&id, whose.clone());
        }
        self.send("customer.updated", &customer);
        self.send("customer.state_changed", &objects::customer_state(&customer));
        self.deletes(email);
    }

    /// A customer is deleted: customer.deleted. Orders keep theirs.
    pub(crate) fn deletes(&mut self, email: &str) {
        let id = self.customer_of(email).expect("a customer has the address");
        let at_ms = self.tick();
        let customer = self.polar.customers.get_mut(&id).expect("just found");
        set(customer, json!({ "modified_at": iso(at_ms), "deleted_at": iso(at_ms) }));
        let customer = customer.clone();
        self.send("customer.deleted", &customer);
    }
}
