//! The commission simulator: nothing changes under the standing terms, and under others the difference is told partner
//! by partner, while the ledger stays as it is.

use serde_json::{Value, json};
use support::{Shop, days, eur, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, program, text};

async fn simulates(shop: &Shop, program: &str, body: Value) -> Value {
    shop.settle().await;
    let key = shop.key_for(Scope::Read).await;
    let path = format!("/v1/programs/{program}/simulate");
    let request = shop.app().request("POST", &path).header("authorization", format!("Bearer {key}"));
    let answer = shop.app().send(request.body(body.to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Name, currency, now, then, difference, orders and changed ones.
fn rows(told: &Value) -> Vec<(String, String, [i64; 5])> {
    let number = |row: &Value, name: &str| row[name].as_i64().unwrap();
    let row = |row: &Value| {
        let numbers = ["now", "then", "difference", "orders", "changed"].map(|name| number(row, name));
        (text(&row["name"]), text(&row["currency"]), numbers)
    };
    told["rows"].as_array().expect("rows").iter().map(row).collect()
}

#[tokio::test]
async fn other_terms_are_told_partner_by_partner_and_nothing_is_booked() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &prg, "jane").await;
    partner(&shop, &prg, "joe").await;
    let ada = shop.visitor();
    ada.visit("/?via=jane").await;
    shop.after(days(1));
    ada.visit("/?via=joe").await;
    let order = ada.subscribes(usd(10_000)).await;
    let bob = shop.visitor();
    bob.visit("/?via=jane").await;
    bob.buys(eur(50_00)).await.refunds(eur(10_00)).await;
    shop.after(days(30));
    order.renews().await;
    shop.settle().await;
    let ledger = shop.ask("/v1/commissions/balances").await;
    let from = json!("2020-01-01");

    // The standing terms, left out or said.
    let standing = [("joe", "USD", [60_00, 60_00, 0, 2, 0]), ("jane", "EUR", [12_00, 12_00, 0, 1, 0])];
    let sorted = |mut rows: Vec<(String, String, [i64; 5])>| {
        rows.sort();
        rows
    };
    let wanted = |all: &[(&str, &str, [i64; 5])]| {
        sorted(
            all.iter()
                .map(|(name, code, numbers)| ((*name).to_owned(), (*code).to_owned(), *numbers))
                .collect(),
        )
    };
    for body in
        [json!({ "from": from }), json!({ "from": from, "terms": { "reward": { "basis_points": 3000 } } })]
    {
        let told = simulates(&shop, &prg, body).await;
        assert_eq!(sorted(rows(&told)), wanted(&standing), "{told}");
        assert_eq!(told["unbooked"], 0);
    }

    // Less, once, and the first click wins.
    let terms = json!({ "reward": { "basis_points": 1000 }, "recurring": "once", "wins": "first" });
    let told = simulates(&shop, &prg, json!({ "from": from, "terms": terms })).await;
    let other = [
        ("joe", "USD", [60_00, 0, -60_00, 2, 2]),
        ("jane", "USD", [0, 10_00, 10_00, 1, 1]),
        ("jane", "EUR", [12_00, 4_00, -8_00, 1, 1]),
    ];
    assert_eq!(sorted(rows(&told)), wanted(&other), "{told}");
    let total = &told["totals"][1];
    assert_eq!(
        (&total["currency"], &total["difference"], &total["orders"]),
        (&json!("USD"), &json!(-50_00), &json!(2))
    );

    // Days on which nothing was paid.
    let told =
        simulates(&shop, &prg, json!({ "from": "2020-01-01", "to": "2020-01-02", "terms": terms })).await;
    assert_eq!((&told["rows"], &told["totals"]), (&json!([]), &json!([])));
    assert_eq!(shop.ask("/v1/commissions/balances").await, ledger, "nothing is booked");
    assert_eq!(shop.ask(&format!("/v1/programs/{prg}")).await["terms"].as_array().unwrap().len(), 1);
    assert_eq!(done(&shop, "POST", "/v1/commissions/run", Value::Null).await["entries"], 0);
}

#[tokio::test]
async fn what_cannot_be_supposed_is_refused_with_its_field() {
    let shop = Shop::open().await;
    let prg = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let key = shop.key_for(Scope::Read).await;
    let asks = async |path: String, body: &str| {
        let request = shop.app().request("POST", &path).header("authorization", format!("Bearer {key}"));
        shop.app().send(request.body(body.to_owned())).await
    };
    let path = format!("/v1/programs/{prg}/simulate");
    for (body, field) in [
        (r#"{"terms": {"reward": {"basis_points": 0}}}"#, "terms"),
        (r#"{"from": "July"}"#, "from"),
        (r#"{"from": "2026-07-02", "to": "2026-07-01"}"#, "from"),
    ] {
        let answer = asks(path.clone(), body).await;
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)), "{}", answer.text());
    }
    assert_eq!(asks(path.clone(), r#"{"group": "grp_x"}"#).await.status, 404);
    assert_eq!(asks(path.clone(), "{").await.code(), "invalid_body");
    // The last full quarter, when no days are named; also by the query.
    let told =
        asks(format!("{path}?terms=%7B%22reward%22%3A%7B%22basis_points%22%3A100%7D%7D"), "").await.json();
    assert_eq!(
        (&told["terms"]["reward"]["basis_points"], &told["rows"]),
        (&json!(100), &json!([])),
        "{told}"
    );
    let (from, to) = (text(&told["from"]), text(&told["to"]));
    assert!(from.ends_with("-01") && from[..4] == to[..4], "{from} {to}");
}
