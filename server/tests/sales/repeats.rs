//! Any order, any number of times, partly or in full: the same orders and credits.

use tributary::jobs::{attribute, settle};

use super::support::*;

#[tokio::test]
async fn a_lifecycle_in_any_order_gives_the_same_orders_and_credits() {
    let mut states: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (run, rotate) in [0_usize, 3, 5, 7].into_iter().enumerate() {
        let shop = Shop::open(&format!("any_order_{run}")).await;
        shop.touch(1, T0 - 10 * DAY_MS, 100).await;
        shop.touch(2, T0 - 5 * DAY_MS, 200).await;
        let first = shop.order("o1", 10_01).checkout("chk_1").subscription("sub_1", "subscription_create");
        let renewal =
            shop.order("o2", 10_01).subscription("sub_1", "subscription_cycle").at(T0 + 30 * DAY_MS);
        let mut events = [
            shop.checkout("chk_1", 1, T0 - 60_000),
            first.created(),
            first.paid(),
            renewal.created(),
            renewal.paid(),
            shop.refund("r1", "o1", 1_00, "pending"),
            shop.refund("r1", "o1", 1_00, "succeeded"),
            shop.order("o3", 2_00).customer("cus_2").at(T0 + DAY_MS).paid(),
        ];
        let ids: Vec<String> = (0..events.len()).map(|at| format!("evt_{at}")).collect();
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.rotate_left(rotate);
        if run % 2 == 1 {
            order.reverse();
        }
        for at in order {
            shop.send(&ids[at], &std::mem::take(&mut events[at])).await;
            // Settled after every event in some runs, at the end in others.
            if run < 2 {
                settle(&shop.app).await.unwrap();
            }
        }
        settle(&shop.app).await.unwrap();
        shop.add_up().await;
        let orders = "SELECT toString((provider_order_id, toString(status), kind, net, refunds, root_order_id, visitor_id, \
                      match_method, match_field, visitors, state_hash)) FROM orders FINAL ORDER BY provider_order_id";
        let state = (shop.texts(orders).await, shop.credits().await);
        assert!(!state.1.is_empty());
        states.push(state);
    }
    for state in &states[1..] {
        assert_eq!(state, &states[0]);
    }
}

#[tokio::test]
async fn a_full_run_writes_what_the_partial_ones_wrote() {
    let shop = Shop::open("full_run").await;
    let mut dice = 88_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for step in 0..40_u64 {
        let visitor = u128::from(roll(6) + 1);
        let at_ms = T0 - (roll(100) as i64) * DAY_MS + step as i64;
        shop.touch(visitor, at_ms, 100 + roll(5)).await;
        if step % 4 == 0 {
            let customer = format!("cus_{}", roll(5));
            let mut order = shop.order(&format!("o{step}"), 100 + roll(5000) as i64).customer(&customer);
            order = order.email(&format!("{customer}@example.com")).at(T0 - (roll(40) as i64) * DAY_MS);
            if roll(3) > 0 {
                order = order.visitor(visitor);
            }
            shop.send(&format!("evt_o{step}"), &order.paid()).await;
        }
        if step % 7 == 0 && step > 0 {
            let of = step / 4 * 4 - if step % 4 == 0 { 4 } else { 0 };
            shop.send(
                &format!("evt_r{step}"),
                &shop.refund(&format!("r{step}"), &format!("o{of}"), 50, "succeeded"),
            )
            .await;
        }
        if step % 9 == 0 {
            shop.identify(visitor, &format!("cus_{}@example.com", roll(5)), at_ms).await;
        }
        if step % 3 == 0 {
            settle(&shop.app).await.unwrap();
        }
    }
    settle(&shop.app).await.unwrap();
    shop.add_up().await;
    let partial = shop.credits().await;
    let posted = attribute::attribute_all(&shop.app).await.unwrap();
    let full = shop.credits().await;
    assert_eq!(posted.credits, full.len() as u64);
    assert_eq!(partial, full);
    shop.add_up().await;
}

#[tokio::test]
async fn settling_twice_writes_nothing_the_second_time() {
    let shop = Shop::open("twice").await;
    shop.touch(1, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    settle(&shop.app).await.unwrap();
    let count =
        "SELECT (SELECT count() FROM credits), (SELECT count() FROM orders), (SELECT count() FROM bindings)";
    let before = shop.numbers(count).await;
    // The same object again under another event id: news, but nothing new.
    shop.send("evt_2", &shop.order("o1", 10_00).visitor(1).paid()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.numbers(count).await, before);
}

#[tokio::test]
async fn an_order_that_is_not_paid_earns_nothing() {
    let shop = Shop::open("pending").await;
    shop.send("evt_1", &shop.order("o1", 10_00).created()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.numbers("SELECT count(), countIf(booked) FROM orders FINAL").await, [1, 0]);
    assert_eq!(shop.numbers("SELECT count() FROM credits").await, [0]);
}
