//! Persons: the answer of [`super::resolve`], asked by key, by visitor and time, and person by person.
//!
//! Kept flat (sorted lists and ranges into them), because a workspace has hundreds of thousands.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::{Conflict, HashedEmail, PersonKey};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Person<'a> {
    pub id: PersonId,
    /// What names the person, sorted; the weak e-mail keys are not among them.
    pub keys: &'a [PersonKey],
    /// When which visitor was the person, sorted; empty for a person without visitors.
    pub segments: &'a [Segment],
}

/// By which key an e-mail found its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailMatch {
    Strong,
    Weak,
}

/// All persons of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Persons {
    /// Sorted by id.
    pub(super) people: Vec<Place>,
    /// By person.
    pub(super) keys: Vec<PersonKey>,
    /// By person.
    pub(super) segments: Vec<Segment>,
    /// Every key of every binding, to its place in `named`.
    pub(super) slots: HashMap<PersonKey, u32>,
    pub(super) named: Vec<Named>,
    /// Since when a visitor is whom, sorted; the first of a visitor from the beginning.
    pub(super) owners: Vec<(VisitorId, i64, PersonId)>,
    pub(super) conflicts: Vec<Conflict>,
}

/// Where the keys and segments of a person stand.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: PersonId,
    pub(super) keys: Range<usize>,
    pub(super) segments: Range<usize>,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named {
    /// Absent for an address that names nobody: a shared role, a folded one of several persons.
    pub(super) person: Option<PersonId>,
    /// Whether the key stood in a binding beside a visitor.
    pub(super) bound: bool,
}

impl Persons {
    /// The person a key names. A weak e-mail key names one only when no other person shares it; prefer
    /// [`Persons::person_of_email`], which asks the strong key first.
    pub fn person_of_key(&self, key: &PersonKey) -> Option<PersonId> {
        self.named(key).person
    }

    /// The person of an address: by the strong key, else by the weak one if it leads to exactly one person.
    pub fn person_of_email(&self, email: &HashedEmail) -> Option<(PersonId, EmailMatch)> {
        let [strong, weak] = email.keys();
        let strong = self.person_of_key(&strong).map(|person| (person, EmailMatch::Strong));
        strong.or_else(|| self.person_of_key(&weak).map(|person| (person, EmailMatch::Weak)))
    }

    /// Whether a visitor was bound by this very key, rather than by another key of the same person.
    pub fn is_bound(&self, key: &PersonKey) -> bool {
        let named = self.named(key);
        named.person.is_some() && named.bound
    }

    fn named(&self, key: &PersonKey) -> Named {
        self.slots.get(key).map_or(Named::default(), |&slot| self.named[slot as usize])
    }

    /// Who `visitor` was at `at_ms`; `None` for a visitor nobody ever named.
    pub fn person_of(&self, visitor: VisitorId, at_ms: i64) -> Option<PersonId> {
        let after = self.owners.partition_point(|&(other, from_ms, _)| (other, from_ms) <= (visitor, at_ms));
        let &(owned, _, person) = self.owners.get(after.checked_sub(1)?)?;
        (owned == visitor).then_some(person)
    }

    /// When which visitor was `person`; empty for a person without visitors or an unknown one.
    pub fn segments(&self, person: PersonId) -> &[Segment] {
        self.get(person).map_or(&[], |person| person.segments)
    }

    /// A person by id.
    pub fn get(&self, person: PersonId) -> Option<Person<'_>> {
        let at = self.people.binary_search_by_key(&person, |place| place.id).ok()?;
        Some(self.person(&self.people[at]))
    }

    /// Every person, by id.
    pub fn iter(&self) -> impl Iterator<Item = Person<'_>> {
        self.people.iter().map(|place| self.person(place))
    }

    fn person(&self, place: &Place) -> Person<'_> {
        let Place { id, keys, segments } = place.clone();
        Person { id, keys: &self.keys[keys], segments: &self.segments[segments] }
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
