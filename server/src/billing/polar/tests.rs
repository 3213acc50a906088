use std::path::{Path, PathBuf};

use domain::identity::EmailHasher;
use domain::order::{Interval, OrderKind, OrderStatus, RefundStatus, fold_order};

use super::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/polar")
}

fn normalise(body: &[u8], delivery_id: &str) -> Result<Normalised, NormaliseError> {
    let emails = EmailHasher::new(b"a key of these tests", "ws_demo");
    Polar.normalise(body, &Context { connection_id: "con_1", delivery_id, observed_ms: 1, emails: &emails })
}

fn facts_of(file: &str) -> Vec<Fact> {
    let body = std::fs::read(fixtures().join(file)).unwrap();
    match normalise(&body, file).unwrap() {
        Normalised::Facts(facts) => facts,
        Normalised::Ignored { event_type } => panic!("{event_type} was ignored"),
    }
}

fn order(file: &str) -> domain::order::OrderFact {
    match facts_of(file).into_iter().next() {
        Some(Fact::Order(order)) => order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fixture_normalises_or_is_ignored_by_design() {
    let index: Value =
        serde_json::from_slice(&std::fs::read(fixtures().join("index.json")).unwrap()).unwrap();
    let (mut told, mut ignored) = (0, 0);
    for entry in index["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let body = std::fs::read(fixtures().join(file)).unwrap();
        match normalise(&body, file).unwrap_or_else(|error| panic!("{file}: {error}")) {
            Normalised::Facts(facts) => {
                assert!(!facts.is_empty(), "{file}");
                told += 1;
                for fact in &facts {
                    let stored = serde_json::to_string(fact).unwrap();
                    assert!(!stored.contains('@'), "{file}: an address in {stored}");
                    assert_eq!(&serde_json::from_str::<Fact>(&stored).unwrap(), fact, "{file}");
                }
            }
            Normalised::Ignored { event_type } => {
                assert!(event_type.starts_with("product."), "{event_type}");
                ignored += 1;
            }
        }
    }
    assert!(told >= 34 && ignored == 2, "{told} told, {ignored} ignored");
}

#[test]
fn a_paid_order_tells_money_buyer_and_subscription() {
    let facts = facts_of("order.paid.json");
    assert_eq!(facts.iter().map(Fact::kind).collect::<Vec<_>>(), ["order", "customer", "subscription"]);
    let order = order("order.paid.json");
    assert_eq!(
        (order.amounts.net_minor, order.amounts.tax_minor, order.amounts.total_minor),
        (2320, 464, 2784)
    );
    assert_eq!((order.kind, order.status, order.paid), (OrderKind::New, OrderStatus::Paid, true));
    assert_eq!(order.discount_code.as_deref(), Some("PARTNER20"));
    assert_eq!(order.discount_name.as_deref(), Some("Partner 20% (3 months)"));
    assert_eq!(order.partner_code.as_deref(), Some("jane"), "the discount's metadata names the partner");
    assert_eq!(order.interval, Some(Interval::Month));
    assert_eq!(order.country.as_deref(), Some("FR"));
    assert_eq!(order.currency.code(), "USD");
    assert_eq!(order.metadata["utm_source"], "newsletter");
    let paid: jiff::Timestamp = "2026-10-05T14:03:23.144Z".parse().unwrap();
    assert_eq!(order.booked_at_ms, Some(paid.as_millisecond()));
    let modified: jiff::Timestamp = "2026-10-05T14:03:23.101Z".parse().unwrap();
    assert_eq!(order.head.version_ms, modified.as_millisecond());
}

#[test]
fn only_order_paid_says_when_it_was_paid() {
    assert_eq!(order("order.created.json").booked_at_ms, None);
    assert_eq!(order("order.updated.json").booked_at_ms, None);
    let pending = order("scenarios/renewal/order.created.pending.json");
    assert_eq!(
        (pending.paid, pending.kind, pending.status),
        (false, OrderKind::Renewal, OrderStatus::Pending)
    );
}

#[test]
fn trial_start_is_a_trial_and_its_first_charge_a_renewal_of_polar() {
    let start = order("scenarios/trial/order.paid.zero.json");
    assert_eq!(fold_order(&[start], &[], &[], &[]).unwrap().kind, OrderKind::Trial);
    assert_eq!(order("scenarios/trial/order.paid.first_charge.json").kind, OrderKind::Renewal);
}

#[test]
fn fees_keep_their_own_currency() {
    let order = order("scenarios/eur_reverse_charge_no_metadata/order.updated.json");
    assert_eq!(order.currency.code(), "EUR");
    assert_eq!(order.fee_currency.map(|currency| currency.to_string()).as_deref(), Some("USD"));
}

#[test]
fn refunds_carry_their_order_and_state() {
    let [Fact::Refund(pending)] = &facts_of("scenarios/refund_lifecycle/refund.created.pending.json")[..]
    else {
        panic!("one refund");
    };
    assert_eq!(pending.status, RefundStatus::Pending);
    let [Fact::Refund(done)] = &facts_of("refund.created.json")[..] else { panic!("one refund") };
    assert_eq!((done.amount_minor, done.tax_minor), (1000, 200));
    assert_eq!(done.order_id, order("order.paid.json").head.object_id);
}

#[test]
fn unknown_types_are_ignored_and_unknown_words_are_not_fatal() {
    let ignored = normalise(br#"{"type":"order_item.frozen","data":{}}"#, "e");
    assert_eq!(ignored, Ok(Normalised::Ignored { event_type: "order_item.frozen".into() }));
    let text = std::fs::read_to_string(fixtures().join("order.paid.json")).unwrap();
    let strange = text
        .replace(r#""status": "paid""#, r#""status": "settled", "new_key": {"deep": [1]}"#)
        .replace("subscription_create", "subscription_gift");
    let Ok(Normalised::Facts(facts)) = normalise(strange.as_bytes(), "e") else { panic!("it is readable") };
    let Fact::Order(order) = &facts[0] else { panic!("an order comes first") };
    assert_eq!((order.status, order.kind), (OrderStatus::Paid, OrderKind::Renewal));
}

#[test]
fn broken_bodies_say_where_and_quote_nothing() {
    let text = std::fs::read_to_string(fixtures().join("order.paid.json")).unwrap();
    let cut = &text[..text.len() / 2];
    let Err(NormaliseError::NotJson(why)) = normalise(cut.as_bytes(), "e") else { panic!("it is cut") };
    assert!(why.contains("Eof"), "{why}");
    let wrong = text.replace(r#""net_amount": 2320"#, r#""net_amount": "ada@example.com""#);
    let Err(error) = normalise(wrong.as_bytes(), "e") else { panic!("an amount is no address") };
    assert!(!error.to_string().contains("ada"), "{error}");
}

#[test]
fn a_poll_tells_the_same_state_as_the_webhook() {
    let emails = EmailHasher::new(b"a key of these tests", "ws_demo");
    let context = Context { connection_id: "con_1", delivery_id: "poll-1", observed_ms: 1, emails: &emails };
    let body: Value =
        serde_json::from_slice(&std::fs::read(fixtures().join("order.paid.json")).unwrap()).unwrap();
    let polled = Polar.normalise_object(ObjectKind::Order, &body["data"], &context).unwrap();
    let [Fact::Order(polled), ..] = &polled[..] else { panic!("an order comes first") };
    let told = order("order.paid.json");
    assert_eq!(polled.amounts, told.amounts);
    assert_eq!((polled.booked_at_ms, polled.head.event.as_str()), (None, "poll"));
}

#[test]
fn amounts_come_as_numbers_or_digits_and_damage_is_refused() {
    let text = std::fs::read_to_string(fixtures().join("order.paid.json")).unwrap();
    let quoted = text.replace(r#""net_amount": 2320"#, r#""net_amount": "2320""#);
    let Ok(Normalised::Facts(facts)) = normalise(quoted.as_bytes(), "e") else { panic!("it is an amount") };
    let Fact::Order(told) = &facts[0] else { panic!("an order comes first") };
    assert_eq!(told.amounts, order("order.paid.json").amounts);
    for wrong in ["9223372036854775807", "-1000000000000001", "1e30", "12.5", r#""12,50""#, "null"] {
        let damaged = text.replace(r#""net_amount": 2320"#, &format!(r#""net_amount": {wrong}"#));
        assert!(matches!(normalise(damaged.as_bytes(), "e"), Err(NormaliseError::Shape { .. })), "{wrong}");
    }
}

/// A dispute as the list of disputes shows it.
fn dispute(status: &str) -> Value {
    serde_json::json!({
        "id": "d1", "created_at": "2026-10-09T08:00:00Z", "modified_at": "2026-10-20T08:00:00Z",
        "status": status, "resolved": true, "closed": true, "amount": 1000, "tax_amount": 200,
        "currency": "usd", "reason": "fraudulent", "evidence_due_by": null, "past_due": false,
        "order_id": "o1", "payment_id": "p1", "customer": { "id": "c1", "email": "ada@example.com" },
        "case_id": null,
    })
}

#[test]
fn a_dispute_comes_from_its_list_or_inside_the_refund_that_prevented_it() {
    let emails = EmailHasher::new(b"a key of these tests", "ws_demo");
    let context = Context { connection_id: "con_1", delivery_id: "", observed_ms: 1, emails: &emails };
    let listed = |status| {
        let facts = Polar.normalise_object(ObjectKind::Dispute, &dispute(status), &context).unwrap();
        let [Fact::Dispute(fact)] = &facts[..] else { panic!("one dispute") };
        fact.clone()
    };
    use domain::order::DisputeStatus::{Lost, Open, Prevented, Won};
    let words = ["lost", "won", "prevented", "early_warning", "needs_response", "under_review", "new_word"];
    assert_eq!(words.map(|word| listed(word).status), [Lost, Won, Prevented, Open, Open, Open, Open]);
    assert_eq!((listed("lost").amount_minor, listed("lost").tax_minor), (1000, 200));
    assert_eq!(listed("lost").customer_id.as_deref(), Some("c1"));

    let text = std::fs::read_to_string(fixtures().join("refund.created.json")).unwrap();
    let mut event: Value = serde_json::from_str(&text).unwrap();
    let mut inside = dispute("prevented");
    inside.as_object_mut().unwrap().remove("customer");
    event["data"]["dispute"] = inside;
    let facts = normalise(event.to_string().as_bytes(), "e").unwrap();
    let Normalised::Facts(facts) = facts else { panic!("a refund says something") };
    assert_eq!(facts.iter().map(Fact::kind).collect::<Vec<_>>(), ["refund", "dispute"]);
}

#[test]
fn what_a_list_says_of_one_version_is_one_fact_wherever_it_is_read() {
    let emails = EmailHasher::new(b"a key of these tests", "ws_demo");
    let context = Context { connection_id: "con_1", delivery_id: "", observed_ms: 1, emails: &emails };
    let body: Value =
        serde_json::from_slice(&std::fs::read(fixtures().join("order.paid.json")).unwrap()).unwrap();
    let within = Polar.normalise_object(ObjectKind::Order, &body["data"], &context).unwrap();
    let alone = Polar.normalise_object(ObjectKind::Customer, &body["data"]["customer"], &context).unwrap();
    assert_eq!(within[1], alone[0]);
    let event = serde_json::json!({ "type": "poll.order", "data": body["data"] });
    let Ok(Normalised::Facts(replayed)) = normalise(event.to_string().as_bytes(), "kept") else {
        panic!("a kept object of a list reads like one")
    };
    assert_eq!(replayed, within);
}

#[test]
fn a_subscription_tells_where_it_stands() {
    use domain::order::SubscriptionStatus::{Active, Canceled, PastDue, Paused, Trialing};
    let stands = |file: &str| match facts_of(file).into_iter().next() {
        Some(Fact::Subscription(it)) => it.state,
        other => panic!("{other:?}"),
    };
    let cases = [
        ("scenarios/trial/subscription.active.trialing.json", Trialing),
        ("scenarios/trial/subscription.cycled.converted.json", Active),
        ("subscription.canceled.json", Active),
        ("subscription.past_due.json", PastDue),
        ("subscription.paused.json", Paused),
        ("subscription.resumed.json", Active),
        ("subscription.revoked.json", Canceled),
    ];
    for (file, status) in cases {
        let state = stands(file);
        assert_eq!(state.status, status, "{file}");
        assert_eq!(state.past_due_ms.is_some(), status == PastDue, "{file}");
        assert_eq!(state.paused_ms.is_some(), status == Paused, "{file}");
        assert_eq!(state.ended_ms.is_some(), status == Canceled, "{file}");
    }
    assert!(stands("subscription.canceled.json").cancel_at_period_end);
}

#[test]
fn the_journal_says_when_an_order_was_paid() {
    let emails = EmailHasher::new(b"a key of these tests", "ws_demo");
    let context = Context { connection_id: "con_1", delivery_id: "", observed_ms: 1, emails: &emails };
    let entry = serde_json::json!({
        "id": "e1", "timestamp": "2026-10-09T08:00:00.123Z", "organization_id": "g1", "customer_id": "c1",
        "customer": { "id": "c1", "email": "ada@example.com" }, "external_customer_id": null, "label": "Order Paid",
        "source": "system", "name": "order.paid", "metadata": { "order_id": "o1", "amount": 1200 },
    });
    let facts = Polar.normalise_object(ObjectKind::Payment, &entry, &context).unwrap();
    let [Fact::Payment(told)] = &facts[..] else { panic!("one payment: {facts:?}") };
    let paid_at: jiff::Timestamp = "2026-10-09T08:00:00.123Z".parse().unwrap();
    assert_eq!((told.order_id.as_str(), told.paid_at_ms), ("o1", paid_at.as_millisecond()));
    assert!(!serde_json::to_string(&facts).unwrap().contains("c1"), "it names the order and nobody");
}
