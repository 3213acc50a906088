//! The merchant's pages of affiliates, over HTTP: they show what stands and take what a person decides.

mod commissions;
mod flow;

use support::Shop;
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

/// A form sent from a page, and the page that answers.
pub async fn sends(shop: &Shop, path: &str, form: &str) -> String {
    let key = key(shop).await;
    let request = shop.app().request("POST", path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = shop.app().send(request.body(form.to_owned())).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}
