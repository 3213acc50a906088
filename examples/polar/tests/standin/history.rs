//! The history mode: bodies of the past, signatures of now, many at once.

use serde_json::{Value, json};

use crate::support::{World, id};

#[tokio::test]
async fn the_past_is_in_the_body_and_now_is_in_the_signature() {
    let world = World::new().await;
    let body = json!({ "purchases": [{
        "at": "2026-08-01T10:00:00Z", "product": "monthly", "email": "ada@example.com", "country": "US",
        "metadata": { "tributary_visitor_id": "vis_1" }, "cancel_at": "2026-09-10T08:00:00Z",
        "refunds": [{ "at": "2026-08-03T09:00:00Z", "amount": 500 }, { "at": "2026-09-02T09:00:00Z", "order": 1 }],
    }] });
    let answer = world.post("/standin/history", body).await;
    let made = &answer["purchases"][0];
    assert_eq!(
        made["order_ids"].as_array().map(Vec::len),
        Some(2),
        "bought and renewed once, then cancelled"
    );
    let received = world.deliveries().await;
    let stamps: Vec<String> = received.iter().map(|one| one.body()["timestamp"].to_string()).collect();
    assert!(stamps.is_sorted(), "one customer's events stay in order");
    assert!(stamps.iter().all(|at| at.as_str() < "\"2026-10-02"), "{stamps:?}");
    let signed: i64 = received[0].header("webhook-timestamp").parse().expect("seconds");
    assert!(signed > 1_790_000_000, "signed now");
    let last: Vec<Value> = received.iter().rev().take(4).map(|one| one.body()["type"].clone()).collect();
    let want =
        ["customer.state_changed", "subscription.revoked", "subscription.canceled", "subscription.updated"];
    assert_eq!(last, want);
    let order = world.get(&format!("/v1/orders/{}", id(made, "order"))).await;
    assert_eq!(order["created_at"].as_str().map(|at| &at[..10]), Some("2026-08-01"));
    assert_eq!(
        (&order["refunded_amount"], &order["metadata"]),
        (&json!(500), &json!({ "tributary_visitor_id": "vis_1" }))
    );
}

#[tokio::test]
async fn a_failed_renewal_ends_after_three_weeks() {
    let world = World::new().await;
    let body = json!({ "only": ["subscription.past_due", "subscription.revoked", "order.updated"], "purchases": [
        { "at": "2026-08-01T10:00:00Z", "product": "monthly", "email": "a@example.com", "failed_renewal": 1 },
    ] });
    world.post("/standin/history", body).await;
    let received = world.deliveries().await;
    let last = received.last().expect("something was sent").body();
    assert_eq!((&last["type"], &last["data"]["status"]), (&json!("order.updated"), &json!("void")));
    assert!(last["timestamp"].as_str().is_some_and(|at| at.starts_with("2026-09-22")), "{last}");
}

#[tokio::test]
async fn hundreds_of_purchases_in_one_call_keep_order_within_each_customer() {
    let world = World::new().await;
    let purchases: Vec<Value> = (0..300)
        .map(|n| {
            let at = format!("2026-{:02}-{:02}T{:02}:00:00Z", 8 + n % 3, 1 + n % 28, n % 24);
            json!({ "at": at, "product": if n % 2 == 0 { "monthly" } else { "templates" },
                    "email": format!("{n}@example.com"), "country": "US" })
        })
        .collect();
    let only = ["order.paid", "subscription.created", "order.refunded"];
    world.post("/standin/history", json!({ "purchases": purchases, "only": only })).await;
    let received = world.deliveries().await;
    assert!(received.len() > 500, "{}", received.len());
    let mut by_customer: std::collections::HashMap<String, Vec<String>> = std::collections::HashMap::new();
    for one in &received {
        let body = one.body();
        by_customer
            .entry(body["data"]["customer_id"].to_string())
            .or_default()
            .push(body["timestamp"].to_string());
    }
    assert_eq!(by_customer.len(), 300);
    assert!(by_customer.values().all(|at| at.is_sorted()));
}

#[tokio::test]
async fn what_cannot_have_happened_is_refused() {
    let world = World::new().await;
    let cases = [
        json!({ "purchases": [{ "product": "nothing", "email": "a@example.com" }] }),
        json!({ "purchases": [{ "product": "monthly", "email": "nobody" }] }),
        json!({ "purchases": [{ "product": "lifetime", "email": "a@example.com", "revoke_at": "2026-10-01T00:00:00Z", "at": "2026-09-01T00:00:00Z" }] }),
        json!({ "purchases": [], "only": ["order.sold"] }),
    ];
    for body in cases {
        let (status, answer) = world.call(reqwest::Method::POST, "/standin/history", body.clone()).await;
        assert_eq!(status, 422, "{body}: {answer}");
    }
}
