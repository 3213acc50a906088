//! Programs that call themselves browsers: each is told apart by something it forgot, under a name of its own.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, ORIGIN, Shop, TestApp};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/141.0.0.0 Safari/537.36";

fn hit(shop: &Shop, number: u32, changes: Value) -> Value {
    let mut hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": format!("01k6f00000000000000000{number:04}"),
        "visitor": "vis_01k6f0000000000000000000ac", "touch": "session",
        "session": "01k6f0000000000000000000ab", "url": format!("{ORIGIN}/"), "at": shop.now_ms(),
    });
    for (name, value) in changes.as_object().expect("changes are fields") {
        hit[name] = value.clone();
    }
    hit
}

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Sends as Chrome does, with `headers` in the place of its own; an empty one is sent empty.
async fn send(shop: &Shop, headers: Headers<'_>, hit: Value) -> Answer {
    let app = shop.app();
    let usual = [
        ("origin", ORIGIN),
        ("user-agent", CHROME),
        ("sec-ch-ua", r#""Chromium";v="141", "Google Chrome";v="141""#),
        ("sec-ch-ua-platform", r#""Windows""#),
    ];
    let kept = usual.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
    let request = kept
        .chain(headers)
        .fold(app.request("POST", "/c"), |request, (name, value)| request.header(*name, *value));
    app.send(request.body(hit.to_string())).await
}

#[tokio::test]
async fn each_thing_that_gives_a_program_away_has_its_own_outcome() {
    let shop = Shop::open().await;
    let whole = send(&shop, &[], hit(&shop, 0, json!({}))).await;
    assert_eq!(whole.status, 202, "{}", whole.text());
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
    let cases: [(Headers<'_>, Value, &str); 8] = [
        (&[("user-agent", "curl/8.5.0")], json!({}), "bot"),
        (&[("user-agent", "")], json!({}), "bot"),
        (&[("sec-purpose", "prefetch")], json!({}), "prefetch"),
        (&[("purpose", "prefetch")], json!({}), "prefetch"),
        (&[("sec-ch-ua", r#""HeadlessChrome";v="141""#)], json!({}), "headless"),
        (&[("accept-language", "")], json!({}), "no_language"),
        (&[("user-agent", firefox)], json!({}), "impossible_agent"),
        (&[], json!({ "ref": "https://www.03e.info/free" }), "spam_referrer"),
    ];
    for (number, (headers, changes, code)) in (1..).zip(cases) {
        let answer = send(&shop, headers, hit(&shop, number, changes)).await;
        assert_eq!((answer.status, &*answer.code()), (403, code), "{}", answer.text());
    }
    let mut no_visitor = hit(&shop, 20, json!({ "ref": "https://03e.info/" }));
    no_visitor.as_object_mut().unwrap().remove("visitor");
    assert_eq!(send(&shop, &[], no_visitor).await.code(), "spam_referrer", "also without consent");
    shop.settle().await;
    let outcomes = shop.ask("/v1/outcomes?period=today").await;
    let counted: Vec<(String, u64)> = outcomes["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["outcome"].as_str().unwrap().to_owned(), row["hits"].as_u64().unwrap()))
        .collect();
    let rejects = shop.ask("/v1/reports/rejects?period=today").await;
    let rows = rejects["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "{rejects}");
    assert_eq!(
        (&rows[0]["bucket"], &rows[0]["reason"], &rows[0]["kind"], &rows[0]["hits"], &rows[0]["share"]),
        (&json!("2026-10-01"), &json!("bot"), &json!("page"), &json!(2), &json!(0.222222)),
    );
    assert!(rows.iter().all(|row| row["reason"] != "accepted" && row["meaning"] != ""), "{rejects}");
    let want = [
        ("bot", 2),
        ("prefetch", 2),
        ("spam_referrer", 2),
        ("accepted", 1),
        ("headless", 1),
        ("impossible_agent", 1),
        ("no_language", 1),
    ];
    assert_eq!(counted, want.map(|(code, hits)| (code.to_owned(), hits)));
}

#[tokio::test]
async fn a_chrome_without_fetch_metadata_is_none_and_the_check_can_be_turned_off() {
    let bare = async |shop: &Shop, number: u32, origin: &str| {
        // A client of its own: the suite's sends what browsers send.
        let hit = hit(shop, number, json!({ "url": format!("{origin}/") }));
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(shop.app().url() + "/c");
        let request =
            request.header("origin", origin).header("user-agent", CHROME).header("accept-language", "en");
        shop.app().send(request.body(hit.to_string())).await
    };
    let shop = Shop::open().await;
    let answer = bare(&shop, 1, ORIGIN).await;
    assert_eq!((answer.status, &*answer.code()), (403, "no_fetch_metadata"));
    let plain_http = bare(&shop, 2, &ORIGIN.replace("https:", "http:")).await;
    assert_eq!(plain_http.status, 202, "over http no browser sends it: {}", plain_http.text());
    let app = TestApp::start_with(|config| config.collector.header_signals = false).await;
    let shop = Shop::open_on(Arc::new(app), "ws_shop").await;
    assert_eq!(bare(&shop, 1, ORIGIN).await.status, 202);
}

#[tokio::test]
async fn hits_from_listed_data_centres_are_refused() {
    let app = TestApp::start_with(|config| {
        config.collector.data_center_networks =
            vec!["198.51.100.0/24".to_owned(), "2001:db8::/32".to_owned()];
        config.http.trusted_proxies = vec!["127.0.0.1".to_owned()];
    });
    let shop = Shop::open_on(Arc::new(app.await), "ws_shop").await;
    for (number, (address, status)) in
        (0..).zip([("198.51.100.9", 403), ("203.0.113.9", 202), ("2001:db8:7::1", 403)])
    {
        let answer = send(&shop, &[("x-forwarded-for", address)], hit(&shop, number, json!({}))).await;
        assert_eq!(answer.status, status, "{address}: {}", answer.text());
        if status == 403 {
            assert_eq!(answer.code(), "data_center");
        }
    }
}
