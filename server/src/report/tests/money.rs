//! Money over the hand-made history: every cent in its row, and the proof that it is all there.

use serde_json::{Value, json};

use super::super::history::with_history;
use super::{MAY, ask, differences, nets};

#[tokio::test]
async fn channels_answer_to_the_cent_with_visits_totals_and_proof() {
    let (app, _dir) = with_history("channels_golden").await;
    let answer = ask(&app, &format!("/v1/reports/channels?{MAY}")).await;
    assert_eq!(
        answer["rows"],
        json!([
            {"channel": "Organic Search", "currency": "USD", "visitors": 1, "visits": 1, "orders": 1, "new_orders": 1,
             "revenue": {"new": 1001, "renewal": 0, "refunded": -101, "net": 900}, "share": 0.428571, "conversion": 1},
            {"channel": "Unattributed", "currency": "USD", "visitors": 0, "visits": 0, "orders": 1, "new_orders": 1,
             "revenue": {"new": 700, "renewal": 0, "refunded": 0, "net": 700}, "share": 0.333333, "conversion": null},
            {"channel": "Direct", "currency": "USD", "visitors": 2, "visits": 2, "orders": 1, "new_orders": 1,
             "revenue": {"new": 500, "renewal": 0, "refunded": 0, "net": 500}, "share": 0.238095, "conversion": 0.5},
            {"channel": "Email", "currency": "USD", "visitors": 1, "visits": 1, "orders": 0, "new_orders": 0,
             "revenue": {"new": 0, "renewal": 0, "refunded": 0, "net": 0}, "share": 0, "conversion": 0},
        ])
    );
    assert_eq!(
        answer["totals"],
        json!([{"currency": "USD", "visitors": 2, "visits": 4, "orders": 3, "new_orders": 3,
                "revenue": {"new": 2201, "renewal": 0, "refunded": -101, "net": 2100}, "share": 1, "conversion": 1.5}])
    );
    assert_eq!(
        answer["reconciliation"],
        json!([{"currency": "USD", "provider_net": 2100, "attributed": 900, "direct": 500, "unattributed": 700,
                "difference": 0}])
    );
    assert_eq!(
        answer["meta"],
        json!({"report": "channels", "from": "2026-05-01", "to": "2026-05-31", "timezone": "Europe/Berlin",
               "model": "last_non_direct", "basis": "net", "currency": "native", "date": "cash", "group_by": ["channel"], "rows_total": 4, "visitors_exact": true,
               "sentence": "Net revenue, last non-direct touch, 2026-05-01 to 2026-05-31 (Europe/Berlin), by payment date"})
    );
}

#[tokio::test]
async fn every_model_divides_the_same_money_and_remainders_go_to_the_later_touch() {
    let (app, _dir) = with_history("models").await;
    let linear = ask(
        &app,
        &format!(
            "/v1/reports/channels?{MAY}&model=linear&filter[channel]=Email&filter[channel]=Organic+Search"
        ),
    )
    .await;
    // 1001 in two is 500 and 501; of the refund of 101, 50 and 51.
    assert_eq!(nets(&linear, &["channel"]), json!([["Email", "USD", 450], ["Organic Search", "USD", 450]]));
    assert_eq!(linear["rows"][0]["orders"], json!(0.5));
    let models = ask(&app, &format!("/v1/reports/models?{MAY}&model=first_touch")).await;
    let email = &models["rows"][0];
    assert_eq!((&email["channel"], &email["revenue"]["first_touch"]), (&json!("Email"), &json!(900)));
    assert_eq!(email["revenue"]["last_touch"], json!(0));
    assert_eq!(email["difference"]["linear"], json!(-450));
    for model in ["last_touch", "last_non_direct", "first_touch", "linear", "position_based", "time_decay"] {
        assert_eq!(models["totals"][0]["revenue"][model], json!(2100), "{model}");
        assert_eq!(models["totals"][0]["orders"][model], json!(3), "{model}");
        let alone = ask(&app, &format!("/v1/reports/channels?{MAY}&model={model}")).await;
        assert_eq!(differences(&alone), [0], "{model}");
    }
}

#[tokio::test]
async fn a_sale_after_midnight_belongs_to_the_day_where_the_workspace_is() {
    let (app, _dir) = with_history("midnight").await;
    let june = ask(&app, "/v1/reports/channels?from=2026-06-01&to=2026-06-01").await;
    assert_eq!(nets(&june, &["channel"]), json!([["Organic Search", "EUR", 300]]));
    assert_eq!(june["rows"][0]["visitors"], json!(1));
    let series =
        ask(&app, "/v1/reports/timeseries?from=2026-05-31&to=2026-06-02&interval=day&currency=EUR").await;
    let points: Vec<Value> = series["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["bucket"], row["visitors"], row["revenue"]["net"]]))
        .collect();
    assert_eq!(
        points,
        [json!(["2026-05-31", 0, 0]), json!(["2026-06-01", 1, 300]), json!(["2026-06-02", 0, 0])]
    );
    assert_eq!(differences(&series), [0]);
}

#[tokio::test]
async fn currencies_never_add_and_one_can_be_asked_for() {
    let (app, _dir) = with_history("currencies").await;
    let all = ask(&app, "/v1/reports/channels?from=2026-05-01&to=2026-06-30").await;
    assert_eq!(
        nets(&all, &["channel"]),
        json!([
            ["Organic Search", "EUR", 300],
            ["Organic Search", "USD", 1901],
            ["Unattributed", "USD", 700],
            ["Direct", "USD", 500],
            ["Email", "USD", 0]
        ])
    );
    assert_eq!(all["totals"].as_array().unwrap().len(), 2);
    assert_eq!(differences(&all), [0, 0]);
    assert_eq!(
        all["rows"][1]["revenue"],
        json!({"new": 1001, "renewal": 1001, "refunded": -101, "net": 1901})
    );
    assert_eq!((&all["rows"][1]["orders"], &all["rows"][1]["new_orders"]), (&json!(2), &json!(1)));
    let euros = ask(&app, "/v1/reports/channels?from=2026-05-01&to=2026-06-30&currency=eur").await;
    assert_eq!(euros["totals"][0]["revenue"]["net"], json!(300));
    assert_eq!(differences(&euros), [0]);
}

#[tokio::test]
async fn filters_narrow_rows_and_leave_the_proof_of_the_whole() {
    let (app, _dir) = with_history("filters").await;
    let without = ask(&app, &format!("/v1/reports/channels?{MAY}&filter[channel][not]=Direct")).await;
    assert_eq!(without["totals"][0]["revenue"]["net"], json!(1600));
    assert_eq!(without["totals"][0]["visitors"], json!(1));
    assert_eq!(without["reconciliation"][0]["provider_net"], json!(2100));
    let books = ask(&app, &format!("/v1/reports/channels?{MAY}&filter[product]=book&group_by=product")).await;
    assert_eq!(nets(&books, &["product", "product_name"]), json!([["book", "The book", "USD", 1200]]));
    assert_eq!(books["meta"]["visitors_exact"], Value::Null);
    assert_eq!(books["rows"][0]["visitors"], Value::Null);
    assert_eq!(
        (books["reconciliation"][0]["provider_net"].clone(), differences(&books)),
        (json!(1200), vec![0])
    );
}

#[tokio::test]
async fn a_period_is_compared_row_by_row() {
    let (app, _dir) = with_history("compare").await;
    let june = ask(
        &app,
        "/v1/reports/channels?from=2026-06-01&to=2026-06-30&currency=USD&compare=2026-05-01..2026-05-31",
    )
    .await;
    let search = &june["rows"][0];
    assert_eq!((&search["channel"], &search["revenue"]["net"]), (&json!("Organic Search"), &json!(1001)));
    assert_eq!(search["previous"], json!({"visitors": 1, "orders": 1, "revenue": {"net": 900}}));
    assert_eq!(search["change"], json!(0.112222));
    let gone: Vec<&Value> =
        june["rows"].as_array().unwrap().iter().filter(|row| row["revenue"]["net"] == 0).collect();
    assert!(gone.iter().any(|row| row["channel"] == "Direct" && row["change"] == json!(-1)));
}

#[tokio::test]
async fn the_proof_holds_in_every_date_view() {
    let (app, _dir) = with_history("views").await;
    for model in ["last_non_direct", "linear"] {
        for (view, days) in [
            ("cash", "from=2026-05-03&to=2026-05-03"),
            ("order", "from=2026-05-03&to=2026-05-03"),
            ("touch", "from=2026-05-01&to=2026-05-01"),
            ("touch", "from=2026-05-03&to=2026-05-03"),
        ] {
            let answer = ask(&app, &format!("/v1/reports/channels?{days}&date={view}&model={model}")).await;
            assert!(
                differences(&answer).iter().all(|&difference| difference == 0),
                "{view} {days} {model}: {answer}"
            );
        }
    }
    let by_order = ask(&app, "/v1/reports/channels?from=2026-05-03&to=2026-05-03&date=order").await;
    assert_eq!(by_order["totals"][0]["revenue"]["net"], json!(900));
    let by_touch =
        ask(&app, "/v1/reports/channels?from=2026-05-01&to=2026-05-01&date=touch&model=first_touch").await;
    // Ann's order, its refund and its renewal all go to the newsletter of 1 May.
    assert_eq!(by_touch["totals"][0]["revenue"]["net"], json!(1901));
}

#[tokio::test]
async fn a_currency_of_which_everything_went_back_still_has_its_line() {
    let (app, _dir) = with_history("all_refunded").await;
    // Paid and given back on 6 May, and a free order in another currency.
    let sql = "INSERT INTO orders (workspace_id, order_id, version, provider_order_id, status, kind, booked, paid_at, \
               currency, net, refunds) \
               SELECT 'ws_t', generateUUIDv4(), 1, 'p90', 'refunded', 'one_time', true, paid, 'GBP', 500, \
               [tuple(generateUUIDv4(), paid, 500, 0, '')] FROM (SELECT toDateTime64('2026-05-06 10:00:00', 3, 'UTC') AS paid) \
               UNION ALL SELECT 'ws_t', generateUUIDv4(), 1, 'p91', 'paid', 'trial', true, \
               toDateTime64('2026-05-06 10:00:00', 3, 'UTC'), 'SEK', 0, []";
    app.store.client().query_raw(sql).execute().await.unwrap();
    let answer = ask(&app, &format!("/v1/reports/channels?{MAY}")).await;
    let lines: Vec<Value> = answer["reconciliation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!([line["currency"], line["provider_net"], line["difference"]]))
        .collect();
    assert_eq!(lines, [json!(["GBP", 0, 0]), json!(["USD", 2100, 0])]);
    // A month in which no pound moved says nothing of pounds.
    let june = ask(&app, "/v1/reports/channels?from=2026-06-01&to=2026-06-30").await;
    assert!(
        june["reconciliation"].as_array().unwrap().iter().all(|line| line["currency"] != "GBP"),
        "{june}"
    );
}
