//! Who may ask what, and what browsers are told.

use std::sync::Arc;

use serde_json::Value;
use support::{ORIGIN, Shop, TestApp, rows, usd};
use tributary::control::keys::Scope;

use crate::NEWSLETTER;

#[tokio::test]
async fn questions_want_a_key_with_the_scope_for_them() {
    let shop = Shop::open().await;
    let app = shop.app();
    let (read, write) = (shop.key_for(Scope::Read).await, shop.key_for(Scope::Write).await);
    for path in ["/v1/reports/channels", "/v1/orders"] {
        let nobody = app.send(app.request("GET", path)).await;
        assert_eq!((nobody.status, &*nobody.code()), (401, "unauthorized"), "{path}");
        assert_eq!(shop.ask_as("trb_live_nonsense", path).await.status, 401, "{path}");
        let wrong = shop.ask_as(&write, path).await;
        assert_eq!((wrong.status, &*wrong.code()), (403, "missing_scope"), "{path}");
        assert_eq!(shop.ask_as(&read, path).await.status, 200, "{path}");
    }
    let by_cookie = app.request("GET", "/v1/orders").header("cookie", "_trb_session=nonsense");
    assert_eq!(app.send(by_cookie).await.status, 401);
}

#[tokio::test]
async fn what_never_gets_to_a_handler_is_refused_by_a_problem_document_too() {
    let shop = Shop::open().await;
    let (reading, writing) = (shop.key_for(Scope::Read).await, shop.key_for(Scope::Write).await);
    let app = shop.app();
    let ask = async |method: &str, path: &str, body: Vec<u8>| {
        let key = if method == "GET" { &reading } else { &writing };
        let request = app.request(method, path).header("authorization", format!("Bearer {key}"));
        app.send(request.header("content-type", "application/json").body(body)).await
    };
    let long = vec![b' '; 3 << 20];
    for (method, path, body, status, code) in [
        ("GET", "/v1/connections/%ff", Vec::new(), 400, "malformed"),
        ("GET", "/v1/orders/%ff/explain", Vec::new(), 400, "malformed"),
        ("POST", "/v1/connections/con_x/sync", long, 413, "body.too_long"),
    ] {
        let answer = ask(method, path, body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
    }
}

#[tokio::test]
async fn a_merchant_never_sees_another_merchants_orders() {
    let app = Arc::new(TestApp::start().await);
    let (ours, theirs) =
        (Shop::open_on(app.clone(), "ws_ours").await, Shop::open_on(app.clone(), "ws_theirs").await);
    let (ada, bob) = (ours.visitor(), theirs.visitor());
    ada.visit(NEWSLETTER).await;
    bob.visit(NEWSLETTER).await;
    let our_order = ada.buys(usd(10_00)).await;
    let their_order = bob.buys(usd(70_00)).await;
    app.settle().await;
    let key = ours.key_for(Scope::Read).await;
    let path = their_order.path();
    for path in [path.clone(), format!("{path}/explain")] {
        let answer = ours.ask_as(&key, &path).await;
        assert_eq!((answer.status, &*answer.code()), (404, "unknown_order"), "{path}");
    }
    let internal = theirs.ask(&path).await["id"].as_str().expect("an id").to_owned();
    assert_eq!(ours.ask_as(&key, &format!("/v1/orders/{internal}")).await.status, 404);
    assert_eq!(ours.order_ids().await, std::slice::from_ref(&our_order.id));
    assert_eq!(ours.channels("last_touch").await, rows([("Email", 10_00)]));
    assert_eq!(theirs.channels("last_touch").await, rows([("Email", 70_00)]));
    ours.reconciles().await;
    theirs.reconciles().await;
}

#[tokio::test]
async fn a_visitor_id_of_one_workspace_is_forged_in_another() {
    let app = Arc::new(TestApp::start().await);
    let (ours, theirs) =
        (Shop::open_on(app.clone(), "ws_ours").await, Shop::open_on(app.clone(), "ws_theirs").await);
    let ada = theirs.visitor();
    ada.visit(NEWSLETTER).await;
    ours.sale(usd(10_00)).metadata("tributary_visitor_id", &ada.id()).pays().await;
    assert_eq!(ours.channels("last_touch").await, rows([("Unattributed", 10_00)]));
    ours.reconciles().await;
}

#[tokio::test]
async fn only_the_shops_own_pages_may_send_hits_from_a_browser() {
    let shop = Shop::open().await;
    let app = shop.app();
    for (origin, allowed) in
        [(ORIGIN, true), ("https://www.shop.example", true), ("https://evil.example", false)]
    {
        let preflight = app.request("OPTIONS", "/c").header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "POST");
        let answer = app.send(preflight.header("access-control-request-headers", "content-type")).await;
        let echoed = if allowed { origin } else { "" };
        assert_eq!(answer.header("access-control-allow-origin"), echoed, "{origin}");
        assert_eq!(answer.header("access-control-allow-credentials") == "true", allowed, "{origin}");
        assert_eq!(answer.header("access-control-allow-methods") == "POST", allowed, "{origin}");
        assert_eq!(answer.header("vary"), "Origin", "{origin}");
    }
}

#[tokio::test]
async fn the_pixel_is_served_with_the_headers_that_keep_it_fast_and_fresh() {
    let folder = tempfile::tempdir().expect("a directory for temporary files");
    std::fs::create_dir(folder.path().join("p")).expect("an empty directory takes one");
    let write =
        |name: &str, content: &str| std::fs::write(folder.path().join(name), content).expect("it is written");
    write("p.js", "loader");
    write("p.js.br", "small loader");
    write("p/0123456789abcdef.wasm", "module");
    let app = TestApp::start_with(|config| config.pixel.dir = folder.path().to_owned()).await;
    let script = app.send(app.request("GET", "/p.js").header("accept-encoding", "gzip, br")).await;
    assert_eq!((script.status, &*script.text()), (200, "small loader"));
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("content-encoding"), "br");
    assert!(script.header("cache-control").contains("max-age=3600"));
    let module = app.send(app.request("GET", "/p/0123456789abcdef.wasm")).await;
    assert_eq!((module.status, &*module.text()), (200, "module"));
    assert_eq!(module.header("content-type"), "application/wasm");
    assert!(module.header("cache-control").contains("immutable"));
    assert_eq!(module.header("access-control-allow-origin"), "*");
    let etag = script.header("etag").to_owned();
    assert_eq!(app.send(app.request("GET", "/p.js").header("if-none-match", etag)).await.status, 304);
    for path in ["/p/other.wasm", "/p/..%2fp.js"] {
        assert_eq!(app.send(app.request("GET", path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn liveness_readiness_metrics_and_the_description_need_no_key() {
    let shop = Shop::open().await;
    shop.visitor().visit(NEWSLETTER).await;
    shop.sale(usd(5_00)).pays().await;
    shop.settle().await;
    let app = shop.app();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.send(app.request("GET", path)).await.status, 200, "{path}");
    }
    let metrics = app.send(app.request("GET", "/metrics")).await.text();
    for name in ["tributary_hits_total", "tributary_webhooks_total"] {
        assert!(metrics.contains(name), "{name} is not among\n{metrics}");
    }
    let description: Value = app.send(app.request("GET", "/v1/openapi.json")).await.json();
    for path in ["/v1/reports/channels", "/v1/orders/{id}/explain"] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
}
