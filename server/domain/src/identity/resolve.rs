//! From bindings to persons: union-find over keys, then time ranges over visitors.
//!
//! The rules, in the order in which they work:
//! 1. user id and customers that stand in one binding are one person, always;
//! 2. an e-mail joins what it stands beside, the oldest binding first, but never two persons who both have
//!    customers: an address alone does not make two customers one. What was refused is a [`Conflict`];
//! 3. a role address that more than a few visitors were bound to joins nothing and names nobody;
//! 4. a visitor belongs to persons by time: the newest binding owns the touches after it, the first one also
//!    everything before. Visitors never join persons: a shared computer is not a shared identity;
//! 5. visitors that one site handed to another are one browser: what binds one of them binds all.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::keys::{Sets, Table};
use super::persons::{Named, Place};
use super::{Binding, EmailKey, PersonKey, Persons, Segment, Strength};
use crate::ids::{PersonId, VisitorId};

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
    let table = Table::of(bindings, &shared);
    let mut sets = Sets::of(&table);
    let mut joins: Vec<(i64, u32, u32)> = Vec::new();
    for (binding, row) in bindings.iter().zip(&table.rows) {
        let Some(anchor) = row.anchor else { continue };
        for &slot in table.strong(row).filter(|&&slot| slot != anchor) {
            // Accounts sort before e-mails, so the anchor is an account whenever there is one.
            if matches!(table.keys[slot as usize], PersonKey::Email(_)) {
                joins.push((binding.at_ms, slot, anchor));
            } else {
                sets.join(slot, anchor);
            }
        }
    }
    // By time and then by the keys themselves: slots depend on the order of the bindings.
    joins.sort_unstable_by(|a, b| {
        let keys = |join: &(i64, u32, u32)| (table.keys[join.1 as usize], table.keys[join.2 as usize]);
        a.0.cmp(&b.0).then_with(|| keys(a).cmp(&keys(b)))
    });
    joins.retain(|&(_, email, anchor)| !sets.join_unless_both_buy(email, anchor));

    let person_of_slot = sets.persons(&table);
    let mut named: Vec<Named> = person_of_slot.iter().map(|&person| Named { person, bound: false }).collect();
    let mut owned: Vec<(VisitorId, i64, Reverse<Strength>, PersonId)> = Vec::new();
    let mut folded: HashSet<u32> = HashSet::new();
    for (binding, row) in bindings.iter().zip(&table.rows) {
        let Some(person) = row.anchor.and_then(|anchor| person_of_slot[anchor as usize]) else { continue };
        for &slot in table.slots(row) {
            let named = &mut named[slot as usize];
            if matches!(table.keys[slot as usize], PersonKey::WeakEmail(_)) {
                // A folded address is worth no more than the address it was folded from.
                if !row.has_email {
                    continue;
                }
                let first = folded.insert(slot);
                named.person = if first { Some(person) } else { named.person.filter(|&only| only == person) };
            }
            named.bound |= binding.visitor.is_some();
        }
        owned.extend(
            binding.visitor.map(|visitor| (visitor, binding.at_ms, Reverse(binding.strength), person)),
        );
    }
    let conflicts = conflicts(&joins, &table, &person_of_slot);
    let owners = owners_of_browsers(owned, &browsers(bindings));
    let mut persons = Persons { named, owners, conflicts, ..Persons::default() };
    place(&mut persons, &table, &person_of_slot);
    persons.slots = table.slots;
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

/// The joins that were refused.
fn conflicts(
    refused: &[(i64, u32, u32)],
    table: &Table<'_>,
    person_of_slot: &[Option<PersonId>],
) -> Vec<Conflict> {
    let told = refused.iter().filter_map(|&(_, email, other)| {
        let PersonKey::Email(address) = table.keys[email as usize] else { return None };
        let (named, other) = (person_of_slot[email as usize]?, person_of_slot[other as usize]?);
        Some(Conflict { email: *address, named, other })
    });
    let mut conflicts: Vec<Conflict> = told.collect();
    conflicts.sort_unstable();
    conflicts.dedup();
    conflicts
}

/// Visitors that were handed over, by the smallest id of the same browser.
fn browsers(bindings: &[Binding]) -> BTreeMap<VisitorId, BTreeSet<VisitorId>> {
    let mut first_of: BTreeMap<VisitorId, VisitorId> = BTreeMap::new();
    fn root(first_of: &BTreeMap<VisitorId, VisitorId>, mut visitor: VisitorId) -> VisitorId {
        while let Some(&smaller) = first_of.get(&visitor).filter(|&&smaller| smaller != visitor) {
            visitor = smaller;
        }
        visitor
    }
    for binding in bindings {
        let others = binding.keys.iter().filter_map(|key| match key {
            PersonKey::Visitor(other) => Some(*other),
            _ => None,
        });
        for (visitor, other) in others.filter_map(|other| Some((binding.visitor?, other))) {
            let (one, two) = (root(&first_of, visitor), root(&first_of, other));
            for member in [visitor, other, one, two] {
                first_of.entry(member).or_insert(member);
            }
            first_of.insert(one.max(two), one.min(two));
        }
    }
    let mut browsers: BTreeMap<VisitorId, BTreeSet<VisitorId>> = BTreeMap::new();
    for &visitor in first_of.keys() {
        browsers.entry(root(&first_of, visitor)).or_default().insert(visitor);
    }
    browsers
}

/// As [`owners`], with what is known of one id of a browser known of all.
fn owners_of_browsers(
    mut owned: Vec<(VisitorId, i64, Reverse<Strength>, PersonId)>,
    browsers: &BTreeMap<VisitorId, BTreeSet<VisitorId>>,
) -> Vec<(VisitorId, i64, PersonId)> {
    if browsers.is_empty() {
        return owners(owned);
    }
    let first_of: HashMap<VisitorId, VisitorId> =
        browsers.iter().flat_map(|(&first, all)| all.iter().map(move |&one| (one, first))).collect();
    for (visitor, ..) in &mut owned {
        *visitor = first_of.get(visitor).copied().unwrap_or(*visitor);
    }
    let mut all = Vec::new();
    for (visitor, from_ms, person) in owners(owned) {
        match browsers.get(&visitor) {
            Some(ids) => all.extend(ids.iter().map(|&id| (id, from_ms, person))),
            None => all.push((visitor, from_ms, person)),
        }
    }
    all.sort_unstable();
    all
}

/// Since when each visitor is whom.
fn owners(mut owned: Vec<(VisitorId, i64, Reverse<Strength>, PersonId)>) -> Vec<(VisitorId, i64, PersonId)> {
    // At one millisecond the strongest binding counts, then the smaller person id.
    owned.sort_unstable();
    owned.dedup_by_key(|&mut (visitor, at_ms, ..)| (visitor, at_ms));
    owned.dedup_by_key(|&mut (visitor, .., person)| (visitor, person));
    let mut owners: Vec<_> =
        owned.into_iter().map(|(visitor, at_ms, _, person)| (visitor, at_ms, person)).collect();
    let mut before = None;
    for (visitor, from_ms, _) in &mut owners {
        if before.replace(*visitor) != Some(*visitor) {
            *from_ms = i64::MIN;
        }
    }
    owners
}

/// Lays out keys and segments person by person.
fn place(persons: &mut Persons, table: &Table<'_>, person_of_slot: &[Option<PersonId>]) {
    let mut segments: Vec<(PersonId, Segment)> = Vec::with_capacity(persons.owners.len());
    for (at, &(visitor, from_ms, person)) in persons.owners.iter().enumerate() {
        let next = persons.owners.get(at + 1).filter(|next| next.0 == visitor);
        let until_ms = next.map_or(i64::MAX, |next| next.1);
        segments.push((person, Segment { visitor, from_ms, until_ms }));
    }
    segments.sort_unstable();
    let named = table.keys.iter().zip(person_of_slot).filter_map(|(&key, &person)| Some((person?, key)));
    let mut keys: Vec<(PersonId, &PersonKey)> = named.collect();
    keys.sort_unstable();
    let mut segment = 0;
    for group in keys.chunk_by(|a, b| a.0 == b.0) {
        let id = group[0].0;
        let first = segment;
        segment += segments[first..].iter().take_while(|(person, _)| *person == id).count();
        let key = persons.keys.len();
        persons.keys.extend(group.iter().map(|(_, key)| (*key).clone()));
        persons.people.push(Place { id, keys: key..persons.keys.len(), segments: first..segment });
    }
    persons.segments = segments.into_iter().map(|(_, segment)| segment).collect();
}
