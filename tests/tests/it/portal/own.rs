//! What partners keep themselves: links within the merchant's hosts, where the money goes, and what they are given to use.

use serde_json::{Value, json};

use super::{Browser, shop_with_mail, thirty};
use crate::affiliates::{asks, done, partner, program, text};

#[tokio::test]
async fn a_partner_makes_links_within_the_merchants_hosts_and_ends_them() {
    let (shop, _mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let browser = Browser::signed_in(&shop, &jane).await;
    for (destination, code) in
        [("https://evil.example/", "x1"), ("javascript:alert(1)", "x2"), ("", "JANE"), ("", "a b")]
    {
        let answer = browser.sends("/partners/links", &[("destination", destination), ("code", code)]).await;
        assert_eq!(answer.status, 400, "{destination} {code}");
        assert!(answer.text().contains("role=\"alert\""));
    }
    let made = browser.sends("/partners/links", &[("destination", "/pricing"), ("code", "Jane-Sale")]).await;
    assert_eq!((made.status, made.header("location")), (303, "/partners/links"), "{}", made.text());
    let page = browser.reads("/partners/links").await;
    assert!(
        page.contains("/r/jane-sale") && page.contains("leads to https://shop.example/pricing"),
        "{page}"
    );
    let followed = shop.app().send(shop.app().request("GET", "/r/jane-sale")).await;
    assert!(
        followed.header("location").starts_with("https://shop.example/pricing"),
        "{:?}",
        followed.headers
    );
    assert_eq!(browser.sends("/partners/links/jane-sale/end", &[]).await.status, 303);
    let links = shop.ask("/v1/links").await;
    let ended = links["rows"].as_array().unwrap().iter().find(|link| link["code"] == "jane-sale").unwrap();
    assert_eq!(ended["active"], false, "{links}");
    assert!(browser.reads("/partners/links").await.contains("Ended links (1)"));
}

#[tokio::test]
async fn where_the_money_goes_is_sealed_and_every_change_is_mailed() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let browser = Browser::signed_in(&shop, &jane).await;
    for (method, recipient) in
        [("paypal", "no address"), ("cash", "x@y.example"), ("other", ""), ("wise", "=x@y.example")]
    {
        let answer =
            browser.sends("/partners/payouts/details", &[("method", method), ("recipient", recipient)]).await;
        assert_eq!(answer.status, 400, "{method} {recipient}");
    }
    let saved = browser
        .sends("/partners/payouts/details", &[("method", "wise"), ("recipient", "jane-gets@bank.example")])
        .await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let mail = mailbox.next().await;
    assert!(mail.to == "jane@partners.example" && mail.text.contains("was changed"), "{}", mail.text);
    assert!(!mail.text.contains("bank.example"), "where the money goes is in no mail");
    let page = browser.reads("/partners/payouts").await;
    assert!(page.contains("Wise, <b>j•••@bank.example</b>"), "{page}");
    let stored = done(&shop, "GET", &format!("/v1/partners/{jane}"), Value::Null).await;
    assert_eq!(stored["payout"]["recipient"], "jane-gets@bank.example");
    let folder = &shop.app().config.data_dir;
    let files = ["control.sqlite", "control.sqlite-wal"]
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_default());
    let all = String::from_utf8_lossy(&files.concat()).into_owned();
    assert!(!all.contains("bank.example") && !all.contains("jane@partners"), "an address lies in clear");
    // The merchant changes it: the partner is told as well.
    let change = json!({ "payout": { "method": "paypal", "recipient": "thief@bank.example" } });
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), change).await;
    assert!(mailbox.next().await.text.contains("was changed"));
}

#[tokio::test]
async fn assets_are_the_programmes_and_lead_only_to_the_web() {
    let (shop, _mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let path = format!("/v1/programs/{program}/assets");
    for content in [
        "javascript:alert(1)",
        "http://cdn.example/x.png",
        "data:image/png,x",
        "https://u:p@cdn.example/",
        "",
    ] {
        let answer =
            asks(&shop, "POST", &path, json!({ "kind": "image", "title": "x", "content": content })).await;
        assert_eq!(answer.status, 400, "{content}: {}", answer.text());
    }
    let image = json!({ "kind": "image", "title": "Logo", "content": "https://cdn.example/logo.png" });
    let image = text(&done(&shop, "POST", &path, image).await["id"]);
    done(&shop, "POST", &path, json!({ "kind": "text", "title": "Words", "content": "Two\nlines" })).await;
    done(
        &shop,
        "POST",
        &path,
        json!({ "kind": "link", "title": "Kit", "content": "http://shop.example/kit" }),
    )
    .await;
    let browser = Browser::signed_in(&shop, &jane).await;
    let answer = browser.gets("/partners/assets").await;
    assert!(answer.header("content-security-policy").contains("img-src 'self' https://cdn.example;"));
    for shown in ["https://cdn.example/logo.png", "Two\nlines", "http://shop.example/kit"] {
        assert!(answer.text().contains(shown), "{shown}");
    }
    done(&shop, "DELETE", &format!("/v1/assets/{image}"), Value::Null).await;
    let answer = browser.gets("/partners/assets").await;
    assert!(!answer.text().contains("logo.png"));
    assert!(!answer.header("content-security-policy").contains("cdn.example"));
}
