//! Money of different currencies stands side by side and is never added, until it is converted: each order once, at
//! the rate of its day.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Bank, Shop, TestApp, days, eur, hours, jpy, kwd, models, usd};
use tributary::jobs::rates;

use crate::NEWSLETTER;

#[tokio::test]
async fn euros_and_dollars_have_totals_of_their_own() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.visit(NEWSLETTER).await;
    shop.after(days(1));
    ada.buys(usd(49_00)).await;
    let order = bob.subscribes(eur(30_00)).await;
    order.refunds(eur(5_00)).await;
    shop.after(days(30));
    order.renews().await;
    let report = shop.report("channel", "last_non_direct").await;
    let lines = |rows: &Value| -> Vec<Value> {
        let rows = rows.as_array().expect("rows");
        rows.iter().map(|row| json!([row["channel"], row["currency"], row["revenue"]["net"]])).collect()
    };
    assert_eq!(lines(&report["rows"]), [json!(["Email", "EUR", 55_00]), json!(["Email", "USD", 49_00])]);
    assert_eq!(lines(&report["totals"]), [json!([null, "EUR", 55_00]), json!([null, "USD", 49_00])]);
    let proofs = report["reconciliation"].as_array().expect("proofs");
    let proofs: Vec<_> = proofs.iter().map(|line| json!([line["currency"], line["provider_net"]])).collect();
    assert_eq!(proofs, [json!(["EUR", 55_00]), json!(["USD", 49_00])]);
    shop.reconciles().await;
}

/// Dollars, yen and lev for a euro on the days of the scenarios, which begin on Thursday, 1 October 2026.
const HISTORY: &str = "Date,USD,JPY,BGN,\n\
                       2026-10-05,1.2500,170.00,N/A,\n\
                       2026-10-02,1.1000,160.00,N/A,\n\
                       2026-10-01,1.2000,150.00,N/A,\n";

async fn shop_and_bank() -> (Shop, Bank) {
    let bank = Bank::open().await;
    let url = bank.url();
    let app = Arc::new(TestApp::start_with(|config| config.rates.url = url).await);
    (Shop::open_on(app, "ws_shop").await, bank)
}

/// Asks the bank for what is due; how many days were new.
async fn fetches(shop: &Shop) -> usize {
    shop.settle().await;
    let new = rates::step(shop.app()).await.expect("the bank answers");
    shop.settle().await;
    new
}

/// Dimension, currency and net of each row in the report currency.
async fn in_dollars(shop: &Shop, more: &str) -> Vec<Value> {
    shop.settle().await;
    let path = format!("/v1/reports/channels?from=2026-01-01&to=2027-12-31&currency=report{more}");
    let report = shop.ask(&path).await;
    let rows = report["rows"].as_array().expect("rows").iter();
    rows.filter(|row| row["orders"] != 0)
        .map(|row| json!([row["channel"], row["currency"], row["revenue"]["net"]]))
        .collect()
}

#[tokio::test]
async fn sales_in_other_currencies_are_converted_at_the_rate_of_their_day_when_it_comes() {
    let (shop, bank) = shop_and_bank().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.buys(usd(10_00)).await;
    assert_eq!(fetches(&shop).await, 0);
    assert_eq!(bank.asked(), [""; 0], "nobody needs a rate yet");
    let order = ada.buys(eur(30_01)).await;
    // In the morning of 1 October its rate is not out.
    let waiting = [json!(["Email", "EUR", 30_01]), json!(["Email", "USD", 10_00])];
    assert_eq!(in_dollars(&shop, "").await, waiting);
    shop.after(hours(8));
    bank.publishes_day("2026-10-01", &[("USD", "1.2000"), ("JPY", "150")]);
    assert_eq!(fetches(&shop).await, 1);
    assert_eq!(in_dollars(&shop, "").await, [json!(["Email", "USD", 10_00 + 36_01])]);
    let reported = &order.shown().await["reported"];
    assert_eq!(
        json!([
            reported["conversion"],
            reported["rate_day"],
            reported["rate_source"],
            reported["rate_own"],
            reported["rate_report"]
        ]),
        json!(["converted", "2026-10-01", "ecb", "1", "1.2"])
    );
    assert_eq!(fetches(&shop).await, 0, "asked once a day");
    assert_eq!(bank.asked(), ["eurofxref-daily.xml"]);
    shop.reconciles().await;
}

#[tokio::test]
async fn days_that_were_missed_come_from_the_history_and_weekends_take_fridays_rate() {
    let (shop, bank) = shop_and_bank().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.buys(eur(10_00)).await;
    // Saturday, 3 October.
    shop.after(days(2));
    ada.buys(eur(10_00)).await;
    ada.buys(jpy(1_600)).await;
    // Tuesday morning: Monday's rates are the newest.
    shop.after(days(3));
    bank.publishes_day("2026-10-05", &[("USD", "1.2500"), ("JPY", "170")]);
    bank.publishes("eurofxref-hist-90d.xml", HISTORY);
    fetches(&shop).await;
    assert_eq!(bank.asked(), ["eurofxref-daily.xml", "eurofxref-hist-90d.xml"]);
    assert_eq!(in_dollars(&shop, "").await, [json!(["Email", "USD", 12_00 + 11_00 + 11_00])]);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_currency_without_a_rate_stays_visible_in_its_own() {
    let (shop, bank) = shop_and_bank().await;
    shop.after(hours(8));
    bank.publishes_day("2026-10-01", &[("USD", "1.2000")]);
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.buys(kwd(1_234)).await;
    ada.buys(eur(10_00)).await;
    fetches(&shop).await;
    assert_eq!(in_dollars(&shop, "").await, [json!(["Email", "KWD", 1_234]), json!(["Email", "USD", 12_00])]);
    assert_eq!(order.shown().await["reported"]["conversion"], "not_carried");
    let report = shop.ask("/v1/reports/channels?from=2026-01-01&to=2027-12-31&currency=report").await;
    let lines = report["reconciliation"].as_array().expect("lines").iter();
    let said: Vec<_> = lines.map(|line| json!([line["currency"], line["not_converted"]])).collect();
    assert_eq!(said, [json!(["KWD", true]), json!(["USD", null])]);
    let told = json!({
        "currency": "USD",
        "converted_orders": 1,
        "rate_days": { "from": "2026-10-01", "to": "2026-10-01" },
        "sources": ["ecb"],
        "refunds_at_own_day": 0,
        "not_converted": [{ "currency": "KWD", "why": "not_carried", "orders": 1, "net": 1_234 }],
    });
    assert_eq!(report["meta"]["conversions"], told);
    shop.reconciles().await;
}

#[tokio::test]
async fn refunds_go_at_the_rate_of_their_order_so_that_a_full_one_leaves_nothing() {
    let (shop, bank) = shop_and_bank().await;
    shop.after(hours(8));
    bank.publishes("eurofxref-daily.xml", HISTORY);
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.arrives_from(crate::SEARCH, "/").await;
    let order = ada.buys(eur(10_01)).await;
    let kept = ada.buys(eur(99)).await;
    fetches(&shop).await;
    for cents in [3_33, 3_33] {
        shop.after(days(2));
        order.refunds(eur(cents)).await;
    }
    order.refunds_the_rest().await;
    for model in models() {
        for basis in ["net", "gross"] {
            let rows = in_dollars(&shop, &format!("&model={model}&basis={basis}")).await;
            let sum: i64 = rows.iter().map(|row| row[2].as_i64().expect("a number")).sum();
            let left = if basis == "net" { 1_19 } else { 1_42 };
            assert_eq!(sum, left, "{model} {basis}: 0.99 at 1.20, with tax 1.18");
        }
    }
    assert_eq!(kept.shown().await["reported"]["net"], 1_19);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_report_says_what_refunds_would_make_at_the_rates_of_their_own_days() {
    let (shop, bank) = shop_and_bank().await;
    shop.after(hours(8));
    bank.publishes("eurofxref-daily.xml", HISTORY);
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.buys(eur(10_00)).await;
    fetches(&shop).await;
    // A Saturday, on which Friday's 1.10 counts: 5.50 for what the order's 1.20 made 6.00.
    shop.after(days(2));
    order.refunds(eur(5_00)).await;
    assert_eq!(in_dollars(&shop, "").await, [json!(["Email", "USD", 6_00])]);
    let path = "/v1/reports/channels?from=2026-01-01&to=2027-12-31";
    let report = shop.ask(&format!("{path}&currency=report")).await;
    assert_eq!(report["meta"]["conversions"]["refunds_at_own_day"], -50);
    assert_eq!(shop.ask(path).await["meta"]["conversions"], Value::Null, "each in its own: nothing to say");
    shop.reconciles().await;
}

#[tokio::test]
async fn when_rates_come_changes_nothing_in_the_end() {
    let mut histories = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let shop = Shop::open().await;
        let (ada, bob) = (shop.visitor(), shop.visitor());
        ada.visit(NEWSLETTER).await;
        bob.visit("/pricing").await;
        let events: [&str; 3] = ["2026-10-01", "2026-10-02", "2026-10-05"];
        for (step, at) in order.into_iter().enumerate() {
            let line = HISTORY.lines().find(|line| line.starts_with(events[at])).expect("a day");
            let header = HISTORY.lines().next().expect("a header");
            let days_of = domain::money::ecb::read(&format!("{header}\n{line}\n")).expect("a file");
            match step {
                0 => ada.buys(eur(10_01)).await.refunds(eur(3_33)).await,
                1 => drop(bob.buys(jpy(777)).await),
                _ => drop(ada.buys(eur(55_55)).await),
            }
            rates::keep(shop.app(), &days_of, "ecb").await.expect("rates are kept");
            shop.settle().await;
            shop.after(days(2));
        }
        // Twice adds nothing.
        let again = domain::money::ecb::read(HISTORY).expect("a file");
        assert_eq!(rates::keep(shop.app(), &again, "ecb").await.expect("rates are kept").new, []);
        shop.reconciles().await;
        histories.push(in_dollars(&shop, "&model=linear").await);
    }
    assert_eq!(histories[0], histories[1]);
    assert_eq!(histories[0], histories[2]);
    assert!(histories[0].iter().all(|row| row[1] == "USD"), "{:?}", histories[0]);
}
