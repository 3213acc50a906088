//! Lists that say what no list should, beside the orders themselves: the money stays exact, what does not read is laid
//! aside, and the rest is read on. And a poll that is refused for long, which knocks rarely and loses nothing.

use serde_json::{Value, json};
use support::{Account, minutes};
use tributary::jobs::poll;

/// A subscription that renewed once, a sale refunded in part, and one whose dispute was lost; no webhook ever told.
async fn business(account: &Account) {
    let at = |day: &str| format!("2026-{day}T10:00:00Z");
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let purchases = json!([
        { "product": "monthly", "email": "a@example.com", "at": at("09-28") },
        { "product": "lifetime", "email": "b@example.com", "at": at("10-03"),
          "refunds": [{ "at": at("10-20"), "amount": 4900 }] },
        { "product": "lifetime", "email": "c@example.com", "at": at("10-01"),
          "then": [{ "what": "dispute", "at": at("10-05") }, { "what": "dispute-lost", "at": at("10-25") }] },
    ]);
    account.control("history", json!({ "purchases": purchases })).await;
    account.webhooks_end().await;
}

#[tokio::test]
async fn odd_words_in_any_list_leave_the_money_exact_and_what_does_not_read_is_laid_aside() {
    struct Odd {
        path: &'static str,
        rewrite: Value,
        /// Whether its rows do not read.
        is_laid_aside: bool,
    }
    let odd = |path, rewrite, is_laid_aside| Odd { path, rewrite, is_laid_aside };
    let cases = [
        odd(
            "/v1/subscriptions/",
            json!({ "status": "hibernating", "recurring_interval": "fortnight" }),
            false,
        ),
        odd("/v1/subscriptions/", json!({ "amount": "lots" }), true),
        odd("/v1/checkouts/", json!({ "status": "teleported", "customer_email": null }), false),
        odd("/v1/checkouts/", json!({ "created_at": "yesterday" }), true),
        // The order's own count of what was given back stands in for a refund that does not read or is of no known state.
        odd("/v1/refunds/", json!({ "status": "reversed_by_bank" }), false),
        odd("/v1/refunds/", json!({ "amount": "4900" }), false),
        odd("/v1/refunds/", json!({ "amount": 9_000_000_000_000_000_000_i64 }), true),
        odd("/v1/refunds/", json!({ "currency": "euros" }), true),
        odd("/v1/disputes/", json!({ "reason": 7, "customer": null }), true),
        odd(
            "/v1/customers/",
            json!({ "email": null, "type": "guild", "metadata": { "deep": { "er": [] } } }),
            false,
        ),
        odd("/v1/customers/", json!({ "id": null }), true),
        odd("/v1/events/", json!({ "timestamp": "soon" }), true),
        odd("/v1/events/", json!({ "metadata": {} }), true),
    ];
    for Odd { path, rewrite, is_laid_aside } in cases {
        let what = format!("{path} {rewrite}");
        let account = Account::open(|_| {}).await;
        business(&account).await;
        account.control("api-faults", json!({ "path": path, "rewrite": rewrite })).await;
        account.polls().await;
        let status = account.status().await;
        assert_eq!(status["poll"]["problem"], Value::Null, "{what}: the pass goes on: {status}");
        assert_eq!(status["poll"]["rejected"] != 0, is_laid_aside, "{what}: {status}");
        if is_laid_aside {
            assert_eq!(account.shop.failing_checks().await, ["applied"], "{what}");
        }
        if path != "/v1/disputes/" || !is_laid_aside {
            assert_eq!(account.our_money().await, account.providers_money().await, "{what}");
        }
        // Said rightly, it reads, and nothing was lost.
        account.control("api-faults", json!({})).await;
        account.asks_for_sync(true).await;
        account.polls().await;
        assert_eq!(account.our_money().await, account.providers_money().await, "{what}");
    }
}

#[tokio::test]
async fn a_token_that_expires_half_way_is_tried_rarely_and_another_goes_on_where_it_stopped() {
    let account = Account::open(|_| {}).await;
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let purchase = |n: usize| json!({ "product": "templates", "email": format!("b{n}@example.com"), "at": "2026-10-02T10:00:00Z" });
    let purchases: Vec<Value> = (0..450).map(purchase).collect();
    account.control("history", json!({ "purchases": purchases })).await;
    account.webhooks_end().await;
    let app = account.shop.app();
    assert!(poll::step(app).await.unwrap());
    let read = account.status().await["poll"]["read"].clone();
    account.control("api-faults", json!({ "unauthorized_percent": 100 })).await;
    let calls = account.polar.asked().len();
    for _ in 0..24 * 60 {
        poll::step(app).await.unwrap();
        account.shop.after(minutes(1));
    }
    let tried = account.polar.asked().len() - calls;
    assert!((20..60).contains(&tried), "{tried} calls in a day of refusals");
    let status = account.status().await;
    assert_eq!(status["poll"]["problem"]["code"], "token_refused", "{status}");
    assert_eq!(
        (&status["poll"]["standing"], &status["poll"]["read"]),
        (&json!("reading"), &read),
        "{status}"
    );

    account.control("api-faults", json!({})).await;
    account.asks_for_sync(false).await;
    account.polls().await;
    account.agrees().await;
    let asked = account.polar.asked();
    assert_eq!(asked[calls + tried], asked[calls], "it goes on with the call that was refused");
    assert!(!asked[..calls].contains(&asked[calls]), "nothing is read twice");
}
