//! Orders matched to visitors.

use domain::identity::{Binding, BindingSource, Buyer, HashedEmail, PersonKey, Persons, Strength};
use domain::ids::VisitorId;
use domain::matching::{Match, MatchInputs, MatchMethod, match_order};
use domain::order::Metadata;
use domain::visitor_token::{Evidence, VisitorKeys};

use super::words::{bind, hashed, key, persons};

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
        ..Buyer::default()
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
    let former = PersonKey::Customer { connection: "c".into(), id: "2".into() };
    let merged = Buyer { former_customers: vec![former.clone()], ..buyer };
    let binding = sale.matched().binding(&merged, 9).expect("two customers became one");
    assert_eq!((binding.visitor, binding.keys.contains(&former)), (None, true));
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
