//! Rules of credits that hold for every order: sums, refunds, fall-backs, filters, and that an explanation says
//! what the credits are.

use std::collections::HashSet;
use std::num::NonZero;

use domain::attribution::{
    Booked, Credit, Earner, Entry, Filter, MODEL_COUNT, MODELS, Outcome, Refund, Scratch, Touch, credits,
    explain, model_index,
};
use domain::journey::{Standing, Window};
use domain::money::{allocate, shares};
use proptest::prelude::*;

const ANCHOR_MS: i64 = 1_790_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn run(touches: &[Touch], known: bool, booked: &Booked) -> (Vec<Credit>, Outcome) {
    let mut rows = Vec::new();
    let outcome = credits(touches, ANCHOR_MS, known, booked, &mut Scratch::default(), &mut rows);
    (rows, outcome)
}

fn touch(days_before: i64, id: u128, direct: bool) -> Touch {
    Touch { at_ms: ANCHOR_MS - days_before * DAY_MS, id, facet: id as u64, direct }
}

fn refund(id: u128, amount_minor: i64) -> Refund {
    Refund { id, at_ms: ANCHOR_MS + id as i64, amount_minor, reversed_at_ms: None }
}

fn sum(rows: &[Credit], entry: Entry, model: usize) -> i64 {
    rows.iter().filter(|row| row.entry == entry).map(|row| row.amounts[model]).sum()
}

fn earned(rows: &[Credit], model: &str) -> Vec<(Earner, i64)> {
    let model = model_index(model).unwrap();
    let rows = rows.iter().filter(|row| row.amounts[model] != 0);
    rows.map(|row| (row.earner, row.amounts[model])).collect()
}

#[test]
fn direct_counts_under_last_touch_only_while_there_is_another_touch() {
    let touches = [touch(3, 1, false), touch(1, 2, true)];
    let (rows, _) = run(&touches, true, &Booked { amount_minor: 500, refunds: vec![] });
    assert_eq!(earned(&rows, "last_touch"), [(Earner::Touch(1), 500)]);
    for model in ["last_non_direct", "first_touch", "linear", "position_based", "time_decay"] {
        assert_eq!(earned(&rows, model), [(Earner::Touch(0), 500)], "{model}");
    }
}

#[test]
fn direct_touches_alone_earn_by_themselves() {
    let touches = [touch(3, 1, true), touch(1, 2, true)];
    let (rows, _) = run(&touches, true, &Booked { amount_minor: 501, refunds: vec![] });
    assert_eq!(earned(&rows, "last_non_direct"), [(Earner::Touch(1), 501)]);
    assert_eq!(earned(&rows, "linear"), [(Earner::Touch(0), 250), (Earner::Touch(1), 251)]);
}

#[test]
fn without_touches_everything_is_direct_or_unattributed() {
    let booked = Booked { amount_minor: 900, refunds: vec![refund(1, 400)] };
    for (known, earner) in [(true, Earner::Direct), (false, Earner::Unattributed)] {
        let (rows, _) = run(&[], known, &booked);
        let expected = [
            Credit {
                entry: Entry::Order,
                earner,
                amounts: [900; MODEL_COUNT],
                parts: [1_000_000; MODEL_COUNT],
            },
            Credit { entry: Entry::Refund(1), earner, amounts: [-400; MODEL_COUNT], parts: [0; MODEL_COUNT] },
        ];
        assert_eq!(rows, expected);
    }
}

#[test]
fn a_trial_counts_as_an_order_without_money() {
    let (rows, _) = run(&[touch(3, 1, false), touch(1, 2, false)], true, &Booked::default());
    assert_eq!(rows.len(), 2);
    for model in 0..MODEL_COUNT {
        assert_eq!(rows.iter().map(|row| row.parts[model]).sum::<i32>(), 1_000_000);
        assert_eq!(sum(&rows, Entry::Order, model), 0);
    }
}

#[test]
fn what_refunds_exceed_the_order_by_is_told_and_not_booked() {
    let booked = Booked { amount_minor: 1000, refunds: vec![refund(2, 900), refund(1, 300)] };
    let (rows, outcome) = run(&[touch(3, 1, false), touch(1, 2, false)], true, &booked);
    assert_eq!(outcome.refund_excess_minor, 200);
    assert_eq!(sum(&rows, Entry::Refund(1), 0), -300, "the earlier refund is booked in full");
    assert_eq!(sum(&rows, Entry::Refund(2), 0), -700);
}

#[test]
fn a_refund_that_failed_returns_to_each_touch_what_it_took() {
    let failed = Refund { reversed_at_ms: Some(ANCHOR_MS + 50), ..refund(1, 333) };
    let booked = Booked { amount_minor: 1001, refunds: vec![failed, refund(60, 1001)] };
    let touches = [touch(3, 1, false), touch(2, 2, false), touch(1, 3, false)];
    let (rows, outcome) = run(&touches, true, &booked);
    assert_eq!(outcome.refund_excess_minor, 0);
    let of = |entry| rows.iter().filter(move |row| row.entry == entry);
    for (taken, returned) in of(Entry::Refund(1)).zip(of(Entry::Reversal(1))) {
        assert_eq!(taken.earner, returned.earner);
        assert_eq!(taken.amounts.map(|amount| -amount), returned.amounts);
    }
    assert_eq!(of(Entry::Refund(1)).count(), of(Entry::Reversal(1)).count());
    for model in 0..MODEL_COUNT {
        assert_eq!(rows.iter().map(|row| row.amounts[model]).sum::<i64>(), 0);
    }
}

#[test]
fn an_explanation_names_why_each_touch_counts_or_not() {
    let outside = touch(91, 1, false);
    let counted = touch(5, 2, false);
    let direct = touch(2, 3, true);
    let later = Touch { at_ms: ANCHOR_MS + 1, ..touch(0, 4, false) };
    let booked = Booked { amount_minor: 700, refunds: vec![refund(9, 100)] };
    let told = explain(
        vec![later, direct, counted, outside, counted],
        &HashSet::new(),
        ANCHOR_MS,
        Window::Days(90),
        true,
        &booked,
    );
    let standings: Vec<Standing> = told.candidates.iter().map(|candidate| candidate.standing).collect();
    use Standing::{AfterAnchor, BeforeWindow, Duplicate, Eligible};
    assert_eq!(standings, [BeforeWindow, Eligible, Duplicate, Eligible, AfterAnchor]);
    let linear = &told.models[model_index("linear").unwrap()];
    assert_eq!(linear.filter, Filter::NoDirect);
    let weights: Vec<_> = linear.verdicts.iter().map(|verdict| (verdict.candidate, verdict.weight)).collect();
    assert_eq!(weights, [(1, Some(1)), (3, None)], "the direct touch was dropped by the model");
    assert_eq!(linear.entries.len(), 2);
    assert_eq!(linear.entries[1].shares[0].credit_minor, -100);
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["candidates"][0]["standing"], "before_window");
    assert_eq!(json["models"][3]["entries"][1]["entry"], "refund");
}

#[test]
fn model_names_are_distinct_and_stay_in_their_stored_order() {
    let names: Vec<&str> = MODELS.iter().map(|model| model.name()).collect();
    assert_eq!(
        names,
        ["last_touch", "last_non_direct", "first_touch", "linear", "position_based", "time_decay"]
    );
}

fn some_touches() -> impl Strategy<Value = Vec<Touch>> {
    let one = (0..120 * DAY_MS, any::<u128>(), any::<bool>());
    prop::collection::vec(one, 0..9).prop_map(|list| {
        let mut touches: Vec<Touch> = list
            .into_iter()
            .map(|(before, id, direct)| Touch { at_ms: ANCHOR_MS - before, id, facet: 0, direct })
            .collect();
        touches.sort_by_key(|touch| (touch.at_ms, touch.id));
        touches
    })
}

/// An order and up to six refunds, some of them reversed, the last possibly too big.
fn some_booked() -> impl Strategy<Value = Booked> {
    let amounts = prop_oneof![0_i64..40, 0_i64..2_000_000, Just(i64::MAX / 4)];
    let refunds = prop::collection::vec((0_i64..1000, 1_i64..60, prop::option::of(0_i64..1500)), 0..7);
    (amounts, refunds).prop_map(|(amount_minor, list)| {
        let refunds = list.iter().enumerate().map(|(at, &(when, percent, reversed))| Refund {
            id: at as u128,
            at_ms: ANCHOR_MS + when,
            amount_minor: (i128::from(amount_minor) * i128::from(percent) / 100) as i64 + 1,
            reversed_at_ms: reversed.map(|at| ANCHOR_MS + at),
        });
        Booked { amount_minor, refunds: refunds.collect() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_add_up_and_stray_less_than_one_unit(
        amount in any::<i64>(),
        weights in prop::collection::vec(prop_oneof![0_u64..4, any::<u64>()], 1..40),
    ) {
        let mut parts = Vec::new();
        allocate(amount, &weights, &mut parts);
        let total: i128 = parts.iter().map(|&part| i128::from(part)).sum();
        prop_assert_eq!(total, i128::from(amount));
        if weights.iter().all(|&weight| weight == 0) {
            prop_assert_eq!(*parts.last().unwrap(), amount);
        } else {
            // Against the definition: floors, remainders, later first among equals.
            let told = shares(amount, &weights);
            for (share, &part) in told.iter().zip(&parts) {
                prop_assert!(share.leftover <= 1);
                prop_assert_eq!(share.part, part);
            }
            let given = told.iter().enumerate().filter(|(_, share)| share.leftover == 1);
            let least = given.map(|(at, share)| (share.remainder, at)).min();
            let denied = told.iter().enumerate().filter(|(_, share)| share.leftover == 0);
            let most = denied.map(|(at, share)| (share.remainder, at)).max();
            if let (Some(least), Some(most)) = (least, most) {
                prop_assert!(least > most, "{:?} was given before {:?}", least, most);
            }
        }
    }

    #[test]
    fn credits_add_up_and_refunds_neither_pay_nor_overdraw(
        touches in some_touches(),
        known in any::<bool>(),
        booked in some_booked(),
    ) {
        let (rows, outcome) = run(&touches, known, &booked);
        let slots = touches.len().max(1);
        for model in 0..MODEL_COUNT {
            prop_assert_eq!(sum(&rows, Entry::Order, model), booked.amount_minor);
            prop_assert_eq!(rows.iter().map(|row| i64::from(row.parts[model])).sum::<i64>(), 1_000_000);
            let mut rest = vec![0_i64; slots];
            for row in &rows {
                let slot = match row.earner { Earner::Touch(at) => at as usize, _ => 0 };
                match row.entry {
                    Entry::Order => prop_assert!(row.amounts[model] >= 0),
                    Entry::Refund(_) => prop_assert!(row.amounts[model] <= 0),
                    Entry::Reversal(_) => prop_assert!(row.amounts[model] >= 0),
                }
                rest[slot] += row.amounts[model];
                prop_assert!(rest[slot] >= 0, "a touch fell below zero");
            }
            let mut told = 0;
            for refund in &booked.refunds {
                let taken = -sum(&rows, Entry::Refund(refund.id), model);
                prop_assert!(taken <= refund.amount_minor);
                told += refund.amount_minor - taken;
                let returned = if refund.reversed_at_ms.is_some() { taken } else { 0 };
                prop_assert_eq!(sum(&rows, Entry::Reversal(refund.id), model), returned);
            }
            prop_assert_eq!(told, outcome.refund_excess_minor);
        }
    }

    #[test]
    fn a_full_refund_in_any_steps_leaves_nothing(
        touches in some_touches(),
        steps in prop::collection::vec(1_i64..5000, 1..7),
    ) {
        let amount_minor = steps.iter().sum();
        let refunds = steps.iter().enumerate().map(|(at, &step)| refund(at as u128, step)).collect();
        let (rows, outcome) = run(&touches, true, &Booked { amount_minor, refunds });
        prop_assert_eq!(outcome.refund_excess_minor, 0);
        for model in 0..MODEL_COUNT {
            for slot in 0..touches.len().max(1) {
                let of_slot = |row: &&Credit| match row.earner {
                    Earner::Touch(at) => at as usize == slot,
                    _ => slot == 0,
                };
                prop_assert_eq!(rows.iter().filter(of_slot).map(|row| row.amounts[model]).sum::<i64>(), 0);
            }
        }
    }

    #[test]
    fn memory_used_again_and_the_order_of_refunds_change_nothing(
        touches in some_touches(),
        first in some_booked(),
        booked in some_booked(),
        seed in any::<usize>(),
    ) {
        let (expected, outcome) = run(&touches, true, &booked);
        let mut shuffled = booked.clone();
        if let Some(len) = NonZero::new(shuffled.refunds.len()) {
            shuffled.refunds.rotate_left(seed % len);
        }
        shuffled.refunds.reverse();
        let mut scratch = Scratch::default();
        let mut rows = Vec::new();
        credits(&touches, ANCHOR_MS, true, &first, &mut scratch, &mut rows);
        rows.clear();
        let again = credits(&touches, ANCHOR_MS, true, &shuffled, &mut scratch, &mut rows);
        prop_assert_eq!(again, outcome);
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn an_explanation_says_what_the_credits_are(
        touches in some_touches(),
        known in any::<bool>(),
        booked in some_booked(),
    ) {
        let told = explain(touches.clone(), &HashSet::new(), ANCHOR_MS, Window::Lifetime, known, &booked);
        let (rows, _) = run(&touches, known, &booked);
        for (at, model) in told.models.iter().enumerate() {
            let mut lines = Vec::new();
            for entry in &model.entries {
                let total: i64 = entry.shares.iter().map(|share| share.credit_minor).sum();
                prop_assert_eq!(total, entry.amount_minor);
                for share in entry.shares.iter().filter(|share| share.credit_minor != 0) {
                    lines.push((entry.entry, share.candidate, share.credit_minor));
                }
            }
            let stored = rows.iter().filter(|row| row.amounts[at] != 0).map(|row| {
                let entry = match row.entry {
                    Entry::Order => "order",
                    Entry::Refund(_) => "refund",
                    Entry::Reversal(_) => "reversal",
                };
                let candidate = match row.earner { Earner::Touch(at) => Some(at as usize), _ => None };
                (entry, candidate, row.amounts[at])
            });
            prop_assert_eq!(lines, stored.collect::<Vec<_>>());
        }
    }
}
