//! The keys of all bindings as small numbers, and union-find over them: the machinery under
//! [`super::resolve`], which holds the rules.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{Binding, EmailKey, PersonKey};
use crate::ids::{PersonId, derive_id};

/// The keys of all bindings, each once, so that the rest works on small numbers.
pub(super) struct Table<'a> {
    pub(super) slots: HashMap<PersonKey, u32>,
    /// The key of each slot.
    pub(super) keys: Vec<&'a PersonKey>,
    /// Whether the key of a slot may name a person and join others.
    strong: Vec<bool>,
    /// The slots of all bindings, one after the other.
    flat: Vec<u32>,
    pub(super) rows: Vec<Row>,
}

/// One binding in the table.
pub(super) struct Row {
    flat: Range<usize>,
    /// The smallest of its strong keys: whose person the binding speaks of.
    pub(super) anchor: Option<u32>,
    /// Whether an e-mail that may name a person is among its keys.
    pub(super) has_email: bool,
}

impl<'a> Table<'a> {
    pub(super) fn of(bindings: &'a [Binding], shared: &HashSet<EmailKey>) -> Table<'a> {
        let mut table = Table {
            slots: HashMap::with_capacity(bindings.len()),
            keys: Vec::with_capacity(bindings.len()),
            strong: Vec::with_capacity(bindings.len()),
            flat: Vec::with_capacity(bindings.len() * 3),
            rows: Vec::with_capacity(bindings.len()),
        };
        for binding in bindings {
            let start = table.flat.len();
            let mut row = Row { flat: start..start, anchor: None, has_email: false };
            for key in &binding.keys {
                let slot = table.slot(key, shared);
                table.flat.push(slot);
                if table.strong[slot as usize] {
                    row.has_email |= matches!(key, PersonKey::Email(_));
                    let smaller = row.anchor.is_none_or(|anchor| key < table.keys[anchor as usize]);
                    row.anchor = if smaller { Some(slot) } else { row.anchor };
                }
            }
            row.flat.end = table.flat.len();
            table.rows.push(row);
        }
        table
    }

    fn slot(&mut self, key: &'a PersonKey, shared: &HashSet<EmailKey>) -> u32 {
        if let Some(&slot) = self.slots.get(key) {
            return slot;
        }
        let slot =
            u32::try_from(self.keys.len()).expect("a workspace has fewer than four thousand million keys");
        self.slots.insert(key.clone(), slot);
        self.keys.push(key);
        self.strong.push(match key {
            PersonKey::Email(email) => !shared.contains(email),
            PersonKey::WeakEmail(_) | PersonKey::Visitor(_) => false,
            PersonKey::UserId(_) | PersonKey::Customer { .. } => true,
        });
        slot
    }

    pub(super) fn slots(&self, row: &Row) -> &[u32] {
        &self.flat[row.flat.clone()]
    }

    pub(super) fn strong(&self, row: &Row) -> impl Iterator<Item = &u32> {
        self.slots(row).iter().filter(|&&slot| self.strong[slot as usize])
    }
}

/// Union-find over slots.
pub(super) struct Sets {
    parent: Vec<u32>,
    /// Of a root: whether its set has a customer.
    buys: Vec<bool>,
}

impl Sets {
    pub(super) fn of(table: &Table<'_>) -> Sets {
        let buys = table.keys.iter().map(|key| matches!(key, PersonKey::Customer { .. }));
        Sets { parent: (0..table.keys.len() as u32).collect(), buys: buys.collect() }
    }

    fn root(&mut self, mut slot: u32) -> u32 {
        while self.parent[slot as usize] != slot {
            self.parent[slot as usize] = self.parent[self.parent[slot as usize] as usize];
            slot = self.parent[slot as usize];
        }
        slot
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a as usize] = b;
        self.buys[b as usize] |= self.buys[a as usize];
    }

    /// Joins two sets unless they are different and both have customers; tells whether they are one now.
    pub(super) fn join_unless_both_buy(&mut self, a: u32, b: u32) -> bool {
        let (root_a, root_b) = (self.root(a), self.root(b));
        if root_a != root_b && self.buys[root_a as usize] && self.buys[root_b as usize] {
            return false;
        }
        self.join(root_a, root_b);
        true
    }

    /// The person of every slot: named by the smallest key of its set; none for keys that name nobody.
    pub(super) fn persons(&mut self, table: &Table<'_>) -> Vec<Option<PersonId>> {
        let strong: Vec<u32> =
            (0..table.keys.len() as u32).filter(|&slot| table.strong[slot as usize]).collect();
        let mut smallest: Vec<Option<&PersonKey>> = vec![None; table.keys.len()];
        for &slot in &strong {
            let key = table.keys[slot as usize];
            let least = &mut smallest[self.root(slot) as usize];
            *least = Some(least.map_or(key, |least| least.min(key)));
        }
        let ids = smallest.into_iter();
        let ids = ids.map(|key| key.map(|key| PersonId(derive_id(&["person", &key.to_string()]))));
        let person_of_root: Vec<Option<PersonId>> = ids.collect();
        let mut person_of_slot = vec![None; table.keys.len()];
        for slot in strong {
            person_of_slot[slot as usize] = person_of_root[self.root(slot) as usize];
        }
        person_of_slot
    }
}
