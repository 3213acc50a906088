//! One order with everything told about it, and the questions the domain is asked about it. Pure: reads no store.

use domain::identity::{Buyer, PersonKey, Persons};
use domain::ids::OrderId;
use domain::matching::{Match, MatchInputs, match_order};
use domain::order::{CheckoutState, CustomerState, Metadata, OrderState, SubscriptionState, anchor_ms};
use domain::visitor_token::VisitorKeys;

use super::load::Objects;
use super::people;
use crate::person_keys::PersonKeys;

/// One order with everything told about it.
pub(super) struct Case<'a> {
    pub id: OrderId,
    pub connection: &'a str,
    pub order: &'a OrderState,
    subscription: Option<&'a SubscriptionState>,
    checkout: Option<&'a CheckoutState>,
    customer: Option<&'a CustomerState>,
    customer_metadata: Metadata,
}

impl<'a> Case<'a> {
    pub fn new(
        workspace_id: &str,
        connection: &'a str,
        order: &'a OrderState,
        objects: &'a Objects,
    ) -> Case<'a> {
        let checkout = objects.checkout(connection, order.checkout_id.as_deref());
        let customer = objects.customer(connection, order.customer_id.as_deref());
        // What the checkout wrote on the customer, in case the customer itself was never told.
        let written = checkout.map(|checkout| checkout.customer_metadata.clone()).unwrap_or_default();
        let customer_metadata = customer.map_or(written, |customer| customer.metadata.clone());
        Case {
            id: OrderId::derive(workspace_id, connection, &order.object_id),
            connection,
            order,
            subscription: objects.subscription(connection, order.subscription_id.as_deref()),
            checkout,
            customer,
            customer_metadata,
        }
    }

    /// Where the journey ends; of an order that is not paid, when it was made.
    pub fn anchor_ms(&self) -> i64 {
        anchor_ms(self.order, self.checkout).unwrap_or(self.order.created_ms)
    }

    fn external_id(&self) -> Option<&'a str> {
        let customer = self.customer.and_then(|customer| customer.external_id.as_deref());
        customer.or_else(|| self.checkout.and_then(|checkout| checkout.customer_external_id.as_deref()))
    }

    pub fn customer_key(&self) -> Option<PersonKey> {
        self.order.customer_id.as_ref().map(|id| self.customer_named(id))
    }

    fn customer_named(&self, id: &str) -> PersonKey {
        PersonKey::Customer { connection: self.connection.to_owned(), id: id.to_owned() }
    }

    pub fn buyer(&self) -> Buyer {
        let email = self.order.email;
        let email = email.or_else(|| self.customer.and_then(|customer| customer.email));
        let email = email.or_else(|| self.checkout.and_then(|checkout| checkout.email));
        Buyer {
            customer: self.customer_key(),
            external_id: self.external_id().map(str::to_owned),
            email,
            former_customers: self.order.former_customers.iter().map(|id| self.customer_named(id)).collect(),
            former_emails: self.order.former_emails.clone(),
        }
    }
}

/// Asks the domain who an order belongs to. Ids of users and customers are compared in their stored form.
pub(super) struct Matcher<'a> {
    pub person_keys: &'a PersonKeys,
    pub workspace_id: &'a str,
    pub keys: &'a VisitorKeys,
    pub metadata_keys: &'a [String],
}

impl Matcher<'_> {
    pub fn find(&self, case: &Case<'_>, persons: &Persons) -> Match {
        let buyer = case.buyer();
        let customer_key = buyer.customer.as_ref().map(|key| self.stored(key));
        let external_id = case.external_id().map(|id| match self.keys.read(id, self.workspace_id) {
            Ok(_) => id.to_owned(),
            Err(_) => match self.stored(&PersonKey::UserId(id.to_owned())) {
                PersonKey::UserId(stored) => stored,
                _ => id.to_owned(),
            },
        });
        match_order(&MatchInputs {
            workspace: self.workspace_id,
            visitor_keys: self.keys,
            metadata_keys: self.metadata_keys,
            order: Some(&case.order.metadata),
            subscription: case.subscription.map(|subscription| &subscription.metadata),
            checkout: case.checkout.map(|checkout| &checkout.metadata),
            customer: Some(&case.customer_metadata),
            external_id: external_id.as_deref(),
            customer_key: customer_key.as_ref(),
            email: buyer.email.as_ref(),
            persons,
        })
    }

    pub fn stored(&self, key: &PersonKey) -> PersonKey {
        let (kind, bits) = self.person_keys.stored(key);
        people::person_key(kind, bits).unwrap_or_else(|| key.clone())
    }

    /// Every key of the buyer, as stored.
    pub fn buyer_keys(&self, case: &Case<'_>) -> Vec<u128> {
        case.buyer().keys().iter().map(|key| self.person_keys.stored(key).1).collect()
    }
}
