//! Monthly statements: made once, the same bytes ever after, chained, and corrected by new lines only.

use serde_json::{Value, json};
use support::Account;
use tributary::control::keys::Scope;

async fn state(account: &Account, month: &str) -> (u16, String) {
    let app = account.shop.app();
    let key = account.shop.key_for(Scope::Write).await;
    let path = format!("/v1/statements?connection={}&month={month}", account.connection_id());
    let answer = app.send(app.request("POST", &path).header("authorization", format!("Bearer {key}"))).await;
    (answer.status, answer.text())
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("a statement is JSON")
}

#[tokio::test]
async fn a_month_is_stated_once_and_later_truth_is_a_line_of_the_next() {
    let account = Account::open(|_| {}).await;
    let purchases = json!([
        { "product": "lifetime", "email": "a@example.com", "at": "2026-08-03T10:00:00Z" },
        { "product": "templates", "email": "b@example.com", "at": "2026-09-10T10:00:00Z" },
        { "product": "lifetime", "email": "c@example.com", "at": "2026-09-11T10:00:00Z" },
    ]);
    account.control("history", json!({ "purchases": purchases })).await;
    account.webhooks_end().await;
    account.polls().await;

    let (status, september) = state(&account, "2026-09").await;
    assert_eq!(status, 200, "{september}");
    let stated = read(&september);
    assert_eq!(
        (&stated["number"], &stated["lines"].as_array().unwrap().len()),
        (&json!(2), &2),
        "August came first"
    );
    assert_eq!(state(&account, "2026-09").await.1, september, "the same bytes again");
    let csv = format!("/v1/statements/file?connection={}&month=2026-09&format=csv", account.connection_id());
    let key = account.shop.key_for(Scope::Read).await;
    let csv = account.shop.ask_as(&key, &csv).await.text();
    assert!(csv.contains(",booked,2026-09-10,EUR,2900,0,2900,"), "{csv}");

    // A sale of September that nobody had told of, learned in November: September stays, October has the line.
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let late = json!([{ "product": "lifetime", "email": "d@example.com", "at": "2026-09-20T10:00:00Z" }]);
    account.control("history", json!({ "purchases": late })).await;
    account.asks_for_sync(true).await;
    account.polls().await;
    assert_eq!(state(&account, "2026-09").await.1, september);
    let chains = account.shop.ask("/v1/statements/verify").await;
    assert_eq!((&chains["passed"], &chains["chains"][0]["changed_since"]), (&json!(true), &json!(1)));
    let october = read(&state(&account, "2026-10").await.1);
    let expected = json!([{ "kind": "correction", "day": "2026-09-20", "currency": "USD",
        "paid_minor": 14_900, "refunded_minor": 0 }]);
    assert_eq!((&october["lines"], &october["previous"]), (&expected, &stated["hash"]));
    let rows = account.shop.ask("/v1/statements").await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 3);
    assert_eq!(account.shop.failing_checks().await, [""; 0]);

    let (status, refused) = state(&account, "2026-11").await;
    assert_eq!((status, &read(&refused)["code"]), (409, &json!("month_open")), "{refused}");
    assert_eq!(state(&account, "2026-07").await.0, 404, "the chain begins with August");
}
