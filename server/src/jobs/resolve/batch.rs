//! A few orders, matched and joined to their persons. It reads the bindings around them and writes nothing: what the
//! orders say is written by whoever keeps it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::identity::{BindingRules, Persons, resolve as resolve_persons};
use domain::ids::{OrderId, VisitorId};
use domain::matching::Match;
use domain::order::{Member, OrderKind, inherits, kinds_of, root_of};

use super::case::{Case, Matcher};
use super::load::Told;
use super::people::{self, BindingRow, Known, binding_id};
use super::row::OrderRow;
use crate::app::App;
use crate::jobs::JobError;

/// Orders with the bindings around them.
pub(super) struct Batch<'a> {
    cases: Vec<Case<'a>>,
    lineage: HashMap<OrderId, (OrderId, OrderKind)>,
    /// Every key of each case's buyer, as stored.
    buyer_keys: Vec<Vec<u128>>,
    pub known: Known,
}

impl<'a> Batch<'a> {
    pub async fn load(app: &App, told: &'a Told, matcher: &Matcher<'_>) -> Result<Batch<'a>, JobError> {
        let workspace_id = matcher.workspace_id;
        let cases: Vec<Case<'_>> = told
            .orders
            .iter()
            .map(|((connection, _), order)| Case::new(workspace_id, connection, order, &told.objects))
            .collect();
        let lineage = lineage(&cases);
        // What the orders themselves say about who a visitor is, before anybody is looked up: it depends on what
        // merchants wrote on them only, so that the order in which things became known changes nothing. A renewal is
        // paid by a card, with nobody at the browser: only orders with a journey of their own say it.
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
        Ok(Batch { cases, lineage, buyer_keys, known })
    }

    pub fn cases(&self) -> &[Case<'a>] {
        &self.cases
    }

    /// What the orders' rows say when these bindings count.
    pub fn rows(&self, matcher: &Matcher<'_>, rules: &BindingRules) -> Vec<OrderRow<'_>> {
        let persons = resolve_persons(&rules.counting(self.known.bindings()), rules.limits());
        let each = self.cases.iter().zip(&self.buyer_keys).map(|(case, buyer_keys)| {
            let found = matcher.find(case, &persons);
            let (root, kind) = self.lineage[&case.id];
            let person_keys = person_keys(case, &found, &persons, buyer_keys, matcher);
            let visitors = journey_visitors(case, &found, &persons, matcher);
            OrderRow { case, found, root, kind, person_keys, visitors }
        });
        each.collect()
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
