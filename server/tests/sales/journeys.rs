//! Whose visits an order is joined to: by time, by address, late, told twice, inherited by renewals.

use tributary::jobs::{attribute, settle};

use super::support::*;

#[tokio::test]
async fn touches_before_the_checkout_earn_and_those_after_do_not() {
    let shop = Shop::open("journey").await;
    shop.touch(1, T0 - 10 * DAY_MS, 100).await;
    shop.touch(1, T0 - DAY_MS, 200).await;
    shop.touch(1, T0 + 1, 300).await;
    shop.touch(1, T0 - 91 * DAY_MS, 400).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("linear").await, [(100, 500), (200, 500)]);
    assert_eq!(shop.by_facet("last_non_direct").await, [(200, 1000)]);
    shop.add_up().await;
}

#[tokio::test]
async fn a_purchase_known_by_its_address_alone_finds_the_visitor_of_an_earlier_one() {
    let shop = Shop::open("by_email").await;
    shop.touch(1, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    settle(&shop.app).await.unwrap();
    let later = shop.order("o2", 5_00).customer("cus_other").at(T0 + DAY_MS);
    shop.send("evt_2", &later.paid()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("last_touch").await, [(100, 1500)]);
    let methods = shop.texts("SELECT match_method FROM orders FINAL ORDER BY provider_order_id").await;
    assert_eq!(methods, ["order_metadata", "email"]);
    shop.add_up().await;
}

#[tokio::test]
async fn an_address_bound_late_re_attributes_exactly_the_orders_it_concerns() {
    let shop = Shop::open("late_identify").await;
    shop.touch(7, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).paid()).await;
    shop.send("evt_2", &shop.order("o2", 3_00).customer("cus_2").email("bob@example.com").paid()).await;
    settle(&shop.app).await.unwrap();
    let unattributed = shop.by_earner("unattributed").await;
    assert_eq!(unattributed, 1300);
    let before = shop.numbers("SELECT version FROM orders FINAL WHERE provider_order_id = 'o2'").await;
    shop.identify(7, "ada@example.com", T0 - 1000).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_earner("unattributed").await, 300);
    assert_eq!(shop.by_facet("last_touch").await.last(), Some(&(100, 1000)));
    assert_eq!(shop.numbers("SELECT version FROM orders FINAL WHERE provider_order_id = 'o2'").await, before);
    shop.add_up().await;
}

#[tokio::test]
async fn a_visit_that_two_collectors_told_under_two_times_earns_once() {
    let tellings = [(T0 - 3 * DAY_MS, 77), (T0 - 3 * DAY_MS + 4000, 77), (T0 - DAY_MS, 78)];
    let mut told = Vec::new();
    for (name, order) in [("twice_a", [0, 1, 2]), ("twice_b", [1, 2, 0])] {
        let shop = Shop::open(name).await;
        for (step, at) in order.into_iter().enumerate() {
            let (at_ms, hit) = tellings[at];
            shop.touch_of(hit, 1, at_ms, hit as u64).await;
            if step == 1 {
                shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
            }
            settle(&shop.app).await.unwrap();
        }
        assert_eq!(shop.by_facet("linear").await, [(77, 500), (78, 500)]);
        let times = shop.numbers("SELECT toUnixTimestamp64Milli(min(touch_at)) FROM credits FINAL").await;
        assert_eq!(times, [T0 - 3 * DAY_MS], "the earliest telling counts");
        let (_, story) = shop.ask("GET", "/v1/orders/o1/explain", "").await;
        let standings: Vec<_> =
            story["touches"].as_array().unwrap().iter().map(|touch| touch["standing"].clone()).collect();
        assert_eq!(standings, ["eligible", "duplicate", "eligible"]);
        assert_eq!(story["stored_agrees"], true, "{story}");
        shop.add_up().await;
        told.push(shop.credits().await);
        // A full run says the same.
        attribute::attribute_all(&shop.app).await.unwrap();
        told.push(shop.credits().await);
    }
    assert!(told.iter().all(|credits| *credits == told[0]), "{told:#?}");
}

#[tokio::test]
async fn a_late_touch_re_attributes_the_order_of_its_visitor() {
    let shop = Shop::open("late_touch").await;
    shop.touch(1, T0 - 10 * DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("last_touch").await, [(100, 1000)]);
    shop.touch(1, T0 - DAY_MS, 200).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("last_touch").await, [(200, 1000)]);
    assert_eq!(shop.by_facet("first_touch").await, [(100, 1000)]);
    shop.add_up().await;
}

#[tokio::test]
async fn renewals_inherit_and_refunds_take_back_exactly_what_was_given() {
    let shop = Shop::open("renewals").await;
    shop.touch(1, T0 - 10 * DAY_MS, 100).await;
    shop.touch(1, T0 - DAY_MS, 200).await;
    let first = shop.order("o1", 10_01).visitor(1).subscription("sub_1", "subscription_create");
    shop.send("evt_1", &first.paid()).await;
    // A visit between the payments: not part of the inherited journey.
    shop.touch(1, T0 + 20 * DAY_MS, 300).await;
    let renewal = shop.order("o2", 10_01).subscription("sub_1", "subscription_cycle").at(T0 + 30 * DAY_MS);
    shop.send("evt_2", &renewal.paid()).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("linear").await, [(100, 1000), (200, 1002)]);
    let kinds = shop.texts("SELECT toString(kind) FROM orders FINAL ORDER BY provider_order_id").await;
    assert_eq!(kinds, ["new", "renewal"]);

    shop.send("evt_3", &shop.refund("r1", "o2", 4_01, "succeeded")).await;
    settle(&shop.app).await.unwrap();
    shop.add_up().await;
    assert_eq!(shop.by_facet("linear").await.iter().map(|(_, amount)| amount).sum::<i64>(), 2002 - 401);
    shop.send("evt_4", &shop.refund("r2", "o2", 6_00, "succeeded")).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("linear").await, [(100, 500), (200, 501)], "only the first payment is left");
    shop.add_up().await;
}

#[tokio::test]
async fn a_refund_that_fails_in_the_end_gives_back_what_it_took() {
    let shop = Shop::open("reversal").await;
    shop.touch(1, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    shop.send("evt_2", &shop.refund("r1", "o1", 4_00, "succeeded")).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("last_touch").await, [(100, 600)]);
    shop.send("evt_3", &shop.refund("r1", "o1", 4_00, "failed")).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("last_touch").await, [(100, 1000)]);
    let entries = shop.texts("SELECT DISTINCT toString(entry) FROM credits FINAL ORDER BY 1").await;
    assert_eq!(entries, ["order", "refund", "reversal"]);
    shop.add_up().await;
}
