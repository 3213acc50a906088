//! What `verify` proves, what it names, and what a preview says of few orders and of many.

use domain::attribution::model_index;
use domain::visit::facets::{Facets, facet_id};
use tributary::jobs::attribute::preview;
use tributary::jobs::{attribute, settle, verify};

use super::support::*;

#[tokio::test]
async fn verify_passes_on_settled_books_and_names_what_was_broken() {
    let shop = Shop::open("verify").await;
    shop.touch(1, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    shop.send("evt_2", &shop.refund("r1", "o1", 3_33, "succeeded")).await;
    let waiting = verify::verify(&shop.app, "ws_t").await.unwrap();
    assert_eq!(failed(&waiting), ["folded"]);
    settle(&shop.app).await.unwrap();
    let settled = verify::verify(&shop.app, "ws_t").await.unwrap();
    assert!(settled.passed, "{settled:?}");

    // A cent too much, behind the back of the program.
    let cheat = "INSERT INTO credits SELECT * REPLACE (amount_linear + 1 AS amount_linear) FROM credits WHERE entry = 'order'";
    shop.app.store.client().query(cheat).execute().await.unwrap();
    assert_eq!(failed(&verify::verify(&shop.app, "ws_t").await.unwrap()), ["money", "parts"]);
    shop.app.store.client().query("TRUNCATE TABLE credits").execute().await.unwrap();
    assert_eq!(
        failed(&verify::verify(&shop.app, "ws_t").await.unwrap()),
        ["money", "orders_without_credits"]
    );
    attribute::attribute_all(&shop.app).await.unwrap();
    assert!(verify::verify(&shop.app, "ws_t").await.unwrap().passed);
}

#[tokio::test]
async fn more_given_back_than_was_paid_is_booked_up_to_what_was_paid_and_told() {
    let shop = Shop::open("refund_excess").await;
    shop.touch(1, T0 - DAY_MS, 100).await;
    shop.send("evt_1", &shop.order("o1", 10_00).visitor(1).paid()).await;
    shop.send("evt_2", &shop.refund("r1", "o1", 7_00, "succeeded")).await;
    shop.send("evt_3", &shop.refund("r2", "o1", 5_00, "succeeded")).await;
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.by_facet("linear").await, [], "the touch is left nothing, and not less");
    shop.add_up().await;
    let verified = verify::verify(&shop.app, "ws_t").await.unwrap();
    assert!(verified.passed, "{verified:?}");
    let [noticed] = verified.notices.as_slice() else { panic!("{verified:?}") };
    assert_eq!((noticed.notice.as_str(), noticed.count), ("refund_excess", 1));
    assert!(noticed.examples[0].contains("200 USD beyond the 1000"), "{noticed:?}");
    let (_, order) = shop.ask("GET", "/v1/orders/o1", "").await;
    let refunds = order["refunds"].as_array().unwrap().iter();
    let booked: i64 = refunds.map(|refund| refund["net"].as_i64().unwrap()).sum();
    assert_eq!((order["refund_excess"].as_i64(), booked), (Some(2_00), 10_00));
    let (_, story) = shop.ask("GET", "/v1/orders/o1/explain", "").await;
    assert_eq!(story["stored_agrees"], true, "{story}");
}

fn failed(found: &verify::Verification) -> Vec<&str> {
    found.checks.iter().filter(|check| !check.passed).map(|check| check.check.as_str()).collect()
}

#[tokio::test]
async fn a_preview_of_few_orders_and_of_many_says_to_the_cent_what_a_shorter_window_moves() {
    for (name, count) in [("few_moved", 3_i64), ("many_moved", 520)] {
        let shop = Shop::open(name).await;
        let direct = facet_id(&Facets::direct());
        for visitor in 1..=3 {
            // What the first facet says is not known here: no channel.
            shop.touch(visitor, T0 - 40 * DAY_MS, 100).await;
            shop.touch(visitor, T0 - DAY_MS, direct).await;
        }
        for number in 0..count {
            let buyer = 1 + number as u128 % 3;
            let order = shop.order(&format!("o{number}"), 10_01).visitor(buyer);
            let order = order.customer(&format!("cus_{buyer}")).email(&format!("buyer-{buyer}@example.com"));
            shop.send(&format!("evt_{number}"), &order.paid()).await;
        }
        settle(&shop.app).await.unwrap();
        let before = shop.credits().await;
        let change = preview::Change { window_days: Some(30), ..preview::Change::default() };
        let linear = model_index("linear");
        let found = preview::preview(&shop.app, "ws_t", change, linear).await.unwrap();
        let told: Vec<_> =
            found.channels.iter().map(|moved| (moved.channel.as_str(), moved.from, moved.to)).collect();
        assert_eq!(told, [("", count * 5_00, 0), ("Direct", count * 5_01, count * 10_01)]);
        assert_eq!((found.orders, found.differences[0].difference), (count as u64, 0));
        assert_eq!(found.examples.len() as i64, count.min(100));
        assert_eq!(shop.credits().await, before, "looking changes nothing");
        preview::apply(&shop.app, "ws_t", &found.token).await.unwrap();
        assert_eq!(shop.by_facet("linear").await, [(direct, count * 10_01)]);
        shop.add_up().await;
    }
}
