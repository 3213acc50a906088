//! Facts on their way into the store, from webhooks and from polls alike: the rows, and the marks on what they
//! touch. What was erased is taken out here, wherever it comes from. Never decides what a fact means.

use std::collections::BTreeSet;

use domain::order::Fact;

use super::JobError;
use super::erase::Door;
use crate::app::App;
use crate::control::dirty::{Subject, SubjectKind};
use crate::secrets::sha256_hex;
use crate::store::row_binary::RowWriter;

const COLUMNS: &str = "workspace_id, connection_id, kind, object_id, version_at, fact_id, event, \
                       order_ref, subscription_ref, checkout_ref, customer_ref, payload, received_at";

/// Facts of one batch.
#[derive(Default)]
pub struct Facts(Vec<Told>);

/// One fact, and where and when it came.
pub(super) struct Told {
    pub workspace_id: String,
    pub connection_id: String,
    pub received_at_ms: i64,
    pub fact: Fact,
}

impl Facts {
    /// Adds a fact.
    pub fn push(&mut self, workspace_id: &str, connection_id: &str, received_at_ms: i64, fact: &Fact) {
        let (workspace_id, connection_id) = (workspace_id.to_owned(), connection_id.to_owned());
        self.0.push(Told { workspace_id, connection_id, received_at_ms, fact: fact.clone() });
    }

    /// Makes the batch durable, then marks what it touches: a crash in between repeats harmless work. `source` says
    /// where it came from; the same facts of the same source are one insert, however often it is tried.
    pub async fn keep(self, app: &App, source: &str) -> Result<(), JobError> {
        let mut rows = RowWriter::new();
        let mut subjects = BTreeSet::new();
        for Told { workspace_id, connection_id, received_at_ms, fact } in Door::admit(app, self.0).await? {
            write_fact(&mut rows, &workspace_id, &connection_id, received_at_ms, &fact);
            subjects.insert(subject(&workspace_id, &fact));
        }
        if rows.is_empty() {
            return Ok(());
        }
        // Facts made by a better normaliser are other rows and must not be taken for a retry.
        let content = [source.as_bytes(), rows.as_bytes()].concat();
        let token = format!("facts-{}", sha256_hex(&content));
        app.store.insert("facts", COLUMNS, "RowBinary", rows.into_bytes().into(), Some(&token)).await?;
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        app.control.mark_dirty(&subjects, app.clock.now_ms()).await?;
        Ok(())
    }
}

/// What a fact points at, in the words of its own object.
#[derive(Default)]
struct Refs<'a> {
    order: Option<&'a str>,
    subscription: Option<&'a str>,
    checkout: Option<&'a str>,
    customer: Option<&'a str>,
}

fn refs(fact: &Fact) -> Refs<'_> {
    match fact {
        Fact::Order(order) => Refs {
            order: Some(&order.head.object_id),
            subscription: order.subscription_id.as_deref(),
            checkout: order.checkout_id.as_deref(),
            customer: order.customer_id.as_deref(),
        },
        Fact::Refund(refund) => Refs {
            order: Some(&refund.order_id),
            subscription: refund.subscription_id.as_deref(),
            customer: refund.customer_id.as_deref(),
            ..Refs::default()
        },
        Fact::Subscription(subscription) => Refs {
            subscription: Some(&subscription.head.object_id),
            checkout: subscription.state.checkout_id.as_deref(),
            customer: subscription.state.customer_id.as_deref(),
            ..Refs::default()
        },
        Fact::Dispute(dispute) => Refs {
            order: Some(&dispute.order_id),
            customer: dispute.customer_id.as_deref(),
            ..Refs::default()
        },
        Fact::Payment(payment) => Refs { order: Some(&payment.order_id), ..Refs::default() },
        Fact::Customer(customer) => Refs { customer: Some(&customer.head.object_id), ..Refs::default() },
        Fact::Checkout(checkout) => Refs {
            subscription: checkout.state.subscription_id.as_deref(),
            checkout: Some(&checkout.head.object_id),
            customer: checkout.state.customer_id.as_deref(),
            ..Refs::default()
        },
    }
}

fn write_fact(
    rows: &mut RowWriter,
    workspace_id: &str,
    connection_id: &str,
    received_at_ms: i64,
    fact: &Fact,
) {
    let kind = match fact {
        Fact::Order(_) => 1,
        Fact::Subscription(_) => 2,
        Fact::Customer(_) => 3,
        Fact::Refund(_) => 4,
        Fact::Checkout(_) => 5,
        Fact::Dispute(_) => 6,
        Fact::Payment(_) => 7,
    };
    let head = fact.head();
    let refs = refs(fact);
    let payload = serde_json::to_string(fact).expect("facts are plain values");
    rows.string(workspace_id)
        .string(connection_id)
        .i8(kind)
        .string(&head.object_id)
        .i64(head.version_ms)
        .uuid(head.fact_id.0)
        .string(&head.event)
        .string(refs.order.unwrap_or(""))
        .string(refs.subscription.unwrap_or(""))
        .string(refs.checkout.unwrap_or(""))
        .string(refs.customer.unwrap_or(""))
        .string(&payload)
        .i64(received_at_ms);
}

/// The object a fact is about: its orders are found from it. Refunds, disputes and payments are their order's business.
pub(super) fn subject(workspace_id: &str, fact: &Fact) -> Subject {
    let (kind, id) = match fact {
        Fact::Order(order) => (SubjectKind::Order, &order.head.object_id),
        Fact::Refund(refund) => (SubjectKind::Order, &refund.order_id),
        Fact::Dispute(dispute) => (SubjectKind::Order, &dispute.order_id),
        Fact::Payment(payment) => (SubjectKind::Order, &payment.order_id),
        Fact::Subscription(subscription) => (SubjectKind::Subscription, &subscription.head.object_id),
        Fact::Customer(customer) => (SubjectKind::Customer, &customer.head.object_id),
        Fact::Checkout(checkout) => (SubjectKind::Checkout, &checkout.head.object_id),
    };
    Subject { workspace_id: workspace_id.to_owned(), kind, id: id.clone() }
}
