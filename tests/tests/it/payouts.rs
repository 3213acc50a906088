//! Payouts: looked at, approved, sent and closed, each of it once.

use serde_json::{Value, json};
use support::{Answer, Shop, days, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, program, text};

/// A request with a key that may do everything.
pub async fn asks(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = shop.key_for(Scope::Admin).await;
    let request = shop.app().request(method, path).header("authorization", format!("Bearer {key}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.app().send(request.body(body)).await
}

pub async fn preview(shop: &Shop) -> Value {
    shop.settle().await;
    shop.ask("/v1/payouts/preview?currency=usd").await
}

pub async fn approve(shop: &Shop, preview: &Value) -> Answer {
    asks(shop, "POST", "/v1/payouts", json!({ "currency": "USD", "token": preview["token"] })).await
}

pub async fn is_paid_by(shop: &Shop, partner: &str, method: &str, recipient: &str) {
    let details = json!({ "payout": { "method": method, "recipient": recipient } });
    done(shop, "PATCH", &format!("/v1/partners/{partner}"), details).await;
}

pub async fn sells(shop: &Shop, code: &str, minor: i64) -> support::Order {
    let visitor = shop.visitor();
    visitor.visit(&format!("/?via={code}")).await;
    visitor.buys(usd(minor)).await
}

/// Due, processing, paid of everybody together.
pub async fn stands(shop: &Shop) -> [i64; 3] {
    shop.settle().await;
    let rows = shop.ask("/v1/commissions/balances").await["rows"].as_array().unwrap().clone();
    ["due", "processing", "paid"]
        .map(|account| rows.iter().map(|row| row["balance"][account].as_i64().unwrap()).sum())
}

/// Two partners to whom money is due: 30.00 to ann by PayPal, 6.00 to bob by Wise.
pub async fn with_partners() -> (Shop, String, String) {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 3000 }, "minimum_payout": { "USD": 500 } });
    let program = program(&shop, terms).await;
    let (ann, bob) = (partner(&shop, &program, "ann").await, partner(&shop, &program, "bob").await);
    sells(&shop, "ann", 10_000).await;
    sells(&shop, "bob", 20_00).await;
    is_paid_by(&shop, &ann, "paypal", "ann@pay.example").await;
    is_paid_by(&shop, &bob, "wise", "bob@pay.example").await;
    (shop, ann, bob)
}

#[tokio::test]
async fn a_payout_is_looked_at_approved_sent_and_never_paid_twice() {
    let (shop, _, _) = with_partners().await;
    assert_eq!(preview(&shop).await["token"], Value::Null, "nothing is due before the hold is over");
    shop.after(days(31));
    let shown = preview(&shop).await;
    assert_eq!((&shown["total"], shown["items"].as_array().unwrap().len()), (&json!(36_00), 2), "{shown}");
    assert_eq!(stands(&shop).await, [36_00, 0, 0], "looking moves nothing");
    let approved = approve(&shop, &shown).await;
    assert_eq!(approved.status, 201, "{}", approved.text());
    let payout = approved.json();
    let id = text(&payout["id"]);
    assert_eq!((&payout["state"], &payout["total"]), (&json!("processing"), &json!(36_00)));
    assert_eq!(stands(&shop).await, [0, 36_00, 0]);
    // An answer that was lost: the same token again is the same payout.
    assert_eq!(approve(&shop, &shown).await.json(), payout);
    assert_eq!(stands(&shop).await, [0, 36_00, 0]);
    assert_eq!(preview(&shop).await["token"], Value::Null, "what is under way is not due");
    assert_eq!(shop.failing_checks().await, [""; 0]);

    let file = async |format: &str| {
        asks(&shop, "GET", &format!("/v1/payouts/{id}/file?format={format}"), Value::Null).await
    };
    let paypal = file("paypal").await.text();
    assert!(paypal.starts_with("ann@pay.example,30.00,USD,prt_"), "{paypal}");
    let wise = file("wise").await.text();
    assert!(wise.contains(&format!("bob,bob@pay.example,{id},PERSON,target,6.00,USD,USD,EMAIL")), "{wise}");
    let plain = file("csv").await;
    assert_eq!((plain.text().lines().count(), plain.header("tributary-parts")), (3, "1"));
    assert_eq!(file("csv").await.text(), plain.text(), "the same bytes again");
    assert_eq!(file("xml").await.json()["field"], "format");

    let path = format!("/v1/payouts/{id}/paid");
    let paid = asks(&shop, "POST", &path, json!({ "reference": "PP-1" })).await;
    assert_eq!((paid.status, &paid.json()["state"]), (200, &json!("paid")), "{}", paid.text());
    assert_eq!(stands(&shop).await, [0, 0, 36_00]);
    let again = asks(&shop, "POST", &path, json!({ "reference": "PP-1" })).await;
    assert_eq!((again.status, again.json()), (200, paid.json()), "said twice it is said once");
    let other = asks(&shop, "POST", &path, json!({ "reference": "PP-2" })).await;
    assert_eq!((other.status, &*other.code()), (409, "payout_closed"));
    let cancel = asks(&shop, "POST", &format!("/v1/payouts/{id}/cancel"), Value::Null).await;
    assert_eq!((cancel.status, &*cancel.code()), (409, "payout_closed"));
    assert_eq!(stands(&shop).await, [0, 0, 36_00]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
    assert_eq!(shop.ask("/v1/payouts").await["rows"][0]["reference"], "PP-1");
}

#[tokio::test]
async fn what_changed_since_the_preview_is_not_paid_unseen() {
    let (shop, ann, _) = with_partners().await;
    let more = sells(&shop, "ann", 50_00).await;
    shop.after(days(31));
    let shown = preview(&shop).await;
    more.refunds(usd(10_00)).await;
    shop.settle().await;
    let refused = approve(&shop, &shown).await;
    assert_eq!((refused.status, &*refused.code()), (409, "preview_outdated"));
    assert_eq!(stands(&shop).await, [48_00, 0, 0]);
    // So does another way of being paid.
    let shown = preview(&shop).await;
    is_paid_by(&shop, &ann, "other", "IBAN DE00 1234").await;
    assert_eq!(approve(&shop, &shown).await.code(), "preview_outdated");
    let payout = approve(&shop, &preview(&shop).await).await.json();
    assert_eq!(payout["total"], 48_00);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn a_refund_after_the_payout_is_netted_in_the_next_one() {
    let (shop, ann, _) = with_partners().await;
    let order = sells(&shop, "ann", 40_00).await;
    shop.after(days(31));
    let first = approve(&shop, &preview(&shop).await).await.json();
    assert_eq!(first["total"], 48_00);
    done_as_admin(&shop, &format!("/v1/payouts/{}/paid", text(&first["id"]))).await;
    order.refunds_the_rest().await;
    assert_eq!(stands(&shop).await, [-12_00, 0, 48_00]);
    let shown = preview(&shop).await;
    assert_eq!(
        (&shown["token"], &shown["held"][0]["why"]),
        (&Value::Null, &json!("nothing_owed")),
        "{shown}"
    );
    sells(&shop, "ann", 60_00).await;
    shop.after(days(31));
    let shown = preview(&shop).await;
    assert_eq!((&shown["total"], &shown["items"][0]["partner"]), (&json!(6_00), &json!(ann)), "{shown}");
    let second = approve(&shop, &shown).await;
    assert_eq!(second.status, 201, "{}", second.text());
    done_as_admin(&shop, &format!("/v1/payouts/{}/paid", text(&second.json()["id"]))).await;
    assert_eq!(stands(&shop).await, [0, 0, 54_00]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

pub async fn done_as_admin(shop: &Shop, path: &str) -> Value {
    let answer = asks(shop, "POST", path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_payout_that_went_through_in_part_leaves_the_rest_due() {
    let (shop, ann, bob) = with_partners().await;
    shop.after(days(31));
    let payout = approve(&shop, &preview(&shop).await).await.json();
    let path = format!("/v1/payouts/{}/paid", text(&payout["id"]));
    let stranger = asks(&shop, "POST", &path, json!({ "failed": ["prt_nobody"] })).await;
    assert_eq!((stranger.status, &*stranger.code()), (404, "unknown_partner"));
    let closed = asks(&shop, "POST", &path, json!({ "failed": [bob] })).await.json();
    assert_eq!((&closed["state"], &closed["total"]), (&json!("paid"), &json!(30_00)));
    assert_eq!(stands(&shop).await, [6_00, 0, 30_00]);
    let next = preview(&shop).await;
    assert_eq!((&next["total"], &next["items"][0]["partner"]), (&json!(6_00), &json!(bob)));
    let next = approve(&shop, &next).await.json();
    let path = format!("/v1/payouts/{}/cancel", text(&next["id"]));
    assert_eq!(done_as_admin(&shop, &path).await["state"], "canceled");
    assert_eq!(
        done_as_admin(&shop, &path).await["state"],
        "canceled",
        "called off twice it is called off once"
    );
    assert_eq!(stands(&shop).await, [6_00, 0, 30_00]);
    assert_ne!(preview(&shop).await["token"], next["id"], "what was called off is another payout next time");
    assert_eq!(shop.failing_checks().await, [""; 0]);
    let gone = shop.ask_as(&shop.key_for(Scope::Read).await, &format!("/v1/payouts/{ann}")).await;
    assert_eq!((gone.status, &*gone.code()), (404, "unknown_payout"));
}

#[tokio::test]
async fn a_payout_interrupted_half_way_goes_on_part_by_part_and_ends_once() {
    let (shop, ann, bob) = with_partners().await;
    shop.after(days(31));
    let id = text(&approve(&shop, &preview(&shop).await).await.json()["id"]);
    let item = |partner: &str, what: &str| format!("/v1/payouts/{id}/items/{partner}/{what}");
    let invoice = json!({ "reference": "in_1Q2w3e" });
    let first = asks(&shop, "POST", &item(&ann, "paid"), invoice.clone()).await.json();
    assert_eq!((&first["state"], stands(&shop).await), (&json!("processing"), [0, 6_00, 30_00]));
    assert_eq!(
        asks(&shop, "POST", &item(&ann, "paid"), invoice).await.json(),
        first,
        "said twice it is said once"
    );
    let other = asks(&shop, "POST", &item(&ann, "failed"), Value::Null).await;
    assert_eq!((other.status, &*other.code()), (409, "payout_closed"));
    let path = format!("/v1/payouts/{id}/paid");
    let undone = asks(&shop, "POST", &path, json!({ "failed": [ann] })).await;
    assert_eq!((undone.status, &*undone.code()), (409, "payout_closed"), "what arrived did not fail");
    assert_eq!(shop.failing_checks().await, [""; 0]);
    let ended = asks(&shop, "POST", &path, json!({ "reference": "BANK-7" })).await.json();
    assert_eq!((&ended["state"], &ended["total"]), (&json!("paid"), &json!(36_00)));
    let reference = |partner: &str| {
        let items = ended["items"].as_array().unwrap();
        text(&items.iter().find(|item| item["partner"] == partner).unwrap()["reference"])
    };
    assert_eq!((reference(&ann), reference(&bob)), ("in_1Q2w3e".to_owned(), "BANK-7".to_owned()));
    assert_eq!(stands(&shop).await, [0, 0, 36_00]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn who_cannot_be_paid_is_told_why_and_stays_due() {
    let (shop, ann, bob) = with_partners().await;
    let program = text(&shop.ask("/v1/programs").await["rows"][0]["id"]);
    partner(&shop, &program, "cem").await;
    let dee = partner(&shop, &program, "dee").await;
    sells(&shop, "cem", 10_000).await;
    sells(&shop, "dee", 10_00).await;
    is_paid_by(&shop, &dee, "paypal", "dee@pay.example").await;
    done(&shop, "PATCH", &format!("/v1/partners/{ann}"), json!({ "status": "suspended" })).await;
    shop.after(days(31));
    let shown = preview(&shop).await;
    let why = |name: &str| {
        let held = shown["held"].as_array().unwrap();
        held.iter().find(|held| held["name"] == name).map(|held| text(&held["why"]))
    };
    assert_eq!(why("ann").as_deref(), Some("not_approved"), "{shown}");
    assert_eq!(why("cem").as_deref(), Some("no_payout_details"));
    assert_eq!(why("dee").as_deref(), Some("below_minimum"));
    assert_eq!((&shown["total"], &shown["items"][0]["partner"]), (&json!(6_00), &json!(bob)));
    let wrong = shop.ask_as(&shop.key_for(Scope::Read).await, "/v1/payouts/preview?currency=dollars").await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("currency")));
}
