//! Forgetting a person: what goes, what stays, and that it does not come back.

use serde_json::{Value, json};
use support::{Shop, Visitor, days, models, usd};
use tributary::control::keys::Scope;
use tributary::ingest::inbox::Replay;

use crate::{NEWSLETTER, SEARCH};

/// Asks for an erasure and has the jobs do it; answers its last state.
async fn erases(shop: &Shop, person: Value) -> Value {
    let (app, key) = (shop.app(), shop.key_for(Scope::Admin).await);
    let bearer = format!("Bearer {key}");
    let asked = app.request("DELETE", "/v1/people").header("authorization", &bearer).body(person.to_string());
    let asked = app.send(asked).await;
    assert_eq!((asked.status, &asked.json()["state"]), (202, &json!("waiting")), "{}", asked.text());
    shop.settle().await;
    let id = asked.json()["id"].as_str().expect("an id").to_owned();
    let done = shop.ask_as(&key, &format!("/v1/people/erasures/{id}")).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("done")), "{}", done.text());
    done.json()
}

/// A history with two devices, a subscription and a one-off purchase.
async fn history(shop: &Shop) -> (Visitor, Visitor) {
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    ada.identifies(ada.email()).await;
    let phone = ada.on_another_device();
    phone.arrives_from(SEARCH, "/pricing").await;
    phone.identifies(ada.email()).await;
    bob.arrives_from(SEARCH, "/").await;
    shop.after(days(2));
    let subscription = ada.subscribes(usd(49_00)).await;
    bob.buys(usd(20_00)).await;
    shop.after(days(30));
    subscription.renews().await;
    let once = ada.checkout(usd(99_99)).by_link().pays().await;
    once.refunds(usd(33_33)).await;
    (ada, bob)
}

/// The channel sums of every model.
async fn sums(shop: &Shop) -> Vec<(&'static str, Vec<(String, i64)>)> {
    let mut sums = Vec::new();
    for model in models() {
        sums.push((model, shop.channels(model).await));
    }
    sums
}

#[tokio::test]
async fn an_erased_person_leaves_the_money_of_every_channel_and_nothing_else() {
    let shop = Shop::open().await;
    let (ada, bob) = history(&shop).await;
    let (visitor, before) = (ada.id(), sums(&shop).await);
    let raw = wire_id(&visitor);
    let bobs = shop.rows_naming(&wire_id(&bob.id())).await;
    assert!(shop.rows_naming(&raw).await > 3 && bobs > 2);

    let done = erases(&shop, json!({ "email": ada.email().to_uppercase() })).await;
    assert_eq!(done["removed"]["visitors"], 2, "{done}");
    assert_eq!(done["removed"]["orders"], 3, "{done}");
    assert!(done["removed"]["webhook_bodies"].as_u64() > Some(5), "{done}");
    assert_eq!(shop.rows_naming(&raw).await, 0);
    assert_eq!(shop.rows_naming(&wire_id(&bob.id())).await, bobs, "others are untouched");
    assert_eq!(sums(&shop).await, before, "no channel earns less or more");
    shop.sums_are_exact().await;
    shop.reconciles().await;

    // Everything once more: nothing of the person returns and no sum moves.
    let inbox = &shop.app().inbox;
    assert!(inbox.replay_webhooks(Replay::Since { received_at_ms: 0 }).await.unwrap() > 5);
    inbox.replay_units(0).await.unwrap();
    shop.settle().await;
    shop.app().credits_everything_anew().await;
    assert_eq!(shop.rows_naming(&raw).await, 0);
    assert_eq!(sums(&shop).await, before);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_visitor_id_leads_to_the_same_person() {
    let shop = Shop::open().await;
    let (ada, _) = history(&shop).await;
    let before = sums(&shop).await;
    let done = erases(&shop, json!({ "visitor": ada.id() })).await;
    assert_eq!((&done["removed"]["visitors"], &done["removed"]["orders"]), (&json!(2), &json!(3)), "{done}");
    assert_eq!(sums(&shop).await, before);
    let again = erases(&shop, json!({ "email": ada.email() })).await;
    assert_eq!((&again["removed"]["hits"], &again["removed"]["orders"]), (&json!(0), &json!(0)), "{again}");
}

#[tokio::test]
async fn what_polar_tells_later_of_an_erased_person_is_money_only() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.subscribes(usd(49_00)).await;
    erases(&shop, json!({ "email": ada.email() })).await;
    // The same events under new ids, and new ones of the same order and subscription.
    order.refunds(usd(9_00)).await;
    shop.after(days(30));
    order.renews().await;
    shop.settle().await;
    assert_eq!(shop.rows_naming(&wire_id(&ada.id())).await, 0);
    assert_eq!(shop.channels("linear").await, support::rows([("Email", 89_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn an_erasure_is_refused_without_the_scope_and_without_a_person() {
    let shop = Shop::open().await;
    let app = shop.app();
    let ask = async |key: &str, body: &str| {
        let request = app.request("DELETE", "/v1/people").header("authorization", format!("Bearer {key}"));
        app.send(request.body(body.to_owned())).await
    };
    let (write, admin) = (shop.key_for(Scope::Write).await, shop.key_for(Scope::Admin).await);
    assert_eq!(ask(&write, r#"{"email":"ada@example.com"}"#).await.code(), "missing_scope");
    for body in
        ["", "{}", r#"{"email":"ada"}"#, r#"{"visitor":"vis_x"}"#, r#"{"email":"a@b.c","visitor":"vis_"}"#]
    {
        assert_eq!(ask(&admin, body).await.status, 400, "{body}");
    }
}

/// The part of a visitor id that both its forms share.
fn wire_id(id: &str) -> String {
    id[..30].to_owned()
}
