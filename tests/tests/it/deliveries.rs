//! Whatever way webhooks come, the result is the same.

use support::{Dice, Event, Key, Shop, days, minutes, rows, usd};

use tokio::sync::OnceCell;

use crate::{NEWSLETTER, SEARCH};

/// A history with a bit of everything; answers the webhooks it makes, none of them delivered yet.
async fn history(shop: &Shop) -> Vec<Event> {
    shop.holds_webhooks();
    let (ada, bob, eve) = (shop.visitor(), shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.visit("/").await;
    eve.visit("/?utm_source=google&utm_medium=cpc&gclid=x1").await;
    eve.identifies("eve@example.org").await;
    shop.after(days(2));
    ada.arrives_from(SEARCH, "/pricing").await;
    let first = ada.subscribes(usd(29_01)).await;
    let second = bob.checkout(usd(99_99)).by_link().pays().await;
    let trial = shop.sale(usd(19_00)).email("eve@example.org").trial(7).pays().await;
    shop.sale(usd(5_00)).pays().await;
    second.refunds(usd(33_33)).await;
    shop.after(days(7));
    trial.renews().await;
    second.refunds_the_rest().await;
    shop.after(days(21));
    bob.arrives_from("https://www.reddit.com/", "/").await;
    bob.buys(usd(10_00)).await;
    let renewal = first.renews().await;
    let pending = renewal.asks_for_refund(usd(9_00)).await;
    first.upgrades(usd(12_00)).await;
    pending.succeeds().await;
    shop.after(minutes(10));
    pending.fails().await;
    shop.held()
}

struct Outcome {
    orders: Vec<String>,
    credits: Vec<String>,
}

async fn outcome(shop: &Shop) -> Outcome {
    Outcome { orders: shop.orders_table().await, credits: shop.credits_table().await }
}

/// The history, delivered in Polar's order at once; computed once for all.
async fn reference() -> &'static Outcome {
    static REFERENCE: OnceCell<Outcome> = OnceCell::const_new();
    let compute = async || {
        let shop = Shop::open().await;
        let events = history(&shop).await;
        shop.deliver(&events).await;
        let outcome = outcome(&shop).await;
        assert_eq!(outcome.orders.len(), 8);
        shop.reconciles().await;
        outcome
    };
    REFERENCE.get_or_init(compute).await
}

fn assert_same(outcome: &Outcome, reference: &Outcome, what: &str) {
    assert_eq!(outcome.orders, reference.orders, "{what}");
    assert_eq!(outcome.credits, reference.credits, "{what}");
}

#[tokio::test]
async fn duplicates_and_shuffles_give_the_same_orders_and_credits() {
    let reference = reference().await;
    for (copies, seed) in [(2, 1), (10, 2), (1, 3)] {
        let shop = Shop::open().await;
        let events = history(&shop).await;
        let mut deliveries: Vec<Event> = (0..copies).flat_map(|_| events.clone()).collect();
        Dice::of(seed).shuffle(&mut deliveries);
        shop.deliver(&deliveries).await;
        assert_same(&outcome(&shop).await, reference, &format!("{copies} copies, seed {seed}"));
    }
}

#[tokio::test]
async fn webhooks_applied_one_by_one_backwards_give_the_same_orders_and_credits() {
    let reference = reference().await;
    let shop = Shop::open().await;
    let events = history(&shop).await;
    for event in events.iter().rev() {
        shop.deliver(std::slice::from_ref(event)).await;
        shop.settle().await;
    }
    assert_same(&outcome(&shop).await, reference, "backwards");
}

#[tokio::test]
async fn hits_that_arrive_after_the_sales_give_the_same_orders_and_credits() {
    let reference = reference().await;
    let shop = Shop::open().await;
    let events = history(&shop).await;
    shop.deliver(&events).await;
    shop.app().runs_jobs().await;
    assert_eq!(shop.app().row_count("touches").await, 0);
    assert_same(&outcome(&shop).await, reference, "hits last");
}

#[tokio::test]
async fn a_redelivery_after_everything_was_applied_changes_nothing() {
    let shop = Shop::open().await;
    let events = history(&shop).await;
    shop.deliver(&events).await;
    let posted = shop.posted_credits().await;
    shop.after(days(40));
    shop.deliver(&events).await;
    assert_eq!(shop.posted_credits().await, posted);
}

#[tokio::test]
async fn both_kinds_of_signing_keys_are_accepted() {
    for key in Key::ALL {
        let shop = Shop::open().await;
        shop.signs_with(key);
        let ada = shop.visitor();
        ada.visit(NEWSLETTER).await;
        ada.buys(usd(49_00)).await;
        assert_eq!(shop.channels("last_touch").await, rows([("Email", 49_00)]), "{key:?}");
    }
}

#[tokio::test]
async fn late_webhooks_change_nothing_but_the_moment_of_knowing() {
    let reference = reference().await;
    let shop = Shop::open().await;
    let events = history(&shop).await;
    shop.after(days(200));
    shop.deliver(&events).await;
    assert_same(&outcome(&shop).await, reference, "200 days later");
}
