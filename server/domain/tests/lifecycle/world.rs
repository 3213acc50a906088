//! A provider in small: what it keeps of one buyer, what it sends when something happens (in Polar's order and
//! with Polar's habits), and what its lists say at any moment.

use domain::ids::FactId;
use domain::order::*;

pub const DAY_MS: i64 = 86_400_000;

/// One webhook: an order's comes with its customer and subscription inside.
pub type Delivery = Vec<Fact>;

/// What happens. Numbers choose among what there is; what cannot happen now does not.
#[derive(Clone, Debug)]
pub enum Act {
    Renew { is_paid: bool },
    Recover,
    Exhaust,
    CancelAtPeriodEnd,
    Uncancel,
    Revoke,
    Pause,
    Resume,
    Upgrade { net_minor: i64 },
    Downgrade,
    Refund { order: usize, percent: i64, is_instant: bool },
    RefundSucceeds { refund: usize },
    RefundFails { refund: usize },
    Dispute { order: usize, percent: i64 },
    DisputeEnds { dispute: usize, status: DisputeStatus },
    Fee { order: usize },
    EditOrder { order: usize },
    EditMetadata { value: u8 },
    EditCustomer { value: u8 },
    DeleteCustomer,
    Seats { count: u32 },
    Poll,
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    OneTime,
    Subscription,
    Trial,
    Free,
}

pub struct World {
    now_ms: i64,
    pub orders: Vec<OrderFact>,
    pub refunds: Vec<RefundFact>,
    pub disputes: Vec<DisputeFact>,
    /// When each order was paid: a list tells it, the order itself does not.
    pub payments: Vec<PaymentFact>,
    pub subscription: Option<SubscriptionFact>,
    pub customer: CustomerFact,
    pub sent: Vec<Delivery>,
    /// What the lists said, whenever they were read; disputes are never sent.
    pub polled: Vec<Delivery>,
    /// Every version of every dispute, as somebody would have read them who never missed one.
    pub dispute_versions: Vec<Fact>,
}

fn head(object_id: String) -> Head {
    Head { fact_id: FactId(0), object_id, version_ms: 0, observed_ms: 0, event: String::new() }
}

/// The amount and its tax of 20 %.
fn amounts(net_minor: i64) -> Amounts {
    let tax_minor = net_minor / 5;
    Amounts {
        subtotal_minor: net_minor + 100,
        discount_minor: 100,
        net_minor,
        tax_minor,
        total_minor: net_minor + tax_minor,
        ..Amounts::default()
    }
}

impl World {
    pub fn begin(start: Start) -> World {
        let state = CustomerState {
            created_ms: DAY_MS,
            external_id: None,
            email: None,
            country: Some("FR".into()),
            deleted: false,
            metadata: Metadata::new(),
        };
        let mut world = World {
            now_ms: DAY_MS,
            orders: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            payments: Vec::new(),
            subscription: None,
            customer: CustomerFact { head: head("cus".into()), state },
            sent: Vec::new(),
            polled: Vec::new(),
            dispute_versions: Vec::new(),
        };
        world.change_customer("customer.created", |_| {});
        if start != Start::OneTime {
            world.subscribe(start);
        }
        let (kind, net_minor) = match start {
            Start::OneTime => (OrderKind::OneTime, 4_999),
            Start::Subscription => (OrderKind::New, 1_900),
            Start::Trial | Start::Free => (OrderKind::New, 0),
        };
        // The first order is paid from its first version on.
        world.order(kind, net_minor);
        world.change_order(0, &["order.created"], |order| {
            order.status = OrderStatus::Paid;
            order.paid = true;
        });
        world.change_order(0, &["order.updated", "order.paid"], |_| {});
        world
    }

    fn subscribe(&mut self, start: Start) {
        let is_trial = start == Start::Trial;
        let created_ms = self.tick();
        let state = SubscriptionState {
            created_ms,
            status: if is_trial { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active },
            amount_minor: if start == Start::Free { 0 } else { 1_900 },
            currency: "EUR".parse().expect("a currency"),
            interval: Some(Interval::Month),
            interval_count: 1,
            customer_id: Some("cus".into()),
            product_id: Some("pro".into()),
            checkout_id: Some("chk".into()),
            started_ms: Some(created_ms),
            trial_end_ms: is_trial.then_some(created_ms + 14 * DAY_MS),
            period_start_ms: Some(created_ms),
            period_end_ms: Some(created_ms + 30 * DAY_MS),
            past_due_ms: None,
            paused_ms: None,
            seats: None,
            cancel_at_period_end: false,
            canceled_ms: None,
            ends_ms: None,
            ended_ms: None,
            metadata: Metadata::new(),
        };
        self.subscription = Some(SubscriptionFact { head: head("sub".into()), state });
        self.change_subscription(&["created", "active", "updated"], |_, _| {});
    }

    fn tick(&mut self) -> i64 {
        self.now_ms += 7;
        self.now_ms
    }

    fn order(&mut self, kind: OrderKind, net_minor: i64) -> usize {
        let created_ms = self.tick();
        self.orders.push(OrderFact {
            head: Head { version_ms: created_ms, ..head(format!("ord{}", self.orders.len())) },
            created_ms,
            status: OrderStatus::Pending,
            paid: false,
            booked_at_ms: None,
            kind,
            currency: "EUR".parse().expect("a currency"),
            amounts: amounts(net_minor),
            fee_currency: None,
            subscription_id: self.subscription.as_ref().map(|it| it.head.object_id.clone()),
            checkout_id: self.orders.is_empty().then(|| "chk".into()),
            customer_id: Some("cus".into()),
            product_id: Some("pro".into()),
            product_name: None,
            discount_code: None,
            discount_id: None,
            discount_name: None,
            partner_code: None,
            interval: None,
            country: Some("FR".into()),
            email: None,
            metadata: self.subscription.as_ref().map_or_else(Metadata::new, |it| it.state.metadata.clone()),
        });
        self.orders.len() - 1
    }

    /// Changes an order and sends these events of the new version.
    fn change_order(&mut self, at: usize, events: &[&str], change: impl FnOnce(&mut OrderFact)) {
        let version_ms = self.tick();
        let order = &mut self.orders[at];
        change(order);
        order.head.version_ms = version_ms;
        for event in events {
            let told_ms = self.tick();
            let mut told = self.orders[at].clone();
            told.booked_at_ms = (told.paid && *event == "order.paid").then_some(told_ms);
            if let Some(paid_at_ms) = told.booked_at_ms {
                let head = Head { version_ms: told_ms, ..head(format!("pay{at}")) };
                let order_id = told.head.object_id.clone();
                self.payments.push(PaymentFact { head, order_id, paid_at_ms });
            }
            let inside = self.subscription.clone().map(Fact::Subscription);
            let mut facts = vec![Fact::Order(told), Fact::Customer(self.customer.clone())];
            facts.extend(inside);
            self.send(event, facts);
        }
    }

    fn change_subscription(&mut self, events: &[&str], change: impl FnOnce(&mut SubscriptionState, i64)) {
        let version_ms = self.tick();
        let Some(subscription) = &mut self.subscription else { return };
        change(&mut subscription.state, version_ms);
        subscription.head.version_ms = version_ms;
        let facts = vec![Fact::Subscription(subscription.clone()), Fact::Customer(self.customer.clone())];
        for event in events {
            self.send(&format!("subscription.{event}"), facts.clone());
        }
    }

    fn change_customer(&mut self, event: &str, change: impl FnOnce(&mut CustomerState)) {
        self.customer.head.version_ms = self.tick();
        change(&mut self.customer.state);
        self.send(event, vec![Fact::Customer(self.customer.clone())]);
    }

    fn change_refund(&mut self, at: usize, event: &str, status: RefundStatus) {
        let version_ms = self.tick();
        let refund = &mut self.refunds[at];
        refund.status = status;
        refund.head.version_ms = version_ms;
        let fact = Fact::Refund(refund.clone());
        self.send(event, vec![fact]);
    }

    fn send(&mut self, event: &str, mut facts: Vec<Fact>) {
        let delivery = self.sent.len().to_string();
        facts.iter_mut().for_each(|fact| name(fact, &delivery, event));
        self.sent.push(facts);
    }

    /// What every list says now.
    pub fn poll(&self) -> Delivery {
        let mut facts: Vec<Fact> = self.orders.iter().cloned().map(Fact::Order).collect();
        facts.extend(self.refunds.iter().cloned().map(Fact::Refund));
        facts.extend(self.disputes.iter().cloned().map(Fact::Dispute));
        facts.extend(self.payments.iter().cloned().map(Fact::Payment));
        facts.extend(self.subscription.clone().map(Fact::Subscription));
        facts.push(Fact::Customer(self.customer.clone()));
        for fact in &mut facts {
            let version = format!("version {}", fact.head().version_ms);
            name(fact, &version, POLL);
        }
        facts
    }

    fn book_refund(&mut self, at: usize, sign: i64, events: &[&str]) {
        let (amount, tax) = (self.refunds[at].amount_minor, self.refunds[at].tax_minor);
        let order = self.order_of(&self.refunds[at].order_id);
        self.change_order(order, events, |order| {
            order.amounts.refunded_minor += sign * amount;
            order.amounts.refunded_tax_minor += sign * tax;
            order.status = match order.amounts.refunded_minor {
                0 => OrderStatus::Paid,
                refunded if refunded >= order.amounts.net_minor => OrderStatus::Refunded,
                _ => OrderStatus::PartiallyRefunded,
            };
        });
    }

    fn order_of(&self, id: &str) -> usize {
        self.orders.iter().position(|order| order.head.object_id == id).expect("orders are never removed")
    }

    fn refund(&mut self, at: usize, percent: i64, is_instant: bool) {
        let pending = |refund: &&RefundFact| refund.status == RefundStatus::Pending;
        let order = &self.orders[at];
        let waiting = self.refunds.iter().filter(pending).filter(|it| it.order_id == order.head.object_id);
        let (waiting, waiting_tax) =
            waiting.fold((0, 0), |(net, tax), it| (net + it.amount_minor, tax + it.tax_minor));
        let left = order.amounts.net_minor - order.amounts.refunded_minor - waiting;
        let left_tax = order.amounts.tax_minor - order.amounts.refunded_tax_minor - waiting_tax;
        let amount_minor = left * percent / 100;
        if !order.paid || amount_minor <= 0 {
            return;
        }
        let (order_id, currency) = (order.head.object_id.clone(), order.currency);
        let created_ms = self.tick();
        self.refunds.push(RefundFact {
            head: head(format!("ref{}", self.refunds.len())),
            order_id,
            created_ms,
            status: RefundStatus::Pending,
            amount_minor,
            tax_minor: left_tax * percent / 100,
            currency,
            reason: Some("customer_request".into()),
            subscription_id: None,
            customer_id: Some("cus".into()),
        });
        let at = self.refunds.len() - 1;
        let status = if is_instant { RefundStatus::Succeeded } else { RefundStatus::Pending };
        self.change_refund(at, "refund.created", status);
        if is_instant {
            self.book_refund(at, 1, &["order.updated", "order.refunded"]);
        }
    }

    fn keep_dispute(&mut self, at: usize) {
        self.disputes[at].head.version_ms = self.tick();
        let mut fact = Fact::Dispute(self.disputes[at].clone());
        let version = format!("version {}", fact.head().version_ms);
        name(&mut fact, &version, POLL);
        self.dispute_versions.push(fact);
    }
}

/// Gives a fact the id and event of the delivery it came in.
fn name(fact: &mut Fact, delivery: &str, event: &str) {
    let kind = fact.kind();
    let head = match fact {
        Fact::Order(it) => &mut it.head,
        Fact::Refund(it) => &mut it.head,
        Fact::Subscription(it) => &mut it.head,
        Fact::Customer(it) => &mut it.head,
        Fact::Checkout(it) => &mut it.head,
        Fact::Dispute(it) => &mut it.head,
        Fact::Payment(it) => &mut it.head,
    };
    head.fact_id = FactId::derive("con", delivery, kind, &head.object_id);
    head.event = event.to_owned();
}

mod acts;
