//! Flags: what is doubtful holds its money until somebody decides, the decision is kept, and what was rejected stays so.

use serde_json::{Value, json};
use support::{Answer, Order, Shop, days, minutes, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, program, text};

async fn asks(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = shop.key_for(Scope::Admin).await;
    let request = shop.app().request(method, path).header("authorization", format!("Bearer {key}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.app().send(request.body(body)).await
}

/// Flags that fit, newest first.
async fn flags(shop: &Shop, query: &str) -> Vec<Value> {
    shop.settle().await;
    let page = shop.ask(&format!("/v1/flags{query}")).await;
    page["rows"].as_array().expect("a page has rows").clone()
}

async fn kinds(shop: &Shop) -> Vec<String> {
    flags(shop, "").await.iter().map(|flag| text(&flag["kind"])).collect()
}

async fn decides(shop: &Shop, flag: &Value, decision: &str) -> Value {
    let path = format!("/v1/flags/{}/decision", text(&flag["id"]));
    let decided = asks(shop, "POST", &path, json!({ "decision": decision, "note": "asked jane" })).await;
    assert_eq!(decided.status, 200, "{}", decided.text());
    decided.json()
}

async fn preview(shop: &Shop) -> Value {
    shop.settle().await;
    shop.ask("/v1/payouts/preview?currency=usd").await
}

/// Approves what a preview shows and says it was sent.
async fn pays_out(shop: &Shop) -> Value {
    let shown = preview(shop).await;
    let body = json!({ "currency": "USD", "token": shown["token"] });
    let payout = asks(shop, "POST", "/v1/payouts", body).await.json();
    let path = format!("/v1/payouts/{}/paid", text(&payout["id"]));
    assert_eq!(asks(shop, "POST", &path, Value::Null).await.status, 200, "{payout}");
    payout
}

async fn commission(shop: &Shop, flag: &Value) -> Value {
    shop.settle().await;
    shop.ask(&format!("/v1/commissions/{}", text(&flag["commission"]))).await
}

/// A shop with a partner who is paid by PayPal.
async fn with_jane() -> (Shop, String) {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let jane = partner(&shop, &program, "jane").await;
    let details = json!({ "payout": { "method": "paypal", "recipient": "jane@pay.example" } });
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), details).await;
    (shop, jane)
}

/// A customer whom jane sent, who buys with this address.
async fn buys_as(shop: &Shop, email: &str, minor: i64) -> Order {
    let visitor = shop.visitor();
    visitor.visit("/?via=jane").await;
    visitor.checkout(usd(minor)).by_api().monthly().email(email).pays().await
}

async fn is_sound(shop: &Shop) {
    let before = flags(shop, "").await.len();
    let run = done(shop, "POST", "/v1/commissions/run", Value::Null).await;
    assert_eq!(run["entries"], 0, "a second run adds nothing: {run}");
    assert_eq!(flags(shop, "").await.len(), before, "and raises nothing");
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn who_buys_from_themself_is_held_then_cleared_then_paid() {
    let (shop, jane) = with_jane().await;
    buys_as(&shop, "Jane@Partners.example", 10_000).await;
    buys_as(&shop, "ada@example.com", 20_00).await;
    let open = flags(&shop, "?state=open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    let flag = &open[0];
    assert_eq!((&flag["kind"], &flag["evidence"]["by"]), (&json!("self_referral"), &json!("address")));
    assert_eq!((&flag["holds"], &flag["partner"]), (&json!(true), &json!(jane)));

    // Held money goes its way to due, and no further; the rest is paid.
    shop.after(days(31));
    let shown = preview(&shop).await;
    assert_eq!(shown["total"], 6_00, "{shown}");
    let held = &shown["held"][0];
    assert_eq!((&held["why"], &held["amount"]), (&json!("flagged"), &json!(30_00)), "{shown}");
    assert_eq!(pays_out(&shop).await["total"], 6_00);
    assert_eq!(commission(&shop, flag).await["state"], "due");
    is_sound(&shop).await;

    let cleared = decides(&shop, flag, "cleared").await;
    assert_eq!((&cleared["state"], &cleared["holds"]), (&json!("cleared"), &json!(false)));
    let decision = &cleared["decisions"][0];
    assert_eq!((&decision["note"], &decision["at_ms"]), (&json!("asked jane"), &json!(shop.now_ms())));
    assert!(text(&decision["by"]).starts_with("key_"), "{decision}");
    assert_eq!(decides(&shop, flag, "cleared").await, cleared, "decided again it is decided once");
    assert_eq!(pays_out(&shop).await["total"], 30_00);
    assert_eq!(commission(&shop, flag).await["state"], "paid");
    is_sound(&shop).await;
    assert_eq!(flags(&shop, "?state=open").await.len(), 0, "and the same is not raised again");
}

#[tokio::test]
async fn what_was_cleared_for_one_payment_is_not_asked_again_for_the_next() {
    let (shop, _) = with_jane().await;
    let order = buys_as(&shop, "jane+shop@partners.example", 10_000).await;
    let first = flags(&shop, "").await;
    assert_eq!(first[0]["evidence"]["by"], "similar_address");
    shop.after(days(30));
    let second = order.renews().await;
    let both = flags(&shop, "?state=open").await;
    assert_eq!(both.len(), 2, "a renewal of what is doubtful is doubtful: {both:?}");
    assert_eq!(both[0]["order"], second.shown().await["id"]);
    decides(&shop, &first[0], "cleared").await;
    shop.after(days(30));
    order.renews().await;
    assert_eq!(flags(&shop, "").await.len(), 2);
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_was_rejected_stays_void_whatever_is_booked_again() {
    let (shop, _) = with_jane().await;
    let order = buys_as(&shop, "jane@partners.example", 10_000).await;
    let flag = flags(&shop, "").await.remove(0);
    let rejected = decides(&shop, &flag, "rejected").await;
    assert_eq!((&rejected["state"], &rejected["earned"]), (&json!("rejected"), &json!(0)));
    let voided = commission(&shop, &flag).await;
    assert_eq!(voided["state"], "void");
    let last = voided["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["reason"], &last["source"]), (&json!("flag_rejected"), &flag["id"]));
    is_sound(&shop).await;

    // Facts go on, and nothing of it is earned: a refund, a hold that is over, a full recompute.
    order.refunds(usd(40_00)).await;
    shop.after(days(31));
    let later = commission(&shop, &flag).await;
    assert_eq!((&later["state"], &later["balance"]["earned"]), (&json!("void"), &json!(0)));
    assert_eq!(preview(&shop).await["token"], Value::Null);
    is_sound(&shop).await;

    // Who thinks better of it decides again; both decisions are kept.
    let cleared = decides(&shop, &flag, "cleared").await;
    assert_eq!((cleared["decisions"].as_array().unwrap().len(), &cleared["earned"]), (2, &json!(18_00)));
    assert_eq!(pays_out(&shop).await["total"], 18_00);
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_is_found_out_after_the_payout_is_a_warning_and_rejected_it_is_owed_back() {
    let (shop, _) = with_jane().await;
    let visitor = shop.visitor();
    visitor.visit("/?via=jane").await;
    visitor.buys(usd(10_000)).await;
    shop.after(days(31));
    assert_eq!(pays_out(&shop).await["total"], 30_00);
    assert_eq!(flags(&shop, "").await.len(), 0);
    visitor.visit("/account").await;
    visitor.identifies("jane@partners.example").await;
    done(&shop, "POST", "/v1/commissions/run", Value::Null).await;
    let flag = flags(&shop, "").await.remove(0);
    assert_eq!((&flag["kind"], &flag["is_warning"]), (&json!("self_referral"), &json!(true)), "{flag}");
    assert_eq!((&flag["holds"], &flag["commission_state"]), (&json!(false), &json!("paid")));
    decides(&shop, &flag, "rejected").await;
    let balance = commission(&shop, &flag).await["balance"].clone();
    assert_eq!((&balance["due"], &balance["paid"]), (&json!(-30_00), &json!(30_00)));
    is_sound(&shop).await;
}

#[tokio::test]
async fn every_way_of_doubt_is_seen_over_the_wire() {
    let (shop, _) = with_jane().await;
    let throwaway = shop.visitor();
    throwaway.visit("/?via=jane").await;
    throwaway.checkout(usd(10_00)).by_api().email("x@mailinator.com").pays().await;
    assert_eq!(kinds(&shop).await, ["disposable_address"]);

    shop.after(days(1));
    let late = shop.visitor();
    late.visit("/pricing").await;
    late.visit("/checkout").await;
    shop.after(minutes(2));
    late.visit("/?via=jane").await;
    late.buys(usd(10_00)).await;
    assert_eq!(kinds(&shop).await[0], "after_checkout");

    shop.after(days(1));
    let hunter = shop.visitor();
    hunter.arrives_from("https://www.google.com/", "/pricing").await;
    shop.after(days(1));
    hunter.arrives_from("https://www.retailmenot.com/", "/?via=jane").await;
    shop.after(minutes(3));
    hunter.buys(usd(10_00)).await;
    assert_eq!(kinds(&shop).await[0], "coupon_site");

    shop.after(days(1));
    let searcher = shop.visitor();
    searcher.visit("/?via=jane&gclid=Cj0abc").await;
    searcher.buys(usd(10_00)).await;
    assert_eq!(kinds(&shop).await[0], "paid_brand_search");

    shop.after(days(1));
    let forger = shop.visitor();
    forger.visit("/?via=jane").await;
    forger.identifies(forger.email()).await;
    let mut forged = forger.id();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    forger.checkout(usd(10_00)).metadata("tributary_visitor_id", &forged).pays().await;
    assert_eq!(kinds(&shop).await[0], "unverified_visitor");
    assert_eq!(kinds(&shop).await.len(), 5, "one doubt each");
    is_sound(&shop).await;

    let wrong = shop.ask_as(&shop.key_for(Scope::Read).await, "/v1/flags?kind=nonsense").await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("query")));
    let nobody = asks(&shop, "POST", "/v1/flags/flg_0/decision", json!({ "decision": "cleared" })).await;
    assert_eq!((nobody.status, &*nobody.code()), (404, "unknown_flag"));
    let of_kind = flags(&shop, "?kind=coupon_site&limit=1").await;
    assert_eq!((of_kind.len(), &of_kind[0]["evidence"]["host"]), (1, &json!("www.retailmenot.com")));
}
