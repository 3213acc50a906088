//! Reads what was told about the orders of some subjects, and folds it. Never writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use clickhouse::Row;
use domain::ids::VisitorId;
use domain::order::{
    CheckoutState, CustomerState, DisputeFact, Fact, OrderFact, OrderState, PaymentFact, RefundFact,
    SubscriptionState, fold_checkout, fold_customer, fold_order, fold_subscription,
};
use serde::Deserialize;

use crate::app::App;
use crate::control::dirty::{Subject, SubjectKind};
use crate::jobs::JobError;
use crate::sql;

/// Connection and the provider's id of an object.
pub(super) type Key = (String, String);

/// Orders with the objects they point at, all folded.
pub(super) struct Told {
    pub orders: BTreeMap<Key, OrderState>,
    pub objects: Objects,
}

/// Folded subscriptions, checkouts and customers.
#[derive(Default)]
pub(super) struct Objects {
    subscriptions: HashMap<Key, SubscriptionState>,
    checkouts: HashMap<Key, CheckoutState>,
    customers: HashMap<Key, CustomerState>,
}

impl Objects {
    pub fn subscription(&self, connection: &str, id: Option<&str>) -> Option<&SubscriptionState> {
        self.subscriptions.get(&(connection.to_owned(), id?.to_owned()))
    }

    pub fn checkout(&self, connection: &str, id: Option<&str>) -> Option<&CheckoutState> {
        self.checkouts.get(&(connection.to_owned(), id?.to_owned()))
    }

    pub fn customer(&self, connection: &str, id: Option<&str>) -> Option<&CustomerState> {
        self.customers.get(&(connection.to_owned(), id?.to_owned()))
    }
}

#[derive(Row, Deserialize)]
struct StoredFact {
    connection_id: String,
    payload: String,
}

#[derive(Row, Deserialize)]
struct OneId {
    id: String,
}

/// Everything about the orders these subjects lead to, siblings of their subscriptions included.
pub(super) async fn told<'a>(
    app: &App,
    workspace_id: &str,
    subjects: impl Iterator<Item = &'a Subject>,
) -> Result<Told, JobError> {
    let mut by_kind: HashMap<SubjectKind, Vec<String>> = HashMap::new();
    for Subject { kind, id, .. } in subjects {
        by_kind.entry(*kind).or_default().push(id.clone());
    }
    let mut take = |kind| by_kind.remove(&kind).unwrap_or_default();
    let bits = |ids: Vec<String>| ids.iter().filter_map(|id| bits_of(id)).collect::<Vec<u128>>();
    let (persons, mut visitors) = (bits(take(SubjectKind::Person)), bits(take(SubjectKind::Visitor)));
    let mut orders = take(SubjectKind::Order);
    let client = app.store.client();
    if !persons.is_empty() {
        // A visitor who was named changes hands: orders that name the visitor itself are concerned too.
        let bound: Vec<OneId> = client
            .query_raw(sql!("orders/visitors_of_people.sql"))
            .param("workspace", workspace_id)
            .param("keys", uuids(persons.iter().copied()))
            .fetch_all()
            .await?;
        visitors.extend(bound.iter().filter_map(|bound| bits_of(&bound.id)));
    }
    if !persons.is_empty() || !visitors.is_empty() {
        orders.extend(orders_of_people(app, workspace_id, &persons, &visitors).await?);
    }
    let found: Vec<OneId> = client
        .query_raw(sql!("facts/orders_of_subjects.sql"))
        .param("workspace", workspace_id)
        .param("orders", orders)
        .param("subscriptions", take(SubjectKind::Subscription))
        .param("checkouts", take(SubjectKind::Checkout))
        .param("customers", take(SubjectKind::Customer))
        .fetch_all()
        .await?;
    let ids: Vec<String> = found.into_iter().map(|found| found.id).collect();
    if ids.is_empty() {
        return Ok(Told { orders: BTreeMap::new(), objects: Objects::default() });
    }
    let facts = client
        .query_raw(sql!("facts/facts_of_orders.sql"))
        .param("workspace", workspace_id)
        .param("orders", ids)
        .fetch_all::<StoredFact>()
        .await?;
    let orders = fold_orders(facts)?;
    let refs = |of: fn(&OrderState) -> Option<&String>| -> Vec<String> {
        orders.values().filter_map(of).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    };
    let facts = client
        .query_raw(sql!("facts/facts_of_objects.sql"))
        .param("workspace", workspace_id)
        .param("subscriptions", refs(|order| order.subscription_id.as_ref()))
        .param("checkouts", refs(|order| order.checkout_id.as_ref()))
        .param("customers", refs(|order| order.customer_id.as_ref()))
        .fetch_all::<StoredFact>()
        .await?;
    Ok(Told { orders, objects: fold_objects(facts)? })
}

/// Provider's ids of the stored orders of people or visitors.
pub(super) async fn orders_of_people(
    app: &App,
    workspace_id: &str,
    keys: &[u128],
    visitors: &[u128],
) -> Result<Vec<String>, JobError> {
    let found: Vec<OneId> = app
        .store
        .client()
        .query_raw(sql!("orders/orders_of_people.sql"))
        .param("workspace", workspace_id)
        .param("keys", uuids(keys.iter().copied()))
        .param("visitors", uuids(visitors.iter().copied()))
        .fetch_all()
        .await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Ids as the parameters of a query take them.
pub(super) fn uuids(ids: impl Iterator<Item = u128>) -> Vec<String> {
    ids.map(|id| uuid::Uuid::from_u128(id).to_string()).collect()
}

/// The bits of a marked person or visitor: hex with or without hyphens, or a visitor id.
fn bits_of(id: &str) -> Option<u128> {
    let visitor = id.parse::<VisitorId>().ok().map(|visitor| visitor.0);
    visitor.or_else(|| uuid::Uuid::try_parse(id).ok().map(|uuid| uuid.as_u128()))
}

fn read(fact: &StoredFact) -> Result<Fact, JobError> {
    serde_json::from_str(&fact.payload)
        .map_err(|error| JobError::Damaged { what: "fact", why: error.to_string() })
}

/// The facts of an order, of its refunds, disputes and payments.
type OfOrder = (Vec<OrderFact>, Vec<RefundFact>, Vec<DisputeFact>, Vec<PaymentFact>);

fn fold_orders(facts: Vec<StoredFact>) -> Result<BTreeMap<Key, OrderState>, JobError> {
    let mut told: BTreeMap<Key, OfOrder> = BTreeMap::new();
    for stored in facts {
        match read(&stored)? {
            Fact::Order(order) => {
                told.entry((stored.connection_id, order.head.object_id.clone())).or_default().0.push(order);
            }
            Fact::Refund(refund) => {
                told.entry((stored.connection_id, refund.order_id.clone())).or_default().1.push(refund);
            }
            Fact::Dispute(dispute) => {
                told.entry((stored.connection_id, dispute.order_id.clone())).or_default().2.push(dispute);
            }
            Fact::Payment(payment) => {
                told.entry((stored.connection_id, payment.order_id.clone())).or_default().3.push(payment);
            }
            Fact::Subscription(_) | Fact::Customer(_) | Fact::Checkout(_) => {}
        }
    }
    let folded = told.into_iter().filter_map(|(key, (orders, refunds, disputes, payments))| {
        Some((key, fold_order(&orders, &refunds, &disputes, &payments)?))
    });
    Ok(folded.collect())
}

fn fold_objects(facts: Vec<StoredFact>) -> Result<Objects, JobError> {
    let (mut subscriptions, mut checkouts, mut customers) = (HashMap::new(), HashMap::new(), HashMap::new());
    for stored in facts {
        match read(&stored)? {
            Fact::Subscription(fact) => {
                push(&mut subscriptions, (stored.connection_id, fact.head.object_id.clone()), fact)
            }
            Fact::Checkout(fact) => {
                push(&mut checkouts, (stored.connection_id, fact.head.object_id.clone()), fact)
            }
            Fact::Customer(fact) => {
                push(&mut customers, (stored.connection_id, fact.head.object_id.clone()), fact)
            }
            Fact::Order(_) | Fact::Refund(_) | Fact::Dispute(_) | Fact::Payment(_) => {}
        }
    }
    Ok(Objects {
        subscriptions: folded(subscriptions, fold_subscription),
        checkouts: folded(checkouts, fold_checkout),
        customers: folded(customers, fold_customer),
    })
}

fn push<K: Hash + Eq, F>(map: &mut HashMap<K, Vec<F>>, key: K, fact: F) {
    map.entry(key).or_default().push(fact);
}

fn folded<F, S>(map: HashMap<Key, Vec<F>>, fold: impl Fn(&[F]) -> Option<S>) -> HashMap<Key, S> {
    map.into_iter().filter_map(|(key, facts)| Some((key, fold(&facts)?))).collect()
}
