//! How events are sent: headers, signature, retries, disabling, faults.

use std::collections::HashMap;

use axum::http::StatusCode;
use polar_standin::{Options, Secret};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Received, SECRET, World, id};

#[tokio::test]
async fn deliveries_carry_polars_headers_and_a_signature_of_now() {
    let world = World::new().await;
    world.buys("templates", "a@example.com").await;
    for one in world.deliveries().await {
        assert_eq!(one.header("user-agent"), "polar.sh webhooks");
        assert_eq!(one.header("content-type"), "application/json");
        assert_eq!(one.header("webhook-api-version"), "2026-10");
        assert_eq!(one.body()["api_version"], "2026-10");
        let timestamp: i64 = one.header("webhook-timestamp").parse().expect("seconds");
        let signature = Secret::Standard(SECRET.into()).sign(one.header("webhook-id"), timestamp, &one.text);
        assert_eq!(one.header("webhook-signature"), signature);
        assert!(!one.text.contains("\": "), "the body is compact");
    }
}

#[tokio::test]
async fn a_start_of_its_own_dates_sales_and_signatures_whatever_the_machines_clock() {
    let starts_at: jiff::Timestamp = "2031-03-05T10:00:00Z".parse().expect("an instant");
    let options = Options { starts_at: Some(starts_at), ..Options::default() };
    let world = World::with(|_| StatusCode::OK, options).await;
    world.buys("templates", "a@example.com").await;
    // Who buys has looked at the checkout for a minute before, and a test does not take an hour.
    let is_then = |seconds: i64| (seconds - starts_at.as_second()).abs() < 3600;
    for one in world.deliveries().await {
        assert!(is_then(one.header("webhook-timestamp").parse().expect("seconds")));
        let at: jiff::Timestamp =
            one.body()["timestamp"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
        assert!(is_then(at.as_second()), "{at}");
    }
    world.post("/standin/clock/advance", json!({ "days": 40 })).await;
    world.buys("templates", "b@example.com").await;
    let last = world.deliveries().await.pop().expect("a delivery");
    assert!(
        is_then(last.header("webhook-timestamp").parse().expect("seconds")),
        "signatures are not moved ahead"
    );
}

#[tokio::test]
async fn the_merchants_own_secret_signs_with_its_bytes() {
    let world = World::new().await;
    let endpoints = world.get("/v1/webhooks/endpoints").await;
    let url = endpoints["items"][0]["url"].clone();
    let body = json!({ "url": url, "format": "raw", "events": ["order.paid"], "secret": "polar_whs_old" });
    let made = world.post("/v1/webhooks/endpoints", body).await;
    assert_eq!(made["uses_standard_webhook_signature"], false);
    world.buys("templates", "a@example.com").await;
    let paid: Vec<Received> =
        world.deliveries().await.into_iter().filter(|one| one.body()["type"] == "order.paid").collect();
    assert_eq!(paid.len(), 2);
    assert_ne!(
        paid[0].header("webhook-id"),
        paid[1].header("webhook-id"),
        "an event belongs to one endpoint"
    );
    let is_signed = |one: &Received| {
        let timestamp = one.header("webhook-timestamp").parse().expect("seconds");
        let signature =
            Secret::Legacy("polar_whs_old".into()).sign(one.header("webhook-id"), timestamp, &one.text);
        one.header("webhook-signature") == signature
    };
    assert_eq!(paid.iter().filter(|one| is_signed(one)).count(), 1);
}

#[tokio::test]
async fn a_failed_delivery_comes_again_with_the_same_id_and_body() {
    let answers = |n| if n < 3 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let world = World::with(answers, Options::default()).await;
    world.buys("templates", "a@example.com").await;
    let mut bodies: HashMap<String, Vec<String>> = HashMap::new();
    for one in world.deliveries().await {
        bodies.entry(one.header("webhook-id").to_owned()).or_default().push(one.text);
    }
    let repeated: Vec<_> = bodies.values().filter(|texts| texts.len() > 1).collect();
    assert_eq!(repeated.iter().map(|texts| texts.len() - 1).sum::<usize>(), 3);
    assert!(repeated.iter().all(|texts| texts.iter().all(|text| *text == texts[0])));
    let failed = world.get("/v1/webhooks/deliveries?succeeded=false&http_code_class=5xx").await;
    assert_eq!(failed["pagination"]["total_count"], 3);
}

#[tokio::test]
async fn ten_attempts_then_ten_failed_events_disable_the_endpoint() {
    let world = World::with(|_| StatusCode::FOUND, Options::default()).await;
    world.buys("monthly", "a@example.com").await;
    let received = world.deliveries().await;
    let mut attempts: HashMap<&str, usize> = HashMap::new();
    for one in &received {
        *attempts.entry(one.header("webhook-id")).or_default() += 1;
    }
    assert_eq!(attempts.values().max(), Some(&10), "a redirect is a failure, and ten attempts are all");
    let endpoint = world.get("/v1/webhooks/endpoints").await["items"][0].clone();
    assert_eq!(endpoint["enabled"], false);
    let events = world.get("/standin/events").await;
    let outcomes: Vec<&Value> =
        events["events"].as_array().expect("a list").iter().map(|event| &event["outcome"]).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "failed").count(), 10);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "skipped").count(), 5);

    world.buys("templates", "b@example.com").await;
    let after = world.get("/standin/events").await;
    assert_eq!(
        after["events"].as_array().map(Vec::len),
        Some(outcomes.len()),
        "disabled: no events are made"
    );
    let path = format!("/v1/webhooks/endpoints/{}", id(&endpoint, "id"));
    let (status, endpoint) = world.call(Method::PATCH, &path, json!({ "enabled": true })).await;
    assert_eq!((status, &endpoint["enabled"]), (200, &json!(true)));
}

#[tokio::test]
async fn redelivery_sends_the_same_event_again() {
    let world = World::new().await;
    world.buys("templates", "a@example.com").await;
    let first = world.deliveries().await;
    let (status, _) = world
        .call(
            Method::POST,
            &format!("/v1/webhooks/events/{}/redeliver", first[0].header("webhook-id")),
            json!({}),
        )
        .await;
    assert_eq!(status, 202);
    let all = world.deliveries().await;
    assert_eq!(all.len(), first.len() + 1);
    let last = all.last().expect("the redelivery");
    assert_eq!((last.header("webhook-id"), &last.text), (first[0].header("webhook-id"), &first[0].text));
}

#[tokio::test]
async fn faults_drop_repeat_lose_and_reorder() {
    let world = World::new().await;
    let hold = json!({ "hold": true });
    world.post("/standin/faults", hold).await;
    for n in 0..5 {
        world.buys("templates", &format!("{n}@example.com")).await;
    }
    let made = world.get("/standin/events").await["events"].as_array().map(Vec::len).expect("a list");
    let (status, waiting) = world.call(Method::POST, "/standin/wait-idle", json!({ "timeout_ms": 1 })).await;
    assert_eq!((status, &waiting["open"]), (504, &json!(made)));
    let faults = json!({ "seed": 3, "drop_percent": 20, "repeat_percent": 20, "lose_percent": 10, "reorder_window": 20 });
    world.post("/standin/faults", faults).await;
    let received = world.deliveries().await;
    let mut seen: Vec<&str> = received.iter().map(|one| one.header("webhook-id")).collect();
    let total = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() < made && seen.len() > made / 2, "some are lost: {} of {made}", seen.len());
    assert!(total > seen.len(), "some come twice");
    let at: Vec<String> = received.iter().map(|one| one.body()["timestamp"].to_string()).collect();
    assert!(!at.is_sorted(), "they come out of order");
}

#[tokio::test]
async fn an_endpoint_hears_only_what_it_asked_for_in_its_own_version() {
    let world = World::new().await;
    let endpoint = world.get("/v1/webhooks/endpoints").await["items"][0].clone();
    let path = format!("/v1/webhooks/endpoints/{}", id(&endpoint, "id"));
    let change = json!({ "events": ["order.paid"], "api_version": "2027-01" });
    assert_eq!(world.call(Method::PATCH, &path, change).await.0, 200);
    assert_eq!(world.call(Method::PATCH, &path, json!({ "events": ["order.sold"] })).await.0, 422);
    world.buys("monthly", "a@example.com").await;
    let received = world.deliveries().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body()["api_version"], "2027-01");
}
