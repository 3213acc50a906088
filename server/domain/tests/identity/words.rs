//! Bindings and keys written in short, for every test of identity.

use domain::identity::{
    Binding, BindingSource, EmailHasher, HashedEmail, Limits, PersonKey, Persons, Strength, resolve,
};
use domain::ids::VisitorId;

pub fn hashed(address: &str) -> HashedEmail {
    EmailHasher::new(b"a secret of the installation", "ws_demo").hash(address).unwrap()
}

/// Keys in short: `u:7` a user, `c:7` a Polar customer, else an address.
pub fn keys(words: &str) -> (Vec<PersonKey>, bool) {
    let mut role = false;
    let keys = words.split_whitespace().flat_map(|word| match word.split_once(':') {
        Some(("u", id)) => vec![PersonKey::UserId(id.into())],
        Some(("c", id)) => vec![PersonKey::Customer { connection: "polar".into(), id: id.into() }],
        _ => {
            let email = hashed(word);
            role |= email.role_address;
            email.keys().to_vec()
        }
    });
    (keys.collect(), role)
}

pub fn key(word: &str) -> PersonKey {
    keys(word).0.remove(0)
}

/// At `at_ms`, visitor number `visitor` (0: none) was whom the words name.
pub fn bind(at_ms: i64, visitor: u128, words: &str) -> Binding {
    let (keys, role_address) = keys(words);
    Binding {
        visitor: (visitor > 0).then_some(VisitorId(visitor)),
        keys,
        at_ms,
        source: BindingSource::Identify,
        strength: Strength::Said,
        role_address,
    }
}

pub fn persons(bindings: &[Binding]) -> Persons {
    resolve(bindings, Limits::default())
}

pub fn same(persons: &Persons, a: &str, b: &str) -> bool {
    let (a, b) = (persons.person_of_key(&key(a)), persons.person_of_key(&key(b)));
    a.is_some() && a == b
}
