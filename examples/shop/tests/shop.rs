//! The shop over HTTP, with the stand-in for Polar behind it.

use shop::{Options, start};

async fn get(url: String) -> (u16, String) {
    let answer = reqwest::get(url).await.expect("the shop answers");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn every_page_carries_the_script_tag_of_its_settings() {
    let options = Options {
        collector_url: "http://t.test/".into(),
        polar_url: "http://p.test:99".into(),
        ..Options::default()
    };
    let shop = start(options).await.expect("the shop starts");
    for path in ["/", "/pricing", "/blog/a-quieter-inbox", "/thanks", "/app", "/app/drafts"] {
        let (status, html) = get(format!("{}{path}", shop.url())).await;
        assert_eq!(status, 200, "{path}");
        let tag = r#"<script async src="http://t.test/p.js" data-workspace="ws_demo" data-checkout-hosts="p.test:99">"#;
        assert!(html.contains(tag), "{path}: {html}");
    }
    let (status, html) = get(format!("{}/from", shop.url())).await;
    assert!(status == 200 && !html.contains("p.js"), "the entry page is no visit: {html}");
    assert_eq!(get(format!("{}/nothing", shop.url())).await.0, 404);
    assert_eq!(get(format!("{}/blog/nothing", shop.url())).await.0, 404);
    let (_, html) = get(format!("{}/pricing", shop.url())).await;
    assert!(html.contains(r#"href="http://p.test:99/polar_cl_demo_monthly""#), "{html}");
    shop.stop();
}

#[tokio::test]
async fn the_backend_makes_a_checkout_with_the_pixels_metadata() {
    let polar = polar_standin::start(polar_standin::Options::default()).await.expect("the stand-in starts");
    let shop =
        start(Options { polar_url: polar.url(), ..Options::default() }).await.expect("the shop starts");
    let client = reqwest::Client::builder().build().expect("a client");
    for plan in ["monthly", "yearly", "lifetime", "templates", "trial"] {
        let body = serde_json::json!({ "plan": plan, "metadata": { "tributary_visitor_id": "vis_1" } });
        let answer = client.post(format!("{}/buy", shop.url())).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{plan}");
        let url = answer.json::<serde_json::Value>().await.expect("JSON")["url"].clone();
        assert!(
            url.as_str().is_some_and(|url| url.starts_with(&format!("{}/checkout/polar_c_", polar.url()))),
            "{url}"
        );
        let (status, _) = get(format!("{}/polar_cl_demo_{plan}", polar.url())).await;
        assert_eq!(status, 200, "the plan's link leads to a checkout page");
    }
    let list = client.get(format!("{}/v1/checkouts/", polar.url())).bearer_auth(polar_standin::DEFAULT_TOKEN);
    let list: serde_json::Value = list.send().await.expect("an answer").json().await.expect("JSON");
    let made = list["items"].as_array().expect("a list");
    let ours = made.iter().filter(|one| one["metadata"]["tributary_visitor_id"] == "vis_1");
    let success =
        |one: &serde_json::Value| one["success_url"].as_str().is_some_and(|to| to.starts_with(&shop.url()));
    assert_eq!(ours.filter(|one| success(one)).count(), 5);
    polar.stop().await.expect("it stops");
    let body = serde_json::json!({ "plan": "monthly" });
    let answer = client.post(format!("{}/buy", shop.url())).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 502, "Polar is gone");
}
