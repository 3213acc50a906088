//! What a partner's link takes along to the page, and that the click stays the partner's whatever it takes along.

use serde_json::json;
use support::{Shop, days, rows, usd};

use crate::affiliates::{done, follows, partner, program, text};

/// The parameters of the page a link leads to, in their order.
async fn leads_to(shop: &Shop, path: &str) -> Vec<(String, String)> {
    let followed = follows(shop, path, &[]).await;
    assert_eq!(followed.status, 302, "{}", followed.text());
    let address = url::Url::parse(followed.header("location")).expect("an address");
    let own = address.query_pairs().into_owned();
    own.filter(|(name, _)| name != "_trb").collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

#[tokio::test]
async fn a_link_takes_tags_and_click_ids_along_once_and_nothing_else() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let jane = partner(&shop, &program, "jane").await;
    let long = "/r/jane?gclid=Cj0_x-1&GBRAID=b&utm_source=google&utm_id=7&utm_source=other&mc_eid=reader&plan=pro&via=carl";
    let wanted =
        [("gclid", "Cj0_x-1"), ("GBRAID", "b"), ("utm_source", "google"), ("utm_id", "7"), ("via", "jane")];
    assert_eq!(leads_to(&shop, long).await, pairs(wanted));
    // The merchant's own page has its own: they stay, and are not there twice.
    let own = "https://shop.example/sale?utm_source=partners&via=somebody&plan=pro";
    done(&shop, "POST", "/v1/links", json!({ "partner": jane, "code": "jane-sale", "destination": own }))
        .await;
    let wanted = [("utm_source", "partners"), ("plan", "pro"), ("msclkid", "m1"), ("via", "jane-sale")];
    assert_eq!(leads_to(&shop, "/r/jane-sale?UTM_Source=google&msclkid=m1").await, pairs(wanted));
    // Another partner's code in the address deep within the site takes nothing from the partner of the link.
    partner(&shop, &program, "carl").await;
    let deep = leads_to(&shop, "/r/jane?to=/pricing%3Fref%3DCarl%26ref%3Dhome").await;
    assert_eq!(deep, pairs([("ref", "home"), ("via", "jane")]));
}

#[tokio::test]
async fn a_partners_click_that_an_advertisement_brought_is_the_partners_and_held() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &program, "jane").await;
    let link = "/r/jane?gclid=Cj0x&utm_source=google&utm_medium=cpc";
    let followed = follows(&shop, link, &[("referer", "https://www.google.com/")]).await;
    let cookie = followed.header("set-cookie").split(';').next().unwrap().to_owned();
    let ada = shop.visitor().with_cookie(&cookie);
    let landing = followed.header("location").trim_start_matches("https://shop.example").to_owned();
    ada.arrives_from("https://www.google.com/", &landing).await;
    ada.buys(usd(10_000)).await;
    assert_eq!(shop.channels("last_touch").await, rows([("Affiliates", 10_000)]), "and no paid search");
    let visits = shop.report("partner", "linear").await;
    assert_eq!((&visits["rows"][0]["partner"], &visits["rows"][0]["visits"]), (&json!("jane"), &json!(1)));
    let page = shop.ask("/v1/commissions").await;
    assert_eq!(page["rows"][0]["balance"]["earned"], 30_00, "{page}");
    // What the click came by is known now, and a person decides about it.
    let flags = shop.ask("/v1/flags").await;
    assert_eq!(text(&flags["rows"][0]["kind"]), "paid_brand_search", "{flags}");
    shop.after(days(31));
    shop.reconciles().await;
}
