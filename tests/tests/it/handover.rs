//! A visitor that one of the merchant's sites hands to another, and the money that must follow.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, BROWSER, ORIGIN, Shop, TestApp, days, minutes, rows, seconds, usd};

use crate::NEWSLETTER;

/// The merchant's other site.
const SISTER: &str = "https://sister.example";

async fn shop() -> Shop {
    let app = Arc::new(TestApp::start().await);
    Shop::open_as(app, "ws_shop", |settings| settings.domains.push("sister.example".to_owned())).await
}

async fn post(shop: &Shop, path: &str, origin: &str, body: Value) -> Answer {
    let app = shop.app();
    let request = app.request("POST", path).header("origin", origin).header("user-agent", BROWSER);
    app.send(request.body(body.to_string())).await
}

/// A page view at the sister site.
async fn visits_sister(shop: &Shop, number: u32, changes: Value) -> Answer {
    let mut hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": format!("01k6f00000000000000000{number:04}"),
        "session": "01k6f0000000000000000000ab", "url": format!("{SISTER}/"), "at": shop.now_ms(),
        "visitor": "vis_01k6f0000000000000000000ad",
    });
    for (name, value) in changes.as_object().expect("changes are fields") {
        hit[name] = value.clone();
    }
    let answer = post(shop, "/c", SISTER, hit).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer
}

async fn token(shop: &Shop, visitor: &str) -> String {
    let answer =
        post(shop, "/c/handover", ORIGIN, json!({ "ws": shop.workspace(), "visitor": visitor })).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    answer.json()["handover"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_visitor_handed_over_goes_on_under_the_same_id() {
    let shop = shop().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let answer = visits_sister(&shop, 1, json!({ "handover": token(&shop, &ada.id()).await })).await;
    assert_eq!(answer.json()["visitor"], ada.id().as_str());
    assert!(answer.header("set-cookie").starts_with(&format!("_trb={};", ada.id())));
    shop.settle().await;
    assert_eq!(shop.app().row_count("bindings").await, 0, "a freshly minted id has nothing to bind");
}

#[tokio::test]
async fn touches_of_both_sites_earn_when_both_ids_were_known() {
    let shop = shop().await;
    // Known at the sister site for a while, from an advertisement.
    let landing = format!("{SISTER}/?utm_source=partnerblog&utm_medium=affiliate");
    let known = visits_sister(&shop, 1, json!({ "touch": "session", "url": landing })).await;
    let own = known.json()["visitor"].as_str().unwrap().to_owned();
    shop.after(days(2));
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(minutes(1));
    let handover = token(&shop, &ada.id()).await;
    let answer = visits_sister(&shop, 2, json!({ "visitor": own, "handover": handover })).await;
    assert_eq!(answer.json()["visitor"], ada.id().as_str(), "the id from the shop stays");
    shop.after(days(1));
    ada.buys(usd(50_00)).await;
    let both = rows([("newsletter", 25_00), ("partnerblog", 25_00)]);
    assert_eq!(shop.sources("linear").await, both);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_hand_over_learned_after_the_purchase_credits_it_again() {
    let shop = shop().await;
    let landing = format!("{SISTER}/?utm_source=partnerblog&utm_medium=affiliate");
    let known = visits_sister(&shop, 1, json!({ "touch": "session", "url": landing })).await;
    let own = known.json()["visitor"].as_str().unwrap().to_owned();
    shop.after(days(1));
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.buys(usd(50_00)).await;
    assert_eq!(shop.sources("linear").await, rows([("newsletter", 50_00)]));
    shop.after(days(1));
    let handover = token(&shop, &ada.id()).await;
    visits_sister(&shop, 2, json!({ "visitor": own, "handover": handover })).await;
    assert_eq!(shop.sources("linear").await, rows([("newsletter", 25_00), ("partnerblog", 25_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_token_that_has_ended_or_was_altered_changes_nothing() {
    let shop = shop().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let good = token(&shop, &ada.id()).await;
    let altered = good.replacen(".", ".1", 1);
    let altered = visits_sister(&shop, 1, json!({ "handover": altered })).await;
    shop.after(seconds(601));
    let late = visits_sister(&shop, 2, json!({ "handover": good })).await;
    for answer in [altered, late] {
        let visitor = answer.json()["visitor"].as_str().unwrap().to_owned();
        assert!(visitor.starts_with("vis_01k6f0000000000000000000ad_"), "{visitor}");
    }
    let metrics = shop.app().send(shop.app().request("GET", "/metrics")).await.text();
    for result in ["made", "taken", "expired", "forged"] {
        assert!(metrics.contains(&format!("tributary_handovers_total{{result=\"{result}\"}}")), "{result}");
    }
}

#[tokio::test]
async fn tokens_are_made_for_signed_visitors_on_the_workspaces_own_sites_only() {
    let shop = shop().await;
    let ada = shop.visitor();
    ada.visit("/").await;
    let ask = async |origin: &str, ws: &str, visitor: &str| {
        let answer = post(&shop, "/c/handover", origin, json!({ "ws": ws, "visitor": visitor })).await;
        (answer.status, answer.code(), answer.header("access-control-allow-origin").to_owned())
    };
    let problem = |status: u16, code: &str, origin: &str| (status, code.to_owned(), origin.to_owned());
    let (ws, id) = (shop.workspace(), ada.id());
    assert_eq!(ask("https://evil.example", ws, &id).await, problem(403, "foreign_origin", ""));
    assert_eq!(ask(ORIGIN, "ws_nobody", &id).await, problem(404, "unknown_workspace", ""));
    assert_eq!(ask(ORIGIN, ws, &id[..30]).await, problem(400, "visitor_not_signed", ORIGIN));
    let (start, last) = id.split_at(id.len() - 1);
    let forged = format!("{start}{}", if last == "A" { "Q" } else { "A" });
    assert_eq!(ask(ORIGIN, ws, &forged).await, problem(400, "visitor_not_signed", ORIGIN));
    let odd = post(&shop, "/c/handover", ORIGIN, json!([1])).await;
    assert_eq!((odd.status, &*odd.code()), (400, "malformed"));
    let long =
        post(&shop, "/c/handover", ORIGIN, json!({ "ws": ws, "visitor": id, "x": "x".repeat(2000) })).await;
    assert_eq!((long.status, &*long.code()), (413, "body.too_long"));
}
