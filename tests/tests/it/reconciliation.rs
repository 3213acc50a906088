//! Our books beside the provider's own lists: to the cent when all is well, and every order named with the reason when
//! it is not.

use polar_standin::{Options, start};
use serde_json::{Value, json};
use support::{Account, minutes};

/// Two months of sales with refunds and disputes, told in full.
async fn business(account: &Account) {
    let at = |day: &str| format!("2026-{day}T10:00:00Z");
    let purchases = json!([
        { "product": "monthly", "email": "a@example.com", "at": at("09-03"), "country": "DE" },
        { "product": "lifetime", "email": "b@example.com", "at": at("09-03"),
          "refunds": [{ "at": at("09-20"), "amount": 4900 }] },
        { "product": "templates", "email": "c@example.com", "at": at("09-30"),
          "refunds": [{ "at": at("10-02") }] },
        { "product": "lifetime", "email": "d@example.com", "at": at("10-01"), "discount": "PARTNER20",
          "then": [{ "what": "dispute", "at": at("10-05") }, { "what": "dispute-lost", "at": at("10-25") }] },
    ]);
    account.control("history", json!({ "purchases": purchases })).await;
    account.webhooks_end().await;
    account.polls().await;
}

fn reasons(compared: &Value) -> Vec<&str> {
    let differences = compared["differences"].as_array().expect("a list");
    differences.iter().map(|difference| difference["why"].as_str().expect("a reason")).collect()
}

const DAYS: &str = "from=2026-09-01&to=2026-11-30";

#[tokio::test]
async fn both_books_are_the_same_to_the_cent_per_day_and_currency() {
    let account = Account::open(|_| {}).await;
    business(&account).await;
    let compared = account.compares(DAYS).await;
    assert_eq!(compared["state"], "done", "{compared}");
    assert_eq!((&compared["exact"], reasons(&compared)), (&json!(true), vec![]), "{compared}");
    let totals = compared["totals"].as_array().unwrap();
    let currencies: Vec<&Value> = totals.iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, ["EUR", "USD"]);
    let theirs = account.providers_money().await;
    let (mut paid, mut refunded) = (0, 0);
    for order in theirs.values().filter(|order| order.currency == "USD" && order.is_paid) {
        (paid, refunded) = (paid + order.net, refunded + order.refunded);
    }
    assert!(refunded > 4900 && paid > refunded, "{paid} {refunded}");
    assert_eq!(totals[1]["theirs"], json!({ "paid": paid, "refunded": refunded, "net": paid - refunded }));
    assert_eq!(totals[1]["ours"], totals[1]["theirs"]);
    // On the days money moved, nothing is wrong either; what is dated otherwise is named and adds up.
    let cash = account.compares(&format!("{DAYS}&date=cash")).await;
    assert_eq!((&cash["state"], &cash["wrong"]), (&json!("done"), &json!(0)), "{cash}");
    assert!(account.shop.failing_checks().await.is_empty());
}

#[tokio::test]
async fn every_order_that_differs_is_named_with_its_reason_and_verify_says_so() {
    let account = Account::open(|_| {}).await;
    business(&account).await;
    account.control("faults", json!({ "lose_percent": 100 })).await;
    let bought =
        account.control("purchases", json!({ "product": "lifetime", "email": "e@example.com" })).await;
    let id = bought["order_ids"][0].clone();
    let unheard = account.compares("").await;
    assert_eq!(reasons(&unheard), ["on_its_way"], "it may be told yet: {unheard}");
    assert_eq!(account.shop.failing_checks().await, [""; 0]);

    account.shop.after(minutes(20));
    let missing = account.compares("").await;
    assert_eq!((reasons(&missing), &missing["exact"]), (vec!["missing_here"], &json!(false)));
    assert_eq!(missing["differences"][0]["order_id"], id);
    assert_eq!(account.shop.failing_checks().await, ["provider"]);
    // A look at days on which nothing was sold says nothing about the others.
    let elsewhere = account.compares("from=2025-01-01&to=2025-01-07").await;
    assert_eq!((reasons(&elsewhere), &elsewhere["exact"]), (vec![], &json!(true)), "{elsewhere}");
    assert_eq!(account.shop.failing_checks().await, ["provider"]);

    // A sync mends it, and the next comparison says so.
    account.asks_for_sync(true).await;
    account.polls().await;
    let mended = account.compares("").await;
    assert_eq!((reasons(&mended), &mended["exact"]), (vec![], &json!(true)), "{mended}");
    assert_eq!(account.shop.failing_checks().await, [""; 0]);

    // A refund nobody told of: another state there.
    let order = id.as_str().unwrap();
    account.control(&format!("orders/{order}/refund"), json!({ "amount": 100 })).await;
    account.shop.after(minutes(20));
    let refunded = account.compares("").await;
    assert_eq!(reasons(&refunded), ["status_differs"], "{refunded}");
    let sums = &refunded["totals"][0];
    assert_eq!(sums["difference"], json!(100), "{sums}");
}

#[tokio::test]
async fn what_the_provider_does_not_list_is_missing_there() {
    let account = Account::open(|_| {}).await;
    business(&account).await;
    let empty = start(Options { seed: Some(8), ..Options::default() }).await.expect("another stand-in");
    account.connect_to(&empty.url(), Account::TOKEN).await;
    let compared = account.compares(DAYS).await;
    let reasons = reasons(&compared);
    assert!(reasons.len() >= 4 && reasons.iter().all(|why| *why == "missing_there"), "{compared}");
    empty.stop().await.expect("no state is kept");
}

#[tokio::test]
async fn a_comparison_outlives_bad_answers_and_gives_up_on_a_refused_token() {
    let account = Account::open(|_| {}).await;
    business(&account).await;
    let trouble = json!({ "seed": 5, "half_percent": 20, "away_percent": 20, "too_many_percent": 10, "retry_after": 7 });
    account.control("api-faults", trouble).await;
    let compared = account.compares(DAYS).await;
    assert_eq!((&compared["state"], &compared["exact"]), (&json!("done"), &json!(true)), "{compared}");
    account.control("api-faults", json!({})).await;
    account.connect("polar_oat_expired").await;
    let refused = account.compares(DAYS).await;
    assert_eq!((&refused["state"], &refused["problem"]["code"]), (&json!("failed"), &json!("token_refused")));
}
