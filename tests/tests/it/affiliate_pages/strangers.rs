//! The pages for those who should not see them: nobody signed in, another merchant, and keys that may only look.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Receiver, Shop, TestApp, usd};
use tributary::control::keys::Scope;

use super::{asks, page, sends};
use crate::affiliates::{partner, program, text};
use crate::portal::thirty;

const PAGES: [&str; 9] = [
    "/affiliates",
    "/affiliates/programs",
    "/affiliates/commissions",
    "/affiliates/payouts",
    "/affiliates/flags",
    "/affiliates/simulator",
    "/affiliates/overlap",
    "/endpoints",
    "/webhooks",
];

const FORMS: [&str; 7] = [
    "/affiliates",
    "/affiliates/programs",
    "/affiliates/groups",
    "/affiliates/coupons",
    "/affiliates/payouts",
    "/affiliates/flags",
    "/endpoints",
];

#[tokio::test]
async fn nobody_else_sees_or_changes_a_merchants_affiliates() {
    let app = Arc::new(TestApp::start().await);
    let shop = Shop::open_on(app.clone(), "ws_shop").await;
    let other = Shop::open_on(app.clone(), "ws_other").await;
    let prg = program(&shop, thirty()).await;
    let jane = partner(&shop, &prg, "janethesecret").await;
    let group = asks(&shop, "POST", &format!("/v1/programs/{prg}/groups"), json!({ "name": "Secret" })).await;
    let group = text(&group.json()["id"]);
    let coupon = json!({ "partner": jane, "code": "SECRET20" });
    assert!(asks(&shop, "POST", "/v1/coupons", coupon).await.status < 300);
    let receiver = Receiver::open().await;
    let endpoint = json!({ "url": format!("{}/secret", receiver.url()) });
    let endpoint = text(&asks(&shop, "POST", "/v1/endpoints", endpoint).await.json()["id"]);
    let tested = asks(&shop, "POST", &format!("/v1/endpoints/{endpoint}/test"), Value::Null).await.json();
    let delivery = text(&tested["id"]);
    let buyer = shop.visitor();
    buyer.visit("/?via=janethesecret").await;
    buyer.buys(usd(10_000)).await;
    shop.settle().await;
    // The other merchant has a programme, so that no page stops at its first word.
    program(&other, thirty()).await;
    let paths = PAGES.map(str::to_owned).into_iter();
    let paths: Vec<String> = paths.chain([format!("/endpoints/deliveries/{delivery}")]).collect();
    for path in &paths {
        let stranger = app.send(app.request("GET", path)).await;
        assert_eq!(stranger.status, 303, "{path}");
        assert!(stranger.header("location").starts_with("/login?next="), "{path}");
        assert!(!stranger.text().to_lowercase().contains("secret"), "{path}");
    }
    for path in PAGES {
        let shown = page(&other, path).await.to_lowercase().replace("client_secret", "");
        assert!(!shown.contains("thesecret") && !shown.contains("secret20"), "{path}: {shown}");
        assert!(!shown.contains("/secret") && !shown.contains(&endpoint) && !shown.contains(&jane), "{path}");
    }
    // By their ids.
    for path in [format!("/endpoints/deliveries/{delivery}"), format!("/affiliates/simulator?program={prg}")]
    {
        assert_eq!(asks(&other, "GET", &path, Value::Null).await.status, 404, "{path}");
    }
    for (path, form) in [
        ("/endpoints", format!("do=remove&endpoint={endpoint}")),
        ("/endpoints", format!("do=test&endpoint={endpoint}")),
        ("/endpoints", format!("do=again&delivery={delivery}")),
        ("/affiliates/groups", format!("partner={jane}&group={group}")),
        ("/affiliates/groups", format!("program={prg}&name=Planted")),
        ("/affiliates/coupons", format!("partner={jane}&coupon=PLANTED")),
        ("/affiliates/coupons", "end=SECRET20".to_owned()),
    ] {
        let refused = sends(&other, path, &form).await;
        assert!(refused.contains("role=\"alert\""), "{path} {form}: {refused}");
    }
    // A key that may only look is told so, and changes nothing; addresses of endpoints are not for it.
    let reads = shop.key_for(Scope::Read).await;
    let asks_with = async |method: &str, path: &str, form: &str| {
        let request = app.request(method, path).header("authorization", format!("Bearer {reads}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        app.send(request.body(form.to_owned())).await
    };
    for path in FORMS {
        let form = format!(
            "do=remove&endpoint={endpoint}&program={prg}&name=Planted&coupon=PLANTED&partner={jane}&flag=x&decision=cleared"
        );
        let answer = asks_with("POST", path, &form).await;
        assert!(answer.text().contains("scope"), "{path}: {}", answer.text());
    }
    let endpoints = asks_with("GET", "/endpoints", "").await.text();
    assert!(endpoints.contains("Not with this key") && !endpoints.contains("/secret"), "{endpoints}");
    assert_eq!(asks_with("POST", &format!("/endpoints/deliveries/{delivery}"), "").await.status, 403);
    // A form of another site does nothing, whoever is signed in.
    let (session, _) = app
        .control
        .create_key(shop.workspace(), "me", &Scope::ALL, true, shop.now_ms())
        .await
        .expect("a key");
    let cookie = tributary::http::auth::session_cookie(&app, &session);
    let cookie = cookie.split(';').next().unwrap_or_default();
    for path in FORMS {
        let request =
            app.request("POST", path).header("cookie", cookie).header("sec-fetch-site", "cross-site");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = app.send(request.body("do=add&url=https://evil.example&name=Planted".to_owned())).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let endpoints = asks(&shop, "GET", "/v1/endpoints", Value::Null).await.json();
    assert_eq!(endpoints["rows"].as_array().map(Vec::len), Some(1));
    let groups = shop.ask(&format!("/v1/programs/{prg}/groups")).await;
    assert_eq!(
        (groups["rows"].as_array().map(Vec::len), &groups["rows"][0]["partners"]),
        (Some(1), &json!([]))
    );
    assert_eq!(shop.ask("/v1/coupons").await["rows"][0].get("archived_at_ms"), None);
}
