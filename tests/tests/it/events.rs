//! Events: written with what they tell of, signed, tried again, and given up on by whoever takes nothing.

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use support::{Answer, Manner, Received, Receiver, Shop, TestApp, days, hours, seconds, usd};
use tributary::control::keys::Scope;
use tributary::jobs::deliver;

use crate::affiliates::{done, partner, program, text};
use crate::payouts::{approve, done_as_admin, preview, with_partners};

pub async fn asks(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = shop.key_for(Scope::Admin).await;
    let request = shop.app().request(method, path).header("authorization", format!("Bearer {key}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.app().send(request.body(body)).await
}

/// An endpoint for these types, all when there are none.
pub async fn endpoint(shop: &Shop, url: &str, events: &[&str]) -> Value {
    let made = asks(shop, "POST", "/v1/endpoints", json!({ "url": url, "events": events })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

/// What is sent by every delivery there is, oldest first.
pub async fn told(shop: &Shop) -> Vec<Value> {
    let page = asks(shop, "GET", "/v1/deliveries", Value::Null).await.json();
    let mut bodies = Vec::new();
    for row in page["rows"].as_array().expect("rows").iter().rev() {
        let path = format!("/v1/deliveries/{}", text(&row["id"]));
        bodies.push(asks(shop, "GET", &path, Value::Null).await.json()["body"].clone());
    }
    bodies
}

pub async fn delivers(shop: &Shop) {
    while deliver::step(shop.app()).await.expect("deliveries are tried") {}
}

async fn deliveries(shop: &Shop, query: &str) -> Vec<Value> {
    let page = asks(shop, "GET", &format!("/v1/deliveries?{query}"), Value::Null).await;
    page.json()["rows"].as_array().unwrap_or_else(|| panic!("{}", page.text())).clone()
}

fn types(received: &[Received]) -> Vec<String> {
    let body = |one: &Received| serde_json::from_slice::<Value>(&one.body).expect("JSON");
    received.iter().map(|one| text(&body(one)["type"])).collect()
}

/// A shop with a partner, whose endpoint is a receiver.
pub async fn with_receiver(events: &[&str]) -> (Shop, Receiver, Value) {
    let (shop, receiver) = (Shop::open().await, Receiver::open().await);
    let endpoint = endpoint(&shop, &receiver.url(), events).await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 }, "hold_days": 10 })).await;
    partner(&shop, &program, "jane").await;
    (shop, receiver, endpoint)
}

#[tokio::test]
async fn what_happens_to_a_commission_is_told_once_and_signed() {
    let (shop, receiver, endpoint) = with_receiver(&[]).await;
    let visitor = shop.visitor();
    visitor.visit("/?via=jane").await;
    let order = visitor.buys(usd(10_000)).await;
    shop.settle().await;
    delivers(&shop).await;
    order.refunds(usd(10_00)).await;
    // The hold is over, and what was delivered is still remembered.
    shop.after(days(11));
    shop.settle().await;
    delivers(&shop).await;
    let received = receiver.received();
    let mut kinds = types(&received);
    kinds.sort();
    assert_eq!(kinds, ["commission.created", "commission.due", "commission.reversed", "partner.approved"]);

    let secret = text(&endpoint["secret"]);
    let webhook = Webhook::new(&secret).expect("the secret is one of Standard Webhooks");
    for one in &received {
        let at: i64 = one.header("webhook-timestamp").parse().expect("seconds");
        let signed = webhook.sign(&one.header("webhook-id"), at, &one.body).expect("it signs");
        assert_eq!(one.header("webhook-signature"), signed);
        assert!(at <= shop.now_ms() / 1000 && one.header("webhook-id").starts_with("evt_"));
    }
    let bodies = received.iter().map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
    let created = bodies.into_iter().find(|body| body["type"] == "commission.created").unwrap();
    let data = &created["data"];
    assert_eq!(
        (&data["amount"], &data["currency"], &data["reason"]),
        (&json!(30_00), &json!("USD"), &json!("sale"))
    );
    assert_eq!(created["workspace"], "ws_shop");
    assert!(text(&data["order"]).starts_with("ord_"), "{created}");
    assert!(received.iter().all(|one| !one.body.contains(&b'@')), "nobody's address is told");

    // Said again, nothing is told again.
    done(&shop, "POST", "/v1/commissions/run", Value::Null).await;
    shop.settle().await;
    delivers(&shop).await;
    assert!(receiver.received().is_empty());
    let listed = deliveries(&shop, "state=delivered").await;
    assert_eq!(listed.len(), 4);
    let shown =
        asks(&shop, "GET", &format!("/v1/deliveries/{}", text(&listed[0]["id"])), Value::Null).await.json();
    assert_eq!((&shown["log"][0]["status"], shown["log"].as_array().unwrap().len()), (&json!(204), 1));
    let again =
        asks(&shop, "POST", &format!("/v1/deliveries/{}/replay", text(&listed[3]["id"])), Value::Null).await;
    assert_eq!(again.status, 202, "{}", again.text());
    delivers(&shop).await;
    let replayed = receiver.received();
    assert_eq!(
        replayed[0].header("webhook-id"),
        received[0].header("webhook-id"),
        "the same id at every try"
    );
}

#[tokio::test]
async fn a_payout_is_told_with_the_entries_that_move_it() {
    let (shop, ann, bob) = with_partners().await;
    let receiver = Receiver::open().await;
    endpoint(
        &shop,
        &receiver.url(),
        &["payout.approved", "payout.sent", "payout.item_paid", "payout.item_failed"],
    )
    .await;
    shop.after(days(31));
    let payout = approve(&shop, &preview(&shop).await).await.json();
    let id = text(&payout["id"]);
    asks(&shop, "POST", &format!("/v1/payouts/{id}/items/{bob}/failed"), Value::Null).await;
    let sent =
        asks(&shop, "POST", &format!("/v1/payouts/{id}/paid"), json!({ "reference": "PP-1" })).await.json();
    assert_eq!((&sent["state"], &sent["total"]), (&json!("paid"), &json!(30_00)));
    done_as_admin(&shop, &format!("/v1/payouts/{id}/paid")).await;
    delivers(&shop).await;
    let received = receiver.received();
    let mut kinds = types(&received);
    kinds.sort();
    assert_eq!(kinds, ["payout.approved", "payout.item_failed", "payout.item_paid", "payout.sent"]);
    let of = |kind: &str| {
        let bodies = received.iter().map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
        bodies.into_iter().find(|body| body["type"] == kind).unwrap()["data"].clone()
    };
    assert_eq!(of("payout.sent")["reference"], "PP-1");
    assert_eq!(
        (&of("payout.item_paid")["partner"], &of("payout.item_failed")["partner"]),
        (&json!(ann), &json!(bob))
    );
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn who_fails_is_tried_again_after_growing_waits_and_loses_nothing() {
    let (shop, receiver, made) = with_receiver(&["partner.approved"]).await;
    for (manner, error) in [
        (Manner::Answers(500, String::new(), "x".repeat(5000)), "it answers 500"),
        (
            Manner::Answers(302, "location: http://169.254.169.254/\r\n".to_owned(), String::new()),
            "it answers 302; give the address it leads to",
        ),
        (Manner::Answers(429, "retry-after: 7200\r\n".to_owned(), String::new()), "it answers 429"),
    ] {
        receiver.does(manner);
        delivers(&shop).await;
        assert_eq!(receiver.received().len(), 1, "{error}");
        let waiting = deliveries(&shop, "state=waiting").await;
        let path = format!("/v1/deliveries/{}", text(&waiting[0]["id"]));
        let shown = asks(&shop, "GET", &path, Value::Null).await.json();
        let last = shown["log"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["error"], error);
        assert!(text(&last["answer"]).len() <= 1024);
        delivers(&shop).await;
        assert!(receiver.received().is_empty(), "not before its time");
        shop.after(seconds(60));
    }
    delivers(&shop).await;
    assert!(receiver.received().is_empty(), "it asked to be left alone for two hours");
    shop.after(hours(2));
    receiver.answers(200);
    delivers(&shop).await;
    assert_eq!(types(&receiver.received()), ["partner.approved"]);
    let endpoint =
        asks(&shop, "GET", &format!("/v1/endpoints/{}", text(&made["id"])), Value::Null).await.json();
    assert_eq!((&endpoint["enabled"], &endpoint["failing_since_ms"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn who_hangs_holds_up_nobody_else() {
    let app = TestApp::start_with(|config| config.outbound.delivery_timeout_ms = 3000).await;
    let shop = Shop::open_on(std::sync::Arc::new(app), "ws_shop").await;
    let (slow, quick) = (Receiver::open().await, Receiver::open().await);
    slow.does(Manner::Hangs);
    for url in [slow.url(), quick.url()] {
        let made = endpoint(&shop, &url, &["endpoint.test"]).await;
        asks(&shop, "POST", &format!("/v1/endpoints/{}/test", text(&made["id"])), Value::Null).await;
    }
    delivers(&shop).await;
    assert_eq!((slow.received().len(), types(&quick.received())), (1, vec!["endpoint.test".to_owned()]));
    let waiting = deliveries(&shop, "state=waiting").await;
    assert_eq!((waiting.len(), &waiting[0]["attempts"]), (1, &json!(1)));
}

#[tokio::test]
async fn who_is_gone_or_takes_nothing_for_days_is_told_of_nothing_until_it_is_enabled() {
    let (shop, receiver, made) = with_receiver(&["partner.approved", "endpoint.test"]).await;
    let path = format!("/v1/endpoints/{}", text(&made["id"]));
    let shown = async || asks(&shop, "GET", &path, Value::Null).await.json();
    receiver.answers(410);
    delivers(&shop).await;
    let gone = shown().await;
    assert!(text(&gone["disabled_why"]).contains("410"), "{gone}");
    shop.after(days(1));
    delivers(&shop).await;
    assert_eq!(receiver.received().len(), 1, "it is left alone");
    receiver.answers(503);
    asks(&shop, "PATCH", &path, json!({ "enabled": true })).await;
    for _ in 0..6 {
        delivers(&shop).await;
        asks(&shop, "POST", &format!("{path}/test"), Value::Null).await;
        shop.after(days(1));
    }
    let tired = shown().await;
    assert!(text(&tired["disabled_why"]).contains("5 days"), "{tired}");
    assert!(
        !deliveries(&shop, "state=failed").await.is_empty(),
        "after three days one is not tried any more"
    );
    receiver.answers(204);
    receiver.received();
    let enabled = asks(&shop, "PATCH", &path, json!({ "enabled": true })).await.json();
    assert_eq!((&enabled["enabled"], &enabled["failing_since_ms"]), (&json!(true), &Value::Null));
    delivers(&shop).await;
    assert!(!receiver.received().is_empty(), "what waited is sent at once");
}

#[tokio::test]
async fn an_endpoint_is_checked_before_it_is_kept() {
    let app = TestApp::start_with(|config| config.outbound.allowed_networks = Vec::new()).await;
    let shop = Shop::open_on(std::sync::Arc::new(app), "ws_shop").await;
    for (body, field) in [
        (json!({ "url": "https://127.0.0.1/take" }), "url"),
        (json!({ "url": "https://169.254.169.254/" }), "url"),
        (json!({ "url": "http://example.com/" }), "url"),
        (json!({ "url": "take" }), "url"),
        (json!({ "url": "https://example.com/", "events": ["order.paid"] }), "events"),
    ] {
        let refused = asks(&shop, "POST", "/v1/endpoints", body.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (400, &json!(field)),
            "{body}: {}",
            refused.text()
        );
    }
    let made = endpoint(&shop, "https://example.com/take", &[]).await;
    let listed = asks(&shop, "GET", "/v1/endpoints", Value::Null).await;
    assert!(!listed.text().contains(&text(&made["secret"])), "the secret is shown once");
    let path = format!("/v1/endpoints/{}", text(&made["id"]));
    assert_eq!(asks(&shop, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(asks(&shop, "DELETE", &path, Value::Null).await.code(), "unknown_endpoint");
}
