//! The partners' own pages, as a partner's browser sees them.

mod door;
mod earnings;
mod joining;
mod own;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Answer, Mailbox, Shop, TestApp};

use crate::affiliates::{done, text};

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
