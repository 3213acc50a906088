//! A checkout that loses its metadata is noticed, told once, and over when sales carry their visitor again.

use serde_json::{Value, json};
use support::{Shop, days, usd};
use tributary::control::keys::Scope;
use tributary::jobs::match_watch;

use crate::NEWSLETTER;
use crate::events::{endpoint, told};

#[tokio::test]
async fn a_checkout_that_lost_its_metadata_is_told_once_and_stands_until_sales_say_it_is_mended() {
    let shop = Shop::open().await;
    endpoint(&shop, "https://alerts.example/take", &["match_quality.dropped"]).await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let reader = shop.key_for(Scope::Read).await;
    let looks = async || {
        shop.settle().await;
        match_watch::step(shop.app()).await.expect("it looks");
        // As the dashboard of any node reads it, not the memory of the one that looked.
        let page = shop.ask_as(&reader, "/match-quality").await.text();
        page.matches("Fewer sales of").count()
    };
    for _ in 0..20 {
        ada.buys(usd(10_00)).await;
    }
    shop.after(days(3));
    assert_eq!(looks().await, 0, "nothing was sold lately");
    for cents in 0..5 {
        shop.sale(usd(10_00 + cents)).pays().await;
    }
    assert_eq!((looks().await, looks().await), (1, 1));
    let events: Vec<Value> = told(&shop).await;
    assert_eq!(events.len(), 1, "told, and not told again");
    assert_eq!(
        (&events[0]["type"], &events[0]["data"]["recent_orders"]),
        (&json!("match_quality.dropped"), &json!(5))
    );
    // Nothing is sold, then too little to say anything, until what was usual is long past: the alert stands.
    shop.after(days(10));
    assert_eq!(looks().await, 1, "silence is no recovery");
    for _ in 0..4 {
        ada.buys(usd(10_00)).await;
    }
    assert_eq!(looks().await, 1, "nor are four sales");
    shop.after(days(20));
    for _ in 0..6 {
        shop.sale(usd(10_00)).pays().await;
    }
    assert_eq!(looks().await, 1, "as bad as ever is not usual");
    assert_eq!(told(&shop).await.len(), 1, "and not told again");
    shop.after(days(3));
    for _ in 0..5 {
        ada.buys(usd(10_00)).await;
    }
    assert_eq!(looks().await, 0);
}
