//! Whole lifecycles of a sale, told in every order, any number of times, by webhooks, by polls and by both: the
//! state is the same, and with gaps in the webhooks a poll at the end still gives the provider's own money.

mod world;

use std::collections::BTreeMap;

use domain::order::*;
use proptest::prelude::*;
use world::{Act, DAY_MS, Start, World};

/// Everything that facts amount to.
#[derive(Debug, PartialEq)]
struct Told {
    orders: BTreeMap<String, OrderState>,
    subscription: Option<SubscriptionState>,
    customer: Option<CustomerState>,
}

fn fold<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Told {
    let mut orders: BTreeMap<String, Vec<OrderFact>> = BTreeMap::new();
    let (mut refunds, mut disputes, mut payments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut subscriptions, mut customers) = (Vec::new(), Vec::new());
    for fact in facts {
        match fact.clone() {
            Fact::Order(it) => orders.entry(it.head.object_id.clone()).or_default().push(it),
            Fact::Refund(it) => refunds.push(it),
            Fact::Dispute(it) => disputes.push(it),
            Fact::Payment(it) => payments.push(it),
            Fact::Subscription(it) => subscriptions.push(it),
            Fact::Customer(it) => customers.push(it),
            Fact::Checkout(_) => {}
        }
    }
    let of_order = |id: &str| {
        let refunds: Vec<_> = refunds.iter().filter(|it| it.order_id == id).cloned().collect();
        let disputes: Vec<_> = disputes.iter().filter(|it| it.order_id == id).cloned().collect();
        let payments: Vec<_> = payments.iter().filter(|it| it.order_id == id).cloned().collect();
        (refunds, disputes, payments)
    };
    let folded = orders.iter().map(|(id, facts)| {
        let (refunds, disputes, payments) = of_order(id);
        (id.clone(), fold_order(facts, &refunds, &disputes, &payments).expect("it has facts"))
    });
    Told {
        orders: folded.collect(),
        subscription: fold_subscription(&subscriptions),
        customer: fold_customer(&customers),
    }
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let ends = prop::sample::select(vec![DisputeStatus::Lost, DisputeStatus::Won, DisputeStatus::Prevented]);
    let act = prop_oneof![
        4 => prop::bool::weighted(0.7).prop_map(|is_paid| Act::Renew { is_paid }),
        2 => Just(Act::Recover),
        1 => Just(Act::Exhaust),
        1 => Just(Act::CancelAtPeriodEnd),
        1 => Just(Act::Uncancel),
        1 => Just(Act::Revoke),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        1 => (1_i64..5_000).prop_map(|net_minor| Act::Upgrade { net_minor }),
        1 => Just(Act::Downgrade),
        4 => (0_usize..8, prop::sample::select(vec![1_i64, 33, 50, 100]), any::<bool>())
            .prop_map(|(order, percent, is_instant)| Act::Refund { order, percent, is_instant }),
        3 => (0_usize..8).prop_map(|refund| Act::RefundSucceeds { refund }),
        3 => (0_usize..8).prop_map(|refund| Act::RefundFails { refund }),
        2 => (0_usize..8, prop::sample::select(vec![40_i64, 100]))
            .prop_map(|(order, percent)| Act::Dispute { order, percent }),
        2 => (0_usize..4, ends).prop_map(|(dispute, status)| Act::DisputeEnds { dispute, status }),
        2 => (0_usize..8).prop_map(|order| Act::Fee { order }),
        1 => (0_usize..8).prop_map(|order| Act::EditOrder { order }),
        1 => any::<u8>().prop_map(|value| Act::EditMetadata { value }),
        1 => any::<u8>().prop_map(|value| Act::EditCustomer { value }),
        1 => Just(Act::DeleteCustomer),
        1 => (1_u32..50).prop_map(|count| Act::Seats { count }),
        3 => Just(Act::Poll),
    ];
    prop::collection::vec((0..30 * DAY_MS, act), 0..24)
}

fn lives() -> impl Strategy<Value = World> {
    let starts = prop::sample::select(vec![Start::OneTime, Start::Subscription, Start::Trial, Start::Free]);
    (starts, acts()).prop_map(|(start, acts)| {
        let mut world = World::begin(start);
        for (pause_ms, act) in &acts {
            world.act(*pause_ms, act);
        }
        world
    })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sent = self.sent.iter().map(|facts| (facts[0].head().event.as_str(), &facts[0].head().object_id));
        f.debug_list().entries(sent).entries(&self.refunds).entries(&self.disputes).finish()
    }
}

/// A SplitMix64 step: which deliveries are repeated, lost and first.
fn dice(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn shuffle<T>(all: &mut [T], seed: &mut u64) {
    for at in (1..all.len()).rev() {
        all.swap(at, (dice(seed) % (at as u64 + 1)) as usize);
    }
}

/// What stands of an order's refunds and disputes: net and tax.
fn given_back(order: &OrderState) -> (i64, i64) {
    let stands = order.refunds.iter().filter(|entry| entry.reversed_at_ms.is_none());
    stands.fold((0, 0), |(net, tax), entry| (net + entry.amount_minor, tax + entry.tax_minor))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_repeats_nor_polls_between_change_anything(world in lives(), seed in any::<u64>()) {
        let told: Vec<&Fact> = world.sent.iter().flatten().chain(&world.dispute_versions).collect();
        let reference = fold(told.iter().copied());
        let mut seed = seed;
        let mut facts = told;
        facts.extend(world.polled.iter().flatten());
        let last = world.poll();
        facts.extend(&last);
        let repeats: Vec<&Fact> = facts.iter().copied().filter(|_| dice(&mut seed).is_multiple_of(3)).collect();
        facts.extend(repeats);
        shuffle(&mut facts, &mut seed);
        prop_assert_eq!(fold(facts), reference);
    }

    #[test]
    fn with_webhooks_lost_a_last_poll_gives_the_providers_own_money(
        world in lives(), seed in any::<u64>(), lost_percent in 0_u64..=100,
    ) {
        let mut seed = seed;
        let mut kept: Vec<&Fact> =
            world.sent.iter().filter(|_| dice(&mut seed) % 100 >= lost_percent).flatten().collect();
        kept.extend(world.polled.iter().filter(|_| dice(&mut seed).is_multiple_of(2)).flatten());
        let last = world.poll();
        kept.extend(&last);
        shuffle(&mut kept, &mut seed);
        let told = fold(kept.iter().copied());
        prop_assert_eq!(&told.customer, &Some(world.customer.state.clone()));
        prop_assert_eq!(&told.subscription, &world.subscription.as_ref().map(|it| it.state.clone()));
        prop_assert_eq!(told.orders.len(), world.orders.len());
        for truth in &world.orders {
            let order = &told.orders[&truth.head.object_id];
            prop_assert_eq!((order.status, order.amounts), (truth.status, truth.amounts));
            prop_assert_eq!(&order.fee_currency, &truth.fee_currency);
            let booked = order.booking.map(|booking| (booking.net_minor, booking.tax_minor));
            prop_assert_eq!(booked, truth.paid.then_some((truth.amounts.net_minor, truth.amounts.tax_minor)));
            let paid = world.payments.iter().find(|it| it.order_id == truth.head.object_id);
            prop_assert_eq!(order.booking.map(|booking| booking.at_ms), paid.map(|it| it.paid_at_ms));
            let lost = world.disputes.iter().find(|it| {
                it.order_id == truth.head.object_id && it.status == DisputeStatus::Lost
            });
            let left = truth.amounts.net_minor - truth.amounts.refunded_minor;
            let left_tax = truth.amounts.tax_minor - truth.amounts.refunded_tax_minor;
            let disputed = lost.map_or(0, |it| it.amount_minor.min(left));
            let disputed_tax = if disputed == 0 { 0 } else { lost.map_or(0, |it| it.tax_minor.min(left_tax)) };
            let want =
                (truth.amounts.refunded_minor + disputed, truth.amounts.refunded_tax_minor + disputed_tax);
            prop_assert_eq!(given_back(order), want);
        }
    }
}

#[test]
fn the_lives_that_are_tried_hold_every_situation() {
    let mut world = World::begin(Start::Trial);
    let day = |act| (DAY_MS, act);
    let acts = [
        day(Act::Renew { is_paid: true }),
        day(Act::Fee { order: 1 }),
        day(Act::Upgrade { net_minor: 700 }),
        day(Act::Downgrade),
        day(Act::Pause),
        day(Act::Resume),
        day(Act::Renew { is_paid: false }),
        day(Act::Recover),
        day(Act::Refund { order: 1, percent: 33, is_instant: false }),
        day(Act::RefundSucceeds { refund: 0 }),
        day(Act::RefundFails { refund: 0 }),
        day(Act::CancelAtPeriodEnd),
        day(Act::Uncancel),
        day(Act::Dispute { order: 1, percent: 100 }),
        day(Act::DisputeEnds { dispute: 0, status: DisputeStatus::Lost }),
    ];
    for (pause_ms, act) in acts {
        world.act(pause_ms, &act);
    }
    let told = fold(world.sent.iter().flatten().chain(&world.dispute_versions));
    let kinds: Vec<OrderKind> = told.orders.values().map(|order| order.kind).collect();
    use OrderKind::{Renewal, Trial, Upgrade};
    assert_eq!(kinds, [Trial, Renewal, Upgrade, Upgrade, Renewal, Renewal]);
    let charged_back = &told.orders["ord1"];
    assert_eq!(given_back(charged_back), (1_900, 380));
    assert_eq!(charged_back.refunds.len(), 2, "the refund that did not last, and the dispute");
    assert!(charged_back.refunds.iter().any(|entry| entry.reason.as_deref() == Some(DISPUTE_REASON)));
    assert_eq!(told.subscription.map(|it| it.status), Some(SubscriptionStatus::Canceled));
}
