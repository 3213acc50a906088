//! What an order is after its facts, in whatever order, number and completeness they came.

use domain::ids::{FactId, OrderId};
use domain::order::{
    Amounts, Basis, CheckoutState, CheckoutStatus, CustomerFact, CustomerState, Fact, Head, Member, Metadata,
    OrderFact, OrderKind, OrderState, OrderStatus, PaymentFact, RefundFact, RefundStatus, anchor_ms,
    fold_customer, fold_order, inherits, kinds_of, root_of,
};
use proptest::prelude::*;

fn head(object: &str, version_ms: i64, event: &str) -> Head {
    let fact_id = FactId::derive("polar", &format!("{event}@{version_ms}"), "order", object);
    Head { fact_id, object_id: object.into(), version_ms, observed_ms: 0, event: event.into() }
}

/// A version of a 96.00 order with 4.00 tax, made at 1000.
fn order(version_ms: i64, event: &str, status: OrderStatus) -> OrderFact {
    OrderFact {
        head: head("o1", version_ms, event),
        created_ms: 1000,
        status,
        paid: matches!(status, Paid | OrderStatus::Refunded | PartiallyRefunded),
        booked_at_ms: (event == "order.paid").then_some(version_ms),
        kind: OrderKind::New,
        currency: "USD".parse().unwrap(),
        amounts: Amounts {
            subtotal_minor: 10_000,
            discount_minor: 400,
            net_minor: 9600,
            tax_minor: 400,
            total_minor: 10_000,
            ..Amounts::default()
        },
        fee_currency: None,
        subscription_id: Some("s1".into()),
        checkout_id: Some("c1".into()),
        customer_id: Some("cus1".into()),
        product_id: None,
        product_name: None,
        discount_code: None,
        discount_id: None,
        discount_name: None,
        partner_code: None,
        interval: None,
        country: None,
        email: None,
        metadata: Metadata::new(),
    }
}

fn refunded(fact: OrderFact, refunded_minor: i64) -> OrderFact {
    let amounts = Amounts { refunded_minor, refunded_tax_minor: refunded_minor / 24, ..fact.amounts };
    OrderFact { amounts, ..fact }
}

fn refund(object: &str, version_ms: i64, status: RefundStatus, amount_minor: i64) -> RefundFact {
    RefundFact {
        head: head(object, version_ms, "refund.updated"),
        order_id: "o1".into(),
        created_ms: 5000,
        status,
        amount_minor,
        tax_minor: amount_minor / 24,
        currency: "USD".parse().unwrap(),
        reason: None,
        subscription_id: None,
        customer_id: None,
    }
}

fn fold(orders: &[OrderFact], refunds: &[RefundFact]) -> OrderState {
    fold_order(orders, refunds, &[], &[]).expect("there is a fact")
}

use OrderStatus::{Paid, PartiallyRefunded, Pending, Void};
use RefundStatus::{Failed, Succeeded};

#[test]
fn a_pending_order_is_not_money_until_it_is_paid() {
    let pending = order(1000, "order.created", Pending);
    assert_eq!(fold(std::slice::from_ref(&pending), &[]).booking, None);
    assert_eq!(fold(std::slice::from_ref(&pending), &[]).booked(Basis::Net), None);
    let state = fold(&[pending, order(3000, "order.paid", Paid)], &[]);
    assert_eq!(state.booking.unwrap().at_ms, 3000);
    assert_eq!(state.booked(Basis::Net).unwrap().amount_minor, 9600);
    assert_eq!(state.booked(Basis::Gross).unwrap().amount_minor, 10_000);
}

#[test]
fn the_announced_time_of_payment_wins_over_when_the_order_was_made() {
    let polled = order(4000, "poll", Paid);
    assert_eq!(fold(std::slice::from_ref(&polled), &[]).booking.unwrap().at_ms, 1000);
    assert_eq!(fold(&[polled, order(3000, "order.paid", Paid)], &[]).booking.unwrap().at_ms, 3000);
}

#[test]
fn a_payment_told_apart_gives_the_time_and_books_nothing_by_itself() {
    let payment = PaymentFact { head: head("evt1", 3000, "poll"), order_id: "o1".into(), paid_at_ms: 3000 };
    let booked_at = |order: OrderFact| {
        let state = fold_order(&[order], &[], &[], std::slice::from_ref(&payment)).expect("there is a fact");
        state.booking.map(|booking| booking.at_ms)
    };
    assert_eq!(booked_at(order(4000, "poll", Paid)), Some(3000));
    assert_eq!(booked_at(order(1000, "order.created", Pending)), None);
    // What the order's own announcement said stays, whenever the list is read.
    assert_eq!(booked_at(order(3002, "order.paid", Paid)), Some(3002));
    assert_eq!(booked_at(order(2998, "order.paid", Paid)), Some(2998));
}

#[test]
fn an_old_version_that_arrives_late_changes_nothing_but_the_newest_counts() {
    let fee = |fact: OrderFact| OrderFact { amounts: Amounts { fee_minor: 450, ..fact.amounts }, ..fact };
    let newest = fee(order(9000, "order.updated", Paid));
    let state = fold(&[newest, order(3000, "order.paid", Paid), order(2000, "order.created", Pending)], &[]);
    assert_eq!((state.status, state.amounts.fee_minor, state.version_ms), (Paid, 450, 9000));
    let void = fold(&[order(2000, "order.created", Pending), order(5000, "order.updated", Void)], &[]);
    assert_eq!((void.status, void.booking), (Void, None));
}

#[test]
fn at_one_version_the_event_further_along_wins() {
    let paid = order(3000, "order.paid", Paid);
    let created = order(3000, "order.created", Pending);
    assert_eq!(fold(&[paid.clone(), created.clone()], &[]).status, Paid);
    assert_eq!(fold(&[created, paid], &[]).status, Paid);
}

#[test]
fn a_free_first_order_of_a_subscription_is_a_trial() {
    let free = |fact: OrderFact| OrderFact { amounts: Amounts::default(), ..fact };
    let trial = fold(&[free(order(3000, "order.paid", Paid))], &[]);
    assert_eq!((trial.kind, trial.is_free()), (OrderKind::Trial, true));
    assert_eq!(trial.booked(Basis::Net).unwrap().amount_minor, 0);
    let gift = OrderFact {
        subscription_id: None,
        kind: OrderKind::OneTime,
        ..free(order(3000, "order.paid", Paid))
    };
    assert_eq!(fold(&[gift], &[]).kind, OrderKind::OneTime);
    let free_renewal = OrderFact { kind: OrderKind::Renewal, ..free(order(3000, "order.paid", Paid)) };
    assert_eq!(fold(&[free_renewal], &[]).kind, OrderKind::Renewal);
}

#[test]
fn only_refunds_that_succeeded_are_booked() {
    let paid = order(3000, "order.paid", Paid);
    let waiting = fold(std::slice::from_ref(&paid), &[refund("r1", 5000, RefundStatus::Pending, 2400)]);
    assert_eq!((waiting.refunds.len(), waiting.pending_refunds_minor), (0, 2400));
    let facts = [refund("r1", 5000, RefundStatus::Pending, 2400), refund("r1", 6000, Succeeded, 2400)];
    let state = fold(&[paid], &facts);
    assert_eq!((state.refunds.len(), state.pending_refunds_minor), (1, 0));
    let booked = state.booked(Basis::Net).unwrap();
    assert_eq!((booked.refunds[0].amount_minor, booked.refunds[0].at_ms), (2400, 5000));
    assert_eq!(state.booked(Basis::Gross).unwrap().refunds[0].amount_minor, 2500);
}

#[test]
fn a_refund_that_failed_afterwards_is_reversed_and_one_that_never_succeeded_is_nothing() {
    let paid = order(3000, "order.paid", Paid);
    let never = [refund("r1", 5000, RefundStatus::Pending, 2400), refund("r1", 7000, Failed, 2400)];
    assert_eq!(fold(std::slice::from_ref(&paid), &never).refunds, []);
    let after = [refund("r1", 6000, Succeeded, 2400), refund("r1", 7000, Failed, 2400)];
    let state = fold(&[paid], &after);
    assert_eq!(state.refunds[0].reversed_at_ms, Some(7000));
}

#[test]
fn the_orders_own_count_books_a_refund_nobody_told_until_its_fact_arrives() {
    let orders = [
        order(3000, "order.paid", Paid),
        refunded(order(6000, "order.updated", PartiallyRefunded), 2400),
        refunded(order(8000, "order.updated", PartiallyRefunded), 2400),
    ];
    let state = fold(&orders, &[]);
    let derived = &state.refunds[0];
    assert_eq!((derived.amount_minor, derived.tax_minor, derived.at_ms), (2400, 100, 6000));
    assert!(derived.derived && derived.object_id.is_none());
    assert_eq!(state.refunds.len(), 1);

    let partly = fold(&orders, &[refund("r1", 5500, Succeeded, 480)]);
    let amounts: Vec<(i64, bool)> =
        partly.refunds.iter().map(|entry| (entry.amount_minor, entry.derived)).collect();
    assert_eq!(amounts, [(480, false), (1920, true)]);

    let told = fold(&orders, &[refund("r1", 5500, Succeeded, 2400)]);
    assert_eq!(told.refunds.len(), 1);
    assert!(!told.refunds[0].derived);
}

#[test]
fn each_rise_of_the_count_stays_on_its_day() {
    let january = refunded(order(1_000, "order.refunded", PartiallyRefunded), 300);
    let february = refunded(order(2_000, "order.refunded", PartiallyRefunded), 500);
    let entries = |orders: &[OrderFact]| -> Vec<(i64, i64)> {
        fold(orders, &[]).refunds.iter().map(|entry| (entry.at_ms, entry.amount_minor)).collect()
    };
    assert_eq!(entries(std::slice::from_ref(&january)), [(1_000, 300)]);
    assert_eq!(entries(&[february.clone(), january.clone()]), [(1_000, 300), (2_000, 200)]);
    let told = [refund("re_1", 2_000, Succeeded, 200)];
    assert_eq!(
        fold(&[january, february], &told).refunds.iter().map(|entry| entry.amount_minor).sum::<i64>(),
        500
    );
}

#[test]
fn a_newer_count_below_the_known_refunds_takes_the_latest_back() {
    let refunds = [
        refund("r1", 5000, Succeeded, 2400),
        RefundFact { created_ms: 6000, ..refund("r2", 6000, Succeeded, 4800) },
    ];
    let before = refunded(order(5500, "order.updated", PartiallyRefunded), 2400);
    let state = fold(&[order(3000, "order.paid", Paid), before.clone()], &refunds);
    assert!(
        state.refunds.iter().all(|entry| entry.reversed_at_ms.is_none()),
        "an older count contradicts nothing"
    );

    let after = refunded(order(9000, "order.updated", PartiallyRefunded), 2400);
    let state = fold(&[order(3000, "order.paid", Paid), before, after.clone()], &refunds);
    let reversed: Vec<_> =
        state.refunds.iter().map(|entry| (entry.amount_minor, entry.reversed_at_ms)).collect();
    assert_eq!(reversed, [(2400, None), (4800, Some(9000))]);

    let part = refunded(after, 3600);
    let state = fold(&[order(3000, "order.paid", Paid), part], &refunds);
    let active = state.refunds.iter().filter(|entry| entry.reversed_at_ms.is_none());
    assert_eq!(active.map(|entry| entry.amount_minor).sum::<i64>(), 3600);
    assert_eq!(state.refunds.iter().map(|entry| entry.amount_minor).sum::<i64>(), 7200);
}

fn member(id: u128, booked_at_ms: i64, kind: OrderKind, net_minor: i64) -> Member {
    Member { id: OrderId(id), booked_at_ms, kind, net_minor }
}

#[test]
fn renewals_and_upgrades_inherit_from_the_earliest_paid_order() {
    let members = [
        member(1, 300, OrderKind::Renewal, 9600),
        member(2, 100, OrderKind::Trial, 0),
        member(3, 200, OrderKind::Renewal, 9600),
    ];
    assert_eq!(root_of(&members), Some(OrderId(2)));
    assert_eq!(
        root_of(&members[..1]),
        Some(OrderId(1)),
        "without history the earliest known one is the root"
    );
    assert_eq!(root_of(&[]), None);
    assert!(inherits(OrderKind::Renewal) && inherits(OrderKind::Upgrade));
    assert!(!inherits(OrderKind::New) && !inherits(OrderKind::OneTime) && !inherits(OrderKind::Trial));
}

#[test]
fn the_first_payment_after_a_trial_is_new_revenue() {
    use OrderKind::{New, Renewal, Trial};
    let members = [member(1, 300, Renewal, 9600), member(2, 100, Trial, 0), member(3, 200, Renewal, 9600)];
    assert_eq!(kinds_of(&members), [Renewal, Trial, New]);
    let paid = [member(1, 100, New, 9600), member(2, 200, Renewal, 9600)];
    assert_eq!(kinds_of(&paid), [New, Renewal]);
}

#[test]
fn the_journey_ends_where_the_checkout_began() {
    let state = fold(&[order(3000, "order.paid", Paid)], &[]);
    assert_eq!(anchor_ms(&state, None), Some(3000));
    let checkout = CheckoutState {
        created_ms: 900,
        status: CheckoutStatus::Succeeded,
        customer_id: None,
        customer_external_id: None,
        subscription_id: None,
        product_id: None,
        email: None,
        metadata: Metadata::new(),
        customer_metadata: Metadata::new(),
    };
    assert_eq!(anchor_ms(&state, Some(&checkout)), Some(900));
    assert_eq!(anchor_ms(&fold(&[order(1000, "order.created", Pending)], &[]), None), None);
}

#[test]
fn facts_go_through_json_and_hold_only_what_is_known() {
    let fact = Fact::Order(order(3000, "order.paid", Paid));
    let json = serde_json::to_string(&fact).unwrap();
    assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
    assert!(json.starts_with("{\"fact\":\"order\"") && !json.contains("null"), "{json}");
    let customer = Fact::Customer(customer(3000, "a1"));
    let json = serde_json::to_string(&customer).unwrap();
    assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), customer);
    assert_eq!((customer.kind(), customer.head().version_ms), ("customer", 3000));
}

fn customer(version_ms: i64, external_id: &str) -> CustomerFact {
    CustomerFact {
        head: head("cus1", version_ms, "customer.updated"),
        state: CustomerState {
            created_ms: 1,
            external_id: Some(external_id.into()),
            email: None,
            country: None,
            deleted: false,
            metadata: Metadata::from([("plan".into(), "pro".into())]),
        },
    }
}

#[test]
fn the_newest_version_of_a_customer_is_the_customer() {
    let facts = [customer(2000, "old"), customer(5000, "new"), customer(3000, "middle")];
    assert_eq!(fold_customer(&facts).unwrap().external_id.as_deref(), Some("new"));
    assert_eq!(fold_customer(&[]), None);
}

fn some_orders() -> impl Strategy<Value = Vec<OrderFact>> {
    let events = prop::sample::select(vec!["order.created", "order.updated", "order.paid", "poll"]);
    let statuses = prop::sample::select(vec![Pending, Paid, PartiallyRefunded]);
    let one = (0_i64..6, events, statuses, 0_i64..4);
    let one = one.prop_map(|(version, event, status, parts)| {
        refunded(order(1000 + version * 1000, event, status), parts * 2400)
    });
    // A fact id stands for one content; a second fact of the same event and version is the same fact.
    prop::collection::vec(one, 1..9).prop_map(|mut facts| {
        facts.sort_by_key(|fact| fact.head.fact_id);
        facts.dedup_by_key(|fact| fact.head.fact_id);
        facts
    })
}

fn some_refunds() -> impl Strategy<Value = Vec<RefundFact>> {
    let statuses =
        prop::sample::select(vec![RefundStatus::Pending, Succeeded, Failed, RefundStatus::Canceled]);
    let one = (0_u8..3, 0_i64..6, statuses);
    let one = one.prop_map(|(object, version, status)| {
        refund(&format!("r{object}"), 1500 + version * 1000, status, 2400 * i64::from(object + 1))
    });
    prop::collection::vec(one, 0..9).prop_map(|mut facts| {
        facts.sort_by_key(|fact| fact.head.fact_id);
        facts.dedup_by_key(|fact| fact.head.fact_id);
        facts
    })
}

/// The facts in another order, some of them several times.
fn disturbed<T: Clone + std::fmt::Debug + 'static>(facts: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let doubled: Vec<T> = facts.iter().chain(&facts).cloned().collect();
    let len = facts.len();
    (Just(doubled), 0..=len)
        .prop_flat_map(move |(doubled, extra)| Just(doubled[..len + extra].to_vec()).prop_shuffle())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_and_the_number_of_facts_change_nothing(
        (orders, refunds, orders_again, refunds_again) in (some_orders(), some_refunds()).prop_flat_map(
            |(orders, refunds)| {
                let again = (disturbed(orders.clone()), disturbed(refunds.clone()));
                (Just(orders), Just(refunds), again.0, again.1)
            }
        ),
    ) {
        let state = fold(&orders, &refunds);
        prop_assert_eq!(&fold(&orders_again, &refunds_again), &state);
        if state.booking.is_none() {
            prop_assert!(state.refunds.is_empty());
        }
        for entry in &state.refunds {
            prop_assert!(entry.amount_minor > 0 && entry.tax_minor >= 0);
        }
        let mut ids: Vec<_> = state.refunds.iter().map(|entry| entry.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), state.refunds.len(), "every entry has its own id");
        // What counts as refunded, with what exceeds the order, is at least what its newest version itself counts.
        let active = state.refunds.iter().filter(|entry| entry.reversed_at_ms.is_none());
        let active: i64 = active.map(|entry| entry.amount_minor).sum();
        if let Some(booking) = state.booking {
            prop_assert!(active <= booking.net_minor);
            prop_assert!(active + state.refund_excess_minor >= state.amounts.refunded_minor);
        }
    }
}
