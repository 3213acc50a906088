//! What the collector holds senders to: sizes, rates, and whose word about an address counts.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, BROWSER, ORIGIN, Shop, TestApp, millis};
use tributary::config::Config;

async fn shop(change: impl FnOnce(&mut Config)) -> Shop {
    Shop::open_on(Arc::new(TestApp::start_with(change).await), "ws_shop").await
}

fn hit(shop: &Shop, number: u32) -> Value {
    json!({
        "ws": shop.workspace(), "kind": "page", "id": format!("01k6f00000000000000000{number:04}"),
        "session": "01k6f0000000000000000000ab", "url": format!("{ORIGIN}/"), "at": shop.now_ms(),
    })
}

async fn post(shop: &Shop, headers: &[(&str, &str)], body: String) -> Answer {
    let app = shop.app();
    let mut request = app.request("POST", "/c").header("origin", ORIGIN).header("user-agent", BROWSER);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(body)).await
}

/// How many of `tries` hits were taken.
async fn taken(shop: &Shop, headers: &[(&str, &str)], first: u32, tries: u32) -> u32 {
    let mut taken = 0;
    for number in first..first + tries {
        let answer = post(shop, headers, hit(shop, number).to_string()).await;
        assert!(matches!(answer.status, 202 | 429), "{} {}", answer.status, answer.text());
        taken += u32::from(answer.status == 202);
    }
    taken
}

fn slow(config: &mut Config) {
    (config.collector.address_hits_per_second, config.collector.address_hits_burst) = (5, 10);
}

#[tokio::test]
async fn an_address_that_floods_waits_and_nobody_else_does() {
    let shop = shop(|config| {
        slow(config);
        config.http.trusted_proxies = vec!["127.0.0.1".to_owned()];
    })
    .await;
    let flood = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(taken(&shop, &flood, 0, 15).await, 10);
    let refused = post(&shop, &flood, hit(&shop, 15).to_string()).await;
    assert_eq!((refused.status, &*refused.code()), (429, "rate_limited"));
    assert_eq!(
        (refused.header("retry-after"), refused.header("content-type")),
        ("1", "application/problem+json")
    );
    assert_eq!(refused.header("access-control-allow-origin"), ORIGIN, "the page may read why");
    assert_eq!(taken(&shop, &[("x-forwarded-for", "203.0.113.10")], 20, 10).await, 10);
    // A client cannot become another by what it writes left of its own address.
    assert_eq!(taken(&shop, &[("x-forwarded-for", "198.51.100.7, 203.0.113.9")], 40, 5).await, 0);
    assert_eq!(taken(&shop, &[("x-forwarded-for", "2001:db8:0:1::1")], 50, 10).await, 10);
    assert_eq!(taken(&shop, &[("x-forwarded-for", "2001:db8:0:1:ffff::2")], 60, 5).await, 0, "the same /64");
    shop.after(millis(400));
    assert_eq!(taken(&shop, &flood, 70, 5).await, 2);
    shop.settle().await;
    let outcomes = shop.ask("/v1/outcomes?period=today").await;
    let limited = outcomes["rows"].as_array().unwrap().iter().find(|row| row["outcome"] == "rate_limited");
    assert_eq!(limited.unwrap()["hits"], 5 + 1 + 5 + 5 + 3, "{outcomes}");
}

#[tokio::test]
async fn a_header_from_an_untrusted_peer_changes_nothing() {
    let shop = shop(|config| {
        slow(config);
        config.collector.limit_private_addresses = true;
    })
    .await;
    let mut accepted = 0;
    for number in 0..20 {
        let made_up = format!("203.0.113.{number}");
        let headers = [("x-forwarded-for", &*made_up), ("forwarded", "for=203.0.113.77")];
        accepted += taken(&shop, &headers, number, 1).await;
    }
    assert_eq!(accepted, 10, "all of them came from one address");
}

#[tokio::test]
async fn a_list_uses_up_as_many_as_it_has() {
    let shop = shop(|config| {
        slow(config);
        config.collector.limit_private_addresses = true;
    })
    .await;
    let list =
        |from: u32, to: u32| Value::from((from..to).map(|n| hit(&shop, n)).collect::<Vec<_>>()).to_string();
    assert_eq!(post(&shop, &[], list(0, 8)).await.json()["accepted"], 8);
    let answer = post(&shop, &[], list(8, 11)).await;
    assert_eq!((answer.status, &*answer.code()), (429, "rate_limited"), "all or none of a workspace's");
    assert_eq!(post(&shop, &[], list(11, 13)).await.json()["accepted"], 2);
    shop.after(millis(2_000));
    assert_eq!(post(&shop, &[], list(13, 23)).await.json()["accepted"], 10);
}

#[tokio::test]
async fn a_workspace_beyond_its_quota_is_told_so_whoever_sends() {
    let shop = shop(|config| {
        (config.collector.workspace_hits_per_second, config.collector.workspace_hits_burst) = (1, 5);
    })
    .await;
    assert_eq!(taken(&shop, &[], 0, 5).await, 5);
    let bot = post(&shop, &[("user-agent", "curl/8.0")], hit(&shop, 6).to_string()).await;
    assert_eq!((bot.status, &*bot.code()), (429, "over_quota"), "{}", bot.text());
    let refused = post(&shop, &[], hit(&shop, 7).to_string()).await;
    assert_eq!((refused.status, &*refused.code(), refused.header("retry-after")), (429, "over_quota", "1"));
    shop.app().reload_directory().await.unwrap();
    assert_eq!(post(&shop, &[], hit(&shop, 8).to_string()).await.status, 429, "a reload forgets nothing");
}

#[tokio::test]
async fn a_body_too_long_or_compressed_is_refused_before_it_is_read() {
    let shop = shop(|config| {
        config.collector.body_bytes_max = 4_000;
        config.collector.hit_bytes_max = 2_000;
        config.collector.list_hits_max = 3;
    })
    .await;
    let one = |pad: usize| {
        let mut hit = hit(&shop, 1);
        hit["pad"] = "x".repeat(pad).into();
        hit
    };
    let list = |count: usize, pad: usize| Value::from(vec![one(pad); count]).to_string();
    for (body, status, code) in [
        (one(1_000).to_string(), 202, ""),
        (one(2_000).to_string(), 413, "body.too_long"),
        (list(3, 1_000), 202, ""),
        (list(4, 10), 400, "body.list_too_long"),
        (list(1, 2_500), 400, "too_long"),
        (list(3, 2_000), 413, "body.too_long"),
    ] {
        let answer = post(&shop, &[], body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{}", answer.text());
    }
    for encoding in ["gzip", "br", "deflate", "zstd", "gzip, identity"] {
        let answer = post(&shop, &[("content-encoding", encoding)], "\u{1f}".to_owned()).await;
        assert_eq!((answer.status, &*answer.code()), (415, "body.compressed"), "{encoding}");
    }
    let plain = post(&shop, &[("content-encoding", "identity")], one(10).to_string()).await;
    assert_eq!(plain.status, 202);
}
