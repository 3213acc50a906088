//! Connections as people make them: tokens checked on entry, our endpoint at the provider, several organizations in
//! one workspace.

use polar_standin::{Options, start};
use serde_json::{Value, json};
use support::{Account, hours};
use tributary::control::keys::Scope;
use tributary::jobs::poll;

async fn post(account: &Account, path: &str, body: Value) -> (u16, Value) {
    let app = account.shop.app();
    let key = account.shop.key_for(Scope::Write).await;
    let request = app.request("POST", path).header("authorization", format!("Bearer {key}"));
    let answer = app.send(request.body(body.to_string())).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_token_is_checked_on_entry_and_each_missing_scope_is_named() {
    let account = Account::open(|_| {}).await;
    let scopes = ["orders:read", "subscriptions:read", "customers:read", "checkouts:read", "webhooks:read"];
    account.control("tokens", json!({ "token": "polar_oat_few", "scopes": scopes })).await;
    let mut wanted = json!({ "provider": "polar", "name": "Second", "environment": account.polar.url(),
        "token": "polar_oat_few", "webhook_secrets": ["whsec_x"] });
    let (status, refused) = post(&account, "/v1/connections", wanted.clone()).await;
    assert_eq!(
        (status, &refused["code"], &refused["field"]),
        (422, &json!("missing_token_scopes"), &json!("token"))
    );
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("events:read, refunds:read, disputes:read"), "{detail}");
    wanted["token"] = json!("polar_oat_expired");
    let (status, refused) = post(&account, "/v1/connections", wanted.clone()).await;
    assert_eq!((status, &refused["code"]), (422, &json!("token_refused")));
    wanted["token"] = json!(Account::TOKEN);
    let (status, made) = post(&account, "/v1/connections", wanted).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["webhook_endpoint"]["format"], "raw");
    assert_eq!(made["webhook_endpoint"]["api_version"], "2026-10");
    assert!(made["webhook_endpoint"]["events"].as_array().unwrap().contains(&json!("order.paid")));
}

#[tokio::test]
async fn our_endpoint_is_made_once_found_again_mended_and_rotated_with_both_secrets_valid() {
    let account = Account::open(|_| {}).await;
    let path = format!("/v1/connections/{}/webhook", account.connection_id());
    let (status, made) = post(&account, &path, Value::Null).await;
    assert_eq!((status, &made["done"]), (200, &json!("created")), "{made}");
    assert_eq!(made["webhook_secrets"], 2, "the secret before it is still taken");
    let (_, again) = post(&account, &path, Value::Null).await;
    assert_eq!((&again["done"], &again["endpoint"]), (&json!("found"), &made["endpoint"]));
    let at_polar = format!("/v1/webhooks/endpoints/{}", made["endpoint"].as_str().unwrap());
    let endpoint =
        account.call("PATCH", &at_polar, json!({ "enabled": false, "events": ["order.paid"] })).await;
    assert_eq!((&endpoint["format"], &endpoint["api_version"]), (&json!("raw"), &json!("2026-10")));
    let (_, mended) = post(&account, &path, Value::Null).await;
    assert_eq!((&mended["done"], &mended["endpoint"]), (&json!("mended"), &made["endpoint"]));

    let (_, rotated) = post(&account, &format!("{path}/rotate"), Value::Null).await;
    assert_eq!((&rotated["done"], &rotated["webhook_secrets"]), (&json!("rotated"), &json!(2)));
    let secrets = account.secrets().await;
    let now = account.call("GET", &at_polar, Value::Null).await;
    assert_eq!(secrets[0], now["secret"].as_str().unwrap());
    assert_eq!(secrets[1], endpoint["secret"].as_str().unwrap(), "deliveries under way are still taken");
}

#[tokio::test]
async fn a_removed_connection_is_asked_and_believed_no_more_and_what_it_told_stays() {
    let account = Account::open(|_| {}).await;
    let sale = json!({ "product": "lifetime", "email": "a@example.com" });
    account.control("purchases", sale.clone()).await;
    account.webhooks_end().await;
    account.polls().await;
    let told = account.our_money().await;
    assert_eq!(told.len(), 1);
    let app = account.shop.app();
    let bearer = format!("Bearer {}", account.shop.key_for(Scope::Write).await);
    let path = format!("/v1/connections/{}", account.connection_id());
    let remove =
        async || app.send(app.request("DELETE", &path).header("authorization", &bearer)).await.status;
    assert_eq!((remove().await, remove().await), (204, 404));

    let asked = account.polar.asked().len();
    account.control("purchases", sale).await;
    account.webhooks_end().await;
    account.shop.after(hours(2));
    assert!(!poll::step(app).await.expect("the stores work"), "nothing is due");
    account.shop.settle().await;
    assert_eq!((account.our_money().await, account.polar.asked().len()), (told, asked));
    assert_eq!(account.shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn two_organizations_in_one_workspace_are_told_together_and_apart_and_equal_ids_stay_apart() {
    // The same seed and nothing else drawn from it: both organizations have orders, customers and subscriptions of the
    // very same ids.
    let account = Account::open(|options| options.endpoints.clear()).await;
    let other =
        start(Options { seed: Some(7), rate_limit_per_minute: 1_000_000, ..Options::default() }).await;
    let other = other.expect("another stand-in");
    let sale = json!({ "purchases": [{ "product": "lifetime", "email": "a@example.com", "at": "2026-10-05T10:00:00Z" }], "only": [] });
    account.control("history", sale.clone()).await;
    account.control_of(&other.url(), "history", sale).await;
    let wanted = json!({ "provider": "polar", "name": "Second", "environment": other.url(),
        "token": Account::TOKEN, "webhook_secrets": ["whsec_x"] });
    let (status, made) = post(&account, "/v1/connections", wanted).await;
    assert_eq!(status, 201, "{made}");
    let second = made["id"].as_str().unwrap().to_owned();
    account.polls().await;
    account.polls_of(&second).await;

    let days = "from=2026-10-01&to=2026-10-31";
    let net = async |filter: &str| -> Vec<(String, i64)> {
        let report = account.shop.ask(&format!("/v1/reports/channels?{days}{filter}")).await;
        let lines = report["reconciliation"].as_array().unwrap().clone();
        let line = |line: &Value| {
            (line["currency"].as_str().unwrap().to_owned(), line["provider_net"].as_i64().unwrap())
        };
        lines.iter().map(line).collect()
    };
    let usd = |net_minor| [("USD".to_owned(), net_minor)];
    assert_eq!(net("").await, usd(29_800), "together");
    for connection in [&second, &account.connection_id()] {
        assert_eq!(net(&format!("&connection={connection}")).await, usd(14_900), "apart");
    }
    let orders = account.shop.ask(&format!("/v1/orders?{days}")).await["rows"].clone();
    let orders = orders.as_array().unwrap();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0]["provider_order_id"], orders[1]["provider_order_id"], "the same id, two orders");
    let compared = account.compares(days).await;
    assert_eq!((&compared["exact"], &compared["orders"]), (&json!(true), &json!(1)), "{compared}");
    other.stop().await.expect("no state is kept");
}
