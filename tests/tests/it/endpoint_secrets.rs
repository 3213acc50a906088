//! Another secret for an endpoint: whoever still has the old one loses nothing, and for no longer than was said.

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use support::{Received, Receiver, Shop, hours, minutes};

use crate::affiliates::text;
use crate::events::{asks, delivers, with_receiver};

/// How many signatures the only delivery that comes now carries, and which of the secrets made one of them.
async fn signed_with(shop: &Shop, receiver: &Receiver, path: &str, secrets: &[&str]) -> (usize, Vec<bool>) {
    // Asked twice in one moment it would be one event.
    shop.after(minutes(1));
    let test = asks(shop, "POST", &format!("{path}/test"), Value::Null).await;
    assert_eq!(test.status, 202, "{}", test.text());
    delivers(shop).await;
    let received = receiver.received();
    let [one] = received.as_slice() else { panic!("{} came", received.len()) };
    let signatures = one.header("webhook-signature");
    (signatures.split(' ').count(), secrets.iter().map(|secret| is_signed(one, secret)).collect())
}

/// As a receiver finds its own among several.
fn is_signed(one: &Received, secret: &str) -> bool {
    let at: i64 = one.header("webhook-timestamp").parse().expect("seconds");
    let webhook = Webhook::new(secret).expect("a secret of Standard Webhooks");
    let own = webhook.sign(&one.header("webhook-id"), at, &one.body).expect("it signs");
    one.header("webhook-signature").split(' ').any(|given| given == own)
}

async fn rotated(shop: &Shop, path: &str, body: Value) -> Value {
    let made = asks(shop, "POST", &format!("{path}/rotate"), body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()
}

#[tokio::test]
async fn both_secrets_sign_for_a_day_and_then_the_new_one_alone() {
    let (shop, receiver, made) = with_receiver(&["endpoint.test"]).await;
    let (first, path) = (text(&made["secret"]), format!("/v1/endpoints/{}", text(&made["id"])));
    let told = rotated(&shop, &path, Value::Null).await;
    let second = text(&told["secret"]);
    assert_ne!(first, second);
    assert_eq!(told["old_secret_until_ms"], shop.now_ms() + 24 * 3_600_000);
    let shown = asks(&shop, "GET", &path, Value::Null).await;
    assert!(!shown.text().contains("whsec_"), "a secret is shown once: {}", shown.text());
    shop.after(hours(23));
    assert_eq!(signed_with(&shop, &receiver, &path, &[&first, &second]).await, (2, vec![true, true]));
    // Rotated again before the day is over: whoever has the first loses nothing by that.
    let third = text(&rotated(&shop, &path, json!({ "old_hours": 2 })).await["secret"]);
    let all = [&*first, &second, &third];
    assert_eq!(signed_with(&shop, &receiver, &path, &all).await, (3, vec![true; 3]));
    shop.after(hours(1));
    assert_eq!(signed_with(&shop, &receiver, &path, &all).await, (2, vec![false, true, true]));
    shop.after(hours(1));
    assert_eq!(signed_with(&shop, &receiver, &path, &all).await, (1, vec![false, false, true]));
    let shown = asks(&shop, "GET", &path, Value::Null).await.json();
    assert_eq!(shown["old_secret_until_ms"], Value::Null);
}

#[tokio::test]
async fn a_secret_that_somebody_else_knows_ends_at_once_with_all_before_it() {
    let (shop, receiver, made) = with_receiver(&["endpoint.test"]).await;
    let (first, path) = (text(&made["secret"]), format!("/v1/endpoints/{}", text(&made["id"])));
    let second = text(&rotated(&shop, &path, Value::Null).await["secret"]);
    let third = text(&rotated(&shop, &path, json!({ "old_hours": 0 })).await["secret"]);
    let signed = signed_with(&shop, &receiver, &path, &[&first, &second, &third]).await;
    assert_eq!(signed, (1, vec![false, false, true]));
    for _ in 0..9 {
        rotated(&shop, &path, Value::Null).await;
    }
    assert_eq!(signed_with(&shop, &receiver, &path, &[&third]).await.0, 5, "no header grows without end");
    for body in [json!({ "old_hours": 169 }), json!({ "old_hours": -1 }), json!({ "days": 1 })] {
        let refused = asks(&shop, "POST", &format!("{path}/rotate"), body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
    }
    let unknown = asks(&shop, "POST", "/v1/endpoints/end_x/rotate", Value::Null).await;
    assert_eq!(unknown.code(), "unknown_endpoint");
}
