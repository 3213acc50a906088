//! Who is who: persons from bindings, and orders matched to visitors.

use domain::identity::{
    Binding, BindingSource, Buyer, EmailHasher, EmailMatch, HashedEmail, Limits, PersonKey, Persons, Segment,
    Strength, resolve,
};
use domain::ids::VisitorId;
use domain::matching::{Match, MatchInputs, MatchMethod, match_order};
use domain::order::Metadata;
use domain::visitor_token::{Evidence, VisitorKeys};
use proptest::prelude::*;

const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

fn hashed(address: &str) -> HashedEmail {
    EmailHasher::new(b"a secret of the installation", "ws_demo").hash(address).unwrap()
}

/// Keys in short: `u:7` a user, `c:7` a Polar customer, else an address.
fn keys(words: &str) -> (Vec<PersonKey>, bool) {
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

fn key(word: &str) -> PersonKey {
    keys(word).0.remove(0)
}

/// At `at_ms`, visitor number `visitor` (0: none) was whom the words name.
fn bind(at_ms: i64, visitor: u128, words: &str) -> Binding {
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

fn persons(bindings: &[Binding]) -> Persons {
    resolve(bindings, Limits::default())
}

fn same(persons: &Persons, a: &str, b: &str) -> bool {
    let (a, b) = (persons.person_of_key(&key(a)), persons.person_of_key(&key(b)));
    a.is_some() && a == b
}

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

struct Sale {
    keys: VisitorKeys,
    order: Metadata,
    subscription: Metadata,
    checkout: Metadata,
    customer: Metadata,
    external_id: Option<String>,
    customer_key: Option<PersonKey>,
    email: Option<HashedEmail>,
    persons: Persons,
}

impl Sale {
    /// A sale that every field leads to another visitor of: 1 by order, 2 subscription, 3 checkout, 4 customer;
    /// persons seen as visitor 5 by user id, 6 by customer, 7 by address.
    fn new() -> Sale {
        let keys = VisitorKeys::new([("a1", &b"a secret that is long enough"[..])]).unwrap();
        let map = |key: &str, visitor: u128| Metadata::from([(key.into(), VisitorId(visitor).to_string())]);
        Sale {
            order: Metadata::from([("tributary_visitor_id".into(), keys.sign(VisitorId(1), "ws_demo"))]),
            subscription: map("trackrev_visitor_id", 2),
            checkout: map("reference_id", 3),
            customer: map("our_visitor", 4),
            external_id: Some("7".into()),
            customer_key: Some(key("c:1")),
            email: Some(hashed("ada@example.com")),
            persons: persons(&[bind(1, 5, "u:7"), bind(1, 6, "c:1"), bind(1, 7, "ada@example.com")]),
            keys,
        }
    }

    fn matched(&self) -> Match {
        match_order(&MatchInputs {
            workspace: "ws_demo",
            visitor_keys: &self.keys,
            metadata_keys: &["our_visitor".to_owned()],
            order: Some(&self.order),
            subscription: Some(&self.subscription),
            checkout: Some(&self.checkout),
            customer: Some(&self.customer),
            external_id: self.external_id.as_deref(),
            customer_key: self.customer_key.as_ref(),
            email: self.email.as_ref(),
            persons: &self.persons,
        })
    }
}

#[test]
fn fields_are_tried_in_their_order_until_one_leads_somewhere() {
    let mut sale = Sale::new();
    let check = |sale: &Sale, method, field: &str, visitor: Option<u128>, evidence| {
        let found = sale.matched();
        assert_eq!((found.method, found.field.as_str()), (method, field));
        assert_eq!((found.visitor, found.evidence), (visitor.map(VisitorId), evidence));
        assert_eq!(found.person.is_some(), visitor.is_none() && method != MatchMethod::None);
        assert_eq!(found.is_known(), method != MatchMethod::None);
    };
    let unsigned = Some(Evidence::Unsigned);
    check(
        &sale,
        MatchMethod::OrderMetadata,
        "order.metadata.tributary_visitor_id",
        Some(1),
        Some(Evidence::Signed),
    );
    sale.order.clear();
    check(
        &sale,
        MatchMethod::SubscriptionMetadata,
        "subscription.metadata.trackrev_visitor_id",
        Some(2),
        unsigned,
    );
    sale.subscription.clear();
    check(&sale, MatchMethod::CheckoutMetadata, "checkout.metadata.reference_id", Some(3), unsigned);
    sale.checkout.clear();
    check(&sale, MatchMethod::CustomerMetadata, "customer.metadata.our_visitor", Some(4), unsigned);
    sale.customer.clear();
    check(&sale, MatchMethod::ExternalId, "customer.external_id", None, None);
    sale.external_id = None;
    check(&sale, MatchMethod::Customer, "customer.id", None, None);
    sale.customer_key = None;
    check(&sale, MatchMethod::Email, "customer.email", None, None);
    sale.email = Some(hashed("ada+polar@example.com"));
    check(&sale, MatchMethod::Email, "customer.email (folded)", None, None);
    sale.email = Some(hashed("somebody@example.com"));
    check(&sale, MatchMethod::None, "", None, None);
}

#[test]
fn a_matched_order_binds_its_buyer_to_the_visitor() {
    let mut sale = Sale::new();
    let buyer = Buyer {
        customer: sale.customer_key.clone(),
        external_id: sale.external_id.clone(),
        email: sale.email,
    };
    let binding = sale.matched().binding(&buyer, 9).unwrap();
    assert_eq!(
        binding,
        Binding {
            source: BindingSource::Order,
            strength: Strength::Paid,
            ..bind(9, 1, "c:1 u:7 ada@example.com")
        }
    );
    sale.order.clear();
    assert_eq!(sale.matched().binding(&buyer, 9).unwrap().strength, Strength::Weak, "the id was not signed");
    assert_eq!(sale.matched().binding(&Buyer::default(), 9), None);
    let external = Buyer { external_id: Some(VisitorId(8).to_string()), ..Buyer::default() };
    assert_eq!(sale.matched().binding(&external, 9), None, "a visitor id names no user");
    for map in [&mut sale.subscription, &mut sale.checkout, &mut sale.customer] {
        map.clear();
    }
    assert_eq!(sale.matched().binding(&buyer, 9), None, "matched by a person's key: nothing new is known");
}

#[test]
fn a_forged_id_is_passed_over_and_recorded() {
    let mut sale = Sale::new();
    let forged = sale.keys.sign(VisitorId(1), "ws_other");
    sale.order.insert("tributary_visitor_id".into(), forged);
    let found = sale.matched();
    assert_eq!((found.method, found.visitor), (MatchMethod::SubscriptionMetadata, Some(VisitorId(2))));
    assert_eq!(found.forged_fields, ["order.metadata.tributary_visitor_id"]);
}

#[test]
fn a_reference_of_the_merchants_own_is_not_a_visitor() {
    let mut sale = Sale::new();
    sale.order = Metadata::from([("reference_id".into(), "invoice 42".into())]);
    assert_eq!(sale.matched().method, MatchMethod::SubscriptionMetadata);
    assert!(sale.matched().forged_fields.is_empty());
}

#[test]
fn a_person_whom_no_visitor_ever_was_leads_nowhere() {
    let mut sale = Sale::new();
    for map in [&mut sale.order, &mut sale.subscription, &mut sale.checkout, &mut sale.customer] {
        map.clear();
    }
    sale.persons = persons(&[bind(1, 0, "u:7 c:1 ada@example.com")]);
    assert_eq!(sale.matched().method, MatchMethod::None);
}

#[test]
fn the_field_told_is_the_one_a_visitor_was_bound_by() {
    let mut sale = Sale::new();
    for map in [&mut sale.order, &mut sale.subscription, &mut sale.checkout, &mut sale.customer] {
        map.clear();
    }
    let record = bind(2, 0, "u:7 c:1 ada@example.com");
    for (words, method) in [
        ("ada@example.com", MatchMethod::Email),
        ("c:1", MatchMethod::Customer),
        ("u:7 ada@example.com", MatchMethod::ExternalId),
    ] {
        sale.persons = persons(&[bind(1, 5, words), record.clone()]);
        assert_eq!(sale.matched().method, method, "{words}");
    }
    sale.email = Some(hashed("changed@example.com"));
    sale.external_id = None;
    assert_eq!(sale.matched().method, MatchMethod::Customer, "joined to the user a visitor was bound by");
}

#[test]
fn an_external_id_may_be_the_visitor_itself() {
    let mut sale = Sale::new();
    sale.order.clear();
    sale.subscription.clear();
    sale.checkout.clear();
    sale.customer.clear();
    sale.external_id = Some(VisitorId(8).to_string());
    assert_eq!(sale.matched().visitor, Some(VisitorId(8)));
    assert_eq!(sale.matched().method, MatchMethod::ExternalId);
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
