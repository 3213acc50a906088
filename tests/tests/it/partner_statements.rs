//! Partners' statements: a month that is over is stated once, says what the ledger says, and is never another.

use serde_json::{Value, json};
use support::{Shop, days, usd};
use tributary::control::keys::Scope;

use crate::affiliates::text;
use crate::payouts::{approve, done_as_admin, preview, with_partners};

async fn listed(shop: &Shop, partner: &str) -> Vec<Value> {
    let list = shop.ask(&format!("/v1/partners/{partner}/statements")).await;
    list["rows"].as_array().expect("rows").clone()
}

async fn file(shop: &Shop, partner: &str, query: &str) -> support::Answer {
    let key = shop.key_for(Scope::Read).await;
    shop.ask_as(&key, &format!("/v1/partners/{partner}/statements/file?{query}")).await
}

/// Month, opening, earned, reversed, paid, closing.
fn figures(row: &Value) -> (String, [i64; 5]) {
    let total = &row["totals"][0];
    let amounts =
        ["opening", "earned", "reversed", "paid", "closing"].map(|name| total[name].as_i64().unwrap());
    (text(&row["month"]), amounts)
}

#[tokio::test]
async fn a_month_that_is_over_is_stated_once_and_the_next_begins_where_it_ended() {
    // October: 30.00 earned by ann.
    let (shop, ann, bob) = with_partners().await;
    shop.settle().await;
    assert_eq!(listed(&shop, &ann).await, [json!(null); 0], "October is not over");
    // November: paid.
    shop.after(days(32));
    let payout = approve(&shop, &preview(&shop).await).await.json();
    done_as_admin(&shop, &format!("/v1/payouts/{}/paid", text(&payout["id"]))).await;
    let october = listed(&shop, &ann).await;
    assert_eq!(
        october.iter().map(figures).collect::<Vec<_>>(),
        [("2026-10".to_owned(), [0, 3000, 0, 0, 3000])]
    );
    let first = file(&shop, &ann, "month=2026-10").await;
    assert_eq!(first.status, 200, "{}", first.text());
    // December: a refund of what November paid out.
    shop.after(days(31));
    let visitor = shop.visitor();
    visitor.visit("/?via=ann").await;
    let order = visitor.buys(usd(10_000)).await;
    shop.settle().await;
    order.refunds_the_rest().await;
    shop.settle().await;
    shop.after(days(31));
    let rows = listed(&shop, &ann).await;
    assert_eq!(
        rows.iter().map(figures).collect::<Vec<_>>(),
        [
            ("2026-10".to_owned(), [0, 3000, 0, 0, 3000]),
            ("2026-11".to_owned(), [3000, 0, 0, 3000, 0]),
            ("2026-12".to_owned(), [0, 3000, 3000, 0, 0]),
        ]
    );
    assert_eq!((&rows[0]["hash"], &rows[1]["previous"]), (&october[0]["hash"], &october[0]["hash"]));
    assert_eq!(file(&shop, &ann, "month=2026-10").await.text(), first.text(), "the same bytes ever after");

    let lines = file(&shop, &ann, "month=2026-12").await.json()["lines"].clone();
    let kinds: Vec<String> = lines.as_array().unwrap().iter().map(|line| text(&line["kind"])).collect();
    assert_eq!(kinds, ["earned", "reversed"]);
    assert!(text(&lines[1]["source"]).starts_with("ref_"), "{lines}");
    let csv = file(&shop, &ann, "month=2026-11&format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text().contains(",payout_paid,pay_"), "{}", csv.text());
    assert!(csv.text().contains(",total,,,,,,USD,,3000,0,0,3000,0,"), "{}", csv.text());

    let proof = shop.ask(&format!("/v1/partners/{ann}/statements/verify")).await;
    assert_eq!((&proof["whole"], &proof["statements"]), (&json!(true), &json!(3)));
    assert_eq!(listed(&shop, &bob).await.len(), 3);
    let chains = shop.ask("/v1/statements/verify").await;
    assert_eq!((&chains["passed"], chains["partners"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn what_was_never_stated_is_told_so() {
    let (shop, ann, _) = with_partners().await;
    shop.settle().await;
    shop.after(days(40));
    for (query, status, code) in [
        ("month=2026-09", 404, "unknown_statement"),
        ("month=2026-11", 404, "unknown_statement"),
        ("month=October", 400, "invalid_parameter"),
        ("", 400, "invalid_parameter"),
        ("month=2026-10&format=pdf", 400, "invalid_parameter"),
    ] {
        let answer = file(&shop, &ann, query).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{query}: {}", answer.text());
    }
    assert_eq!(file(&shop, "prt_nobody", "month=2026-10").await.code(), "unknown_partner");
}
