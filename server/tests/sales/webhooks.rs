//! What a provider's webhook leads to before any credit: kept once, sealed, refused with a reason, or lying aside.

use axum::http::StatusCode;
use serde_json::Value;
use tributary::ingest::inbox::Meant;
use tributary::jobs::settle;

use super::support::*;

#[tokio::test]
async fn a_signed_webhook_is_kept_once_and_a_redelivery_is_no_second_sale() {
    let shop = Shop::open("kept_once").await;
    let body = shop.order("o1", 10_00).paid();
    let (status, answer) = shop.send("evt_1", &body).await;
    assert_eq!((status, answer["duplicate"].as_bool()), (StatusCode::ACCEPTED, Some(false)));
    settle(&shop.app).await.unwrap();
    let (status, answer) = shop.send("evt_1", &body).await;
    assert_eq!((status, answer["duplicate"].as_bool()), (StatusCode::OK, Some(true)));
    settle(&shop.app).await.unwrap();
    assert_eq!(shop.numbers("SELECT count(), sum(net) FROM orders FINAL").await, [1, 1000]);
    shop.add_up().await;
}

#[tokio::test]
async fn wrong_stale_truncated_and_unknown_deliveries_are_refused_with_their_reason() {
    let shop = Shop::open("refused").await;
    let body = shop.order("o1", 10_00).paid();
    let code = |answer: &Value| answer["code"].as_str().unwrap_or_default().to_owned();
    let good = shop.headers("evt_1", &body);

    let wrong = shop
        .post("/webhooks/polar/ws_t", &shop.headers_with("another secret", "evt_1", &body, 0), &body)
        .await;
    assert_eq!((wrong.0, code(&wrong.1).as_str()), (StatusCode::UNAUTHORIZED, "bad_signature"));
    let stale =
        shop.post("/webhooks/polar/ws_t", &shop.headers_with(SECRET, "evt_1", &body, -301), &body).await;
    assert_eq!((stale.0, code(&stale.1).as_str()), (StatusCode::UNAUTHORIZED, "stale_timestamp"));
    let bare = shop.post("/webhooks/polar/ws_t", &[], &body).await;
    assert_eq!((bare.0, code(&bare.1).as_str()), (StatusCode::UNAUTHORIZED, "missing_header"));
    let cut = shop.post("/webhooks/polar/ws_t", &good, &body[..body.len() - 1]).await;
    assert_eq!((cut.0, code(&cut.1).as_str()), (StatusCode::UNAUTHORIZED, "bad_signature"));
    let elsewhere = shop.post("/webhooks/polar/ws_none", &good, &body).await;
    assert_eq!((elsewhere.0, code(&elsewhere.1).as_str()), (StatusCode::NOT_FOUND, "unknown_workspace"));
    let other = shop.post("/webhooks/paypal/ws_t", &good, &body).await;
    assert_eq!((other.0, code(&other.1).as_str()), (StatusCode::NOT_FOUND, "unknown_provider"));
    let huge = vec![b' '; 1_048_577];
    let large = shop.post("/webhooks/polar/ws_t", &shop.headers("evt_2", &huge), &huge).await;
    assert_eq!((large.0, code(&large.1).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));

    settle(&shop.app).await.unwrap();
    assert_eq!(shop.numbers("SELECT count() FROM facts").await, [0]);
}

#[tokio::test]
async fn unknown_types_are_acknowledged_and_broken_bodies_wait_as_dead_letters() {
    let shop = Shop::open("dead_letters").await;
    let unknown = br#"{"type":"galaxy.collided","timestamp":"2026-10-05T14:03:23Z","data":{}}"#;
    assert_eq!(shop.send("evt_1", unknown).await.0, StatusCode::ACCEPTED);
    let whole = shop.order("o1", 10_00).paid();
    let broken = &whole[..whole.len() / 2];
    assert_eq!(shop.send("evt_2", broken).await.0, StatusCode::ACCEPTED);
    assert_eq!(shop.send("evt_3", &whole).await.0, StatusCode::ACCEPTED);
    settle(&shop.app).await.unwrap();
    let failed = shop.app.inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap();
    assert_eq!(failed.iter().map(|webhook| webhook.event_id.as_str()).collect::<Vec<_>>(), ["evt_2"]);
    assert!(failed[0].error().contains("not the JSON"));
    assert_eq!(shop.numbers("SELECT count() FROM orders FINAL").await, [1]);
    shop.add_up().await;
}

#[tokio::test]
async fn a_body_kept_is_sealed() {
    let shop = Shop::open("sealed").await;
    shop.send("evt_1", &shop.order("o1", 10_00).paid()).await;
    let kept = &shop.app.inbox.pending_webhooks(1).await.unwrap()[0];
    let clear = b"ada@example.com";
    assert!(!kept.sealed_body.windows(clear.len()).any(|window| window == clear));
}

#[tokio::test]
async fn every_fixture_settles_and_adds_up() {
    let shop = Shop::open("fixtures").await;
    let index: Value = serde_json::from_slice(&fixture("index.json")).unwrap();
    for (at, entry) in index["files"].as_array().unwrap().iter().enumerate() {
        let body = fixture(entry["file"].as_str().unwrap());
        assert_eq!(shop.send(&format!("evt_{at}"), &body).await.0, StatusCode::ACCEPTED);
    }
    settle(&shop.app).await.unwrap();
    assert!(shop.app.inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap().is_empty());
    assert!(shop.numbers("SELECT count() FROM orders FINAL WHERE booked").await[0] >= 4);
    shop.add_up().await;
}

#[tokio::test]
async fn connections_are_made_over_the_api_and_their_secrets_stay_inside() {
    let shop = Shop::open("connections").await;
    let wanted = r#"{"provider": "polar", "name": "Second", "webhook_secrets": ["whsec_very_secret"]}"#;
    let (status, made) = shop.ask("POST", "/v1/connections", wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (_, list) = shop.ask("GET", "/v1/connections", "").await;
    assert_eq!(list["rows"].as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains("very_secret") && !made.to_string().contains("very_secret"));
    let body = shop.order("o1", 1_00).paid();
    let signed = shop.headers_with("whsec_very_secret", "evt_1", &body, 0);
    assert_eq!(shop.post("/webhooks/polar/ws_t", &signed, &body).await.0, StatusCode::ACCEPTED);
    for bad in [
        r#"{"provider": "x", "name": "a", "webhook_secrets": ["s"]}"#,
        r#"{"provider": "polar", "name": "a", "webhook_secrets": []}"#,
        "{",
    ] {
        assert_eq!(shop.ask("POST", "/v1/connections", bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
}
