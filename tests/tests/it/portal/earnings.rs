//! What stands on the pages, to the cent, and what a partner is told of what is held.

use serde_json::json;
use support::{days, usd};

use super::{Browser, shop_with_mail, thirty};
use crate::affiliates::{done, partner, program, text};

#[tokio::test]
async fn the_pages_show_what_the_ledger_says_and_what_the_merchant_sees() {
    let (shop, _mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let clicked = shop.app().request("GET", "/r/jane").header("sec-fetch-site", "cross-site");
    let clicked =
        shop.app()
            .send(clicked.header(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            ))
            .await;
    let cookie = clicked.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let ada = shop.visitor().with_cookie(&cookie);
    ada.arrives_from("", clicked.header("location").trim_start_matches("https://shop.example")).await;
    let first = ada.subscribes(usd(49_00)).await;
    shop.settle().await;
    shop.after(days(30));
    first.renews().await;
    first.refunds(usd(10_00)).await;
    shop.settle().await;
    let browser = Browser::signed_in(&shop, &jane).await;
    let page = shop.ask("/v1/commissions").await;
    let rows = page["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let list = browser.reads("/partners/commissions").await;
    for row in rows {
        let earned = format!(
            "{}.{:02} USD",
            row["balance"]["earned"].as_i64().unwrap() / 100,
            row["balance"]["earned"].as_i64().unwrap() % 100
        );
        let id = text(&row["id"]);
        assert!(list.contains(&earned) && list.contains(&id), "{earned} {id} in {list}");
    }
    // 14.70 for each payment, 3.00 back for the refund.
    assert!(list.contains(">26.40 USD<") && list.contains("30 % of 49.00 USD"), "{list}");
    assert!(list.contains("renewal") && list.contains("held until"), "{list}");
    let refunded = rows.iter().find(|row| row["balance"]["earned"] == 11_70).expect("one was refunded");
    let one = browser.reads(&format!("/partners/commissions/{}", text(&refunded["id"]))).await;
    assert!(one.contains("The customer got money back") && one.contains("\u{2212}3.00 USD"), "{one}");
    assert!(one.contains("Sale: 30 % of 49.00 USD") && one.contains("+14.70 USD"), "{one}");
    let customers = browser.reads("/partners/customers").await;
    assert!(customers.contains("Customer 1") && customers.contains("2 payments"), "{customers}");
    // The click was a month ago: today's link is followed again.
    let again = shop.app().request("GET", "/r/jane").header("sec-fetch-site", "cross-site");
    let again =
        again.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0");
    assert_eq!(shop.app().send(again).await.status, 302);
    shop.settle().await;
    let links = browser.reads("/partners/links").await;
    assert!(links.contains("1 click in 30 days") && links.contains("/r/jane"), "{links}");
    let qr = browser.gets("/partners/links/jane/qr.svg").await;
    assert_eq!((qr.status, qr.header("content-type")), (200, "image/svg+xml"));
    assert!(qr.text().contains("<svg") && qr.text().len() > 1000);
    // A payout that was sent stands there too.
    shop.after(days(60));
    shop.settle().await;
    // Nobody stays signed in for so long.
    assert_eq!(browser.gets("/partners/links").await.status, 303);
    let path = format!("/v1/partners/{jane}");
    done(
        &shop,
        "PATCH",
        &path,
        json!({ "payout": { "method": "paypal", "recipient": "jane@paypal.example" } }),
    )
    .await;
    let admin = format!("Bearer {}", shop.key_for(tributary::control::keys::Scope::Admin).await);
    let preview = shop.ask("/v1/payouts/preview?currency=USD").await;
    for (path, body) in [
        ("/v1/payouts".to_owned(), json!({ "currency": "USD", "token": preview["token"] })),
        (format!("/v1/payouts/{}/paid", text(&preview["token"])), json!({ "reference": "PP-77" })),
    ] {
        let request = shop.app().request("POST", &path).header("authorization", &admin);
        let answer = shop.app().send(request.body(body.to_string())).await;
        assert!(answer.status < 300, "{path}: {}", answer.text());
    }
    let browser = Browser::signed_in(&shop, &jane).await;
    let payouts = browser.reads("/partners/payouts").await;
    assert!(payouts.contains("PP-77") && payouts.contains(">26.40 USD<"), "{payouts}");
    assert!(payouts.contains("j•••@paypal.example") && !payouts.contains("jane@paypal.example"), "{payouts}");
}

#[tokio::test]
async fn what_a_flag_holds_is_told_as_held_while_the_merchant_looks_and_never_why() {
    let (shop, _mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    for (email, minor) in [("jane@partners.example", 10_000), ("ada@buyers.example", 50_00)] {
        let buyer = shop.visitor();
        buyer.visit("/?via=jane").await;
        buyer.checkout(usd(minor)).by_api().email(email).pays().await;
    }
    shop.settle().await;
    let flag = shop.ask("/v1/flags").await["rows"][0].clone();
    assert_eq!(flag["kind"], "self_referral", "{flag}");
    let says = "held while shop looks at it";
    let held = format!("/partners/commissions/{}", text(&flag["commission"]));
    // Before and after the days of the hold are over.
    for moment in ["pending", "due"] {
        let browser = Browser::signed_in(&shop, &jane).await;
        for path in ["/partners", "/partners/commissions", "/partners/payouts", &held] {
            let page = browser.reads(path).await;
            assert!(page.to_lowercase().contains(says), "{moment} {path}: {page}");
            assert!(page.contains("30.00 USD"), "{moment} {path}: {page}");
            for secret in ["referral", "flag", "same e-mail", "doubt", &text(&flag["id"])] {
                assert!(!page.to_lowercase().contains(secret), "{path} says {secret}: {page}");
            }
        }
        let list = browser.reads("/partners/commissions").await;
        // Apart from what is held for some days, and from what is ready.
        let own = if moment == "pending" { "<dt>Held</dt><dd>15.00 USD" } else { "payout</dt><dd>15.00 USD" };
        assert!(list.contains(own) && list.contains("looks at it</dt><dd>30.00 USD"), "{moment}: {list}");
        assert!(list.contains("<dt>Earned</dt><dd>45.00 USD"), "{list}");
        shop.after(days(31));
        shop.settle().await;
    }
    let admin = format!("Bearer {}", shop.key_for(tributary::control::keys::Scope::Admin).await);
    let path = format!("/v1/flags/{}/decision", text(&flag["id"]));
    for (decision, word) in [("rejected", "not counted"), ("cleared", "ready for the next payout")] {
        let request = shop.app().request("POST", &path).header("authorization", &admin);
        let answer = shop.app().send(request.body(json!({ "decision": decision }).to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        shop.settle().await;
        let page = Browser::signed_in(&shop, &jane).await.reads(&held).await;
        assert!(page.contains(word) && !page.contains("looks at it") && !page.contains("lag "), "{page}");
    }
}
