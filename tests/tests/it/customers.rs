//! Customers that become one at the provider, or are deleted there: whose journey an order is, and to the cent what it
//! earns, comes out the same in whatever order it is told.

use serde_json::json;
use support::{Dice, Event, Order, Shop, days, hours, rows, usd};

use crate::{NEWSLETTER, SEARCH};

const WORK: &str = "ada@work.example";
const EVE: &str = "eve@example.org";

/// One person buys as two customers, who are made one; another is deleted and comes back as a new customer.
struct History {
    events: Vec<Event>,
    /// The order that moves, its renewal after that, and what the deleted customer bought before and after.
    moved: Order,
    renewal: Order,
    before: Order,
    after: Order,
}

async fn history(shop: &Shop) -> History {
    shop.holds_webhooks();
    let (home, work, eve) = (shop.visitor(), shop.visitor(), shop.visitor());
    work.arrives_from(SEARCH, "/").await;
    work.identifies(WORK).await;
    eve.visit("/?utm_source=podcast&utm_medium=audio").await;
    eve.identifies(EVE).await;
    shop.after(days(1));
    home.visit(NEWSLETTER).await;
    home.identifies(home.email()).await;
    shop.after(hours(1));
    let moved = shop.sale(usd(49_01)).email(WORK).monthly().pays().await;
    shop.sale(usd(10_00)).email(home.email()).pays().await;
    let before = shop.sale(usd(7_00)).email(EVE).pays().await;
    shop.after(days(10));
    shop.merges_customers(WORK, home.email()).await;
    shop.deletes_customer(EVE).await;
    shop.after(days(20));
    let renewal = moved.renews().await;
    before.refunds(usd(2_00)).await;
    let after = shop.sale(usd(8_00)).email(EVE).pays().await;
    History { events: shop.held(), moved, renewal, before, after }
}

/// Orders with their persons and visitors, and credits.
async fn outcome(shop: &Shop) -> (Vec<String>, Vec<String>) {
    (shop.orders_table().await, shop.credits_table().await)
}

#[tokio::test]
async fn customers_made_one_are_one_person_and_deleted_ones_keep_what_they_bought() {
    let shop = Shop::open().await;
    let History { events, moved, renewal, before, after } = history(&shop).await;
    shop.deliver(&events).await;
    // Both browsers are hers: each purchase is half of either.
    let channels = shop.channels("linear").await;
    let each = [49_01, 49_01, 10_00].map(|minor: i64| (minor / 2, minor - minor / 2));
    let (less, more) = each.iter().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
    let podcast = 7_00 - 2_00 + 8_00;
    assert_eq!(channels.iter().map(|(_, minor)| minor).sum::<i64>(), less + more + podcast);
    assert_eq!(&channels[..2], rows([("Email", more), ("Organic Search", less)]));
    for order in [&moved, &renewal] {
        assert_eq!(shop.explain(order).await.credits("linear").len(), 2);
        assert_eq!(order.matched().await[0], "email");
    }
    let (before, after) = (before.shown().await, after.shown().await);
    assert_eq!((&before["match_method"], &after["match_method"]), (&json!("email"), &json!("email")));
    assert_ne!(before["customer_id"], after["customer_id"], "she came back as another customer");
    shop.reconciles().await;
}

#[tokio::test]
async fn whatever_is_told_first_of_customers_made_one_totals_persons_and_credits_are_the_same() {
    let shop = Shop::open().await;
    let events = history(&shop).await.events;
    shop.deliver(&events).await;
    let reference = outcome(&shop).await;
    assert_eq!(reference.0.len(), 5);

    // Backwards, each applied before the next comes.
    let backwards = Shop::open().await;
    let events = history(&backwards).await.events;
    for event in events.iter().rev() {
        backwards.deliver(std::slice::from_ref(event)).await;
        backwards.settle().await;
    }
    assert_eq!(outcome(&backwards).await, reference, "backwards");

    for seed in [1, 2] {
        let shuffled = Shop::open().await;
        let events = history(&shuffled).await.events;
        let mut deliveries: Vec<Event> = (0..3).flat_map(|_| events.clone()).collect();
        Dice::of(seed).shuffle(&mut deliveries);
        for some in deliveries.chunks(7) {
            shuffled.deliver(some).await;
            shuffled.settle().await;
        }
        assert_eq!(outcome(&shuffled).await, reference, "seed {seed}");
        shuffled.reconciles().await;
    }
}
