//! The page of endpoints: who is told, tried from the page, and what came of every delivery.

use serde_json::Value;
use support::{Receiver, Shop};
use tributary::jobs::deliver;

use super::{asks, encoded, page, sends};
use crate::affiliates::text;

async fn delivers(shop: &Shop) {
    while deliver::step(shop.app()).await.expect("deliveries are tried") {}
}

async fn rows(shop: &Shop, path: &str) -> Vec<Value> {
    let list = asks(shop, "GET", path, Value::Null).await.json();
    list["rows"].as_array().unwrap_or_else(|| panic!("{list}")).clone()
}

/// What an endpoint of the page can be told to do.
async fn tells(shop: &Shop, what: &str, id: &str) -> String {
    sends(shop, "/endpoints", &format!("do={what}&endpoint={id}")).await
}

#[tokio::test]
async fn an_endpoint_is_added_its_secret_shown_once_and_it_is_switched_and_removed() {
    let (shop, receiver) = (Shop::open().await, Receiver::open().await);
    let empty = page(&shop, "/endpoints").await;
    assert!(empty.contains("Nobody is told yet") && empty.contains("Nothing was told yet"), "{empty}");
    // What was refused stays in the form, with its reason.
    for (url, why) in [("nonsense", "write an address"), ("ftp://shop.example/x", "http")] {
        let form = format!("do=add&url={}&event=payout.sent", encoded(url));
        let wrong = sends(&shop, "/endpoints", &form).await;
        assert!(wrong.contains("role=\"alert\"") && wrong.contains(why), "{wrong}");
        assert!(
            wrong.contains("aria-invalid=\"true\"") && wrong.contains(&format!("value=\"{url}\"")),
            "{wrong}"
        );
        assert!(wrong.contains("value=\"payout.sent\" checked"), "{wrong}");
    }
    let url = encoded(&receiver.url());
    let unknown = sends(&shop, "/endpoints", &format!("do=add&url={url}&event=nothing")).await;
    assert!(unknown.contains("role=\"alert\"") && unknown.contains("there is no"), "{unknown}");
    assert!(rows(&shop, "/v1/endpoints").await.is_empty());

    let form = format!("do=add&url={url}&event=commission.created&event=payout.sent");
    let made = sends(&shop, "/endpoints", &form).await;
    assert!(made.contains("whsec_") && made.contains("shown this once"), "{made}");
    assert!(made.contains("</span> commission.created, payout.sent"), "{made}");
    assert!(!page(&shop, "/endpoints").await.contains("whsec_"), "never again");
    let id = text(&rows(&shop, "/v1/endpoints").await[0]["id"]);
    let other = sends(&shop, "/endpoints", &format!("do=types&endpoint={id}&event=partner.applied")).await;
    assert!(other.contains("</span> partner.applied"), "{other}");
    let off = tells(&shop, "off", &id).await;
    assert!(off.contains("until it is switched on again") && off.contains("disabled by hand"), "{off}");
    assert!(tells(&shop, "on", &id).await.contains("what waited is tried now"));
    assert!(tells(&shop, "remove", "end_nobody").await.contains("role=\"alert\""));
    let gone = tells(&shop, "remove", &id).await;
    assert!(gone.contains("is removed") && gone.contains("Nobody is told yet"), "{gone}");
}

#[tokio::test]
async fn a_delivery_shows_its_state_tries_and_answers_and_is_sent_again() {
    let (shop, receiver) = (Shop::open().await, Receiver::open().await);
    let form = format!("do=add&url={}", encoded(&receiver.url()));
    assert!(sends(&shop, "/endpoints", &form).await.contains("</span> everything"));
    let id = text(&rows(&shop, "/v1/endpoints").await[0]["id"]);
    assert!(tells(&shop, "test", &id).await.contains("endpoint.test is on its way"));
    assert!(page(&shop, "/endpoints").await.contains(">waiting<"));
    receiver.answers(500);
    delivers(&shop).await;
    let failed = page(&shop, "/endpoints").await;
    assert!(failed.contains("it answers 500") && failed.contains("1 try"), "{failed}");
    assert!(failed.contains("has taken nothing since"), "{failed}");
    let delivery = rows(&shop, "/v1/deliveries").await[0].clone();
    assert_eq!((&delivery["last"]["status"], &delivery["attempts"]), (&500.into(), &1.into()), "{delivery}");
    let path = format!("/endpoints/deliveries/{}", text(&delivery["id"]));
    let one = page(&shop, &path).await;
    assert!(one.contains("not taken") && one.contains("<code>status 500</code>"), "{one}");
    assert!(one.contains("Next try:") && one.contains("endpoint.test"), "{one}");
    receiver.answers(204);
    assert!(sends(&shop, &path, "").await.contains("is sent again"));
    delivers(&shop).await;
    let taken = page(&shop, "/endpoints?state=delivered").await;
    assert!(taken.contains("204 in") && taken.contains("2 tries"), "{taken}");
    assert!(page(&shop, "/endpoints?state=failed").await.contains("None stands so"));
    let form = format!("do=again&delivery={}", text(&delivery["id"]));
    assert!(sends(&shop, "/endpoints", &form).await.contains("is sent again"));
    delivers(&shop).await;
    let ids: Vec<String> = receiver.received().iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == text(&delivery["event"])), "one id at every try: {ids:?}");
    let wrong = sends(&shop, "/endpoints", "do=again&delivery=dlv_nobody").await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("no delivery"), "{wrong}");
}
