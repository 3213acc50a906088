//! What is learned after an order was credited: exactly the orders it concerns are credited again, and not a row is
//! written for any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use support::{BROWSER, ORIGIN, Order, Shop, TestApp, Visitor, days, hours, rows, usd};

use crate::{NEWSLETTER, SEARCH};

/// A visit the pixel kept while there was no network: it happened at `at_ms` and is sent now.
async fn sends_late(shop: &Shop, visitor: &Visitor, at_ms: i64, path: &str) {
    let hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": "01k6f0000000000000000000aa", "visitor": visitor.id(),
        "session": "01k6f0000000000000000000ab", "touch": "session", "url": format!("{ORIGIN}{path}"), "at": at_ms,
        "sent": shop.now_ms(),
    });
    let app = shop.app();
    let request = app.request("POST", "/c").header("origin", ORIGIN).header("user-agent", BROWSER);
    let answer = app.send(request.body(hit.to_string())).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(1)), "{}", answer.text());
}

/// Orders of which a row was written between two looks at [`Shop::written`].
fn touched(before: &BTreeMap<String, Vec<String>>, after: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    after.iter().filter(|(id, rows)| before.get(*id) != Some(rows)).map(|(id, _)| id.clone()).collect()
}

fn ids<const N: usize>(orders: [&Order; N]) -> Vec<String> {
    let mut ids = orders.map(|order| order.id.clone()).to_vec();
    ids.sort();
    ids
}

/// Sources and their net credits of an order under the model that divides evenly.
async fn earned(shop: &Shop, order: &Order) -> Vec<(String, i64)> {
    shop.explain(order).await.credits("linear")
}

#[tokio::test]
async fn a_visit_kept_offline_credits_exactly_the_orders_it_came_before() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    let earlier = ada.buys(usd(10_00)).await;
    shop.after(hours(1));
    let offline_ms = shop.now_ms();
    shop.after(hours(1));
    let later = ada.subscribes(usd(49_00)).await;
    let others = bob.buys(usd(20_00)).await;
    shop.after(days(1));
    let renewal = later.renews().await;
    let before = shop.written().await;
    assert_eq!(before.len(), 4);
    let orders = shop.orders_table().await;
    let total = shop.channels("linear").await.iter().map(|(_, minor)| minor).sum::<i64>();

    shop.after(hours(1));
    sends_late(&shop, &ada, offline_ms, "/?utm_source=podcast&utm_medium=audio").await;
    let after = shop.written().await;
    assert_eq!(touched(&before, &after), ids([&later, &renewal]));
    for kept in [&earlier, &others] {
        assert_eq!(before[&kept.id], after[&kept.id]);
    }
    assert_eq!(shop.orders_table().await, orders, "the orders themselves are what they were");

    let source = |name: &str, minor| (name.to_owned(), minor);
    assert_eq!(earned(&shop, &earlier).await, [source("newsletter", 10_00), source("podcast", 0)]);
    for order in [&later, &renewal] {
        assert_eq!(earned(&shop, order).await, [source("newsletter", 24_50), source("podcast", 24_50)]);
    }
    assert_eq!(shop.channels("linear").await.iter().map(|(_, minor)| minor).sum::<i64>(), total);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_late_visit_of_a_kind_that_may_not_earn_earns_nothing_the_first_time_it_is_met_and_ever_after() {
    let app = Arc::new(TestApp::start().await);
    let shop = Shop::open_as(app, "ws_picky", |settings| {
        settings.exclusions = vec!["campaign=staff".parse().expect("an exclusion")];
    })
    .await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(1));
    let offline_ms = shop.now_ms();
    shop.after(days(1));
    let order = ada.buys(usd(10_00)).await;
    shop.settle().await;
    let before = shop.written().await;
    // Its facets are stored with it, after the order was credited.
    sends_late(&shop, &ada, offline_ms, "/?utm_source=intranet&utm_campaign=staff").await;
    assert_eq!(touched(&before, &shop.written().await), [""; 0]);
    assert_eq!(earned(&shop, &order).await.last(), Some(&("intranet".to_owned(), 0)));
    let next = ada.buys(usd(20_00)).await;
    assert_eq!(earned(&shop, &next).await[0], ("newsletter".to_owned(), 20_00));
    assert_eq!(shop.ask("/v1/verify").await["passed"], Value::Bool(true));
}

#[tokio::test]
async fn a_name_given_after_the_purchase_credits_exactly_the_buyers_orders() {
    let shop = Shop::open().await;
    let (ada, bob, eve) = (shop.visitor(), shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.arrives_from(SEARCH, "/").await;
    eve.visit("/").await;
    shop.after(days(1));
    // Two sales and a renewal that carry no visitor, one by somebody else who carries none either, and two of others.
    let first = shop.sale(usd(49_00)).email(ada.email()).monthly().pays().await;
    let second = shop.sale(usd(15_00)).email(ada.email()).pays().await;
    let strangers = shop.sale(usd(7_00)).email("stranger@example.com").pays().await;
    let others = bob.buys(usd(20_00)).await;
    shop.after(days(2));
    let renewal = first.renews().await;
    let before = shop.written().await;
    let expected = rows([("Unattributed", 12_000), ("Organic Search", 20_00)]);
    assert_eq!(shop.channels("last_touch").await, expected);

    shop.after(days(1));
    ada.identifies(ada.email()).await;
    let after = shop.written().await;
    assert_eq!(touched(&before, &after), ids([&first, &second, &renewal]));
    for kept in [&strangers, &others] {
        assert_eq!(before[&kept.id], after[&kept.id]);
    }
    let expected = rows([("Email", 11_300), ("Organic Search", 20_00), ("Unattributed", 7_00)]);
    assert_eq!(shop.channels("last_touch").await, expected);
    assert_eq!(second.matched().await, json!(["email", "customer.email", "none"]));

    // Told once more, nothing is written for anybody.
    shop.after(hours(1));
    ada.identifies(ada.email()).await;
    assert_eq!(touched(&after, &shop.written().await), [""; 0]);
    assert_eq!(shop.ask("/v1/verify").await["passed"], Value::Bool(true));
    shop.reconciles().await;
}
