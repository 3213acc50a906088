//! Channel overlap: which sales of partners had touches of other channels, and that the money is that of the orders by
//! which partners earn.

use serde_json::{Value, json};
use support::{Shop, days, usd};

use crate::affiliates::{partner, program, text};
use crate::{NEWSLETTER, SEARCH};

/// The report over everything so far, by partner's name.
async fn overlap(shop: &Shop, more: &str) -> Value {
    shop.settle().await;
    shop.ask(&format!("/v1/reports/overlap?period=365d{more}")).await
}

fn numbers(row: &Value, names: &[&str]) -> Vec<i64> {
    let place = |name: &&str| row.pointer(&format!("/{}", name.replace('.', "/"))).and_then(Value::as_i64);
    names.iter().map(|name| place(name).unwrap_or(-1)).collect()
}

const COUNTS: [&str; 6] =
    ["orders", "click.first", "click.only", "click.last", "other.earlier", "other.later"];
const MONEY: [&str; 4] =
    ["revenue.net", "revenue.with_earlier", "revenue.without_earlier", "revenue.with_later"];

#[tokio::test]
async fn partner_sales_are_told_by_what_was_touched_before_and_after_the_click() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 1000 } })).await;
    let jane = partner(&shop, &prg, "jane").await;
    partner(&shop, &prg, "joe").await;
    // By the partner alone; a direct visit is nobody's.
    let alone = shop.visitor();
    alone.visit("/?via=jane").await;
    shop.after(days(1));
    alone.visit("/pricing").await;
    alone.buys(usd(10_00)).await;
    // A search came before.
    let searched = shop.visitor();
    searched.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    searched.visit("/?via=jane").await;
    let order = searched.subscribes(usd(20_00)).await;
    // The newsletter came behind.
    let mailed = shop.visitor();
    mailed.visit("/?via=jane").await;
    shop.after(days(1));
    mailed.visit(NEWSLETTER).await;
    mailed.buys(usd(40_00)).await.refunds(usd(4_00)).await;
    // Nothing of a partner: not in the report.
    let other = shop.visitor();
    other.visit(NEWSLETTER).await;
    other.buys(usd(80_00)).await;
    shop.after(days(30));
    order.renews().await;

    let told = overlap(&shop, "").await;
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{told}");
    assert_eq!((&rows[0]["partner"], &rows[0]["name"]), (&json!(jane), &json!("jane")));
    // The renewal has the journey of its first order.
    assert_eq!(numbers(&rows[0], &COUNTS), [4, 2, 1, 3, 2, 1], "{told}");
    assert_eq!(numbers(&rows[0], &MONEY), [86_00, 40_00, 46_00, 36_00], "{told}");
    assert_eq!(rows[0]["revenue"]["only"], 10_00);
    assert_eq!(numbers(&told["totals"][0], &COUNTS), numbers(&rows[0], &COUNTS));

    // The money is that of the orders by which somebody earns.
    let earning = shop.ask("/v1/commissions").await;
    let mut net = 0;
    for commission in earning["rows"].as_array().unwrap() {
        let order = shop.ask(&format!("/v1/orders/{}", text(&commission["order"]))).await;
        let refunds = order["refunds"].as_array().unwrap().iter();
        let given_back: i64 = refunds.map(|refund| refund["net"].as_i64().unwrap()).sum();
        net += order["net"].as_i64().unwrap() - given_back;
    }
    assert_eq!(told["rows"][0]["revenue"]["net"], net);

    let told = overlap(&shop, "&group_by=channel").await;
    let channels: Vec<(String, Vec<i64>)> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (text(&row["channel"]), numbers(row, &["orders", "other.earlier", "other.later", "revenue.net"]))
        })
        .collect();
    assert_eq!(
        channels,
        [("Organic Search".to_owned(), vec![2, 2, 0, 40_00]), ("Email".to_owned(), vec![1, 0, 1, 36_00])],
        "{told}"
    );
}

#[tokio::test]
async fn every_way_of_telling_says_the_same_and_what_means_nothing_is_refused() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 1000 } })).await;
    partner(&shop, &prg, "jane").await;
    let empty = overlap(&shop, "").await;
    assert_eq!((&empty["rows"], &empty["totals"]), (&json!([]), &json!([])));
    let ada = shop.visitor();
    ada.visit("/?via=jane").await;
    ada.buys(usd(10_00)).await;
    shop.settle().await;
    let key = shop.key_for(tributary::control::keys::Scope::Read).await;
    let csv = shop.ask_as(&key, "/v1/reports/overlap?format=csv").await.text();
    let (heading, row) = csv.split_once("\r\n").expect("a heading and a row");
    assert!(heading.starts_with("partner,name,currency,orders,click_first,click_only"), "{csv}");
    assert!(row.contains(",jane,USD,1,1,1,1,0,0,1000,0,1000,0,1000,1000,"), "{csv}");
    let table = shop.ask_as(&key, "/v1/reports/overlap?format=text").await.text();
    assert!(table.contains("With earlier touch") && table.contains("jane"), "{table}");
    let refused = shop.ask_as(&key, "/v1/reports/overlap?filter[source]=google").await;
    assert_eq!((refused.status, &*refused.code()), (400, "invalid_parameter"), "{}", refused.text());
    assert_eq!(shop.ask_as(&key, "/v1/reports/overlap?provider=polar").await.json()["rows"][0]["orders"], 1);
}
