//! Everything the stand-in knows, behind one lock, with the look-ups the rest needs. Nothing here sends.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalogue;
use crate::clock::Time;
use crate::http::Trouble;
use crate::ids::Ids;
use crate::model::{
    Checkout, CheckoutLink, Customer, Discount, Dispute, Order, Payment, Product, Refund, Subscription,
    SubscriptionStatus, SystemEvent, Table,
};
use crate::webhook::{Endpoint, Event, Outbox, Outcome};

/// An organization access token and what it may do; `*` stands for every scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub token: String,
    pub scopes: Vec<String>,
}

/// Polar's data. Saved as JSON when a state file is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    pub ids: Ids,
    /// How far its day is from the machine's, in microseconds: [`crate::Options::starts_at`] set it once.
    #[serde(default)]
    pub shift_us: i64,
    /// How far the stand-in's clock was moved ahead since, in microseconds.
    pub ahead_us: i64,
    pub public_url: String,
    pub tokens: Vec<Token>,
    pub products: Table<Product>,
    pub links: Table<CheckoutLink>,
    pub checkouts: Table<Checkout>,
    pub customers: Table<Customer>,
    pub orders: Table<Order>,
    pub subscriptions: Table<Subscription>,
    pub refunds: Table<Refund>,
    #[serde(default)]
    pub discounts: Table<Discount>,
    #[serde(default)]
    pub disputes: Table<Dispute>,
    #[serde(default)]
    pub payments: Table<Payment>,
    #[serde(default)]
    pub system_events: Table<SystemEvent>,
    pub endpoints: Vec<Endpoint>,
    pub events: Vec<Event>,
    customer_by_email: HashMap<String, Uuid>,
    checkout_by_secret: HashMap<String, Uuid>,
    subscriptions_by_customer: HashMap<Uuid, Vec<Uuid>>,
    #[serde(skip)]
    pub outbox: Outbox,
    #[serde(skip)]
    pub trouble: Trouble,
}

impl State {
    /// The catalogue and nothing sold yet.
    #[must_use]
    pub fn new(seed: Option<u64>, public_url: String, success_url: Option<&str>) -> State {
        let products = catalogue::products();
        let mut state = State {
            ids: Ids::new(seed),
            shift_us: 0,
            ahead_us: 0,
            public_url,
            tokens: Vec::new(),
            products: Table::default(),
            links: Table::default(),
            checkouts: Table::default(),
            customers: Table::default(),
            orders: Table::default(),
            subscriptions: Table::default(),
            refunds: Table::default(),
            discounts: Table::default(),
            disputes: Table::default(),
            payments: Table::default(),
            system_events: Table::default(),
            endpoints: Vec::new(),
            events: Vec::new(),
            customer_by_email: HashMap::new(),
            checkout_by_secret: HashMap::new(),
            subscriptions_by_customer: HashMap::new(),
            outbox: Outbox::default(),
            trouble: Trouble::default(),
        };
        for link in catalogue::links(&products, success_url) {
            state.links.push(link);
        }
        for product in products {
            state.products.push(product);
        }
        for discount in catalogue::discounts() {
            state.discounts.push(discount);
        }
        state
    }

    /// The stand-in's own time, in which sales happen.
    #[must_use]
    pub fn now(&self) -> Time {
        Time(self.sending_now().0 + self.ahead_us)
    }

    /// The time at which webhooks leave and are signed, which is not moved ahead: receivers compare a signature
    /// with their own clock.
    #[must_use]
    pub fn sending_now(&self) -> Time {
        Time(Time::wall().0 + self.shift_us)
    }

    /// Has the clock show this instant now.
    pub fn starts_at(&mut self, at: Time) {
        self.shift_us = at.0 - Time::wall().0;
    }

    /// A product that is known to exist.
    #[must_use]
    pub fn product(&self, id: Uuid) -> &Product {
        self.products.get(id).expect("products are never removed")
    }

    /// A product by its id or its slug.
    #[must_use]
    pub fn find_product(&self, name: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.slug == name || product.id.to_string() == name)
    }

    /// A discount by its code, whatever its case.
    #[must_use]
    pub fn discount_by_code(&self, code: &str) -> Option<&Discount> {
        self.discounts.iter().find(|discount| discount.code.eq_ignore_ascii_case(code))
    }

    /// A customer that is known to exist.
    #[must_use]
    pub fn customer(&self, id: Uuid) -> &Customer {
        self.customers.get(id).expect("customers are never removed")
    }

    /// By e-mail, whatever its case.
    #[must_use]
    pub fn customer_by_email(&self, email: &str) -> Option<&Customer> {
        self.customer_by_email.get(&email.trim().to_lowercase()).and_then(|id| self.customers.get(*id))
    }

    #[must_use]
    pub fn customer_by_external_id(&self, external_id: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| {
            customer.deleted_at.is_none() && customer.external_id.as_deref() == Some(external_id)
        })
    }

    /// Lets a new customer have the address of one that is deleted.
    pub fn free_address_of(&mut self, id: Uuid) {
        self.customer_by_email.retain(|_, known| *known != id);
    }

    pub fn add_customer(&mut self, customer: Customer) {
        self.customer_by_email.insert(customer.email.trim().to_lowercase(), customer.id);
        self.customers.push(customer);
    }

    pub fn add_checkout(&mut self, checkout: Checkout) {
        self.checkout_by_secret.insert(checkout.client_secret.clone(), checkout.id);
        self.checkouts.push(checkout);
    }

    #[must_use]
    pub fn checkout_by_secret(&self, client_secret: &str) -> Option<&Checkout> {
        self.checkout_by_secret.get(client_secret).and_then(|id| self.checkouts.get(*id))
    }

    pub fn add_subscription(&mut self, subscription: Subscription) {
        self.subscriptions_by_customer.entry(subscription.customer_id).or_default().push(subscription.id);
        self.subscriptions.push(subscription);
    }

    /// A customer's subscriptions, oldest first.
    pub fn subscriptions_of(&self, customer_id: Uuid) -> impl Iterator<Item = &Subscription> {
        let ids = self.subscriptions_by_customer.get(&customer_id).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.subscriptions.get(*id))
    }

    /// Gives a customer's subscriptions to another; answers them, oldest first.
    pub fn give_subscriptions(&mut self, from: Uuid, into: Uuid) -> Vec<Uuid> {
        let given = self.subscriptions_by_customer.remove(&from).unwrap_or_default();
        for id in &given {
            if let Some(subscription) = self.subscriptions.get_mut(*id) {
                subscription.customer_id = into;
            }
        }
        self.subscriptions_by_customer.entry(into).or_default().extend(&given);
        given
    }

    /// What falls due up to `now`: the earliest subscription whose period has ended.
    #[must_use]
    pub fn due_subscription(&self, now: Time) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .filter(|it| matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing))
            .filter(|it| it.period_end <= now)
            .min_by_key(|it| it.period_end)
    }

    /// After loading: what was waiting for an attempt waits again.
    pub fn requeue(&mut self) {
        for (at, event) in self.events.iter().enumerate() {
            if event.outcome == Outcome::Pending {
                self.outbox.lanes.entry((event.endpoint_id, 0)).or_default().push_back(at);
                self.outbox.open += 1;
            }
        }
    }
}
