//! Money that goes back, over what is left on each touch.

use support::{Order, Shop, Visitor, days, models, rows, usd};

use crate::NEWSLETTER;

/// Four visits from four sources.
async fn comes_four_times(shop: &Shop) -> Visitor {
    let ada = shop.visitor();
    for source in ["a", "b", "c", "d"] {
        ada.visit(&format!("/?utm_source={source}&utm_medium=email")).await;
        shop.after(days(1));
    }
    ada
}

async fn earned(shop: &Shop, order: &Order, model: &str) -> Vec<i64> {
    shop.explain(order).await.credits(model).into_iter().map(|(_, minor)| minor).collect()
}

#[tokio::test]
async fn a_partial_then_a_full_refund_leave_exactly_nothing_on_every_touch() {
    let shop = Shop::open().await;
    let ada = comes_four_times(&shop).await;
    let order = ada.buys(usd(90_07)).await;
    shop.after(days(2));
    order.refunds(usd(33_33)).await;
    assert_eq!(shop.channels("linear").await, rows([("Email", 56_74)]));
    assert_eq!(shop.earned("channel", "linear", "revenue.refunded").await, rows([("Email", -33_33)]));
    shop.reconciles().await;
    shop.after(days(2));
    order.refunds(usd(1)).await;
    order.refunds_the_rest().await;
    for model in models() {
        assert_eq!(earned(&shop, &order, model).await, [0, 0, 0, 0], "{model}");
        assert_eq!(shop.channels(model).await, rows([("Email", 0)]), "{model}");
    }
    assert_eq!(order.shown().await["status"], "refunded");
    shop.reconciles().await;
}

#[tokio::test]
async fn a_refund_takes_only_from_touches_that_have_something() {
    let shop = Shop::open().await;
    let ada = comes_four_times(&shop).await;
    let order = ada.buys(usd(4)).await;
    assert_eq!(earned(&shop, &order, "position_based").await, [2, 0, 0, 2]);
    order.refunds(usd(1)).await;
    // The model over three cents would be 1, 0, 1, 1: it would pay a touch for a refund.
    assert_eq!(earned(&shop, &order, "position_based").await, [2, 0, 0, 1]);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_refund_that_arrives_before_its_order_waits_for_it() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.holds_webhooks();
    let order = ada.buys(usd(49_00)).await;
    let sale = shop.held();
    shop.holds_webhooks();
    shop.after(days(1));
    order.refunds(usd(10_00)).await;
    let refund = shop.held();
    let (alone, rest) = refund.split_first().expect("a refund sends events");
    assert_eq!(alone.kind, "refund.created");
    shop.deliver(std::slice::from_ref(alone)).await;
    assert_eq!(shop.channels("last_touch").await, rows([]));
    shop.deliver(&sale).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 39_00)]));
    shop.deliver(rest).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 39_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_pending_refund_is_no_money_until_it_succeeds() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.buys(usd(49_00)).await;
    shop.after(days(1));
    let refund = order.asks_for_refund(usd(9_00)).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 49_00)]));
    shop.after(days(1));
    refund.succeeds().await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 40_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_refund_that_fails_after_all_gives_every_touch_back_what_it_took() {
    let shop = Shop::open().await;
    let ada = comes_four_times(&shop).await;
    let order = ada.buys(usd(90_07)).await;
    let before = shop.explain(&order).await;
    let refund = order.asks_for_refund(usd(50_00)).await;
    refund.succeeds().await;
    assert_eq!(shop.channels("linear").await, rows([("Email", 40_07)]));
    shop.after(days(3));
    refund.fails().await;
    let after = shop.explain(&order).await;
    for model in models() {
        assert_eq!(after.credits(model), before.credits(model), "{model}");
    }
    assert_eq!(shop.channels("linear").await, rows([("Email", 90_07)]));
    shop.reconciles().await;
}
