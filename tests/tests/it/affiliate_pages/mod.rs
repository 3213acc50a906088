//! The merchant's pages of affiliates, over HTTP: they show what stands and take what a person decides.

mod commissions;
mod endpoints;
mod flow;
mod groups;
mod payouts;
mod strangers;
mod terms;

use serde_json::Value;
use support::{Answer, Shop};
use tributary::control::keys::Scope;

/// A key that may do everything, as of somebody signed in.
async fn key(shop: &Shop) -> String {
    let control = &shop.app().control;
    control
        .create_key(shop.workspace(), "pages", &Scope::ALL, false, shop.now_ms())
        .await
        .expect("a key is made")
        .1
}

/// A page as text.
pub async fn page(shop: &Shop, path: &str) -> String {
    let key = key(shop).await;
    let request = shop.app().request("GET", path).header("authorization", format!("Bearer {key}"));
    let answer = shop.app().send(request.body(String::new())).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

/// A request to the API with a key that may do everything.
pub async fn asks(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = key(shop).await;
    let request = shop.app().request(method, path).header("authorization", format!("Bearer {key}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.app().send(request.body(body)).await
}

/// A text as forms and addresses carry it.
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A form sent from a page, and the page that answers.
pub async fn sends(shop: &Shop, path: &str, form: &str) -> String {
    let key = key(shop).await;
    let request = shop.app().request("POST", path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = shop.app().send(request.body(form.to_owned())).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}
