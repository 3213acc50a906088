//! Credits kept up step by step are what computing everything anew gives.

use std::sync::Arc;

use support::{Dice, Order, Shop, TestApp, days, hours, millis, minutes, usd};

const LANDINGS: [(&str, &str); 6] = [
    ("", "/?utm_source=newsletter&utm_medium=email"),
    ("https://www.google.com/", "/pricing"),
    ("", "/?utm_source=google&utm_medium=cpc&gclid=abc"),
    ("https://www.reddit.com/r/rust/", "/"),
    ("", "/"),
    ("https://chatgpt.com/", "/docs"),
];

/// A merchant's month as the dice fall: visits, purchases by every way, renewals, refunds, webhooks in disorder.
async fn lives_through_a_month(shop: &Shop, dice: &mut Dice) {
    let people: Vec<_> = (0..4).map(|_| shop.visitor()).collect();
    let mut orders: Vec<(Order, bool)> = Vec::new();
    for person in &people {
        person.visit("/").await;
    }
    for _ in 0..12 {
        shop.after(*dice.pick(&[millis(1), minutes(7), hours(5), days(1), days(6), days(31)]));
        let person = dice.pick(&people);
        let price = usd(dice.between(1, 20_000));
        if dice.below(3) == 0 {
            shop.holds_webhooks();
        }
        match dice.below(10) {
            0..4 => {
                let (referrer, path) = dice.pick(&LANDINGS);
                person.arrives_from(referrer, path).await;
            }
            4 => person.identifies(person.email()).await,
            5 => orders.push((person.buys(price).await, false)),
            6 => orders.push((person.subscribes(price).await, true)),
            7 => orders.push((person.checkout(price).pays().await, false)),
            8 => {
                if let Some((order, _)) = orders.iter().rev().find(|(_, recurs)| *recurs) {
                    order.renews().await;
                }
            }
            _ => {
                if let Some((order, _)) = orders.pop() {
                    order.refunds(usd(1)).await;
                }
            }
        }
        if dice.below(3) == 0 {
            let mut events = shop.held();
            dice.shuffle(&mut events);
            shop.deliver(&events).await;
            shop.settle().await;
        }
    }
    shop.deliver(&shop.held()).await;
}

async fn histories(seeds: std::ops::Range<u64>) {
    let app = Arc::new(TestApp::start().await);
    let mut shops = Vec::new();
    for seed in seeds {
        let shop = Shop::open_on(app.clone(), &format!("ws_{seed}")).await;
        lives_through_a_month(&shop, &mut Dice::of(seed)).await;
        shops.push((shop.credits_table().await, shop));
    }
    assert!(shops.iter().any(|(credits, _)| credits.len() > 5), "histories have sales");
    app.credits_everything_anew().await;
    for (step_by_step, shop) in &shops {
        assert_eq!(&shop.credits_table().await, step_by_step, "{}", shop.workspace());
        shop.sums_are_exact().await;
    }
}

#[tokio::test]
async fn step_by_step_equals_anew_for_histories_0_to_9() {
    histories(0..10).await;
}

#[tokio::test]
async fn step_by_step_equals_anew_for_histories_10_to_19() {
    histories(10..20).await;
}

#[tokio::test]
async fn step_by_step_equals_anew_for_histories_20_to_29() {
    histories(20..30).await;
}
