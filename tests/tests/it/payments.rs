//! When an order was paid: its list does not say, which matters when a charge works days after the order was made.

use serde_json::{Value, json};
use support::Account;

const DAY_MS: i64 = 86_400_000;

/// An order that was made, and paid ten days later.
struct PaidLate {
    id: String,
    made_ms: i64,
    paid_ms: i64,
}

fn instant(value: &Value) -> i64 {
    value.as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("an instant").as_millisecond()
}

/// A subscription whose first renewal is charged in vain and paid ten days later. Its webhooks never come.
async fn recovers(account: &Account) -> PaidLate {
    let ago = |days: i64| {
        let at_ms = account.shop.now_ms() - days * DAY_MS;
        jiff::Timestamp::from_millisecond(at_ms).expect("this era").to_string()
    };
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let purchase = json!({
        "product": "monthly", "email": "ada@example.com", "at": ago(45),
        "then": [{ "at": ago(40), "what": "fail-next-renewal" }, { "at": ago(4), "what": "recover" }],
    });
    let made = account.control("history", json!({ "purchases": [purchase] })).await;
    account.webhooks_end().await;
    let id = made["purchases"][0]["order_ids"][1].as_str().expect("a renewal").to_owned();
    let orders = account.list("/v1/orders/").await;
    let order = orders.iter().find(|order| order["id"] == id).expect("it is listed");
    let journal = account.list("/v1/events/").await;
    let paid = journal.iter().find(|it| it["name"] == "order.paid" && it["metadata"]["order_id"] == id);
    let (made_ms, paid_ms) =
        (instant(&order["created_at"]), instant(&paid.expect("it was paid")["timestamp"]));
    assert!(paid_ms - made_ms > 9 * DAY_MS, "{order}");
    PaidLate { id, made_ms, paid_ms }
}

/// When we count it.
async fn booked_ms(account: &Account, order: &PaidLate) -> i64 {
    let shown = account.shop.ask(&format!("/v1/orders/{}", order.id)).await;
    assert_eq!(shown["booked"], true, "{shown}");
    shown["paid_at_ms"].as_i64().expect("a time")
}

/// Net money of a UTC day by cash date.
async fn net_of_day(account: &Account, at_ms: i64) -> i64 {
    let day = jiff::Timestamp::from_millisecond(at_ms).expect("this era").strftime("%F").to_string();
    let report = account.shop.ask(&format!("/v1/reports/channels?from={day}&to={day}&date=cash")).await;
    let lines = report["reconciliation"].as_array().into_iter().flatten();
    lines.map(|line| line["provider_net"].as_i64().expect("an amount")).sum()
}

#[tokio::test]
async fn what_only_the_lists_told_is_booked_when_it_was_paid() {
    let account = Account::open(|_| {}).await;
    let order = recovers(&account).await;
    account.polls().await;
    assert_eq!(booked_ms(&account, &order).await, order.paid_ms);
    assert_eq!(net_of_day(&account, order.made_ms).await, 0);
    assert!(net_of_day(&account, order.paid_ms).await > 0);
    account.agrees().await;
    // Reading the lists again moves nothing, and payments are no failure of the webhooks.
    let before = account.shop.orders_table().await;
    let found = account.status().await["poll"]["found_by_poll"].clone();
    account.asks_for_sync(true).await;
    account.polls().await;
    assert_eq!(account.shop.orders_table().await, before);
    assert_eq!(account.status().await["poll"]["found_by_poll"], found);
}

#[tokio::test]
async fn without_the_journal_it_is_booked_when_it_was_made_until_a_webhook_says_better() {
    let account = Account::open(|_| {}).await;
    let order = recovers(&account).await;
    let scopes = [
        "orders:read",
        "subscriptions:read",
        "customers:read",
        "refunds:read",
        "checkouts:read",
        "disputes:read",
        "webhooks:read",
    ];
    account.control("tokens", json!({ "token": "polar_oat_few", "scopes": scopes })).await;
    account.connect("polar_oat_few").await;
    account.polls().await;
    assert_eq!(account.status().await["poll"]["missing_scopes"], json!(["events:read"]));
    assert_eq!(booked_ms(&account, &order).await, order.made_ms);
    let net = net_of_day(&account, order.made_ms).await;
    assert!(net > 0);

    let sent = account.call("GET", "/standin/events?type=order.paid", Value::Null).await;
    let about = |event: &&Value| event["body"].to_string().contains(&order.id);
    let event = sent["events"].as_array().unwrap().iter().find(about).expect("a webhook was made").clone();
    let redeliver = format!("/v1/webhooks/events/{}/redeliver", event["id"].as_str().unwrap());
    account.call("POST", &redeliver, Value::Null).await;
    account.webhooks_end().await;
    let booked = booked_ms(&account, &order).await;
    assert!((booked - order.paid_ms).abs() < 1000, "{booked} is when the webhook says it was paid");
    assert_eq!(net_of_day(&account, order.made_ms).await, 0, "its money moved to the day it was paid");
    assert_eq!(net_of_day(&account, order.paid_ms).await, net);
    account.agrees().await;
}
