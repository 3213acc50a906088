//! Headers of the collector's answers: which pages may read them, and what the browser is told to keep.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, ORIGIN, Shop, TestApp};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

fn hit(shop: &Shop, changes: Value) -> Value {
    let mut hit = json!({
        "ws": shop.workspace(), "kind": "page", "id": "01k6f00000000000000000aaaa",
        "visitor": "vis_01k6f0000000000000000000ac", "cookie_domain": ".shop.example",
        "session": "01k6f0000000000000000000ab", "url": format!("{ORIGIN}/"), "at": shop.now_ms(),
    });
    for (name, value) in changes.as_object().expect("changes are fields") {
        hit[name] = value.clone();
    }
    hit
}

/// The headers of an answer that have to do with origins and keeping, as lines.
fn told(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

/// The cookies of an answer.
fn cookies(answer: &Answer) -> Vec<String> {
    told(answer).into_iter().filter(|line| line.starts_with("set-cookie")).collect()
}

/// Origins that are the workspace's, and origins that only look like it.
const OWN: [&str; 4] =
    ["https://shop.example", "https://www.shop.example", "https://shop.example:8443", "http://shop.example"];
const FOREIGN: [&str; 10] = [
    "https://evil.example",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://shop.example@evil.example",
    "https://other.example",
    "null",
    "file://shop.example",
    "https://shop",
    "https://shop.example evil",
    "",
];

#[tokio::test]
async fn a_preflight_lets_the_workspaces_origins_in_and_tells_others_nothing() {
    let shop = Shop::open().await;
    let app = shop.app();
    let ask = async |path: &str, origin: &str| {
        let request = app.request("OPTIONS", path).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        app.send(request.header("access-control-request-headers", "content-type")).await
    };
    for path in ["/c", "/c/forget", "/c/handover"] {
        for origin in OWN {
            let answer = ask(path, origin).await;
            assert_eq!(answer.status, 204, "{path} {origin}");
            assert_eq!(
                told(&answer),
                [
                    "access-control-allow-credentials: true",
                    "access-control-allow-headers: content-type",
                    "access-control-allow-methods: POST",
                    &format!("access-control-allow-origin: {origin}"),
                    "access-control-max-age: 86400",
                    "vary: Origin",
                ],
                "{path}"
            );
        }
        for origin in FOREIGN {
            assert_eq!(told(&ask(path, origin).await), ["vary: Origin"], "{path} {origin}");
        }
    }
}

#[tokio::test]
async fn answers_are_readable_by_the_workspaces_pages_only() {
    let app = Arc::new(TestApp::start().await);
    let shop = Shop::open_on(app.clone(), "ws_shop").await;
    // Another merchant on the same server: what is theirs is foreign here.
    let other = Shop::open_as(app.clone(), "ws_other", |settings| {
        settings.domains = vec!["other.example".to_owned()];
    });
    other.await;
    for path in ["/c", "/c/forget", "/c/handover"] {
        for (origin, is_own) in OWN.map(|own| (own, true)).into_iter().chain(FOREIGN.map(|not| (not, false)))
        {
            let request = app.request("POST", path).header("origin", origin).header("user-agent", BROWSER);
            let answer = app.send(request.body(hit(&shop, json!({})).to_string())).await;
            let allowed = if is_own { origin } else { "" };
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path} {origin}");
            assert_eq!(answer.header("access-control-allow-credentials"), if is_own { "true" } else { "" });
            assert_eq!(answer.header("vary"), "Origin");
            assert_eq!(
                answer.status < 300 || answer.code() == "visitor_not_signed",
                is_own,
                "{path} {origin}"
            );
            if !is_own {
                assert_eq!(answer.header("set-cookie"), "", "{origin}");
            }
        }
    }
}

#[tokio::test]
async fn a_cookie_of_the_collectors_host_is_taken_back_at_a_withdrawal() {
    let shop = Shop::open().await;
    let app = shop.app();
    let forget = async |body: Value| {
        let request =
            app.request("POST", "/c/forget").header("origin", ORIGIN).header("cookie", "_trb=vis_x");
        app.send(request.header("host", "t.shop.example").body(body.to_string())).await
    };
    let gone = "set-cookie: _trb=; Max-Age=0; Path=/; Secure; SameSite=Lax";
    let answer = forget(json!({ "ws": shop.workspace() })).await;
    assert_eq!(answer.status, 204);
    assert_eq!(cookies(&answer), [gone]);
    let wide = forget(json!({ "ws": shop.workspace(), "cookie_domain": ".shop.example" })).await;
    assert_eq!(cookies(&wide), [gone, &format!("{gone}; Domain=shop.example")]);
    let foreign = forget(json!({ "ws": shop.workspace(), "cookie_domain": ".evil.example" })).await;
    assert_eq!(cookies(&foreign), [gone]);
    let nobody = forget(json!({ "ws": "ws_nobody" })).await;
    assert_eq!((nobody.status, cookies(&nobody).len()), (404, 0));
    shop.settle().await;
    assert_eq!(app.row_count("hits").await + app.row_count("outcomes").await, 0, "nothing is kept of it");
}

#[tokio::test]
async fn the_cookie_is_the_sites_own_lasts_400_days_and_is_renewed() {
    let shop = Shop::open().await;
    let app = shop.app();
    let post = async |host: &str, cookie: &str, changes: Value| {
        let request = app.request("POST", "/c").header("origin", ORIGIN).header("user-agent", BROWSER);
        let request = request.header("host", host).header("cookie", cookie);
        app.send(request.body(hit(&shop, changes).to_string())).await
    };
    let first = post("t.shop.example", "", json!({})).await;
    let visitor = first.json()["visitor"].as_str().unwrap().to_owned();
    assert_eq!(
        told(&first),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://shop.example",
            "cache-control: no-store",
            "content-type: application/json",
            &format!(
                "set-cookie: _trb={visitor}; Max-Age=34560000; Path=/; Secure; SameSite=Lax; Domain=shop.example"
            ),
            "vary: Origin",
        ]
    );
    let cookie = format!("_trb={visitor}");
    let again = post("t.shop.example", &cookie, json!({ "id": "01k6f00000000000000000aaab" })).await;
    assert_eq!(again.header("set-cookie"), first.header("set-cookie"), "renewed on each visit");
    // A collector elsewhere, or a domain nobody may own: the cookie is the collector's host's alone.
    for (host, domain) in [
        ("collector.example", ".shop.example"),
        ("t.shop.example", ".example"),
        ("t.shop.example", ".other.example"),
    ] {
        let answer = post(host, &cookie, json!({ "cookie_domain": domain })).await;
        let alone = format!("_trb={visitor}; Max-Age=34560000; Path=/; Secure; SameSite=Lax");
        assert_eq!(answer.header("set-cookie"), alone, "{host} {domain}");
    }
    assert_eq!(post("t.shop.example", "", json!({ "consent": "session" })).await.header("set-cookie"), "");
}
