//! The ledger under histories nobody would write down: random clicks, coupons, payments, renewals, refunds, disputes,
//! changed terms with rules and tiers, groups, shared commissions, flags and decisions, payouts by file and by PayPal, told
//! in any order.

mod doubts;
mod paying;
mod supposed;
mod told;
mod world;

use domain::affiliate::ledger::{Balance, State, state};
use domain::affiliate::{PartnerTouch, Recurring, Sale, Wins};
use domain::money::Currency;
use proptest::prelude::*;

use told::{NewTerms, Told, new_terms, told};
use world::{DAY_MS, PARTNERS, World};

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_ledger_adds_up_and_nobody_is_paid_more_than_earned(
        history in prop::collection::vec(told(), 1..60),
    ) {
        let mut world = World::new();
        for told in &history {
            world.learns(told);
            world.books();
            prop_assert_eq!(world.books(), 0, "a second run adds nothing after {:?}", told);
            world.holds();
        }
        for commission in &world.ledger {
            let (net, tax) = world.left(commission.order);
            if net == 0 && tax == 0 {
                let balance = Balance::of(&commission.entries);
                prop_assert_eq!(balance.earned(), 0, "a full refund leaves nothing: {:?}", commission);
                if (balance.paid, balance.processing) == (0, 0) {
                    let is_nothing = matches!(state(&commission.entries), State::Reversed | State::Void);
                    prop_assert!(is_nothing, "{:?}", commission);
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_things_become_known_changes_no_sum(
        first in new_terms(),
        of_group in new_terms(),
        history in prop::collection::vec(told(), 1..40),
        seed in any::<u64>(),
    ) {
        // Without payouts and the clock, which are no facts; and what people decide is decided before.
        let is_fact = |told: &Told| {
            matches!(told, Told::Click { .. } | Told::Payment { .. } | Told::Refund { .. })
        };
        let facts: Vec<Told> = history.into_iter().filter(is_fact).collect();
        let begun = || {
            let mut world = World::with(&first);
            world.learns(&Told::GroupTerms(of_group.clone()));
            world.learns(&Told::Joins { partner: 1, gold: true });
            world.now_ms = 400 * DAY_MS;
            world
        };
        let mut world = begun();
        facts.iter().for_each(|told| world.learns(told));
        world.books();

        // The same families, told one touch or payment at a time in another order.
        let mut pieces: Vec<(usize, Option<PartnerTouch>, Option<Sale>)> = Vec::new();
        for (at, family) in world.families.iter().enumerate() {
            pieces.extend(family.touches.iter().map(|touch| (at, Some(touch.clone()), None)));
            pieces.extend(family.sales.iter().map(|sale| (at, None, Some(sale.clone()))));
        }
        let mut random = seed;
        for at in (1..pieces.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            pieces.swap(at, (random >> 33) as usize % (at + 1));
        }
        let mut late = begun();
        for (at, touch, sale) in pieces {
            late.families[at].touches.extend(touch);
            late.families[at].sales.extend(sale);
            late.books();
            late.holds();
        }
        let earned = |world: &World| {
            let sums = PARTNERS.map(|partner| {
                World::CURRENCIES.map(|code| {
                    let currency: Currency = code.parse().unwrap();
                    world.of(&format!("prt_{partner}"), currency).map(Balance::earned).sum::<i64>()
                })
            });
            sums.to_vec()
        };
        prop_assert_eq!(earned(&world), earned(&late));
    }

    #[test]
    fn parts_add_up_to_the_whole_at_every_moment(
        clicks in prop::collection::vec(0_usize..3, 1..6),
        net in 1_i64..20_000,
        points in 1_u32..=10_000,
        percents in prop::collection::vec(1_i64..=100, 0..4),
    ) {
        let terms = |wins| NewTerms { points, wins, ..NewTerms::plain() };
        let mut earned = [Wins::Split, Wins::Last].map(|wins| {
            let mut world = World::with(&terms(wins));
            world.now_ms = 200 * DAY_MS;
            for (day, partner) in (100..).zip(&clicks) {
                world.learns(&Told::Click { family: 0, partner: *partner, day });
            }
            world.learns(&Told::payment(0, 150, net));
            let mut sums = Vec::new();
            let all = |world: &World| -> i64 {
                world.ledger.iter().map(|commission| Balance::of(&commission.entries).earned()).sum()
            };
            world.books();
            sums.push(all(&world));
            for percent in &percents {
                world.learns(&Told::Refund {
                    family: 0, payment: 0, percent: *percent, days_later: 1, lasts: true, dispute: false,
                });
                world.books();
                sums.push(all(&world));
            }
            sums
        });
        let shared = std::mem::take(&mut earned[0]);
        prop_assert_eq!(&shared, &earned[1], "shared or not, it costs the same");
    }
}

#[test]
fn terms_changed_in_mid_month_leave_what_was_earned_before_as_it_was() {
    let mut world = World::new();
    world.learns(&Told::Click { family: 0, partner: 0, day: 100 });
    world.now_ms = 160 * DAY_MS;
    world.learns(&Told::payment(0, 150, 10_000));
    world.books();
    world.learns(&Told::Terms(NewTerms { points: 1000, ..NewTerms::plain() }));
    world.learns(&Told::payment(0, 170, 10_000));
    world.learns(&Told::Refund {
        family: 0,
        payment: 0,
        percent: 50,
        days_later: 1,
        lasts: true,
        dispute: false,
    });
    world.books();
    let earned: Vec<(u32, i64)> = world
        .ledger
        .iter()
        .map(|commission| (commission.terms_version, Balance::of(&commission.entries).earned()))
        .collect();
    assert_eq!(earned, [(1, 15_00), (2, 10_00)]);
}

#[test]
fn who_was_paid_out_keeps_the_part_and_nobody_is_added() {
    let mut world =
        World::with(&NewTerms { wins: Wins::Split, recurring: Recurring::Once, ..NewTerms::plain() });
    world.now_ms = 200 * DAY_MS;
    world.learns(&Told::Click { family: 0, partner: 0, day: 100 });
    world.learns(&Told::Click { family: 0, partner: 1, day: 101 });
    world.learns(&Told::payment(0, 150, 10_003));
    world.books();
    let parts = |world: &World| -> Vec<(String, u32, i64)> {
        let part = |commission: &domain::affiliate::Commission| {
            let earned = Balance::of(&commission.entries).earned();
            (commission.referral.partner.clone(), commission.referral.share.of, earned)
        };
        world.ledger.iter().map(part).collect()
    };
    let two = [("prt_bob".to_owned(), 2, 15_01), ("prt_ann".to_owned(), 2, 15_00)];
    assert_eq!(parts(&world), two);
    // Not paid yet: a third who is learned of has a part, and gives it up again to nobody.
    let mut early = world.clone();
    early.learns(&Told::Click { family: 0, partner: 2, day: 102 });
    early.books();
    assert_eq!(
        parts(&early).iter().map(|(_, of, earned)| (*of, *earned)).collect::<Vec<_>>(),
        [(3, 10_00), (3, 10_00), (3, 10_01)]
    );
    // Paid: everybody keeps what they have.
    world.learns(&Told::Payout { sent: true });
    world.learns(&Told::Click { family: 0, partner: 2, day: 102 });
    assert_eq!(world.books(), 0);
    assert_eq!(parts(&world), two);
}
