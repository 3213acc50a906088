//! The store goes away and comes back: what was acknowledged is there afterwards, once.

use std::sync::Arc;

use support::{Gate, Shop, TestApp, days, models, rows, usd};

use crate::{NEWSLETTER, SEARCH};

#[tokio::test]
async fn while_the_store_is_away_hits_and_sales_are_taken_and_counted_once_it_is_back() {
    let gate = Gate::open().await;
    let shop = Shop::open_on(Arc::new(TestApp::behind(&gate).await), "ws_shop").await;
    gate.shuts();
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(1));
    ada.arrives_from(SEARCH, "/").await;
    ada.buys(usd(49_00)).await;
    for _ in 0..3 {
        assert!(shop.app().flush_once().await.is_err(), "there is no store to flush to");
    }
    gate.opens();
    assert_eq!(shop.channels("linear").await, rows([("Email", 24_50), ("Organic Search", 24_50)]));
    assert_eq!(shop.app().row_count("hits").await, 2);
    assert_eq!(shop.app().row_count("touches").await, 2);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_unit_whose_answer_was_lost_is_sent_again_and_stored_once() {
    let gate = Gate::open().await;
    let shop = Shop::open_on(Arc::new(TestApp::behind(&gate).await), "ws_shop").await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    gate.loses_answers();
    assert!(shop.app().flush_once().await.is_err(), "no answer is no success");
    gate.opens();
    shop.after(days(1));
    ada.arrives_from(SEARCH, "/").await;
    ada.buys(usd(49_00)).await;
    for model in models() {
        assert_eq!(shop.earned("channel", model, "visits").await.len(), shop.channels(model).await.len());
    }
    assert_eq!(shop.app().row_count("hits").await, 2);
    assert_eq!(shop.app().row_count("touches").await, 2);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_question_while_the_store_is_away_is_answered_with_503() {
    let gate = Gate::open().await;
    let shop = Shop::open_on(Arc::new(TestApp::behind(&gate).await), "ws_shop").await;
    let key = shop.key_for(tributary::control::keys::Scope::Read).await;
    gate.shuts();
    let answer = shop.ask_as(&key, "/v1/reports/channels").await;
    assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"), "{}", answer.text());
    assert!(!answer.header("retry-after").is_empty());
    gate.opens();
    assert_eq!(shop.ask_as(&key, "/v1/reports/channels").await.status, 200);
}
