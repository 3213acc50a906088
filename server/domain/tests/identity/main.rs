//! Who is who: persons from bindings, and orders matched to visitors.

mod matching;
mod properties;
mod words;

use domain::identity::{Binding, BindingSource, EmailMatch, Limits, PersonKey, Segment, Strength, resolve};
use domain::ids::VisitorId;

use words::{bind, hashed, key, persons, same};

const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

#[test]
fn customer_address_and_user_in_one_binding_are_one_person() {
    let persons = persons(&[bind(1, 1, "u:7 c:1 ada@example.com")]);
    assert!(same(&persons, "u:7", "c:1") && same(&persons, "c:1", "ada@example.com"));
    assert_eq!(persons.len(), 1);
    assert_eq!(persons.person_of(VisitorId(1), 0), persons.person_of_key(&key("u:7")));
}

#[test]
fn an_address_joins_devices_and_what_stands_beside_it() {
    let persons = persons(&[
        bind(1, 1, "ada@example.com"),
        bind(2, 2, "ada@example.com u:7"),
        bind(3, 0, "c:1 ada@example.com"),
    ]);
    assert_eq!(persons.len(), 1);
    let person = persons.person_of_key(&key("c:1")).unwrap();
    let visitors: Vec<_> =
        persons.segments(person).iter().map(|s| (s.visitor.0, s.from_ms, s.until_ms)).collect();
    assert_eq!(visitors, [(1, ALWAYS.0, ALWAYS.1), (2, ALWAYS.0, ALWAYS.1)]);
}

#[test]
fn an_address_alone_never_makes_two_customers_one() {
    let persons = persons(&[bind(5, 2, "c:2 ada@example.com"), bind(1, 1, "c:1 ada@example.com")]);
    assert!(!same(&persons, "c:1", "c:2"));
    assert!(same(&persons, "ada@example.com", "c:1"), "it names the one it was seen with first");
    let conflict = persons.conflicts()[0];
    assert_eq!(Some(conflict.named), persons.person_of_key(&key("c:1")));
    assert_eq!(Some(conflict.other), persons.person_of_key(&key("c:2")));
    assert_eq!(persons.person_of(VisitorId(2), 9), persons.person_of_key(&key("c:2")));
}

#[test]
fn a_user_id_does_make_two_customers_one() {
    let persons = persons(&[bind(1, 1, "c:1 u:7"), bind(2, 2, "c:2 u:7 other@example.com")]);
    assert!(same(&persons, "c:1", "c:2") && persons.conflicts().is_empty());
}

#[test]
fn on_a_shared_computer_the_newest_binding_owns_what_follows() {
    let persons = persons(&[
        bind(300, 1, "ada@example.com"),
        bind(100, 1, "ada@example.com"),
        bind(200, 1, "bob@example.com"),
        bind(400, 1, "ada@example.com"),
    ]);
    let who = |word| persons.person_of_key(&key(word)).unwrap();
    let (ada, bob) = (who("ada@example.com"), who("bob@example.com"));
    for (at_ms, person) in
        [(i64::MIN, ada), (0, ada), (199, ada), (200, bob), (299, bob), (300, ada), (999, ada)]
    {
        assert_eq!(persons.person_of(VisitorId(1), at_ms), Some(person), "at {at_ms}");
    }
    let segment = |from_ms, until_ms| Segment { visitor: VisitorId(1), from_ms, until_ms };
    assert_eq!(persons.segments(bob), [segment(200, 300)]);
    assert_eq!(persons.segments(ada), [segment(i64::MIN, 200), segment(300, i64::MAX)]);
}

#[test]
fn at_one_millisecond_the_stronger_binding_counts() {
    let paid = Binding { strength: Strength::Paid, ..bind(100, 1, "ada@example.com") };
    for bindings in [[paid.clone(), bind(100, 1, "bob@example.com")], [bind(100, 1, "bob@example.com"), paid]]
    {
        let persons = persons(&bindings);
        assert_eq!(persons.person_of(VisitorId(1), 100), persons.person_of_key(&key("ada@example.com")));
        assert_eq!(persons.person_of(VisitorId(1), 0), persons.person_of_key(&key("ada@example.com")));
    }
}

#[test]
fn a_role_address_of_many_visitors_names_nobody() {
    let few: Vec<Binding> = (1..=3).map(|visitor| bind(1, visitor, "billing@example.com")).collect();
    assert!(persons(&few).person_of_key(&key("billing@example.com")).is_some());
    let mut many: Vec<Binding> = (1..=4).map(|visitor| bind(1, visitor, "billing@example.com")).collect();
    many.push(bind(2, 9, "c:1 billing@example.com"));
    let persons = persons(&many);
    assert_eq!(persons.person_of_email(&hashed("billing@example.com")), None);
    assert_eq!(persons.person_of(VisitorId(1), 5), None);
    assert!(persons.person_of(VisitorId(9), 5).is_some(), "the customer beside it still binds");
    let private: Vec<Binding> = (1..=9).map(|visitor| bind(1, visitor, "ada@example.com")).collect();
    assert!(resolve(&private, Limits::default()).person_of_key(&key("ada@example.com")).is_some());
}

#[test]
fn the_folded_address_is_asked_last_and_only_when_it_means_one_person() {
    let one = persons(&[bind(1, 1, "ada+shop@example.com")]);
    let (_, by) = one.person_of_email(&hashed("ada@example.com")).unwrap();
    assert_eq!(by, EmailMatch::Weak);
    let two = persons(&[bind(1, 1, "ada+shop@example.com"), bind(1, 2, "ada+work@example.com")]);
    assert_eq!(two.len(), 2, "folded addresses join nobody");
    assert_eq!(two.person_of_email(&hashed("ada@example.com")), None);
    assert_eq!(two.person_of_email(&hashed("ada+work@example.com")).unwrap().1, EmailMatch::Strong);
}

#[test]
fn person_keys_go_through_text() {
    for key in
        [key("u:a:b"), key("c:x:y"), key("ada@example.com"), PersonKey::WeakEmail(hashed("a@b.example").weak)]
    {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    assert!("phone:1".parse::<PersonKey>().is_err() && "customer:x".parse::<PersonKey>().is_err());
    let binding = bind(1, 1, "u:7 ada@example.com");
    assert_eq!(serde_json::from_str::<Binding>(&serde_json::to_string(&binding).unwrap()).unwrap(), binding);
}

/// A sister site handed visitor `from` over to a page that knew the browser as `to`.
fn handed_over(at_ms: i64, from: u128, to: u128) -> [Binding; 2] {
    [(from, to), (to, from)].map(|(key, visitor)| Binding {
        keys: vec![PersonKey::Visitor(VisitorId(key))],
        source: BindingSource::Handover,
        ..bind(at_ms, visitor, "")
    })
}

#[test]
fn visitors_handed_over_are_one_browser_whenever_it_is_named() {
    let ada = bind(50, 7, "ada@example.com");
    let bob = bind(90, 9, "bob@example.com");
    let mut bindings = vec![ada, bob];
    bindings.extend(handed_over(70, 7, 8));
    bindings.extend(handed_over(80, 8, 9));
    let expected = [(7, 60), (8, 60), (9, 60)].map(|(visitor, at_ms)| (VisitorId(visitor), at_ms));
    for _ in 0..bindings.len() {
        bindings.rotate_left(1);
        let persons = persons(&bindings);
        let ada = persons.person_of_key(&key("ada@example.com"));
        let bob = persons.person_of_key(&key("bob@example.com"));
        assert!(ada.is_some() && bob.is_some() && ada != bob, "a browser joins no persons");
        for (visitor, at_ms) in expected {
            assert_eq!(persons.person_of(visitor, at_ms), ada, "{visitor}");
            assert_eq!(persons.person_of(visitor, 0), ada, "{visitor} before all");
            assert_eq!(persons.person_of(visitor, 90), bob, "{visitor} after the other was named");
        }
        assert_eq!(persons.segments(ada.unwrap()).len(), 3);
    }
    let nobody = persons(&handed_over(70, 7, 8));
    assert_eq!(nobody.person_of(VisitorId(7), 80), None, "a hand-over names nobody");
}
