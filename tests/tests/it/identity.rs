//! Who is who: devices, addresses, shared computers, forged ids.

use serde_json::{Value, json};
use support::{ORIGIN, Shop, days, minutes, rows, usd};

use crate::{NEWSLETTER, SEARCH};

#[tokio::test]
async fn devices_of_one_person_make_one_journey() {
    let shop = Shop::open().await;
    let phone = shop.visitor();
    let laptop = phone.on_another_device();
    phone.visit(NEWSLETTER).await;
    phone.identifies(phone.email()).await;
    shop.after(days(1));
    laptop.arrives_from(SEARCH, "/").await;
    laptop.identifies(laptop.email()).await;
    shop.after(minutes(2));
    laptop.buys(usd(49_00)).await;
    assert_eq!(shop.channels("first_touch").await, rows([("Email", 49_00)]));
    assert_eq!(shop.channels("last_touch").await, rows([("Organic Search", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_late_identify_credits_exactly_that_order_again() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    bob.buys(usd(10_00)).await;
    let order = shop.sale(usd(49_00)).email(ada.email()).pays().await;
    assert_eq!(shop.channels("last_touch").await, rows([("Unattributed", 49_00), ("Organic Search", 10_00)]));
    let before = shop.posted_credits().await;
    shop.after(days(3));
    ada.identifies(ada.email()).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 49_00), ("Organic Search", 10_00)]));
    assert_eq!(order.matched().await, json!(["email", "customer.email", "none"]));
    let after = shop.posted_credits().await;
    let kept = after.iter().filter(|row| before.contains(row)).count();
    // Each order stands twice, without its tax and with it.
    assert_eq!((before.len(), after.len(), kept), (4, 4, 2), "{before:#?} {after:#?}");
    shop.reconciles().await;
}

#[tokio::test]
async fn a_renewal_says_nothing_about_who_sits_at_the_browser() {
    let shop = Shop::open().await;
    let browser = shop.visitor();
    browser.visit(NEWSLETTER).await;
    let adas = browser.subscribes(usd(10_00)).await;
    shop.after(days(20));
    browser.identifies("bob@example.com").await;
    shop.after(days(10));
    adas.renews().await;
    shop.settle().await;
    shop.after(days(1));
    browser.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    shop.sale(usd(30_00)).email("bob@example.com").pays().await;
    assert_eq!(shop.channels("last_touch").await, rows([("Organic Search", 30_00), ("Email", 20_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_shared_computer_belongs_to_whoever_named_themselves_last() {
    let shop = Shop::open().await;
    let browser = shop.visitor();
    browser.visit(NEWSLETTER).await;
    browser.identifies("ada@example.com").await;
    shop.after(days(2));
    browser.visit("/").await;
    browser.identifies("bob@example.com").await;
    shop.after(days(2));
    browser.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    shop.sale(usd(10_00)).email("ada@example.com").pays().await;
    shop.sale(usd(30_00)).email("bob@example.com").pays().await;
    assert_eq!(shop.channels("last_non_direct").await, rows([("Organic Search", 30_00), ("Email", 10_00)]));
    assert_eq!(shop.channels("first_touch").await, rows([("Organic Search", 30_00), ("Email", 10_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_paid_order_tells_whose_visitor_it_was_for_the_next_one() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.buys(usd(49_00)).await;
    shop.after(days(5));
    let again = shop.sale(usd(20_00)).email(ada.email()).pays().await;
    assert_eq!(again.matched().await[0], "email");
    assert_eq!(shop.channels("last_touch").await, rows([("Email", 69_00)]));
    shop.reconciles().await;
}

/// The id with another signature.
fn forged(id: &str) -> String {
    let (start, last) = id.split_at(id.len() - 1);
    format!("{start}{}", if last == "A" { "Q" } else { "A" })
}

#[tokio::test]
async fn a_forged_visitor_on_a_sale_counts_as_none() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = shop.sale(usd(49_00)).metadata("tributary_visitor_id", &forged(&ada.id())).pays().await;
    assert_eq!(order.matched().await, json!(["none", "", "forged"]));
    assert_eq!(shop.channels("last_touch").await, rows([("Unattributed", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_forged_visitor_in_a_hit_gets_a_fresh_id_and_no_part_in_the_victims_journey() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(1));
    let hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": "01k6f0000000000000000000aa",
        "visitor": forged(&ada.id()), "session": "01k6f0000000000000000000ab", "touch": "session",
        "url": format!("{ORIGIN}/?utm_source=thief&utm_medium=affiliate"), "at": shop.now_ms(),
    });
    let app = shop.app();
    let answer = app
        .send(
            app.request("POST", "/c")
                .header("origin", ORIGIN)
                .header("user-agent", BROWSER)
                .body(hit.to_string()),
        )
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let Value::String(fresh) = &answer.json()["visitor"] else { panic!("{}", answer.text()) };
    assert_ne!(fresh[..30], ada.id()[..30]);
    shop.after(days(1));
    ada.visit("/").await;
    ada.buys(usd(49_00)).await;
    assert_eq!(shop.sources("linear").await, rows([("newsletter", 49_00)]));
    shop.reconciles().await;
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
