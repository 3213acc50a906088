//! Money that comes again: renewals, trials, upgrades.

use support::{Shop, days, minutes, models, rows, usd};

use crate::{NEWSLETTER, SEARCH};

#[tokio::test]
async fn renewals_inherit_the_first_orders_journey_and_stand_in_their_own_column() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(1));
    ada.visit("/?utm_source=google&utm_medium=cpc").await;
    let first = ada.subscribes(usd(29_01)).await;
    // A visit between is no reason to pay again.
    shop.after(days(20));
    ada.arrives_from("https://news.ycombinator.com/", "/docs").await;
    shop.after(days(10));
    first.renews().await;
    shop.after(days(30));
    first.renews().await;
    let linear = [("Paid Search", 3 * 14_51), ("Email", 3 * 14_50)];
    assert_eq!(shop.channels("linear").await, rows(linear));
    assert_eq!(
        shop.earned("channel", "linear", "revenue.new").await,
        rows([("Paid Search", 14_51), ("Email", 14_50)])
    );
    assert_eq!(
        shop.earned("channel", "linear", "revenue.renewal").await,
        rows([("Paid Search", 2 * 14_51), ("Email", 2 * 14_50)])
    );
    shop.reconciles().await;
}

#[tokio::test]
async fn a_trial_counts_as_an_order_and_its_first_payment_as_new_money() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let trial = ada.checkout(usd(29_00)).by_api().trial(14).pays().await;
    assert_eq!(trial.shown().await["kind"], "trial");
    for model in models() {
        assert_eq!(shop.channels(model).await, rows([("Email", 0)]), "{model}");
        assert_eq!(shop.earned("channel", model, "orders").await, rows([("Email", 1)]), "{model}");
    }
    shop.after(days(10));
    ada.arrives_from(SEARCH, "/pricing").await;
    shop.after(days(4));
    let paid = trial.renews().await;
    assert_eq!(paid.shown().await["kind"], "new");
    shop.after(days(30));
    let renewal = trial.renews().await;
    assert_eq!(renewal.shown().await["kind"], "renewal");
    assert_eq!(shop.earned("channel", "last_touch", "revenue.new").await, rows([("Email", 29_00)]));
    assert_eq!(shop.earned("channel", "last_touch", "revenue.renewal").await, rows([("Email", 29_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn an_upgrade_inherits_the_journey_of_its_subscription() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let first = ada.subscribes(usd(29_00)).await;
    shop.after(days(9));
    ada.arrives_from(SEARCH, "/pricing").await;
    shop.after(minutes(3));
    let upgrade = first.upgrades(usd(20_00)).await;
    assert_eq!(upgrade.shown().await["kind"], "upgrade");
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 49_00)]));
    shop.after(days(21));
    first.renews().await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 69_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_renewal_that_arrives_before_the_first_order_inherits_once_that_is_there() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.holds_webhooks();
    let first = ada.subscribes(usd(29_00)).await;
    let begin = shop.held();
    shop.after(days(25));
    ada.arrives_from(SEARCH, "/pricing").await;
    shop.after(days(5));
    first.renews().await;
    shop.settle().await;
    shop.deliver(&begin).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 58_00)]));
    shop.reconciles().await;
}
