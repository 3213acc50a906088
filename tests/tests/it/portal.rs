//! The partners' own pages: the way in by mail, what stands there to the cent, applying and being invited.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, Mailbox, Shop, TestApp, days, minutes, usd};

use crate::affiliates::{asks, done, partner, program, text};

/// A partner in front of a browser.
pub struct Browser<'a> {
    pub shop: &'a Shop,
    pub cookie: String,
}

impl<'a> Browser<'a> {
    pub fn of(shop: &'a Shop) -> Browser<'a> {
        Browser { shop, cookie: String::new() }
    }

    /// Signed in as a partner, by a link the merchant passed on.
    pub async fn signed_in(shop: &'a Shop, partner: &str) -> Browser<'a> {
        let path = format!("/v1/partners/{partner}/login-link");
        let made = done(shop, "POST", &path, Value::Null).await;
        let mut browser = Browser::of(shop);
        assert_eq!(browser.enters(&text(&made["url"])).await.status, 303);
        browser
    }

    pub async fn gets(&self, path: &str) -> Answer {
        let app = self.shop.app();
        app.send(app.request("GET", path).header("cookie", &self.cookie)).await
    }

    /// A page that is there, as text.
    pub async fn reads(&self, path: &str) -> String {
        let answer = self.gets(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// Sends a form of one of our own pages.
    pub async fn sends(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.sends_from(path, form, ("sec-fetch-site", "same-origin")).await
    }

    pub async fn sends_from(&self, path: &str, form: &[(&str, &str)], from: (&str, &str)) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let app = self.shop.app();
        let request = app.request("POST", path).header("cookie", &self.cookie).header(from.0, from.1);
        app.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Follows a link of a mail and confirms; keeps the cookie.
    pub async fn enters(&mut self, url: &str) -> Answer {
        let (_, token) = url.split_once("token=").expect("the link has a token");
        let answer = self.sends("/partners/enter", &[("token", token)]).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = cookie.to_owned();
        }
        answer
    }
}

/// A shop whose mails come to the test.
pub async fn shop_with_mail() -> (Shop, Mailbox) {
    let mailbox = Mailbox::open().await;
    let url = mailbox.url();
    let app = TestApp::start_with(|config| {
        config.mail.url = url.into();
        config.mail.from = "Partners of the shop <partners@shop.example>".to_owned();
    });
    (Shop::open_on(Arc::new(app.await), "ws_shop").await, mailbox)
}

pub fn thirty() -> Value {
    json!({ "reward": { "basis_points": 3000 } })
}

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
async fn an_applicant_reads_the_terms_agrees_and_is_approved() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let page = format!("/partners/apply/{program}");
    let mut browser = Browser::of(&shop);
    assert_eq!(browser.gets(&page).await.status, 404, "not open yet");
    assert_eq!(
        browser.sends(&page, &[("name", "Kai"), ("email", "kai@p.example"), ("agree", "1")]).await.status,
        404
    );
    let settings = format!("/v1/programs/{program}/applications");
    let open = done(&shop, "PUT", &settings, json!({ "open": true, "about": "Tell people about us." })).await;
    assert!(text(&open["url"]).ends_with(&page), "{open}");
    let html = browser.reads(&page).await;
    for shown in ["Tell people about us.", "30 % of the price without tax", "Held before payout", "30 days"] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    for (name, email, agree) in [
        ("Kai", "kai@p.example", ""),
        ("Kai", "kai", "1"),
        ("", "kai@p.example", "1"),
        ("Kai", "kai@p.example", "2"),
    ] {
        let answer = browser.sends(&page, &[("name", name), ("email", email), ("agree", agree)]).await;
        assert_eq!(answer.status, 400, "{name} {email} {agree}");
    }
    let form = [("name", "Kai"), ("email", "kai@p.example"), ("agree", "1")];
    let first = browser.sends(&page, &form).await;
    assert!(first.status == 200 && first.text().contains("Thank you"), "{}", first.text());
    assert!(mailbox.next().await.text.contains("your application"));
    let again = browser.sends(&page, &form).await;
    assert_eq!((again.status, again.text()), (200, first.text()), "who applied before is not told");
    let partners = done(&shop, "GET", "/v1/partners", Value::Null).await;
    let rows = partners["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &json!("applied")));
    let id = text(&rows[0]["id"]);
    browser.sends("/partners/sign-in", &[("email", "kai@p.example")]).await;
    let link = mailbox.next().await.link("/partners/enter?token=");
    browser.enters(&link).await;
    assert!(browser.reads("/partners").await.contains("Your application is being looked at"));
    assert_eq!(browser.sends("/partners/links", &[("code", "kai")]).await.status, 400, "not approved yet");
    done(&shop, "PATCH", &format!("/v1/partners/{id}"), json!({ "status": "approved" })).await;
    assert!(mailbox.next().await.text.contains("you are a partner"));
    assert_eq!(browser.sends("/partners/links", &[("code", "kai")]).await.status, 303);
    done(&shop, "PUT", &settings, json!({ "open": false })).await;
    assert_eq!(browser.gets(&page).await.status, 404);
}

#[tokio::test]
async fn an_invited_partner_says_yes_to_the_terms_that_were_shown() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let new = json!({ "program": program, "name": "Ann", "email": "ann@p.example" });
    let ann = text(&done(&shop, "POST", "/v1/partners", new).await["id"]);
    let mail = mailbox.next().await;
    assert!(mail.to == "ann@p.example" && mail.text.contains("invites you"), "{}", mail.text);
    assert!(!mail.text.contains("token="), "an invitation is no way in by itself");
    let browser = Browser::signed_in(&shop, &ann).await;
    assert!(browser.reads("/partners").await.contains("Agree and begin"));
    // The terms change while the page is open: yes to the old ones is no yes.
    shop.after(minutes(1));
    done(
        &shop,
        "POST",
        &format!("/v1/programs/{program}/terms"),
        json!({ "terms": { "reward": { "basis_points": 1000 } } }),
    )
    .await;
    browser.sends("/partners/invitation", &[("answer", "yes"), ("agree", "1")]).await;
    let page = browser.reads("/partners").await;
    assert!(page.contains("Agree and begin") && page.contains("10 % of the price"), "{page}");
    browser.sends("/partners/invitation", &[("answer", "yes"), ("agree", "2")]).await;
    assert!(browser.reads("/partners").await.contains("Nothing earned yet"));
    assert_eq!(done(&shop, "GET", &format!("/v1/partners/{ann}"), Value::Null).await["status"], "approved");
    let new = json!({ "program": program, "name": "Bob", "email": "bob@p.example" });
    let bob = text(&done(&shop, "POST", "/v1/partners", new).await["id"]);
    let browser = Browser::signed_in(&shop, &bob).await;
    browser.sends("/partners/invitation", &[("answer", "no")]).await;
    assert!(browser.reads("/partners").await.contains("You are no partner of this programme"));
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
