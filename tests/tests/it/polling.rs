//! Reading the provider's lists when things are not well: every trouble has a clear state on the connection, and
//! nothing is lost by it.

use serde_json::{Value, json};
use support::{Account, hours};
use tributary::jobs::poll;

/// Some sales whose webhooks never come.
async fn unheard(account: &Account, count: usize) {
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let purchase = |n: usize| json!({ "product": "templates", "email": format!("b{n}@example.com"), "at": "2026-10-02T10:00:00Z" });
    let purchases: Vec<Value> = (0..count).map(purchase).collect();
    account.control("history", json!({ "purchases": purchases })).await;
    account.webhooks_end().await;
}

#[tokio::test]
async fn a_kill_between_two_pages_costs_nothing() {
    let account = Account::open(|_| {}).await;
    unheard(&account, 1_050).await;
    // Every step begins by what the one before wrote down, as a new process would.
    assert!(poll::step(account.shop.app()).await.unwrap());
    let status = account.status().await;
    assert_eq!(status["poll"]["standing"], "reading");
    assert_eq!(status["poll"]["pass"], "history");
    let read = status["poll"]["read"].as_u64().unwrap();
    assert!((100..=1_000).contains(&read), "ten pages at most between two checkpoints: {status}");
    account.polls().await;
    account.agrees().await;
}

#[tokio::test]
async fn a_kill_between_facts_and_their_marks_costs_nothing() {
    let account = Account::open(|_| {}).await;
    unheard(&account, 250).await;
    let app = account.shop.app();
    assert!(poll::step(app).await.unwrap());
    // As it stands when the process is killed with the facts of a step in the store: nothing is marked, and the poll
    // stands where that step began.
    let marks = app.control.dirty(100_000).await.unwrap();
    assert!(marks.len() > 250, "{} marks", marks.len());
    app.control.clear_dirty(&marks.iter().collect::<Vec<_>>()).await.unwrap();
    let state = json!({ "run": { "pass": "history", "started_ms": app.clock.now_ms(), "list": 0, "cursor":
        { "after_ms": null, "pages": 0, "total": null, "restarts": 0 }, "requests": 0, "read": 0, "total": 0,
        "imported": 0, "found": 0, "rejected": 0, "missing_scopes": [] }, "is_under_way": true });
    let name = format!("poll {}", account.connection_id());
    app.control.set_checkpoint(&name, &state.to_string(), app.clock.now_ms()).await.unwrap();
    account.polls().await;
    account.agrees().await;
}

#[tokio::test]
async fn the_allowance_of_calls_is_kept_and_waited_for() {
    let account = Account::open(|options| options.rate_limit_per_minute = 3).await;
    unheard(&account, 5).await;
    let mut more = true;
    while more {
        more = poll::step(account.shop.app()).await.unwrap();
    }
    let status = account.status().await;
    assert_eq!(status["poll"]["problem"]["code"], "rate_limited", "{status}");
    let message = status["poll"]["problem"]["message"].as_str().unwrap();
    assert!(message.contains("wait"), "{message}");
    assert!(!poll::step(account.shop.app()).await.unwrap(), "nothing is asked before the time is over");
}

#[tokio::test]
async fn a_token_without_a_scope_reads_the_rest_and_names_what_it_lacks() {
    let account = Account::open(|_| {}).await;
    unheard(&account, 3).await;
    let scopes = ["orders:read", "subscriptions:read", "customers:read", "refunds:read", "checkouts:read"];
    account.control("tokens", json!({ "token": "polar_oat_few", "scopes": scopes })).await;
    account.connect("polar_oat_few").await;
    account.polls().await;
    let status = account.status().await;
    assert_eq!(status["poll"]["missing_scopes"], json!(["events:read", "disputes:read", "webhooks:read"]));
    assert_eq!(status["poll"]["endpoint"], "unknown");
    account.agrees().await;
}

#[tokio::test]
async fn a_refused_token_is_said_and_mended_by_another_at_once() {
    let account = Account::open(|_| {}).await;
    unheard(&account, 3).await;
    account.connect("polar_oat_expired").await;
    assert!(!poll::step(account.shop.app()).await.unwrap());
    let status = account.status().await;
    assert_eq!(status["poll"]["problem"]["code"], "token_refused", "{status}");
    account.connect(Account::TOKEN).await;
    account.asks_for_sync(false).await;
    assert_eq!(account.polls().await, 0, "it does not wait for the next try");
    assert_eq!(account.status().await["poll"]["problem"], Value::Null);
    account.agrees().await;
}

#[tokio::test]
async fn the_hourly_pass_finds_what_a_webhook_should_have_told() {
    let account = Account::open(|_| {}).await;
    account.polls().await;
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let bought =
        account.control("purchases", json!({ "product": "lifetime", "email": "a@example.com" })).await;
    assert!(!poll::step(account.shop.app()).await.unwrap(), "the hour is not over");
    account.shop.after(hours(1));
    account.polls().await;
    account.agrees().await;
    assert_eq!(account.shop.order_ids().await, [bought["order_ids"][0].as_str().unwrap()]);
    let found = account.status().await["poll"]["found_by_poll"].as_u64().unwrap();
    assert!(found >= 3, "order, customer and checkout: {found}");
}

#[tokio::test]
async fn the_webhook_endpoint_is_watched() {
    let account = Account::open(|_| {}).await;
    let look = async || {
        account.asks_for_sync(false).await;
        account.polls().await;
        account.status().await
    };
    let status = look().await;
    assert_eq!(
        status["poll"]["endpoint"], "missing",
        "the stand-in's endpoint has another address: {status}"
    );
    let url = &status["webhook_url"];
    let endpoint = json!({ "url": url, "format": "raw", "events": ["order.paid"] });
    let endpoint = account.call("POST", "/v1/webhooks/endpoints", endpoint).await;
    assert_eq!(look().await["poll"]["endpoint"], "incomplete");
    let path = format!("/v1/webhooks/endpoints/{}", endpoint["id"].as_str().unwrap());
    let events = tributary::billing::provider("polar").unwrap().webhook_events();
    account.call("PATCH", &path, json!({ "events": events })).await;
    assert_eq!(look().await["poll"]["endpoint"], "fine");
    account.call("PATCH", &path, json!({ "enabled": false })).await;
    assert_eq!(look().await["poll"]["endpoint"], "disabled");
}

#[tokio::test]
async fn half_pages_outages_and_rows_that_shift_cost_time_and_nothing_else() {
    let account = Account::open(|_| {}).await;
    unheard(&account, 450).await;
    let trouble = json!({ "seed": 5, "half_percent": 10, "garbled_percent": 10, "away_percent": 10,
                          "too_many_percent": 10, "retry_after": 7, "shift_percent": 30 });
    account.control("api-faults", trouble).await;
    assert!(account.polls().await > 3, "it paused and went on");
    account.control("api-faults", json!({})).await;
    account.agrees().await;
    assert_eq!(account.status().await["poll"]["problem"], Value::Null);
}

#[tokio::test]
async fn a_list_nobody_knows_is_a_question_of_versions_and_a_blocked_organization_is_said() {
    let account = Account::open(|_| {}).await;
    for (fault, code) in [("not_found_percent", "api_version"), ("forbidden_percent", "forbidden")] {
        account.control("api-faults", json!({ fault: 100, "path": "/v1/orders/" })).await;
        account.asks_for_sync(false).await;
        while poll::step(account.shop.app()).await.unwrap() {}
        let problem = account.status().await["poll"]["problem"].clone();
        assert_eq!(problem["code"], code, "{problem}");
    }
    account.control("api-faults", json!({})).await;
    unheard(&account, 2).await;
    account.asks_for_sync(true).await;
    account.polls().await;
    account.agrees().await;
}

/// What a list may say that no list should, and what is made of it: counted as the provider means it, or laid aside.
#[tokio::test]
async fn odd_words_and_amounts_are_counted_or_laid_aside_and_never_lost() {
    struct Odd {
        what: &'static str,
        rewrite: Value,
        /// Net of the order, when it counts.
        counts: Option<i64>,
    }
    let cases = [
        Odd {
            what: "an unknown state",
            rewrite: json!({ "status": "on_hold", "paid": true }),
            counts: Some(2900),
        },
        Odd { what: "an unknown reason", rewrite: json!({ "billing_reason": "gift" }), counts: Some(2900) },
        Odd { what: "an amount as text", rewrite: json!({ "net_amount": "2900" }), counts: Some(2900) },
        Odd { what: "an amount below zero", rewrite: json!({ "net_amount": -500 }), counts: Some(-500) },
        Odd {
            what: "an enormous amount",
            rewrite: json!({ "net_amount": 4_000_000_000_000_000_000_i64 }),
            counts: None,
        },
        Odd { what: "a fraction", rewrite: json!({ "net_amount": 29.5 }), counts: None },
        Odd { what: "a word for an amount", rewrite: json!({ "net_amount": "much" }), counts: None },
        Odd { what: "no currency", rewrite: json!({ "currency": "money" }), counts: None },
    ];
    for Odd { what, rewrite, counts } in cases {
        let account = Account::open(|_| {}).await;
        unheard(&account, 1).await;
        account.control("api-faults", json!({ "path": "/v1/orders/", "rewrite": rewrite })).await;
        account.polls().await;
        let ours = account.our_money().await;
        assert_eq!(ours.values().map(|order| order.net).next(), counts, "{what}");
        let status = account.status().await;
        assert_eq!(status["poll"]["problem"], Value::Null, "{what}: the pass goes on: {status}");
        let failed = account.shop.ask("/v1/webhooks/failed").await;
        let aside = u64::from(counts.is_none());
        assert_eq!((&failed["total"], &status["poll"]["rejected"]), (&json!(aside), &json!(aside)), "{what}");
        if counts.is_none() {
            let row = &failed["rows"][0];
            assert_eq!(row["event_type"], "poll.order", "{what}: {row}");
            assert!(row["error"].as_str().unwrap().contains("expected shape"), "{what}: {row}");
            assert!(!row["next"].as_str().unwrap().is_empty(), "{what}: {row}");
            assert_eq!(account.shop.failing_checks().await, ["applied"], "{what}");
        }
        // The provider says it rightly again: nothing was lost.
        account.control("api-faults", json!({})).await;
        if counts.is_none() {
            account.asks_for_sync(true).await;
            account.polls().await;
            assert_eq!(account.our_money().await, account.providers_money().await, "{what}");
        }
    }
}

#[tokio::test]
async fn clocks_that_disagree_lose_nothing() {
    for hours_off in [-3_i64, 3] {
        let account = Account::open(|_| {}).await;
        account.shop.app().clock.advance(hours_off * 3_600_000);
        unheard(&account, 2).await;
        account.polls().await;
        account.control("purchases", json!({ "product": "lifetime", "email": "now@example.com" })).await;
        account.shop.after(hours(1));
        account.polls().await;
        account.agrees().await;
        assert_eq!(account.status().await["poll"]["problem"], Value::Null);
    }
}
