//! Other rules of channels and other visits that may earn: shown first, made exactly as shown, taken back without a
//! trace. History is classified again from the raw input that visits keep.

use serde_json::{Value, json};
use support::{Shop, days, hours, rows, usd};

use crate::affiliates::{done, partner, program};
use crate::preview::{looks, posts};
use crate::{NEWSLETTER, SEARCH};

const BLOG: &str = "/?utm_source=partnerblog&utm_medium=post";

/// Applies what a preview showed; the answer.
async fn applies(shop: &Shop, preview: &Value) -> Value {
    let (status, applied) = posts(shop, "/v1/attribution/apply", json!({ "token": preview["token"] })).await;
    assert_eq!(status, 200, "{applied}");
    applied
}

/// Channel, from and to of a preview.
fn moves(preview: &Value) -> Vec<Value> {
    let channels = preview["channels"].as_array().expect("channels").iter();
    channels.map(|moved| json!([moved["channel"], moved["from"], moved["to"]])).collect()
}

/// Ada comes by a blog and then by a search, Bob by the blog alone, Cem by typing the address.
async fn shop_with_sales() -> Shop {
    let shop = Shop::open().await;
    let (ada, bob, cem) = (shop.visitor(), shop.visitor(), shop.visitor());
    ada.visit(BLOG).await;
    bob.visit(BLOG).await;
    shop.after(days(2));
    ada.arrives_from(SEARCH, "/pricing").await;
    cem.visit("/").await;
    shop.after(hours(1));
    ada.buys(usd(49_01)).await;
    bob.buys(usd(10_00)).await.refunds(usd(3_33)).await;
    cem.buys(usd(5_00)).await;
    shop.settle().await;
    shop
}

#[tokio::test]
async fn a_rule_of_channels_moves_history_exactly_as_shown_and_back_without_a_trace() {
    let shop = shop_with_sales().await;
    let before = (shop.channels("linear").await, shop.sources("linear").await, shop.posted_credits().await);
    let rule = "source=partnerblog -> Affiliates as the blog";
    let preview = looks(&shop, json!({ "rules": [rule], "model": "linear" })).await;
    assert_eq!((&preview["visits"], &preview["orders"]), (&json!(2), &json!(2)), "{preview}");
    // Half of 49.01, the odd cent to the later touch, and what is left of 10.00.
    let blog = 24_50 + 6_67;
    assert_eq!(moves(&preview), [json!(["Affiliates", 0, blog]), json!(["Unassigned", blog, 0])]);
    assert_eq!(preview["differences"], json!([{ "currency": "USD", "difference": 0, "declared": 0 }]));
    assert_eq!(shop.channels("linear").await, before.0, "looking changed nothing");

    let applied = applies(&shop, &preview).await;
    assert_eq!((&applied["visits"], &applied["orders"]), (&json!(2), &json!(2)), "{applied}");
    let after = rows([("Affiliates", blog), ("Organic Search", 24_51), ("Direct", 5_00)]);
    assert_eq!(shop.channels("linear").await, after);
    assert_eq!(shop.sources("linear").await[0], ("the blog".to_owned(), blog));
    assert_eq!(shop.earned("channel", "linear", "visits").await[0], ("Affiliates".to_owned(), 2));
    assert_eq!(paths(&shop).await, ["Affiliates → Organic Search", "Affiliates", "Direct"]);
    shop.reconciles().await;

    // Twice adds nothing, and what comes from now on is classified so at once.
    let (status, refused) = posts(&shop, "/v1/attribution/apply", json!({ "token": preview["token"] })).await;
    assert_eq!((status, &refused["code"]), (409, &json!("preview_outdated")));
    let nothing = looks(&shop, json!({})).await;
    assert_eq!((&nothing["visits"], &nothing["orders"]), (&json!(0), &json!(0)));
    let dora = shop.visitor();
    dora.visit(BLOG).await;
    assert_eq!(shop.earned("channel", "linear", "visits").await[0], ("Affiliates".to_owned(), 3));

    let rules = shop.ask("/v1/attribution/rules").await;
    assert_eq!((&rules["rules"], &rules["rules_version"]), (&json!([rule]), &json!(1)));
    assert_eq!((&rules["changes"][0]["number"], &rules["changes"][0]["orders"]), (&json!(1), &json!(2)));

    let back = looks(&shop, json!({ "rules": [] })).await;
    assert_eq!((&back["visits"], &back["rules_from"]), (&json!(3), &json!([rule])));
    applies(&shop, &back).await;
    assert_eq!((shop.channels("linear").await, shop.sources("linear").await), (before.0, before.1));
    assert_eq!(shop.posted_credits().await, before.2, "as if it had never been");
    shop.reconciles().await;
}

/// The paths that led to purchases, the one that earned most first.
async fn paths(shop: &Shop) -> Vec<String> {
    let report =
        shop.ask("/v1/reports/paths?from=2026-01-01&to=2027-12-31&model=linear&group_by=channel").await;
    let rows = report["rows"].as_array().expect("a report has rows").iter();
    rows.map(|row| row["path"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn an_archived_partners_visits_stay_the_partners_whatever_the_rules() {
    let shop = Shop::open().await;
    let friends = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &friends, "jane").await;
    let ada = shop.visitor();
    ada.visit("/?via=jane").await;
    let first = ada.subscribes(usd(49_00)).await;
    shop.settle().await;
    done(&shop, "DELETE", "/v1/links/jane", Value::Null).await;
    let preview = looks(&shop, json!({ "rules": ["campaign=none of these -> SMS"] })).await;
    assert_eq!(preview["visits"], 0, "{preview}");
    applies(&shop, &preview).await;
    shop.after(days(30));
    first.renews().await;
    shop.settle().await;
    let commissions = shop.ask("/v1/commissions").await;
    let rows = commissions["rows"].as_array().expect("a page has rows").iter();
    let earned: Vec<&Value> = rows.map(|row| &row["balance"]["earned"]).collect();
    assert_eq!(earned, [14_70, 14_70]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn the_first_rule_that_fits_decides_so_their_order_is_a_change() {
    let shop = shop_with_sales().await;
    let (one, other) = ("source*=blog -> Referral", "medium=post -> Organic Social");
    let preview = looks(&shop, json!({ "rules": [one, other] })).await;
    applies(&shop, &preview).await;
    assert_eq!(shop.channels("first_touch").await[0].0, "Referral");
    let turned = looks(&shop, json!({ "rules": [other, one], "model": "first_touch" })).await;
    assert_eq!(moves(&turned).len(), 2, "{turned}");
    applies(&shop, &turned).await;
    assert_eq!(shop.channels("first_touch").await[0].0, "Organic Social");
    assert_eq!(shop.ask("/v1/attribution/rules").await["rules_version"], 2);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_rule_that_fits_nothing_moves_nothing() {
    let shop = Shop::open().await;
    for (referrer, path) in [
        ("", NEWSLETTER),
        ("", "/?gclid=abc"),
        ("", "/?mc_eid=0123456789&mc_cid=77"),
        ("", "/?utm_source=a%40example.com&utm_medium=email"),
        ("", "/?ref=somebody"),
        (SEARCH, "/pricing"),
        ("https://t.co/x", "/"),
        ("android-app://com.slack", "/"),
        ("https://accounts.google.com/", "/?utm_source=x&utm_campaign=%7B%7Bcampaign%7D%7D"),
    ] {
        let visitor = shop.visitor();
        visitor.visit("/").await;
        visitor.arrives_from(referrer, path).await;
        visitor.buys(usd(7_77)).await;
    }
    let preview = looks(&shop, json!({ "rules": ["campaign=none of these -> SMS"] })).await;
    assert_eq!((&preview["visits"], &preview["orders"]), (&json!(0), &json!(0)), "{preview}");
    applies(&shop, &preview).await;
    shop.reconciles().await;
}

#[tokio::test]
async fn visits_that_may_not_earn_leave_their_part_to_the_others_or_to_direct() {
    let shop = shop_with_sales().await;
    let preview = looks(&shop, json!({ "exclusions": ["source=PartnerBlog"], "model": "linear" })).await;
    assert_eq!((&preview["visits"], &preview["orders"]), (&json!(0), &json!(2)), "{preview}");
    let moved = [
        json!(["Direct", 0, 6_67]),
        json!(["Organic Search", 24_51, 49_01]),
        json!(["Unassigned", 24_50 + 6_67, 0]),
    ];
    assert_eq!(moves(&preview), moved);
    assert_eq!(preview["differences"][0]["difference"], 0);
    applies(&shop, &preview).await;
    assert_eq!(shop.channels("linear").await, rows([("Organic Search", 49_01), ("Direct", 11_67)]));
    let mut standings = Vec::new();
    for id in shop.order_ids().await {
        let story = shop.ask(&format!("/v1/orders/{id}/explain")).await;
        let touches = story["touches"].as_array().expect("touches").clone();
        standings
            .extend(touches.iter().map(|touch| touch["standing"].as_str().unwrap_or_default().to_owned()));
    }
    assert_eq!(standings.iter().filter(|standing| *standing == "excluded").count(), 2, "{standings:?}");
    shop.reconciles().await;
    // What comes later is held to it too.
    let dora = shop.visitor();
    dora.visit(BLOG).await;
    dora.buys(usd(1_00)).await;
    assert_eq!(shop.channels("linear").await, rows([("Organic Search", 49_01), ("Direct", 12_67)]));
    assert_eq!(looks(&shop, json!({})).await["orders"], 0);
    shop.reconciles().await;
}

#[tokio::test]
async fn what_is_no_rule_is_refused_with_a_reason() {
    let shop = Shop::open().await;
    for (body, field) in [
        (json!({ "rules": ["source=x"] }), "rules"),
        (json!({ "rules": vec!["source=x -> Email"; 201] }), "rules"),
        (json!({ "exclusions": ["product=book"] }), "exclusions"),
    ] {
        let (status, problem) = posts(&shop, "/v1/attribution/preview", body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
}
