//! From what changed to orders and credits: marked subjects lead to orders; facts are folded, matched to a
//! visitor, and joined to a person; rows whose state changed are written, then credited. Everything goes by
//! sets: a handful of queries per batch, however many orders it has. It decides nothing itself: the rules are
//! in `domain`.

mod load;
mod people;
mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::identity::{Buyer, Limits, PersonKey, Persons, resolve as resolve_persons};
use domain::ids::{OrderId, VisitorId};
use domain::matching::{Match, MatchInputs, match_order};
use domain::order::{
    CheckoutState, CustomerState, Member, Metadata, OrderKind, OrderState, SubscriptionState, anchor_ms,
    inherits, kinds_of, root_of,
};
use domain::visitor_token::VisitorKeys;
use futures::future::BoxFuture;

use super::{Job, JobError, Place, attribute, commission};
use crate::app::App;
use crate::control::dirty::{Dirty, Subject};
use crate::person_keys::PersonKeys;
use load::Objects;
pub(super) use people::binding_id;
use people::{BindingRow, Known};

/// Subjects of one step. Each step reads its orders' facts, and after an import any few orders lie all over them: few
/// large steps cost less than many small ones. Bounded by memory, and by what the address of a question may hold.
const SUBJECTS_MAX: i64 = 2000;

/// The job.
pub struct Reconcile;

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    fn place(&self) -> Place {
        Place::LeaseHolder
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async { Ok(reconcile_once(app).await? > 0) })
    }
}

/// Takes one batch of marked subjects through orders to credits and answers how many it took. A mark comes
/// off last, and only if nothing renewed it: a crash repeats harmless work.
pub async fn reconcile_once(app: &App) -> Result<usize, JobError> {
    let marks = app.control.dirty(SUBJECTS_MAX).await?;
    let mut by_workspace: BTreeMap<&str, Vec<&Dirty>> = BTreeMap::new();
    for mark in &marks {
        by_workspace.entry(&mark.subject.workspace_id).or_default().push(mark);
    }
    // What is damaged in one workspace holds up no other; it is told after they are done.
    let mut failed = None;
    for (workspace_id, marks) in by_workspace {
        match reconcile(app, workspace_id, &marks).await {
            Ok(()) => app.control.clear_dirty(&marks).await?,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(marks.len()), Err)
}

async fn reconcile(app: &App, workspace_id: &str, marks: &[&Dirty]) -> Result<(), JobError> {
    // A full run in between would prove its credits against other orders than it has read.
    let turn = attribute::Turn::take(app).await?;
    let orders = resolve_once(app, workspace_id, marks.iter().map(|mark| &mark.subject)).await?;
    attribute::attribute_orders(app, workspace_id, &orders, &turn).await?;
    drop(turn);
    commission::accrue_orders(app, workspace_id, &orders).await?;
    Ok(())
}

/// Brings the orders of these subjects up to date and answers their ids, changed or not: a late touch changes
/// credits without changing the order.
pub async fn resolve_once<'a>(
    app: &App,
    workspace_id: &str,
    subjects: impl Iterator<Item = &'a Subject>,
) -> Result<Vec<OrderId>, JobError> {
    let told = load::told(app, workspace_id, subjects).await?;
    if told.orders.is_empty() {
        return Ok(Vec::new());
    }
    let keys = app.secrets.visitor_keys();
    let person_keys_of = PersonKeys::new(&app.secrets, workspace_id);
    let metadata_keys = app
        .directory()
        .workspaces
        .get(workspace_id)
        .map_or_else(Vec::new, |workspace| workspace.settings.metadata_keys.clone());
    let matcher =
        Matcher { person_keys: &person_keys_of, workspace_id, keys: &keys, metadata_keys: &metadata_keys };
    let cases: Vec<Case<'_>> = told
        .orders
        .iter()
        .map(|((connection, _), order)| Case::new(workspace_id, connection, order, &told.objects))
        .collect();

    let lineage = lineage(&cases);
    // What the orders themselves say about who a visitor is, before anybody is looked up: it depends on what
    // merchants wrote on them only, so that the order in which things became known changes nothing. A renewal is paid
    // by a card, with nobody at the browser: only orders with a journey of their own say it.
    let nobody = Persons::default();
    let own: Vec<BindingRow> = cases
        .iter()
        .filter(|case| case.order.booking.is_some() && lineage[&case.id].0 == case.id)
        .flat_map(|case| {
            let found = matcher.find(case, &nobody);
            let binding = found.binding(&case.buyer(), case.anchor_ms());
            binding.map_or_else(Vec::new, |binding| people::rows(matcher.person_keys, case.id, &binding))
        })
        .collect();
    let buyer_keys: Vec<Vec<u128>> = cases.iter().map(|case| matcher.buyer_keys(case)).collect();
    let visitors = cases.iter().filter_map(|case| matcher.find(case, &nobody).visitor);
    let known = Known::load(
        app,
        workspace_id,
        cases.iter().map(|case| binding_id(case.id)).collect(),
        own,
        buyer_keys.iter().flatten().copied().collect(),
        visitors.collect(),
    )
    .await?;
    known
        .keep_own(app, workspace_id, &cases.iter().map(|case| case.order.object_id.as_str()).collect())
        .await?;
    let persons = resolve_persons(&known.bindings(), Limits::default());

    let mut rows = Vec::with_capacity(cases.len());
    for (case, buyer_keys) in cases.iter().zip(&buyer_keys) {
        let found = matcher.find(case, &persons);
        let (root, kind) = lineage[&case.id];
        let person_keys = person_keys(case, &found, &persons, buyer_keys, &matcher);
        let visitors = journey_visitors(case, &found, &persons, &matcher);
        rows.push(row::OrderRow { case, found, root, kind, person_keys, visitors });
    }
    row::store_changed(app, workspace_id, &rows).await?;
    Ok(cases.iter().map(|case| case.id).collect())
}

/// One order with everything told about it.
struct Case<'a> {
    id: OrderId,
    connection: &'a str,
    order: &'a OrderState,
    subscription: Option<&'a SubscriptionState>,
    checkout: Option<&'a CheckoutState>,
    customer: Option<&'a CustomerState>,
    customer_metadata: Metadata,
}

impl<'a> Case<'a> {
    fn new(workspace_id: &str, connection: &'a str, order: &'a OrderState, objects: &'a Objects) -> Case<'a> {
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
    fn anchor_ms(&self) -> i64 {
        anchor_ms(self.order, self.checkout).unwrap_or(self.order.created_ms)
    }

    fn external_id(&self) -> Option<&'a str> {
        let customer = self.customer.and_then(|customer| customer.external_id.as_deref());
        customer.or_else(|| self.checkout.and_then(|checkout| checkout.customer_external_id.as_deref()))
    }

    fn customer_key(&self) -> Option<PersonKey> {
        let id = self.order.customer_id.clone()?;
        Some(PersonKey::Customer { connection: self.connection.to_owned(), id })
    }

    fn buyer(&self) -> Buyer {
        let email = self.order.email;
        let email = email.or_else(|| self.customer.and_then(|customer| customer.email));
        let email = email.or_else(|| self.checkout.and_then(|checkout| checkout.email));
        Buyer { customer: self.customer_key(), external_id: self.external_id().map(str::to_owned), email }
    }
}

/// Asks the domain who an order belongs to. Ids of users and customers are compared in their stored form.
struct Matcher<'a> {
    person_keys: &'a PersonKeys,
    workspace_id: &'a str,
    keys: &'a VisitorKeys,
    metadata_keys: &'a [String],
}

impl Matcher<'_> {
    fn find(&self, case: &Case<'_>, persons: &Persons) -> Match {
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

    fn stored(&self, key: &PersonKey) -> PersonKey {
        let (kind, bits) = self.person_keys.stored(key);
        people::person_key(kind, bits).unwrap_or_else(|| key.clone())
    }

    /// Every key of the buyer, as stored.
    fn buyer_keys(&self, case: &Case<'_>) -> Vec<u128> {
        let buyer = case.buyer();
        let mut keys: Vec<PersonKey> = buyer.customer.into_iter().collect();
        let user = buyer.external_id.filter(|id| !id.is_empty() && !id.starts_with(VisitorId::PREFIX));
        keys.extend(user.map(PersonKey::UserId));
        keys.extend(buyer.email.iter().flat_map(|email| email.keys()));
        keys.iter().map(|key| self.person_keys.stored(key).1).collect()
    }
}

/// By which the order is found again when something is learned about its person: the buyer's keys and
/// everything joined to them.
fn person_keys(
    case: &Case<'_>,
    found: &Match,
    persons: &Persons,
    buyer_keys: &[u128],
    matcher: &Matcher<'_>,
) -> BTreeSet<u128> {
    let mut keys: BTreeSet<u128> = buyer_keys.iter().copied().collect();
    let buyer = case.customer_key().and_then(|key| persons.person_of_key(&matcher.stored(&key)));
    for person in found.person.into_iter().chain(buyer).filter_map(|person| persons.get(person)) {
        keys.extend(person.keys.iter().filter_map(people::stored_bits));
    }
    keys
}

/// Visitors whose touches belong to the order's journey, each with the time in which they do. A visitor named
/// on the sale itself counts with whoever owned it right before; the buyer's other devices count by bindings.
fn journey_visitors(
    case: &Case<'_>,
    found: &Match,
    persons: &Persons,
    matcher: &Matcher<'_>,
) -> BTreeSet<(VisitorId, i64, i64)> {
    let anchor_ms = case.anchor_ms();
    let mut visitors = BTreeSet::new();
    let buyer = match found.visitor {
        None => found.person,
        Some(visitor) => {
            let owner = persons.person_of(visitor, anchor_ms.saturating_sub(1));
            let segments = owner.map_or(&[][..], |owner| persons.segments(owner));
            let before = segments.iter().find(|segment| {
                segment.visitor == visitor && segment.from_ms < anchor_ms && segment.until_ms >= anchor_ms
            });
            visitors.insert((visitor, before.map_or(i64::MIN, |segment| segment.from_ms), i64::MAX));
            case.customer_key()
                .and_then(|key| persons.person_of_key(&matcher.stored(&key)))
                .or_else(|| case.buyer().email.and_then(|email| Some(persons.person_of_email(&email)?.0)))
        }
    };
    let segments = buyer.map_or(&[][..], |buyer| persons.segments(buyer));
    visitors.extend(segments.iter().map(|segment| (segment.visitor, segment.from_ms, segment.until_ms)));
    // Touches after the anchor never count: cut there, so that what happens later does not change the order.
    let cut = visitors.into_iter().filter(|&(_, from_ms, _)| from_ms <= anchor_ms);
    cut.map(|(visitor, from_ms, until_ms)| (visitor, from_ms, until_ms.min(anchor_ms.saturating_add(1))))
        .collect()
}

/// Root and kind of every order: those of one subscription inherit the journey of its first paid one.
fn lineage(cases: &[Case<'_>]) -> HashMap<OrderId, (OrderId, OrderKind)> {
    let mut families: BTreeMap<(&str, &str), Vec<Member>> = BTreeMap::new();
    let mut lineage: HashMap<OrderId, (OrderId, OrderKind)> =
        cases.iter().map(|case| (case.id, (case.id, case.order.kind))).collect();
    for case in cases {
        if let (Some(subscription), Some(member)) =
            (case.order.subscription_id.as_deref(), Member::of(case.id, case.order))
        {
            families.entry((case.connection, subscription)).or_default().push(member);
        }
    }
    for members in families.values() {
        let Some(root) = root_of(members) else { continue };
        for (member, kind) in members.iter().zip(kinds_of(members)) {
            // By the provider's word: the first payment after a trial is new revenue of the trial's journey.
            let root = if inherits(member.kind) { root } else { member.id };
            lineage.insert(member.id, (root, kind));
        }
    }
    lineage
}
