//! From bindings to persons: union-find over keys, then time ranges over visitors.
//!
//! The rules, in the order in which they work:
//! 1. user id and customers that stand in one binding are one person, always;
//! 2. an e-mail joins what it stands beside, the oldest binding first, but never two persons who both have
//!    customers: an address alone does not make two customers one. What was refused is a [`Conflict`];
//! 3. a role address that more than a few visitors were bound to joins nothing and names nobody;
//! 4. a visitor belongs to persons by time: the newest binding owns the touches after it, the first one also
//!    everything before. Visitors never join persons: a shared computer is not a shared identity.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::{Binding, EmailKey, Person, PersonKey, Persons, Segment, Strength};
use crate::ids::{PersonId, VisitorId, derive_id};

/// Bounds of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A role address bound to more visitors than this names nobody.
    pub role_visitors_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { role_visitors_max: 3 }
    }
}

/// Two persons with customers of their own share an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conflict {
    pub email: EmailKey,
    /// Whom the address names: the one it was seen with first.
    pub named: PersonId,
    /// The other, whom it does not name.
    pub other: PersonId,
}

/// Joins the bindings of one workspace into persons. Depends on the set of bindings only: neither their order
/// nor duplicates change anything.
pub fn resolve(bindings: &[Binding], limits: Limits) -> Persons {
    let shared = shared_roles(bindings, limits);
    let names = |key: &PersonKey| match key {
        PersonKey::Email(email) => !shared.contains(email),
        PersonKey::WeakEmail(_) => false,
        PersonKey::UserId(_) | PersonKey::Customer { .. } => true,
    };
    let mut keys = Keys::default();
    let mut joins: Vec<(i64, &PersonKey, &PersonKey)> = Vec::new();
    for binding in bindings {
        let strong = || binding.keys.iter().filter(|key| names(key));
        let Some(anchor) = strong().min() else { continue };
        keys.slot(anchor);
        for key in strong().filter(|key| *key != anchor) {
            // Accounts sort before e-mails, so the anchor is an account whenever there is one.
            if matches!(key, PersonKey::Email(_)) {
                keys.slot(key);
                joins.push((binding.at_ms, key, anchor));
            } else {
                keys.join(key, anchor);
            }
        }
    }
    joins.sort_unstable();
    joins.dedup();
    let refused: Vec<_> =
        joins.into_iter().filter(|(_, email, key)| !keys.join_unless_both_buy(email, key)).collect();
    let mut persons = Persons::default();
    let person_of_slot = keys.name_persons(&mut persons);
    let person_of = |key: &PersonKey| person_of_slot[keys.slots[key]];
    for (_, email, key) in refused {
        let PersonKey::Email(address) = email else { continue };
        let (named, other) = (person_of(email), person_of(key));
        persons.conflicts.push(Conflict { email: *address, named, other });
    }
    persons.conflicts.sort_unstable();
    persons.conflicts.dedup();

    let mut owners: HashMap<VisitorId, Vec<(i64, Reverse<Strength>, PersonId)>> = HashMap::new();
    for binding in bindings {
        let Some(anchor) = binding.keys.iter().filter(|key| names(key)).min() else { continue };
        let person = person_of(anchor);
        // A folded address is worth no more than the address it was folded from.
        let named = binding.keys.iter().any(|key| matches!(key, PersonKey::Email(_)) && names(key));
        for key in binding.keys.iter().filter(|_| named) {
            if let PersonKey::WeakEmail(weak) = key {
                let only = persons.by_weak_email.entry(*weak).or_insert(Some(person));
                *only = only.filter(|&only| only == person);
            }
        }
        if let Some(visitor) = binding.visitor {
            let weak = |key: &PersonKey| named && matches!(key, PersonKey::WeakEmail(_));
            persons.bound.extend(binding.keys.iter().filter(|key| names(key) || weak(key)).cloned());
            owners.entry(visitor).or_default().push((binding.at_ms, Reverse(binding.strength), person));
        }
    }
    for (visitor, bound) in owners {
        own(visitor, bound, &mut persons);
    }
    persons.people.values_mut().for_each(|person| person.segments.sort_unstable());
    persons
}

/// Role addresses that were bound to too many visitors to mean one person.
fn shared_roles(bindings: &[Binding], limits: Limits) -> HashSet<EmailKey> {
    let emails = |binding: &'_ Binding| -> Vec<EmailKey> {
        let emails = binding.keys.iter().filter_map(|key| match key {
            PersonKey::Email(email) => Some(*email),
            _ => None,
        });
        emails.collect()
    };
    let roles = bindings.iter().filter(|binding| binding.role_address).flat_map(emails);
    let mut visitors: HashMap<EmailKey, BTreeSet<VisitorId>> =
        roles.map(|email| (email, BTreeSet::new())).collect();
    if visitors.is_empty() {
        return HashSet::new();
    }
    for binding in bindings {
        for email in emails(binding) {
            if let Some(visitors) = visitors.get_mut(&email) {
                visitors.extend(binding.visitor);
            }
        }
    }
    let shared = visitors.into_iter().filter(|(_, visitors)| visitors.len() > limits.role_visitors_max);
    shared.map(|(email, _)| email).collect()
}

/// Cuts a visitor's life into segments.
fn own(visitor: VisitorId, mut bound: Vec<(i64, Reverse<Strength>, PersonId)>, persons: &mut Persons) {
    // At one millisecond the strongest binding counts, then the smaller person id.
    bound.sort_unstable();
    bound.dedup_by_key(|&mut (at_ms, ..)| at_ms);
    bound.dedup_by_key(|&mut (.., person)| person);
    let mut since: Vec<(i64, PersonId)> =
        bound.into_iter().map(|(at_ms, _, person)| (at_ms, person)).collect();
    since[0].0 = i64::MIN;
    for (at, &(from_ms, person)) in since.iter().enumerate() {
        let until_ms = since.get(at + 1).map_or(i64::MAX, |&(next_ms, _)| next_ms);
        let person = persons.people.entry(person).or_default();
        person.segments.push(Segment { visitor, from_ms, until_ms });
    }
    persons.by_visitor.insert(visitor, since);
}

/// Union-find over the keys that name persons.
#[derive(Default)]
struct Keys<'a> {
    slots: HashMap<&'a PersonKey, usize>,
    parent: Vec<usize>,
    /// Of a root: whether its set has a customer.
    buys: Vec<bool>,
}

impl<'a> Keys<'a> {
    fn slot(&mut self, key: &'a PersonKey) -> usize {
        let next = self.parent.len();
        let slot = *self.slots.entry(key).or_insert(next);
        if slot == next {
            self.parent.push(slot);
            self.buys.push(matches!(key, PersonKey::Customer { .. }));
        }
        slot
    }

    fn root(&mut self, mut slot: usize) -> usize {
        while self.parent[slot] != slot {
            self.parent[slot] = self.parent[self.parent[slot]];
            slot = self.parent[slot];
        }
        slot
    }

    fn roots(&mut self, a: &'a PersonKey, b: &'a PersonKey) -> (usize, usize) {
        let (a, b) = (self.slot(a), self.slot(b));
        (self.root(a), self.root(b))
    }

    fn join(&mut self, a: &'a PersonKey, b: &'a PersonKey) {
        let (a, b) = self.roots(a, b);
        self.parent[a] = b;
        self.buys[b] |= self.buys[a];
    }

    /// Joins two sets unless they are different and both have customers; tells whether they are one now.
    fn join_unless_both_buy(&mut self, a: &'a PersonKey, b: &'a PersonKey) -> bool {
        let (root_a, root_b) = self.roots(a, b);
        if root_a != root_b && self.buys[root_a] && self.buys[root_b] {
            return false;
        }
        self.join(a, b);
        true
    }

    /// Gives every set its person, named by the smallest key, and tells the person of every slot.
    fn name_persons(&mut self, persons: &mut Persons) -> Vec<PersonId> {
        let mut sets: HashMap<usize, Vec<&'a PersonKey>> = HashMap::new();
        let slots: Vec<(&'a PersonKey, usize)> = self.slots.iter().map(|(&key, &slot)| (key, slot)).collect();
        for (key, slot) in slots {
            let root = self.root(slot);
            sets.entry(root).or_default().push(key);
        }
        let mut person_of_slot = vec![PersonId(0); self.parent.len()];
        for mut keys in sets.into_values() {
            keys.sort_unstable();
            let id = PersonId(derive_id(&["person", &keys[0].to_string()]));
            for key in &keys {
                person_of_slot[self.slots[key]] = id;
                persons.by_key.insert((*key).clone(), id);
            }
            let keys = keys.into_iter().cloned().collect();
            persons.people.insert(id, Person { keys, segments: Vec::new() });
        }
        person_of_slot
    }
}
