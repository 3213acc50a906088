//! Commissions: from a sale through a partner's link to what is owed, through renewals, refunds, disputes and changed
//! terms, told twice and in any order.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Order, Shop, TestApp, Visitor, days, eur, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, program, text};

/// Thirty percent for life, held for thirty days.
fn thirty() -> Value {
    json!({ "reward": { "basis_points": 3000 } })
}

/// Somebody who came by a partner's link.
async fn sent_by(shop: &Shop, code: &str) -> Visitor {
    let visitor = shop.visitor();
    visitor.visit(&format!("/?via={code}")).await;
    visitor
}

/// Partner, state and what is left of every commission, oldest first.
async fn commissions(shop: &Shop) -> Vec<(String, String, i64)> {
    shop.settle().await;
    let page = shop.ask("/v1/commissions").await;
    let rows = page["rows"].as_array().expect("a page has rows");
    let code = |row: &Value| text(&row["click"]["code"]);
    let row = |row: &Value| (code(row), text(&row["state"]), row["balance"]["earned"].as_i64().unwrap());
    let mut all: Vec<_> = rows.iter().map(row).collect();
    all.reverse();
    all
}

fn owed<const N: usize>(rows: [(&str, &str, i64); N]) -> Vec<(String, String, i64)> {
    rows.map(|(code, state, minor)| (code.to_owned(), state.to_owned(), minor)).to_vec()
}

/// The whole of one order's commission.
async fn commission(shop: &Shop, order: &Order) -> Value {
    let id = text(&order.shown().await["id"]);
    let page = shop.ask(&format!("/v1/commissions?order={id}")).await;
    shop.ask(&format!("/v1/commissions/{}", text(&page["rows"][0]["id"]))).await
}

/// From, to, amount and reason of every entry.
fn entries(commission: &Value) -> Vec<(String, i64)> {
    let all = commission["entries"].as_array().expect("a commission has entries");
    let told = |entry: &Value| {
        let way = format!("{} {}>{}", text(&entry["reason"]), text(&entry["from"]), text(&entry["to"]));
        (way, entry["amount"].as_i64().unwrap())
    };
    all.iter().map(told).collect()
}

async fn runs_again(shop: &Shop) {
    let run = done(shop, "POST", "/v1/commissions/run", Value::Null).await;
    assert_eq!(run["entries"], 0, "a second run adds nothing: {run}");
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn a_sale_and_its_renewals_earn_by_the_rule_and_become_due_after_the_hold() {
    let shop = Shop::open().await;
    let terms =
        json!({ "reward": { "basis_points": 3000 }, "recurring": { "payments": 2 }, "hold_days": 14 });
    let program = program(&shop, terms).await;
    partner(&shop, &program, "jane").await;
    let ada = sent_by(&shop, "jane").await;
    // A visit by another way later does not take the sale from the partner.
    shop.after(days(2));
    ada.arrives_from("https://www.google.com/", "/pricing").await;
    let first = ada.subscribes(usd(49_01)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 14_70)]));
    let told = commission(&shop, &first).await;
    assert_eq!(entries(&told), [("sale expense>pending".to_owned(), 14_70)]);
    let order = first.shown().await;
    assert_eq!((&told["entries"][0]["source"], &told["order"]), (&order["id"], &order["id"]));
    // The click is a touch of the order's story, and its credits are told beside it.
    let story = shop.explain(&first).await.0;
    let touch = story["touches"].as_array().unwrap().iter().find(|touch| touch["partner"] == "jane").unwrap();
    assert_eq!(told["click"]["touch"], touch["id"]);
    for (model, minor) in touch["credits"].as_object().expect("credits by model") {
        assert_eq!(&told["credits"][model], minor, "{model}");
    }
    assert_eq!(told["credits"]["first_touch"], 49_01);
    runs_again(&shop).await;

    shop.after(days(14));
    assert_eq!(commissions(&shop).await, owed([("jane", "due", 14_70)]));
    shop.after(days(16));
    first.renews().await;
    shop.after(days(30));
    first.renews().await;
    // Two payments earn; the third does not.
    assert_eq!(commissions(&shop).await, owed([("jane", "due", 14_70), ("jane", "due", 14_70)]));
    runs_again(&shop).await;
}

#[tokio::test]
async fn refunds_take_back_in_proportion_and_a_full_one_leaves_nothing() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let order = sent_by(&shop, "jane").await.buys(usd(49_01)).await;
    shop.settle().await;
    order.refunds(usd(16_34)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 9_80)]));
    shop.after(days(40));
    assert_eq!(commissions(&shop).await, owed([("jane", "due", 9_80)]));
    order.refunds(usd(1)).await;
    order.refunds_the_rest().await;
    assert_eq!(commissions(&shop).await, owed([("jane", "reversed", 0)]));
    let told = commission(&shop, &order).await;
    let sources: Vec<String> =
        told["entries"].as_array().unwrap().iter().map(|entry| text(&entry["source"])).collect();
    assert!(sources[1].starts_with("ref_"), "{sources:?}");
    let balance = &told["balance"];
    assert_eq!(*balance, json!({ "earned": 0, "pending": 0, "due": 0, "processing": 0, "paid": 0 }));
    runs_again(&shop).await;
}

#[tokio::test]
async fn a_refund_that_fails_after_all_gives_the_commission_back() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let order = sent_by(&shop, "jane").await.buys(usd(10_000)).await;
    let refund = order.asks_for_refund(usd(50_00)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 30_00)]));
    refund.succeeds().await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 15_00)]));
    shop.after(days(3));
    refund.fails().await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 30_00)]));
    let told = entries(&commission(&shop, &order).await);
    let ways: Vec<&str> = told.iter().map(|(way, _)| way.as_str()).collect();
    assert_eq!(
        ways,
        ["sale expense>pending", "refund pending>expense", "refund_failed expense>pending"],
        "each change is an entry of its own"
    );
    runs_again(&shop).await;
}

#[tokio::test]
async fn the_last_click_wins_or_the_first_and_old_clicks_never() {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 1000 }, "wins": "first", "window_days": 30 });
    let first_wins = program(&shop, terms).await;
    partner(&shop, &first_wins, "ann").await;
    partner(&shop, &first_wins, "bob").await;
    let last_wins = program(&shop, json!({ "reward": { "basis_points": 2000 }, "window_days": 30 })).await;
    partner(&shop, &last_wins, "cem").await;
    partner(&shop, &last_wins, "dee").await;
    let clicks = async |codes: &[&str]| {
        let visitor = shop.visitor();
        for code in codes {
            visitor.visit(&format!("/?via={code}")).await;
            shop.after(days(20));
        }
        visitor.buys(usd(10_00)).await;
        commissions(&shop).await.pop()
    };
    let earned = |code: &str, minor| Some((code.to_owned(), "pending".to_owned(), minor));
    // Twenty days old, and forty: the older one is too old.
    assert_eq!(clicks(&["ann", "bob"]).await, earned("bob", 1_00));
    assert_eq!(clicks(&["cem", "dee"]).await, earned("dee", 2_00));
    assert_eq!(clicks(&["dee", "cem"]).await, earned("cem", 2_00));
    let quick = shop.visitor();
    for code in ["cem", "ann", "dee", "bob", "cem", "ann", "bob"] {
        quick.visit(&format!("/?via={code}")).await;
        shop.after(days(1));
    }
    quick.buys(usd(10_00)).await;
    // The last click is of the programme in which the first click wins.
    assert_eq!(commissions(&shop).await.pop(), earned("ann", 1_00));
    assert_eq!(commissions(&shop).await.len(), 4, "one commission a sale, whatever the programmes");
    runs_again(&shop).await;
}

#[tokio::test]
async fn changed_terms_are_for_payments_to_come() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let order = sent_by(&shop, "jane").await.subscribes(usd(10_000)).await;
    shop.settle().await;
    shop.after(days(15));
    let flat = json!({ "terms": { "reward": { "flat": { "EUR": 700 } } } });
    done(&shop, "POST", &format!("/v1/programs/{program}/terms"), flat).await;
    order.refunds(usd(50_00)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 15_00)]), "its own terms still");
    shop.after(days(15));
    order.renews().await;
    assert_eq!(commissions(&shop).await.len(), 1, "the new terms name no amount for dollars");
    let euros = sent_by(&shop, "jane").await;
    euros.buys(eur(20_00)).await;
    assert_eq!(commissions(&shop).await[1], ("jane".to_owned(), "pending".to_owned(), 7_00));
    runs_again(&shop).await;
}

#[tokio::test]
async fn what_is_told_late_or_twice_or_backwards_leads_to_the_same_commissions() {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 3000 }, "recurring": "once" });
    let program = program(&shop, terms).await;
    partner(&shop, &program, "jane").await;
    let ada = sent_by(&shop, "jane").await;
    shop.holds_webhooks();
    let first = ada.subscribes(usd(29_00)).await;
    let begin = shop.held();
    shop.holds_webhooks();
    shop.after(days(30));
    let renewal = first.renews().await;
    renewal.refunds(usd(9_00)).await;
    let mut later = shop.held();
    later.reverse();
    shop.deliver(&later).await;
    // As far as is known the renewal is the first payment, and earns as such until the real one is told.
    shop.settle().await;
    shop.deliver(&begin).await;
    let all = commissions(&shop).await;
    let earned: Vec<&(String, String, i64)> = all.iter().filter(|(_, _, minor)| *minor != 0).collect();
    assert_eq!(earned.len(), 1, "{all:?}");
    assert_eq!(earned[0].2, 8_70, "{all:?}");
    shop.deliver(&begin).await;
    shop.deliver(&later).await;
    assert_eq!(commissions(&shop).await, all);
    runs_again(&shop).await;
}

#[tokio::test]
async fn a_programme_that_began_in_the_past_earns_for_sales_known_before() {
    let shop = Shop::open().await;
    let program_now = program(&shop, thirty()).await;
    partner(&shop, &program_now, "jane").await;
    let began_ms = shop.now_ms();
    let old = json!({ "name": "Old", "terms": thirty(), "from_ms": began_ms - 1 });
    let old = text(&done(&shop, "POST", "/v1/programs", old).await["id"]);
    shop.after(days(1));
    let late = json!({ "name": "Late", "terms": thirty(), "from_ms": shop.now_ms() + days(10).0 });
    let late = text(&done(&shop, "POST", "/v1/programs", late).await["id"]);
    partner(&shop, &old, "ann").await;
    partner(&shop, &late, "bob").await;
    sent_by(&shop, "ann").await.buys(usd(10_00)).await;
    sent_by(&shop, "bob").await.buys(usd(20_00)).await;
    assert_eq!(commissions(&shop).await, owed([("ann", "pending", 3_00)]), "bob's terms are to come");
    let balances = shop.ask("/v1/commissions/balances").await;
    assert_eq!(
        (&balances["rows"][0]["name"], &balances["rows"][0]["balance"]["pending"]),
        (&json!("ann"), &json!(3_00))
    );
    runs_again(&shop).await;
}

#[tokio::test]
async fn a_suspended_partner_earns_nothing_new_and_keeps_what_was_earned() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let ada = sent_by(&shop, "jane").await;
    let first = ada.subscribes(usd(10_00)).await;
    let bob = sent_by(&shop, "jane").await;
    shop.settle().await;
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), json!({ "status": "suspended" })).await;
    bob.buys(usd(50_00)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 3_00)]));
    shop.after(days(30));
    first.renews().await;
    assert_eq!(commissions(&shop).await, owed([("jane", "due", 3_00)]));
    // What was paid meanwhile stays unearned; what is paid from now on earns again.
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), json!({ "status": "approved" })).await;
    runs_again(&shop).await;
    shop.after(days(30));
    first.renews().await;
    assert_eq!(commissions(&shop).await, owed([("jane", "due", 3_00), ("jane", "pending", 3_00)]));
    runs_again(&shop).await;
}

#[tokio::test]
async fn an_erased_customer_leaves_the_partner_what_was_earned() {
    let app = Arc::new(TestApp::start().await);
    let shop = Shop::open_as(app, "ws_shop", |settings| settings.window_days = Some(30)).await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 }, "window_days": 60 })).await;
    partner(&shop, &program, "jane").await;
    let ada = sent_by(&shop, "jane").await;
    // Too old for a model, and not for the partner.
    shop.after(days(40));
    ada.buys(usd(10_00)).await;
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 3_00)]));
    let key = shop.key_for(Scope::Admin).await;
    let asked = shop.app().request("DELETE", "/v1/people").header("authorization", format!("Bearer {key}"));
    let asked = shop.app().send(asked.body(json!({ "email": ada.email() }).to_string())).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    assert_eq!(commissions(&shop).await, owed([("jane", "pending", 3_00)]));
    runs_again(&shop).await;
}
