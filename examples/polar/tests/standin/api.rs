//! The API: versions, tokens, limits, paging, filters, checkouts and links.

use polar_standin::{DEFAULT_TOKEN, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, id};

#[tokio::test]
async fn versions_are_pinned_and_unknown_ones_look_like_missing_objects() {
    let world = World::new().await;
    for version in ["2026-04", "2026-10", "2027-01"] {
        let answer = world.send(Method::GET, "/v1/orders/", DEFAULT_TOKEN, version, "").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["polar-version"], version);
    }
    let answer = world.send(Method::GET, "/v1/orders/", DEFAULT_TOKEN, "2025-01", "").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.text().await.expect("a body"), r#"{"detail":"Not Found"}"#);
    let unpinned = reqwest::get(format!("{}/v1/orders/", world.polar.url())).await.expect("an answer");
    assert_eq!(
        (unpinned.status().as_u16(), &unpinned.headers()["polar-version"].to_str().ok()),
        (401, &Some("2026-10"))
    );
}

#[tokio::test]
async fn tokens_have_scopes() {
    let world = World::new().await;
    world
        .post(
            "/standin/tokens",
            json!({ "token": "polar_oat_small", "scopes": ["orders:read", "webhooks:write"] }),
        )
        .await;
    let status = async |method: Method, path: &str| {
        world.send(method, path, "polar_oat_small", "2026-10", "{}").await.status().as_u16()
    };
    assert_eq!(status(Method::GET, "/v1/orders/").await, 200);
    assert_eq!(status(Method::GET, "/v1/webhooks/endpoints").await, 200, "writing includes reading");
    assert_eq!(status(Method::GET, "/v1/customers/").await, 403);
    assert_eq!(status(Method::POST, "/v1/checkouts/").await, 403);
    let answer = world.send(Method::GET, "/v1/orders/", "polar_oat_unknown", "2026-10", "").await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn too_many_calls_are_told_when_to_come_back() {
    let options = Options { rate_limit_per_minute: 0, ..Options::default() };
    let world = World::with(|_| axum::http::StatusCode::OK, options).await;
    let answer = world.send(Method::GET, "/v1/orders/", DEFAULT_TOKEN, "2026-10", "").await;
    assert_eq!(answer.status(), 429);
    let seconds: i64 =
        answer.headers()["retry-after"].to_str().ok().and_then(|s| s.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&seconds));
}

#[tokio::test]
async fn lists_page_clamp_sort_and_filter() {
    let world = World::new().await;
    let purchases: Vec<Value> = (0..120)
        .map(|n| {
            json!({ "at": format!("2026-09-{:02}T{:02}:00:00Z", 1 + n / 24, n % 24), "product": "templates",
                         "email": format!("{n}@example.com"), "metadata": { "n": n.to_string() } })
        })
        .collect();
    world.post("/standin/history", json!({ "purchases": purchases, "only": [] })).await;
    let list = world.get("/v1/orders/").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(list["pagination"], json!({ "total_count": 120, "max_page": 12 }));
    assert_eq!(list["items"][0]["metadata"]["n"], "119", "newest first");
    let list = world.get("/v1/orders/?limit=5000&page=2&sorting=created_at").await;
    assert_eq!(list["pagination"], json!({ "total_count": 120, "max_page": 2 }));
    assert_eq!(
        (list["items"].as_array().map(Vec::len), &list["items"][0]["metadata"]["n"]),
        (Some(20), &json!("100"))
    );
    assert_eq!(world.get("/v1/orders/?page=99").await["items"], json!([]));
    let after =
        world.get("/v1/orders/?created_after=2026-09-03T00:00:00Z&created_before=2026-09-04T00:00:00Z").await;
    assert_eq!(after["pagination"]["total_count"], 24);
    let some = world.get("/v1/orders/?metadata[n]=3&metadata[n]=4").await;
    assert_eq!(some["pagination"]["total_count"], 2);
    assert_eq!(world.get("/v1/disputes/").await["pagination"], json!({ "total_count": 0, "max_page": 0 }));
    for path in
        ["/v1/orders/?page=0", "/v1/orders/?sorting=colour", "/v1/orders/?created_after=soon", "/v1/orders/x"]
    {
        let (status, body) = world.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 422, "{path}");
        assert!(body["detail"][0]["loc"].is_array(), "{body}");
    }
    let (status, body) =
        world.call(Method::GET, "/v1/orders/6fd0f3a2-3a09-4f3a-8a55-0d7d3f4f3a11", Value::Null).await;
    assert_eq!((status, &body["error"]), (404, &json!("ResourceNotFound")));
}

#[tokio::test]
async fn a_link_becomes_a_checkout_a_page_and_a_paid_order() {
    let world = World::new().await;
    let path = "/polar_cl_demo_monthly?reference_id=vis_1&utm_source=news&utm_term=&gclid=x";
    let visit = world.send(Method::GET, path, "", "2026-10", "").await;
    assert_eq!(visit.status(), 303);
    let page = visit.headers()["location"].to_str().expect("text").to_owned();
    assert!(page.contains("/checkout/polar_c_") && page.ends_with("gclid=x"), "{page}");
    let again = world.send(Method::GET, path, "", "2026-10", "").await;
    assert_ne!(again.headers()["location"], page.as_str(), "every visit opens its own checkout");

    let secret = page.rsplit('/').next().and_then(|end| end.split('?').next()).expect("a secret").to_owned();
    let html = world
        .send(Method::GET, &format!("/checkout/{secret}"), "", "2026-10", "")
        .await
        .text()
        .await
        .expect("html");
    assert!(html.contains("$19.00") && html.contains("name=\"customer_email\""), "{html}");

    let form = "customer_email=ada%40example.com&customer_name=%3Cb%3E&country=FR&payment=decline";
    let declined =
        world.send(Method::POST, &format!("/checkout/{secret}/confirm"), "", "2026-10", form).await;
    let html = declined.text().await.expect("html");
    assert!(html.contains("declined. Try another") && !html.contains("<b>"), "{html}");
    let form = form.replace("decline", "accept");
    let paid = world.send(Method::POST, &format!("/checkout/{secret}/confirm"), "", "2026-10", &form).await;
    assert_eq!(paid.status(), 303);
    assert!(paid.headers()["location"].to_str().is_ok_and(|to| to.ends_with("/confirmation")));

    let orders = world.get("/v1/orders/").await;
    let order = &orders["items"][0];
    let captured = json!({ "link": "monthly", "reference_id": "vis_1", "utm_source": "news" });
    assert_eq!((&order["metadata"], &order["tax_amount"]), (&captured, &json!(380)));
    assert_eq!(order["subscription"]["metadata"], captured);
}

#[tokio::test]
async fn a_checkout_by_api_keeps_its_metadata_and_ends_at_the_success_page() {
    let world = World::new().await;
    let product = world.get("/v1/products/?query=lifetime").await["items"][0]["id"].clone();
    let body = json!({ "products": [product], "metadata": { "tributary_visitor_id": "vis_1" },
        "customer_metadata": { "plan": "x" }, "external_customer_id": "usr_1",
        "success_url": "http://shop.test/thanks?checkout_id={CHECKOUT_ID}" });
    let checkout = world.post("/v1/checkouts/", body).await;
    let want = format!("http://shop.test/thanks?checkout_id={}", id(&checkout, "id"));
    assert_eq!(checkout["success_url"], want.as_str());
    let body = json!({ "customer_email": "ada@example.com", "customer_name": "Ada",
        "customer_billing_address": { "country": "US" } });
    let path = format!("/v1/checkouts/client/{}/confirm", id(&checkout, "client_secret"));
    assert_eq!(world.post(&path, body).await["status"], "succeeded");
    let customer = world.get("/v1/customers/external/usr_1").await;
    assert_eq!(
        (&customer["email"], &customer["metadata"]),
        (&json!("ada@example.com"), &json!({ "plan": "x" }))
    );
    let orders = world.get(&format!("/v1/orders/?checkout_id={}", id(&checkout, "id"))).await;
    assert_eq!(orders["items"][0]["metadata"], json!({ "tributary_visitor_id": "vis_1" }));

    for (field, value) in [
        ("metadata", json!({ "k": null })),
        ("metadata", json!({ "k": "x".repeat(501) })),
        ("products", json!([])),
    ] {
        let mut body = json!({ "products": [product] });
        body[field] = value;
        assert_eq!(world.call(Method::POST, "/v1/checkouts/", body).await.0, 422, "{field}");
    }
}

#[tokio::test]
async fn a_links_own_metadata_wins_over_the_query() {
    let world = World::new().await;
    let product = world.get("/v1/products/?query=template").await["items"][0]["id"].clone();
    let body =
        json!({ "products": [product], "payment_processor": "stripe", "metadata": { "utm_source": "own" } });
    let link = world.post("/v1/checkout-links/", body).await;
    let path =
        format!("/v1/checkout-links/{}/redirect?utm_source=query&utm_medium=m", id(&link, "client_secret"));
    assert_eq!(world.send(Method::GET, &path, "", "2026-10", "").await.status(), 303);
    let checkout = world.get("/v1/checkouts/").await["items"][0].clone();
    assert_eq!(checkout["metadata"], json!({ "utm_source": "own", "utm_medium": "m" }));
}

#[tokio::test]
async fn state_outlives_a_restart() {
    let folder = std::env::temp_dir().join(format!("polar-standin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let options = Options { state_file: Some(folder.join("state.json")), ..Options::default() };
    let world = World::with(|_| axum::http::StatusCode::OK, options.clone()).await;
    let bought = world.buys("monthly", "a@example.com").await;
    world.polar.idle().await;
    world.polar.stop().await.expect("the state is written");
    let world = World::with(|_| axum::http::StatusCode::OK, options).await;
    let order = world.get(&format!("/v1/orders/{}", id(&bought, "order"))).await;
    assert_eq!(order["net_amount"], 1900);
    let next = world.buys("monthly", "b@example.com").await;
    assert_ne!(id(&next, "order"), id(&bought, "order"), "ids go on where they were");
    std::fs::remove_dir_all(folder).expect("the folder is removed");
}
