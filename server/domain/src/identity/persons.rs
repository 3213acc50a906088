//! Persons: the answer of [`super::resolve`], asked by key, by visitor and time, and person by person.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::{Conflict, EmailKey, HashedEmail, PersonKey};
use crate::ids::{PersonId, VisitorId};

/// A time in which a visitor was a person: touches with `from_ms <= at < until_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Segment {
    pub visitor: VisitorId,
    /// `i64::MIN` for the first person of a visitor, who owns everything before.
    pub from_ms: i64,
    /// `i64::MAX` for the last.
    pub until_ms: i64,
}

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// What names the person, sorted; the weak e-mail keys are not among them.
    pub keys: Vec<PersonKey>,
    /// When which visitor was the person, sorted; empty for a person without visitors.
    pub segments: Vec<Segment>,
}

/// By which key an e-mail found its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailMatch {
    Strong,
    Weak,
}

/// All persons of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    pub(super) people: BTreeMap<PersonId, Person>,
    pub(super) by_key: HashMap<PersonKey, PersonId>,
    /// `None` when several persons share the folded address.
    pub(super) by_weak_email: HashMap<EmailKey, Option<PersonId>>,
    /// Since when a visitor is whom, by time; the first from the beginning.
    pub(super) by_visitor: HashMap<VisitorId, Vec<(i64, PersonId)>>,
    /// Keys that stood in a binding beside a visitor.
    pub(super) bound: HashSet<PersonKey>,
    pub(super) conflicts: Vec<Conflict>,
}

impl Persons {
    /// The person a key names. A weak e-mail key names one only when no other person shares it; prefer
    /// [`Persons::person_of_email`], which asks the strong key first.
    pub fn person_of_key(&self, key: &PersonKey) -> Option<PersonId> {
        match key {
            PersonKey::WeakEmail(weak) => self.by_weak_email.get(weak).copied().flatten(),
            strong => self.by_key.get(strong).copied(),
        }
    }

    /// The person of an address: by the strong key, else by the weak one if it leads to exactly one person.
    pub fn person_of_email(&self, email: &HashedEmail) -> Option<(PersonId, EmailMatch)> {
        let [strong, weak] = email.keys();
        let strong = self.person_of_key(&strong).map(|person| (person, EmailMatch::Strong));
        strong.or_else(|| self.person_of_key(&weak).map(|person| (person, EmailMatch::Weak)))
    }

    /// Whether a visitor was bound by this very key, rather than by another key of the same person.
    pub fn is_bound(&self, key: &PersonKey) -> bool {
        self.bound.contains(key)
    }

    /// Who `visitor` was at `at_ms`; `None` for a visitor nobody ever named.
    pub fn person_of(&self, visitor: VisitorId, at_ms: i64) -> Option<PersonId> {
        let owners = self.by_visitor.get(&visitor)?;
        let after = owners.partition_point(|&(from_ms, _)| from_ms <= at_ms);
        Some(owners[after.saturating_sub(1)].1)
    }

    /// When which visitor was `person`; empty for a person without visitors or an unknown one.
    pub fn segments(&self, person: PersonId) -> &[Segment] {
        self.people.get(&person).map_or(&[], |person| &person.segments)
    }

    /// A person by id.
    pub fn get(&self, person: PersonId) -> Option<&Person> {
        self.people.get(&person)
    }

    /// Every person, by id.
    pub fn iter(&self) -> impl Iterator<Item = (PersonId, &Person)> {
        self.people.iter().map(|(&id, person)| (id, person))
    }

    pub fn len(&self) -> usize {
        self.people.len()
    }

    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Addresses that two customers share and that were not taken as proof that they are one, for review.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}
