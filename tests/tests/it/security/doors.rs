//! Who may open which door: every route of the OpenAPI document with every scope, revoked keys, sessions on foreign
//! pages, foreign origins, other merchants' ids. The tables are compared with the document, so that no route is
//! left out.

use std::sync::Arc;

use serde_json::Value;
use support::{Answer, Shop, TestApp, usd};
use tributary::control::keys::Scope;
use tributary::http::auth::session_cookie;

use crate::NEWSLETTER;

/// Which scope each route wants; `None` for what everybody may.
const WANTED: [(&str, Option<Scope>); 115] = [
    ("DELETE /v1/assets/{id}", Some(Scope::Write)),
    ("DELETE /v1/connections/{id}", Some(Scope::Write)),
    ("DELETE /v1/coupons/{id}", Some(Scope::Write)),
    ("DELETE /v1/endpoints/{id}", Some(Scope::Admin)),
    ("DELETE /v1/keys/{id}", Some(Scope::Admin)),
    ("DELETE /v1/links/{id}", Some(Scope::Write)),
    ("DELETE /v1/paypal", Some(Scope::Admin)),
    ("DELETE /v1/people", Some(Scope::Admin)),
    ("GET /c.gif", None),
    ("GET /docs", None),
    ("GET /healthz", None),
    ("GET /metrics", None),
    ("GET /p.js", None),
    ("GET /p/{file}", None),
    ("GET /r/{code}", None),
    ("GET /readyz", None),
    ("GET /v1/attribution/rules", Some(Scope::Read)),
    ("GET /v1/commissions", Some(Scope::Read)),
    ("GET /v1/commissions/balances", Some(Scope::Read)),
    ("GET /v1/commissions/{id}", Some(Scope::Read)),
    ("GET /v1/connections", Some(Scope::Read)),
    ("GET /v1/connections/{id}", Some(Scope::Read)),
    ("GET /v1/coupons", Some(Scope::Read)),
    ("GET /v1/deliveries", Some(Scope::Admin)),
    ("GET /v1/deliveries/{id}", Some(Scope::Admin)),
    ("GET /v1/endpoints", Some(Scope::Admin)),
    ("GET /v1/endpoints/{id}", Some(Scope::Admin)),
    ("GET /v1/flags", Some(Scope::Read)),
    ("GET /v1/flags/limits", Some(Scope::Read)),
    ("GET /v1/flags/{id}", Some(Scope::Read)),
    ("GET /v1/keys", Some(Scope::Admin)),
    ("GET /v1/links", Some(Scope::Read)),
    ("GET /v1/openapi.json", None),
    ("GET /v1/orders", Some(Scope::Read)),
    ("GET /v1/orders/{id}", Some(Scope::Read)),
    ("GET /v1/orders/{id}/explain", Some(Scope::Read)),
    ("GET /v1/outcomes", Some(Scope::Read)),
    ("GET /v1/partners", Some(Scope::Write)),
    ("GET /v1/partners/{id}", Some(Scope::Write)),
    ("GET /v1/partners/{id}/statements", Some(Scope::Read)),
    ("GET /v1/partners/{id}/statements/file", Some(Scope::Read)),
    ("GET /v1/partners/{id}/statements/verify", Some(Scope::Read)),
    ("GET /v1/payouts", Some(Scope::Read)),
    ("GET /v1/payouts/preview", Some(Scope::Read)),
    ("GET /v1/payouts/{id}", Some(Scope::Read)),
    ("GET /v1/payouts/{id}/file", Some(Scope::Admin)),
    ("GET /v1/paypal", Some(Scope::Admin)),
    ("GET /v1/people/erasures/{id}", Some(Scope::Admin)),
    ("GET /v1/programs", Some(Scope::Read)),
    ("GET /v1/programs/{id}", Some(Scope::Read)),
    ("GET /v1/programs/{id}/applications", Some(Scope::Read)),
    ("GET /v1/programs/{id}/assets", Some(Scope::Read)),
    ("GET /v1/programs/{id}/groups", Some(Scope::Read)),
    ("GET /v1/programs/{id}/imports", Some(Scope::Write)),
    ("GET /v1/reconcile", Some(Scope::Read)),
    ("GET /v1/reconciliation", Some(Scope::Read)),
    ("GET /v1/reports/channels", Some(Scope::Read)),
    ("GET /v1/reports/match-quality", Some(Scope::Read)),
    ("GET /v1/reports/models", Some(Scope::Read)),
    ("GET /v1/reports/overlap", Some(Scope::Read)),
    ("GET /v1/reports/paths", Some(Scope::Read)),
    ("GET /v1/reports/rejects", Some(Scope::Read)),
    ("GET /v1/reports/timeseries", Some(Scope::Read)),
    ("GET /v1/reports/timing", Some(Scope::Read)),
    ("GET /v1/statements", Some(Scope::Read)),
    ("GET /v1/statements/file", Some(Scope::Read)),
    ("GET /v1/statements/verify", Some(Scope::Read)),
    ("GET /v1/verify", Some(Scope::Read)),
    ("GET /v1/webhooks/failed", Some(Scope::Read)),
    ("PATCH /v1/endpoints/{id}", Some(Scope::Admin)),
    ("PATCH /v1/partners/{id}", Some(Scope::Write)),
    ("POST /c", None),
    ("POST /c/forget", None),
    ("POST /c/handover", None),
    ("POST /v1/attribution/apply", Some(Scope::Admin)),
    ("POST /v1/attribution/preview", Some(Scope::Read)),
    ("POST /v1/attribution/run", Some(Scope::Admin)),
    ("POST /v1/commissions/run", Some(Scope::Write)),
    ("POST /v1/connections", Some(Scope::Write)),
    ("POST /v1/connections/{id}/sync", Some(Scope::Write)),
    ("POST /v1/connections/{id}/webhook", Some(Scope::Write)),
    ("POST /v1/connections/{id}/webhook/rotate", Some(Scope::Write)),
    ("POST /v1/coupons", Some(Scope::Write)),
    ("POST /v1/deliveries/{id}/replay", Some(Scope::Admin)),
    ("POST /v1/endpoints", Some(Scope::Admin)),
    ("POST /v1/endpoints/{id}/rotate", Some(Scope::Admin)),
    ("POST /v1/endpoints/{id}/test", Some(Scope::Admin)),
    ("POST /v1/flags/{id}/decision", Some(Scope::Admin)),
    ("POST /v1/import/hits", Some(Scope::Write)),
    ("POST /v1/keys", Some(Scope::Admin)),
    ("POST /v1/links", Some(Scope::Write)),
    ("POST /v1/partners", Some(Scope::Write)),
    ("POST /v1/partners/{id}/login-link", Some(Scope::Write)),
    ("POST /v1/payouts", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/cancel", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/items/{partner}/cancel", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/items/{partner}/failed", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/items/{partner}/paid", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/paid", Some(Scope::Admin)),
    ("POST /v1/payouts/{id}/send", Some(Scope::Admin)),
    ("POST /v1/programs", Some(Scope::Write)),
    ("POST /v1/programs/{id}/assets", Some(Scope::Write)),
    ("POST /v1/programs/{id}/groups", Some(Scope::Write)),
    ("POST /v1/programs/{id}/imports/{tool}", Some(Scope::Admin)),
    ("POST /v1/programs/{id}/imports/{tool}/preview", Some(Scope::Write)),
    ("POST /v1/programs/{id}/simulate", Some(Scope::Read)),
    ("POST /v1/programs/{id}/terms", Some(Scope::Write)),
    ("POST /v1/reconcile", Some(Scope::Write)),
    ("POST /v1/reconciliation", Some(Scope::Write)),
    ("POST /v1/statements", Some(Scope::Write)),
    ("POST /v1/webhooks/replay", Some(Scope::Write)),
    ("POST /webhooks/{provider}/{workspace}", None),
    ("PUT /v1/flags/limits", Some(Scope::Admin)),
    ("PUT /v1/paypal", Some(Scope::Admin)),
    ("PUT /v1/programs/{id}/applications", Some(Scope::Write)),
];

/// How many of them are the collector's: `/c` and what is below it, `/c.gif`, `/p.js` and `/p/{file}`.
const COLLECTORS: usize = 6;

/// Every route of the document, as `METHOD /path`.
async fn routes(app: &TestApp) -> Vec<String> {
    let document: Value = app.send(app.request("GET", "/v1/openapi.json")).await.json();
    let paths = document["paths"].as_object().expect("the document has paths");
    let mut routes: Vec<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("a path has methods").keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    routes.sort();
    routes
}

/// Whether pages of any site may read a route: the collector's doors and the pixel's files.
fn is_collectors(route: &str) -> bool {
    let (_, path) = route.split_once(' ').expect("method and path");
    ["/c", "/c.gif", "/p.js"].contains(&path) || path.starts_with("/c/") || path.starts_with("/p/")
}

/// A route with something in the place of its parameters.
fn filled(route: &str, id: &str) -> (String, String) {
    let (method, path) = route.split_once(' ').expect("method and path");
    (method.to_owned(), path.replace("{id}", id).replace("{partner}", "prt_x"))
}

async fn asks(app: &TestApp, route: &str, id: &str, headers: &[(&str, &str)]) -> Answer {
    let (method, path) = filled(route, id);
    let mut request = app.request(&method, &path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request).await
}

#[tokio::test]
async fn every_route_takes_the_scope_it_wants_and_no_other() {
    let shop = Shop::open().await;
    let app = shop.app();
    let known: Vec<&str> = WANTED.iter().map(|(route, _)| *route).collect();
    assert_eq!(routes(app).await, known, "a route is missing in the table above");
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, format!("Bearer {}", shop.key_for(scope).await)));
    }
    for (route, wanted) in WANTED {
        let Some(wanted) = wanted else { continue };
        for nobody in ["", "Bearer ", "Bearer trb_live_00000000000000000000000000000000", "Basic YTpi"] {
            let answer = asks(app, route, "x", &[("authorization", nobody)]).await;
            assert_eq!((answer.status, &*answer.code()), (401, "unauthorized"), "{route} {nobody:?}");
        }
        for (scope, bearer) in &keys {
            let answer = asks(app, route, "x", &[("authorization", bearer)]).await;
            let refused = answer.code() == "missing_scope";
            assert_eq!(
                refused,
                *scope != wanted,
                "{route} with {scope:?}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(answer.status < 500, "{route} with {scope:?}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_revoked_key_and_its_sessions_are_worth_nothing_at_once() {
    let shop = Shop::open().await;
    let app = shop.app();
    let (key, clear) = app
        .control
        .create_key(shop.workspace(), "lost", &[Scope::Read], true, shop.now_ms())
        .await
        .expect("a key is made");
    let cookie = session_cookie(app, &key);
    let cookie = cookie.split(';').next().expect("a cookie has a value").to_owned();
    let bearer = format!("Bearer {clear}");
    for (headers, name) in [([("authorization", &*bearer)], "key"), ([("cookie", &*cookie)], "session")] {
        assert_eq!(asks(app, "GET /v1/orders", "", &headers).await.status, 200, "{name}");
    }
    assert!(app.control.revoke_key(&key.id, shop.now_ms()).await.unwrap());
    for (headers, name) in [([("authorization", &*bearer)], "key"), ([("cookie", &*cookie)], "session")] {
        assert_eq!(asks(app, "GET /v1/orders", "", &headers).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_session_changes_nothing_for_a_foreign_page() {
    let shop = Shop::open().await;
    let app = shop.app();
    let all = Scope::ALL;
    let (key, _) = app
        .control
        .create_key(shop.workspace(), "me", &all, true, shop.now_ms())
        .await
        .expect("a key is made");
    let cookie = session_cookie(app, &key).split(';').next().expect("a value").to_owned();
    let changing = WANTED.iter().filter(|(route, wanted)| wanted.is_some() && !route.starts_with("GET"));
    let changing: Vec<&str> = changing.map(|(route, _)| *route).chain(["POST /logout"]).collect();
    assert!(changing.len() > 7);
    let host = app.url();
    for route in changing {
        for (name, value) in [
            ("x-nothing", ""),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
        ] {
            let answer = asks(app, route, "x", &[("cookie", &cookie), (name, value)]).await;
            assert_eq!(answer.status, 403, "{route} {name}: {value}: {}", answer.text());
        }
        // A page of ours whose session has ended.
        let stale = format!("_trb_session={}.1.AAAA", key.id);
        let answer = asks(app, route, "x", &[("cookie", &stale), ("sec-fetch-site", "cross-site")]).await;
        assert!([401, 403].contains(&answer.status), "{route}: {}", answer.text());
    }
    for own in [("sec-fetch-site", "same-origin"), ("origin", host.as_str())] {
        let answer = asks(app, "POST /v1/keys", "", &[("cookie", &cookie), own]).await;
        assert_eq!(answer.code(), "invalid_body", "{own:?}: {}", answer.text());
    }
    let planted = app.request("POST", "/login").header("origin", "https://evil.example");
    let planted = planted.header("content-type", "application/x-www-form-urlencoded").body("key=trb_live_x");
    assert_eq!(app.send(planted).await.status, 403);
}

#[tokio::test]
async fn only_the_collector_answers_foreign_origins() {
    let shop = Shop::open().await;
    let app = shop.app();
    let bearer = format!("Bearer {}", shop.key_for(Scope::Read).await);
    assert_eq!(WANTED.iter().filter(|(route, _)| is_collectors(route)).count(), COLLECTORS);
    for (route, _) in WANTED.iter().filter(|(route, _)| !is_collectors(route)) {
        for origin in ["https://evil.example", "null", support::ORIGIN] {
            let headers = [("authorization", &*bearer), ("origin", origin)];
            let answer = asks(app, route, "x", &headers).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{route} {origin}");
            let (_, path) = filled(route, "x");
            let preflight = app.request("OPTIONS", &path).header("origin", origin);
            let answer = app.send(preflight.header("access-control-request-method", "GET")).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{route} {origin}");
        }
    }
}

#[tokio::test]
async fn a_key_reaches_nothing_of_another_workspace() {
    let app = Arc::new(TestApp::start().await);
    let (ours, theirs) =
        (Shop::open_on(app.clone(), "ws_ours").await, Shop::open_on(app.clone(), "ws_theirs").await);
    let bob = theirs.visitor();
    bob.visit(NEWSLETTER).await;
    let order = bob.buys(usd(70_00)).await;
    app.settle().await;
    let internal = theirs.ask(&order.path()).await["id"].as_str().expect("an id").to_owned();
    let (their_key, _) =
        app.control.create_key("ws_theirs", "x", &[Scope::Read], true, theirs.now_ms()).await.unwrap();
    let their_admin = format!("Bearer {}", theirs.key_for(Scope::Admin).await);
    let erasure = app
        .send(
            app.request("DELETE", "/v1/people")
                .header("authorization", &their_admin)
                .body(r#"{"email":"nobody@example.com"}"#),
        )
        .await;
    let erasure = erasure.json()["id"].as_str().expect("an id").to_owned();
    let ids = [order.id.clone(), internal, their_key.id, "con_ws_theirs".to_owned(), erasure];
    let mut asked = 0;
    for (route, wanted) in WANTED {
        let (Some(scope), true) = (wanted, route.contains("{id}")) else { continue };
        let bearer = format!("Bearer {}", ours.key_for(scope).await);
        for id in &ids {
            let answer = asks(&app, route, id, &[("authorization", &bearer)]).await;
            assert_eq!(answer.status, 404, "{route} {id}: {}", answer.text());
            asked += 1;
        }
    }
    assert!(asked >= 25, "{asked}");
    // Lists name nothing of theirs either.
    for (route, wanted) in WANTED {
        let (Some(scope), true) = (wanted, route.starts_with("GET") && !route.contains('{')) else {
            continue;
        };
        let bearer = format!("Bearer {}", ours.key_for(scope).await);
        let text = asks(&app, route, "", &[("authorization", &bearer)]).await.text();
        for id in &ids {
            assert!(!text.contains(id.as_str()), "{route} shows {id}");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_it_to_itself() {
    let app = Arc::new(
        TestApp::start_with(|config| config.http.public_url = "https://t.shop.example".into()).await,
    );
    let shop = Shop::open_on(app.clone(), "ws_shop").await;
    let bearer = format!("Bearer {}", shop.key_for(Scope::Read).await);
    let pages =
        ["GET /", "GET /login", "GET /orders/x", "GET /assets/dashboard.css", "GET /assets/dashboard.js"];
    let all = WANTED.iter().map(|(route, _)| *route).filter(|route| !is_collectors(route)).chain(pages);
    for route in all {
        let answer = asks(&app, route, "x", &[("authorization", &bearer)]).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{route}");
        assert!(!answer.header("referrer-policy").is_empty(), "{route}");
        assert!(answer.header("strict-transport-security").contains("max-age=31536000"), "{route}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src"),
            "{route}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{route}: {policy}");
    }
    let (key, clear) =
        app.control.create_key("ws_shop", "me", &[Scope::Read], true, shop.now_ms()).await.unwrap();
    let form = app.request("POST", "/login").header("content-type", "application/x-www-form-urlencoded");
    let signed_in = app.send(form.body(format!("key={clear}"))).await;
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with(&format!("__Host-trb_session={}", key.id)), "{cookie}");
    for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
