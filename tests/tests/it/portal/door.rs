//! The way in: a mailed link that works once and not for long, and what to do where no mail is sent.

use serde_json::Value;
use support::{Shop, minutes};

use super::{Browser, shop_with_mail, thirty};
use crate::affiliates::{asks, partner, program};

#[tokio::test]
async fn a_partner_signs_in_by_a_mailed_link_that_works_once_and_not_for_long() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let mut browser = Browser::of(&shop);
    assert!(browser.reads("/partners").await.contains("Send me a link"));
    let asked = browser.sends("/partners/sign-in", &[("email", " Jane@Partners.example ")]).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let mail = mailbox.next().await;
    assert_eq!(mail.to, "jane@partners.example");
    assert!(mail.text.contains("partners@shop.example>"), "{}", mail.text);
    let link = mail.link("/partners/enter?token=");
    // A scanner that opens every link of a mail uses nothing up.
    for _ in 0..3 {
        let page = browser.reads(&link).await;
        assert!(page.contains("Welcome, jane"), "{page}");
    }
    let entered = browser.enters(&link).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/partners"));
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("_trb_partner=ses_"), "{cookie}");
    for part in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(browser.reads("/partners").await.contains("Sign out"));
    // Used up.
    let mut second = Browser::of(&shop);
    assert_eq!(second.gets(&link).await.status, 410);
    assert_eq!(second.enters(&link).await.status, 410);
    assert_eq!(second.cookie, "");
    // Signing out ends the session on the server too.
    let old = browser.cookie.clone();
    let out = browser.sends("/partners/sign-out", &[]).await;
    assert!(out.status == 303 && out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
    assert!(Browser { shop: &shop, cookie: old }.reads("/partners").await.contains("Send me a link"));
    // Too old after a quarter of an hour.
    browser.sends("/partners/sign-in", &[("email", "jane@partners.example")]).await;
    let late = mailbox.next().await.link("/partners/enter?token=");
    shop.after(minutes(15));
    assert_eq!(browser.gets(&late).await.status, 410);
    assert_eq!(browser.enters(&late).await.status, 410);
}

#[tokio::test]
async fn without_mail_the_page_says_what_to_do_and_the_merchant_passes_a_link_on() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let page = Browser::of(&shop).reads("/partners").await;
    assert!(page.contains("tributary partner login-link") && !page.contains("Send me a link"), "{page}");
    let browser = Browser::signed_in(&shop, &jane).await;
    assert!(browser.reads("/partners").await.contains("Nothing earned yet"));
    let unknown = asks(&shop, "POST", "/v1/partners/prt_nobody/login-link", Value::Null).await;
    assert_eq!((unknown.status, &*unknown.code()), (404, "unknown_partner"));
}
