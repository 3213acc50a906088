//! Values that want to run, in everything that the merchant's pages of affiliates and endpoints show or take: names, codes,
//! addresses, what a receiver answers, and every field of every form.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use support::{Manner, Receiver, Shop, TestApp, usd};
use tributary::jobs::deliver;

use super::pages::{is_clean, payloads, tags_of};
use crate::affiliate_pages::{asks, encoded, page, sends};
use crate::affiliates::text;

async fn made(shop: &Shop, path: &str, body: Value) -> Value {
    let answer = asks(shop, "POST", path, body).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn values_that_want_to_run_stay_text_on_the_merchants_pages() {
    let app = Arc::new(TestApp::start().await);
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/templates");
    let mut tags = tags_of(&templates);
    tags.extend(tags_of(&templates.join("affiliates")));
    for (number, payload) in payloads().iter().enumerate().step_by(11) {
        let shop = Shop::open_on(app.clone(), &format!("ws_a{number}")).await;
        let receiver = Receiver::open().await;
        receiver.does(Manner::Answers(500, String::new(), payload.clone()));
        let short: String = payload.chars().take(90).collect();
        let solid: String = short.split_whitespace().collect();
        let program = json!({ "name": short, "terms": { "reward": { "basis_points": 3000 } } });
        let program = text(&made(&shop, "/v1/programs", program).await["id"]);
        let partner =
            json!({ "program": program, "name": short, "email": "x@partners.example", "status": "approved" });
        let partner = text(&made(&shop, "/v1/partners", partner).await["id"]);
        let code = format!("a{number}");
        made(&shop, "/v1/links", json!({ "partner": partner, "code": code })).await;
        let group = made(&shop, &format!("/v1/programs/{program}/groups"), json!({ "name": short })).await;
        let group = text(&group["id"]);
        let change = json!({ "group": group });
        assert_eq!(asks(&shop, "PATCH", &format!("/v1/partners/{partner}"), change).await.status, 200);
        made(&shop, "/v1/coupons", json!({ "partner": partner, "code": solid })).await;
        let url = format!("{}/{solid}?q={solid}#{solid}", receiver.url());
        let endpoint = text(&made(&shop, "/v1/endpoints", json!({ "url": url })).await["id"]);
        made(&shop, &format!("/v1/endpoints/{endpoint}/test"), Value::Null).await;
        let visitor = shop.visitor();
        visitor.visit(&format!("/?via={code}&utm_source={}", encoded(payload))).await;
        visitor.checkout(usd(10_00)).metadata("note", payload).by_api().pays().await;
        shop.settle().await;
        while deliver::step(shop.app()).await.expect("deliveries are tried") {}
        let deliveries = asks(&shop, "GET", "/v1/deliveries", Value::Null).await.json();
        let delivery = deliveries["rows"].as_array().expect("rows").iter().find(|row| !row["last"].is_null());
        let delivery = text(&delivery.expect("one was tried")["id"]);
        let commission = text(&shop.ask("/v1/commissions").await["rows"][0]["id"]);
        let value = encoded(payload);
        let mut pages = Vec::new();
        for path in [
            "/affiliates".to_owned(),
            "/affiliates/programs".to_owned(),
            "/affiliates/commissions".to_owned(),
            format!("/affiliates/commissions/{commission}"),
            format!("/affiliates/commissions?state={value}"),
            "/affiliates/payouts".to_owned(),
            format!("/affiliates/payouts?currency={value}"),
            "/affiliates/flags".to_owned(),
            format!("/affiliates/flags?state={value}"),
            "/affiliates/overlap".to_owned(),
            format!("/affiliates/overlap?from={value}&to={value}"),
            "/affiliates/simulator".to_owned(),
            format!(
                "/affiliates/simulator?program={program}&group={value}&from={value}&to={value}&reward={value}&go=simulate\
                 &recurring=once&count={value}&hold_days=30&window_days=60&wins=last&tiers={value}&per={value}"
            ),
            format!(
                "/affiliates/simulator?program={program}&reward=20&go=simulate&recurring=once&hold_days=30\
                 &window_days=60&wins=last&tiers={value}"
            ),
            "/endpoints".to_owned(),
            format!("/endpoints/deliveries/{delivery}"),
        ] {
            pages.push((path.clone(), page(&shop, &path).await));
        }
        for (path, form) in [
            ("/affiliates", format!("name={value}&email={value}&program={value}&code={value}")),
            ("/affiliates/groups", format!("program={program}&name={value}{value}")),
            ("/affiliates/groups", format!("partner={value}&group={value}")),
            ("/affiliates/coupons", format!("partner={partner}&coupon={value}+x")),
            ("/affiliates/coupons", format!("end={value}")),
            ("/affiliates/programs", format!("program={program}&group={value}&terms={value}")),
            ("/affiliates/payouts", format!("payout={value}&end=send")),
            ("/affiliates/payouts", format!("payout={value}&unclaimed={value}")),
            ("/endpoints", format!("do=add&url={value}&event={value}")),
            ("/endpoints", format!("do=remove&endpoint={value}")),
            ("/endpoints", format!("do=again&delivery={value}")),
        ] {
            pages.push((format!("{path} {form}"), sends(&shop, path, &form).await));
        }
        let mut shown = 0;
        for (path, page) in &pages {
            is_clean(page, path, &tags);
            shown += usize::from(page.contains("alert(1)") || page.contains("evil.example"));
        }
        assert!(shown >= 12, "{shown} pages show {payload} as text");
    }
}
