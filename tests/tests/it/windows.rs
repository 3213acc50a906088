//! From when to when a touch counts.

use std::sync::Arc;

use support::{Shop, TestApp, days, hours, millis, minutes, models, rows, usd};

use crate::{NEWSLETTER, SEARCH};

async fn shop_with_window(days: u32) -> Shop {
    let app = Arc::new(TestApp::start().await);
    Shop::open_as(app, "ws_shop", |settings| settings.window_days = Some(days)).await
}

#[tokio::test]
async fn both_ends_of_the_window_count_to_the_millisecond() {
    let shop = shop_with_window(7).await;
    let (inside, outside, last) = (shop.visitor(), shop.visitor(), shop.visitor());
    inside.visit(NEWSLETTER).await;
    shop.after(days(7));
    inside.buys(usd(1_00)).await;
    outside.visit(NEWSLETTER).await;
    shop.after(days(7));
    shop.after(millis(1));
    outside.buys(usd(2_00)).await;
    last.arrives_from(SEARCH, "/").await;
    last.buys(usd(4_00)).await;
    for model in models() {
        let expected = rows([("Organic Search", 4_00), ("Direct", 2_00), ("Email", 1_00)]);
        assert_eq!(shop.channels(model).await, expected, "{model}");
    }
    shop.reconciles().await;
}

#[tokio::test]
async fn a_touch_after_the_checkout_began_never_counts() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(hours(1));
    ada.visit("/pricing").await;
    let checkout = ada.checkout(usd(49_00)).by_api().opens().await;
    shop.after(minutes(40));
    ada.visit("/thanks?utm_source=bank&utm_medium=referral").await;
    let order = checkout.pays().await;
    let expected = [("newsletter", "eligible"), ("(direct)", "eligible"), ("bank", "after_anchor")];
    let standings = shop.explain(&order).await.standings();
    assert_eq!(standings, expected.map(|(source, standing)| (source.to_owned(), standing.to_owned())));
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 49_00)]));
    assert_eq!(shop.channels("last_touch").await, rows([("Direct", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn touches_delivered_after_the_order_was_credited_still_earn() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.settle().await;
    shop.after(days(2));
    ada.arrives_from(SEARCH, "/pricing").await;
    let order = ada.buys(usd(49_00)).await;
    // The jobs run while the hit still waits in the inbox.
    shop.app().runs_jobs().await;
    let shown = shop.ask(&format!("{}/explain", order.path())).await;
    assert_eq!(shown["touches"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.channels("last_touch").await, rows([("Organic Search", 49_00)]));
    assert_eq!(shop.channels("first_touch").await, rows([("Email", 49_00)]));
    shop.reconciles().await;
}
