//! The published vectors of exact attribution: allocation, order parts, refunds, weights of every model.

use std::collections::HashSet;

use domain::attribution::{
    Booked, Credit, Earner, Entry, MODELS, Refund, Scratch, Touch, credits, explain, model_index, w_shaped,
};
use domain::journey::Window;
use domain::money::allocate;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("golden/attribution-vectors.json")).unwrap()
}

fn numbers<T: TryFrom<i64>>(list: &Value) -> Vec<T> {
    let list = list.as_array().unwrap().iter();
    list.map(|n| T::try_from(n.as_i64().unwrap()).ok().expect("the number fits")).collect()
}

/// The vectors' name of a weighting, as the position of the model that has it.
fn model_of(name: &str) -> Option<usize> {
    let ours = match name {
        "last" => "last_touch",
        "first" => "first_touch",
        "u_shaped" => "position_based",
        "time_decay_7d" => "time_decay",
        "w_shaped" => return None,
        other => other,
    };
    Some(model_index(ours).expect("the model is in the list"))
}

const ANCHOR_MS: i64 = 1_790_000_000_000;

fn touches(ages_seconds: &[i64]) -> Vec<Touch> {
    let touches = ages_seconds.iter().enumerate();
    let touch = |(at, age)| Touch { at_ms: ANCHOR_MS - age * 1000, id: at as u128, facet: 0, direct: false };
    touches.map(touch).collect()
}

fn entry(rows: &[Credit], wanted: Entry, model: usize, touches: usize) -> Vec<i64> {
    let mut amounts = vec![0; touches];
    for row in rows.iter().filter(|row| row.entry == wanted) {
        let Earner::Touch(at) = row.earner else { panic!("every vector has touches") };
        amounts[at as usize] += row.amounts[model];
    }
    amounts
}

#[test]
fn weights_credits_and_order_parts_are_the_published_ones() {
    let cases = vectors()["allocation_cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 16);
    for case in &cases {
        let name = format!("{} under {}", case["name"], case["model"]);
        let ages: Vec<i64> = numbers(&case["touch_age_seconds_oldest_first"]);
        let expected_weights: Vec<u64> = numbers(&case["weights"]);
        let expected: Vec<i64> = numbers(&case["credit_minor"]);
        let expected_parts: Vec<i64> = numbers(&case["order_credit_ppm"]);
        let amount = case["amount_minor"].as_i64().unwrap();
        let model = model_of(case["model"].as_str().unwrap());

        let mut weights = Vec::new();
        match model {
            Some(at) => MODELS[at].weigh(&ages, &mut weights),
            None => w_shaped(ages.len(), case["lead_index"].as_u64().unwrap() as usize, &mut weights),
        }
        assert_eq!(weights, expected_weights, "{name}");

        let mut parts = Vec::new();
        allocate(amount, &weights, &mut parts);
        assert_eq!(parts, expected, "{name}");
        allocate(1_000_000, &weights, &mut parts);
        assert_eq!(parts, expected_parts, "{name}");

        let Some(model) = model else { continue };
        let booked = Booked { amount_minor: amount, refunds: Vec::new() };
        let mut rows = Vec::new();
        credits(&touches(&ages), ANCHOR_MS, true, &booked, &mut Scratch::default(), &mut rows);
        assert_eq!(entry(&rows, Entry::Order, model, ages.len()), expected, "{name}");
        let mut order_parts = vec![0; ages.len()];
        for row in &rows {
            let Earner::Touch(at) = row.earner else { panic!("{name}") };
            order_parts[at as usize] = i64::from(row.parts[model]);
        }
        assert_eq!(order_parts, expected_parts, "{name}");
    }
}

#[test]
fn refunds_and_what_remains_are_the_published_ones() {
    let cases = vectors()["refund_cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let ages: Vec<i64> = numbers(&case["touch_age_seconds_oldest_first"]);
        let model = model_of(case["model"].as_str().unwrap()).unwrap();
        let told = case["refunds"].as_array().unwrap();
        let refunds = told.iter().enumerate().map(|(at, refund)| Refund {
            id: at as u128,
            at_ms: ANCHOR_MS + at as i64,
            amount_minor: refund["refund_minor"].as_i64().unwrap(),
            reversed_at_ms: None,
        });
        let booked =
            Booked { amount_minor: case["amount_minor"].as_i64().unwrap(), refunds: refunds.collect() };
        let mut rows = Vec::new();
        let outcome = credits(&touches(&ages), ANCHOR_MS, true, &booked, &mut Scratch::default(), &mut rows);
        assert_eq!(outcome.refund_excess_minor, 0);
        let mut remaining: Vec<i64> = numbers(&case["original_credit"]);
        assert_eq!(entry(&rows, Entry::Order, model, ages.len()), remaining, "{}", case["name"]);
        for (at, refund) in told.iter().enumerate() {
            let found = entry(&rows, Entry::Refund(at as u128), model, ages.len());
            assert_eq!(found, numbers::<i64>(&refund["entries"]), "{} refund {at}", case["name"]);
            remaining.iter_mut().zip(found).for_each(|(rest, taken)| *rest += taken);
        }
        assert_eq!(remaining, numbers::<i64>(&case["remaining_credit"]), "{}", case["name"]);
    }
}

/// 96.00 over four touches under time decay, as a merchant reads it.
#[test]
fn an_explanation_tells_every_step_of_a_published_case() {
    let touches = touches(&[2_592_000, 1_209_600, 518_400, 3600]);
    let booked = Booked { amount_minor: 9600, refunds: Vec::new() };
    let told = explain(touches, &HashSet::new(), ANCHOR_MS, Window::Days(90), true, &booked);
    let model = &told.models[model_index("time_decay").unwrap()];
    let shares = &model.entries[0].shares;
    let floors: Vec<u64> = shares.iter().map(|share| share.floor_minor).collect();
    let leftovers: Vec<u64> = shares.iter().map(|share| share.leftover_minor).collect();
    let credit: Vec<i64> = shares.iter().map(|share| share.credit_minor).collect();
    assert_eq!(floors, [266, 1297, 2866, 5169]);
    assert_eq!(leftovers, [0, 1, 1, 0]);
    assert_eq!(credit, [266, 1298, 2867, 5169]);
    assert_eq!(model.verdicts[3].weight, Some(4_277_559_050));
    assert_eq!(model.verdicts[3].parts, 538_481);
}
