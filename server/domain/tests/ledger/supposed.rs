//! The simulator beside the ledger: under the standing terms both say the same, and under others it says what a ledger
//! kept under them would say.

use std::collections::{BTreeMap, HashMap};

use domain::affiliate::Commission;
use domain::affiliate::flag::Decision;
use domain::affiliate::ledger::Balance;
use domain::affiliate::simulate::{Simulation, Supposition, simulate, suppose};
use domain::ids::OrderId;
use domain::money::Currency;
use proptest::prelude::*;

use crate::told::{NewTerms, Told, new_terms, told};
use crate::world::{DAY_MS, World};

const ALL: std::ops::Range<i64> = 0..i64::MAX;

fn standing(world: &World) -> HashMap<OrderId, Vec<Commission>> {
    let mut standing: HashMap<OrderId, Vec<Commission>> = HashMap::new();
    for commission in &world.ledger {
        standing.entry(commission.order).or_default().push(commission.clone());
    }
    standing
}

fn supposes(world: &World, new: &NewTerms) -> Simulation {
    let program = world.roster.programs[0].id.clone();
    let supposition = Supposition { program: program.clone(), group: None, terms: new.terms() };
    let other = suppose(&world.roster, &ALL, &supposition);
    simulate(&program, &world.families, &world.roster, &other, &standing(world), &world.verdicts(), &ALL)
}

/// What is left by the ledger, of whom anything is.
fn earned(world: &World) -> BTreeMap<(String, Currency), i64> {
    let mut sums = BTreeMap::new();
    for commission in &world.ledger {
        let key = (commission.referral.partner.clone(), commission.currency);
        *sums.entry(key).or_default() += Balance::of(&commission.entries).earned();
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

fn is_fact(told: &Told) -> bool {
    matches!(told, Told::Click { .. } | Told::Payment { .. } | Told::Refund { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_standing_terms_change_nothing_and_agree_with_the_ledger(
        history in prop::collection::vec(told(), 1..50),
    ) {
        let mut world = World::new();
        for told in &history {
            world.learns(told);
            world.books();
        }
        let program = &world.roster.programs[0].id;
        let found = simulate(program, &world.families, &world.roster, &world.roster, &standing(&world), &world.verdicts(), &ALL);
        prop_assert_eq!(found.unbooked, 0);
        let mut now = BTreeMap::new();
        for (key, compared) in &found.partners {
            prop_assert_eq!((compared.difference_minor(), compared.changed), (0, 0), "{:?}", key);
            now.insert(key.clone(), compared.now_minor);
        }
        prop_assert_eq!(now, earned(&world));
    }

    #[test]
    fn other_terms_earn_what_a_ledger_kept_under_them_says(
        first in new_terms(),
        other in new_terms(),
        history in prop::collection::vec(told(), 1..40),
    ) {
        let ledger = |terms: &NewTerms| {
            let mut world = World::with(terms);
            world.now_ms = 400 * DAY_MS;
            history.iter().filter(|told| is_fact(told)).for_each(|told| world.learns(told));
            world.books();
            world
        };
        let found = supposes(&ledger(&first), &other);
        let then = found.partners.iter().map(|(key, compared)| (key.clone(), compared.then_minor));
        let then: BTreeMap<_, _> = then.filter(|(_, minor)| *minor != 0).collect();
        prop_assert_eq!(then, earned(&ledger(&other)));
        let total: i64 = found.totals.values().map(|compared| compared.difference_minor()).sum();
        let parts: i64 = found.partners.values().map(|compared| compared.difference_minor()).sum();
        prop_assert_eq!(total, parts);
    }
}

#[test]
fn other_terms_count_from_the_beginning_of_the_range_on() {
    let mut world = World::with(&NewTerms { points: 3000, ..NewTerms::plain() });
    world.now_ms = 400 * DAY_MS;
    world.learns(&Told::Click { family: 0, partner: 0, day: 100 });
    world.learns(&Told::payment(0, 150, 10_000));
    world.learns(&Told::payment(0, 180, 10_000));
    world.learns(&Told::payment(0, 210, 10_000));
    world.books();
    let terms = NewTerms { points: 2000, ..NewTerms::plain() }.terms();
    let range = 170 * DAY_MS..200 * DAY_MS;
    let program = world.roster.programs[0].id.clone();
    let other = suppose(&world.roster, &range, &Supposition { program: program.clone(), group: None, terms });
    let found = simulate(
        &program,
        &world.families,
        &world.roster,
        &other,
        &standing(&world),
        &world.verdicts(),
        &range,
    );
    let compared: Vec<_> = found.partners.values().collect();
    assert_eq!(compared.len(), 1);
    assert_eq!((compared[0].now_minor, compared[0].then_minor), (3000, 2000));
    assert_eq!((compared[0].orders, compared[0].changed), (1, 1));
}

#[test]
fn what_was_rejected_earns_nothing_under_other_terms_either() {
    let mut world = World::with(&NewTerms { points: 3000, ..NewTerms::plain() });
    world.now_ms = 400 * DAY_MS;
    world.learns(&Told::Click { family: 0, partner: 0, day: 100 });
    world.learns(&Told::payment(0, 150, 10_000));
    world.books();
    let more = NewTerms { points: 5000, ..NewTerms::plain() };
    let then = |world: &World| {
        let found = supposes(world, &more);
        let then: i64 = found.partners.values().map(|compared| compared.then_minor).sum();
        (then, found.unbooked)
    };
    assert_eq!(then(&world), (50_00, 0));
    world.learns(&Told::Doubt { commission: 0 });
    assert_eq!(then(&world), (50_00, 0), "an open flag decides nothing");
    world.learns(&Told::Decides { doubt: 0, decision: Decision::Rejected });
    assert_eq!(then(&world), (0, 0));
    world.learns(&Told::Decides { doubt: 0, decision: Decision::Cleared });
    assert_eq!(then(&world), (50_00, 0));
}
