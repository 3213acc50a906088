//! A change of the rules is shown before it is made, and made exactly as it was shown.

use serde_json::{Value, json};
use support::{Shop, days, hours, rows, usd};
use tributary::control::keys::Scope;

use crate::{NEWSLETTER, SEARCH};

/// Posts to the API with a key that may do just that; the status and the answer.
pub async fn posts(shop: &Shop, path: &str, body: Value) -> (u16, Value) {
    let scope = if path.ends_with("apply") { Scope::Admin } else { Scope::Read };
    let key = shop.key_for(scope).await;
    let app = shop.app();
    let request =
        app.request("POST", path).header("authorization", format!("Bearer {key}")).body(body.to_string());
    let answer = app.send(request).await;
    (answer.status, answer.json())
}

pub async fn looks(shop: &Shop, body: Value) -> Value {
    shop.settle().await;
    let (status, preview) = posts(shop, "/v1/attribution/preview", body).await;
    assert_eq!(status, 200, "{preview}");
    preview
}

/// Two sales: one with an old and a new touch, one with a new one only.
async fn shop_with_sales() -> Shop {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    shop.after(days(20));
    ada.arrives_from(SEARCH, "/pricing").await;
    bob.arrives_from(SEARCH, "/").await;
    shop.after(hours(1));
    ada.buys(usd(49_00)).await;
    bob.buys(usd(10_00)).await;
    shop.settle().await;
    shop
}

#[tokio::test]
async fn a_shorter_window_is_shown_first_and_then_applied_exactly() {
    let shop = shop_with_sales().await;
    let preview = looks(&shop, json!({"window_days": 7, "model": "first_touch"})).await;
    assert_eq!(preview["orders"], 1, "{preview}");
    let channels = preview["channels"].as_array().expect("channels").iter();
    let moves: Vec<Value> =
        channels.map(|moved| json!([moved["channel"], moved["from"], moved["to"]])).collect();
    assert_eq!(moves, [json!(["Email", 49_00, 0]), json!(["Organic Search", 0, 49_00])]);
    assert_eq!(preview["differences"], json!([{"currency": "USD", "difference": 0, "declared": 0}]));
    assert_eq!(preview["examples"].as_array().map(Vec::len), Some(1));
    // Looking changed nothing.
    let before = rows([("Email", 49_00), ("Organic Search", 10_00)]);
    assert_eq!(shop.channels("first_touch").await, before);
    let token = json!({"token": preview["token"]});
    let (status, applied) = posts(&shop, "/v1/attribution/apply", token.clone()).await;
    assert_eq!((status, &applied["orders"]), (200, &json!(1)), "{applied}");
    assert_eq!(shop.channels("first_touch").await, rows([("Organic Search", 59_00)]));
    shop.reconciles().await;
    // Twice adds nothing: there is nothing left to move, and the token was for something else.
    let (status, refused) = posts(&shop, "/v1/attribution/apply", token).await;
    assert_eq!((status, &refused["code"]), (409, &json!("preview_outdated")));
    assert_eq!(looks(&shop, json!({})).await["orders"], 0);
}

#[tokio::test]
async fn a_preview_is_refused_when_the_data_moved_since() {
    let shop = shop_with_sales().await;
    let preview = looks(&shop, json!({"window_days": 7})).await;
    let cem = shop.visitor();
    cem.visit(NEWSLETTER).await;
    shop.after(days(8));
    cem.arrives_from(SEARCH, "/").await;
    cem.buys(usd(5_00)).await;
    shop.settle().await;
    let (status, refused) = posts(&shop, "/v1/attribution/apply", json!({"token": preview["token"]})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("preview_outdated")));
    assert_eq!(shop.channels("first_touch").await, rows([("Email", 54_00), ("Organic Search", 10_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn another_basis_brings_the_tax_and_says_so() {
    let shop = shop_with_sales().await;
    let preview = looks(&shop, json!({"basis": "gross"})).await;
    // A fifth of 49.00 and of 10.00.
    let tax = 9_80 + 2_00;
    assert_eq!(preview["differences"], json!([{"currency": "USD", "difference": tax, "declared": tax}]));
    let (status, applied) = posts(&shop, "/v1/attribution/apply", json!({"token": preview["token"]})).await;
    assert_eq!((status, &applied["written"]), (200, &json!(0)), "both are kept anyway: {applied}");
    assert_eq!(shop.channels("last_touch").await, rows([("Organic Search", 59_00 + tax)]));
    assert_eq!(shop.ask("/v1/verify").await["passed"], true);
}

#[tokio::test]
async fn what_is_no_change_is_refused_with_a_reason() {
    let shop = Shop::open().await;
    for (path, body, field) in [
        ("/v1/attribution/preview", json!({"window_days": 0}), "window_days"),
        ("/v1/attribution/preview", json!({"model": "best"}), "model"),
        ("/v1/attribution/apply", json!({"token": "x"}), "token"),
    ] {
        let (status, problem) = posts(&shop, path, body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    let (status, problem) = posts(&shop, "/v1/attribution/preview", json!({"windows": 3})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_body")));
}
