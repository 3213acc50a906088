//! Bad input: each has a clear answer, is counted, and leaves nothing half done.

use serde_json::{Value, json};
use support::{Answer, Event, Key, ORIGIN, Shop, rows, seconds, usd};
use tributary::ingest::inbox::{Meant, Replay};

use crate::NEWSLETTER;

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// A hit as a browser sends it, with `changes` over it.
fn hit(shop: &Shop, changes: Value) -> Value {
    let mut hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": "01k6f0000000000000000000aa",
        "visitor": "vis_01k6f0000000000000000000ac", "session": "01k6f0000000000000000000ab",
        "touch": "session", "url": format!("{ORIGIN}/"), "at": shop.now_ms(),
    });
    for (name, value) in changes.as_object().expect("changes are fields") {
        hit[name] = value.clone();
    }
    hit
}

async fn post(shop: &Shop, origin: &str, body: impl Into<Vec<u8>>) -> Answer {
    let app = shop.app();
    let request = app.request("POST", "/c").header("origin", origin).header("user-agent", BROWSER);
    app.send(request.body(body.into())).await
}

#[tokio::test]
async fn hits_that_cannot_count_are_refused_by_name() {
    let shop = Shop::open().await;
    let good = |changes| hit(&shop, changes).to_string();
    let long = "x".repeat(3_000);
    let longer = "x".repeat(20_000);
    let cases: [(&str, Vec<u8>, u16, &str); 9] = [
        (ORIGIN, good(json!({ "ws": "ws_nobody" })).into(), 404, "unknown_workspace"),
        ("https://evil.example", good(json!({})).into(), 403, "foreign_origin"),
        ("null", good(json!({})).into(), 403, "foreign_origin"),
        (ORIGIN, b"\xff\xfe{}".to_vec(), 400, "body.not_utf8"),
        (ORIGIN, b"not json".to_vec(), 400, "body.not_json"),
        (ORIGIN, good(json!({ "kind": "dance" })).into(), 400, "malformed"),
        (ORIGIN, good(json!({ "url": format!("{ORIGIN}/?{long}") })).into(), 400, "too_long"),
        (ORIGIN, good(json!({ "more": longer })).into(), 413, "body.too_long"),
        (ORIGIN, vec![b' '; 70_000], 413, "body.too_long"),
    ];
    for (origin, body, status, code) in cases {
        let start = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        let answer = post(&shop, origin, body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{start}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{start}");
    }
    shop.settle().await;
    assert_eq!(shop.app().row_count("hits").await, 0);
}

#[tokio::test]
async fn of_a_list_the_good_hits_count_and_the_bad_ones_are_named() {
    let shop = Shop::open().await;
    let list = json!([
        hit(&shop, json!({})),
        hit(&shop, json!({ "id": "no id" })),
        hit(&shop, json!({ "id": "01k6f0000000000000000000ba", "from_the_future": { "x": 1 } })),
    ]);
    let answer = post(&shop, ORIGIN, list.to_string()).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(2)), "{}", answer.text());
    assert_eq!(answer.json()["rejected"][0]["index"], 1);
    shop.settle().await;
    assert_eq!(shop.app().row_count("hits").await, 2);
}

#[tokio::test]
async fn a_browser_whose_clock_is_years_off_is_placed_when_it_was_heard() {
    let shop = Shop::open().await;
    for (at, id) in [(0, "01k6f0000000000000000000ca"), (4_000_000_000_000_i64, "01k6f0000000000000000000cb")]
    {
        let url = format!("{ORIGIN}{NEWSLETTER}");
        let answer =
            post(&shop, ORIGIN, hit(&shop, json!({ "at": at, "id": id, "url": url })).to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let sale = shop.sale(usd(5_00)).metadata("tributary_visitor_id", "vis_01k6f0000000000000000000ac");
    sale.pays().await;
    assert_eq!(shop.channels("linear").await, rows([("Email", 5_00)]));
    shop.reconciles().await;
}

/// One webhook of a sale, not delivered yet.
async fn paid_event(shop: &Shop) -> Event {
    shop.holds_webhooks();
    shop.sale(usd(49_00)).pays().await;
    shop.held().into_iter().find(|event| event.kind == "order.paid").expect("a paid order says so")
}

#[tokio::test]
async fn only_polars_own_fresh_deliveries_are_taken() {
    let shop = Shop::open().await;
    let event = paid_event(&shop).await;
    let now_s = shop.now_ms() / 1000;
    let sign = |at_s: i64| Key::Standard.sign(&event.id, at_s, &event.body);
    let forged = format!("v1,{}", "A".repeat(43) + "=");
    let refusals = [
        (forged, now_s, "bad_signature"),
        (sign(now_s - 1), now_s, "bad_signature"),
        (sign(now_s - 301), now_s - 301, "stale_timestamp"),
        (sign(now_s + 301), now_s + 301, "stale_timestamp"),
        ("v2,whatever".to_owned(), now_s, "bad_signature"),
    ];
    for (signature, at_s, code) in refusals {
        let answer = shop.post_signed(&event, signature, at_s).await;
        assert_eq!((answer.status, &*answer.code()), (401, code), "{}", answer.text());
    }
    let answer = shop.post_signed(&event, sign(now_s - 300), now_s - 300).await;
    assert_eq!(answer.status, 202, "300 seconds are not too many: {}", answer.text());
    assert_eq!(shop.channels("last_touch").await, rows([("Unattributed", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_webhook_cut_on_its_way_is_refused_and_its_redelivery_counts_once() {
    let shop = Shop::open().await;
    let event = paid_event(&shop).await;
    let cut = Event { body: event.body[..event.body.len() / 2].to_owned(), ..event.clone() };
    let now_s = shop.now_ms() / 1000;
    let signature = Key::Standard.sign(&event.id, now_s, &event.body);
    let answer = shop.post_signed(&cut, signature, now_s).await;
    assert_eq!((answer.status, &*answer.code()), (401, "bad_signature"));
    shop.after(seconds(6));
    shop.deliver(&[event.clone(), event]).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Unattributed", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_signed_body_that_makes_no_sense_stays_visible_and_can_be_replayed() {
    let shop = Shop::open().await;
    let event = paid_event(&shop).await;
    let odd = Event {
        body: event.body[..event.body.len() / 2].to_owned(),
        id: "evt_odd".to_owned(),
        ..event.clone()
    };
    let shapeless = Event {
        body: json!({ "type": "order.paid", "data": { "id": "x" } }).to_string(),
        id: "evt_shapeless".to_owned(),
        ..event.clone()
    };
    shop.deliver(&[odd, shapeless, event]).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Unattributed", 49_00)]));
    let inbox = &shop.app().inbox;
    let failed = inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap();
    let told: Vec<_> = failed.iter().map(|webhook| (webhook.event_id.as_str(), webhook.attempts)).collect();
    assert_eq!(told, [("evt_odd", 1), ("evt_shapeless", 1)]);
    assert!(failed.iter().all(|webhook| webhook.error() != "no error was kept"));
    assert_eq!(inbox.replay_webhooks(Replay::Failed(Meant::default())).await.unwrap(), 2);
    shop.settle().await;
    let failed = inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap();
    assert_eq!(failed.iter().map(|webhook| webhook.attempts).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(shop.failing_checks().await, ["applied"]);
    shop.sums_are_exact().await;
}

#[tokio::test]
async fn replaying_everything_changes_nothing() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.subscribes(usd(49_00)).await.refunds(usd(9_00)).await;
    let (orders, posted) = (shop.orders_table().await, shop.posted_credits().await);
    let again = shop.app().inbox.replay_webhooks(Replay::Since { received_at_ms: 0 }).await.unwrap();
    assert!(again > 10, "{again} webhooks");
    assert_eq!((shop.orders_table().await, shop.posted_credits().await), (orders, posted));
    shop.reconciles().await;
}

#[tokio::test]
async fn events_of_an_unknown_type_are_acknowledged_and_change_nothing() {
    let shop = Shop::open().await;
    let unknown = Event {
        id: "evt_new".to_owned(),
        kind: "galaxy.explored".to_owned(),
        body:
            json!({ "type": "galaxy.explored", "timestamp": "2026-10-01T09:00:00Z", "data": { "id": "g" } })
                .to_string(),
    };
    let answer = shop.post_webhook(&unknown).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    shop.settle().await;
    assert!(shop.app().inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap().is_empty());
    assert_eq!(shop.app().row_count("facts").await, 0);
}

#[tokio::test]
async fn webhooks_for_nobody_are_not_found() {
    let shop = Shop::open().await;
    let app = shop.app();
    for (path, code) in
        [("/webhooks/polar/ws_nobody", "unknown_workspace"), ("/webhooks/paypal/ws_shop", "unknown_provider")]
    {
        let answer = app.send(app.request("POST", path).body("{}")).await;
        assert_eq!((answer.status, &*answer.code()), (404, code), "{path}");
    }
}
