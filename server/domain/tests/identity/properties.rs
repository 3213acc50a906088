//! What holds for whatever was bound, in any order.

use domain::identity::{Binding, PersonKey, Persons, Segment, Strength};
use proptest::prelude::*;

use super::words::{bind, persons};

fn some_bindings() -> impl Strategy<Value = Vec<Binding>> {
    let words =
        ["u:1", "u:2", "c:1", "c:2", "c:3", "a@x.example", "b@x.example", "a+1@x.example", "info@x.example"];
    let words = prop::sample::subsequence(words.to_vec(), 1..4);
    let strength = prop::sample::select(vec![Strength::Weak, Strength::Said, Strength::Paid]);
    let one = (0_i64..6, 0_u128..6, words, strength);
    let one = one.prop_map(|(at, visitor, words, strength)| Binding {
        strength,
        ..bind(at, visitor, &words.join(" "))
    });
    prop::collection::vec(one, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_and_the_number_of_bindings_change_nothing(
        (bindings, again) in some_bindings().prop_flat_map(|bindings| {
            let doubled: Vec<Binding> = bindings.iter().chain(bindings.iter().take(3)).cloned().collect();
            (Just(bindings), Just(doubled).prop_shuffle())
        }),
    ) {
        let (one, other) = (persons(&bindings), persons(&again));
        prop_assert_eq!(one.iter().collect::<Vec<_>>(), other.iter().collect::<Vec<_>>());
        prop_assert_eq!(one.conflicts(), other.conflicts());
        for key in bindings.iter().flat_map(|binding| &binding.keys) {
            prop_assert_eq!(one.person_of_key(key), other.person_of_key(key));
            prop_assert_eq!(one.is_bound(key), other.is_bound(key));
        }
    }

    #[test]
    fn every_bound_visitor_is_somebody_at_every_time_and_segments_tile_it(bindings in some_bindings()) {
        let persons = persons(&bindings);
        let mut segments: Vec<Segment> = Vec::new();
        for person in persons.iter() {
            let id = person.id;
            prop_assert_eq!(persons.segments(id), person.segments);
            for segment in person.segments {
                prop_assert_eq!(persons.person_of(segment.visitor, segment.from_ms), Some(id));
                prop_assert_eq!(persons.person_of(segment.visitor, segment.until_ms - 1), Some(id));
                segments.push(*segment);
            }
            for key in person.keys {
                prop_assert_eq!(persons.person_of_key(key), Some(id));
            }
        }
        segments.sort();
        for pair in segments.chunk_by(|a, b| a.visitor == b.visitor) {
            prop_assert_eq!(pair[0].from_ms, i64::MIN);
            prop_assert_eq!(pair[pair.len() - 1].until_ms, i64::MAX);
            prop_assert!(pair.windows(2).all(|two| two[0].until_ms == two[1].from_ms));
        }
    }

    #[test]
    fn an_address_never_joins_customers_that_nothing_else_joins(bindings in some_bindings()) {
        let without: Vec<Binding> = bindings.iter().map(|binding| {
            let account = |key: &&PersonKey| matches!(key, PersonKey::UserId(_) | PersonKey::Customer { .. });
            Binding { keys: binding.keys.iter().filter(account).cloned().collect(), ..binding.clone() }
        }).collect();
        // Users join customers; addresses may join users, but then one side has no customer.
        let customers = |persons: &Persons| {
            let of = |person: domain::identity::Person<'_>| {
                let keys = person.keys.iter().filter(|key| matches!(key, PersonKey::Customer { .. }));
                keys.cloned().collect::<Vec<_>>()
            };
            let mut sets: Vec<_> = persons.iter().map(of).filter(|set| !set.is_empty()).collect();
            sets.sort();
            sets
        };
        prop_assert_eq!(customers(&persons(&bindings)), customers(&persons(&without)));
    }
}
