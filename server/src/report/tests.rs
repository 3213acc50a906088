//! Every report over a small history whose answers can be checked by hand, through the HTTP surface.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::history::{FORMULA, app, key, reports, with_history};
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::router::router;

const MAY: &str = "from=2026-05-01&to=2026-05-31";

/// Asks with a key; the answer's status and text.
async fn ask_as(app: &App, method: &str, path: &str, key: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    let response = router(app.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn text(app: &App, path: &str) -> String {
    let key = key(app, &[Scope::Read]).await;
    let (status, body) = ask_as(app, "GET", path, Some(&key)).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

async fn ask(app: &App, path: &str) -> Value {
    serde_json::from_str(&text(app, path).await).unwrap()
}

/// `[dimension values…, currency, net]` of each row.
fn nets(answer: &Value, dimensions: &[&str]) -> Value {
    let rows = answer["rows"].as_array().unwrap().iter().map(|row| {
        let mut line: Vec<Value> = dimensions.iter().map(|name| row[*name].clone()).collect();
        line.extend([row["currency"].clone(), row["revenue"]["net"].clone()]);
        Value::from(line)
    });
    rows.collect()
}

fn differences(answer: &Value) -> Vec<i64> {
    let lines = answer["reconciliation"].as_array().unwrap();
    lines.iter().map(|line| line["difference"].as_i64().unwrap()).collect()
}

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
               "model": "last_non_direct", "basis": "net", "date": "cash", "group_by": ["channel"], "rows_total": 4,
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
async fn csv_is_what_json_says_and_runs_no_formula() {
    let (app, _dir) = with_history("csv").await;
    let csv = text(
        &app,
        &format!("/v1/reports/channels?{MAY}&group_by=channel,campaign&model=first_touch&format=csv"),
    )
    .await;
    let quoted = FORMULA.replace('"', "\"\"");
    assert_eq!(
        csv,
        format!(
            "channel,campaign,currency,visitors,visits,orders,new_orders,revenue_new_minor,revenue_renewal_minor,\
             revenue_refunded_minor,revenue_net_minor,share,conversion\r\n\
             Email,\"'{quoted}\",USD,1,1,1,1,1001,0,-101,900,0.428571,1\r\n\
             Unattributed,,USD,0,0,1,1,700,0,0,700,0.333333,\r\n\
             Direct,,USD,2,2,1,1,500,0,0,500,0.238095,0.5\r\n\
             Organic Search,,USD,1,1,0,0,0,0,0,0,0,0\r\n"
        )
    );
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
    assert_eq!(nets(&books, &["product"]), json!([["book", "USD", 1200]]));
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
async fn paths_and_times_to_purchase_come_from_live_credits() {
    let (app, _dir) = with_history("paths").await;
    let paths =
        ask(&app, "/v1/reports/paths?from=2026-05-01&to=2026-06-30&group_by=source&currency=USD").await;
    let rows: Vec<Value> = paths["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["path"], row["orders"], row["renewals"], row["revenue"]["net"]]))
        .collect();
    assert_eq!(
        rows,
        [
            json!(["newsletter → Google", 1, 1, 1901]),
            json!(["(unattributed)", 1, 0, 700]),
            json!(["(direct)", 1, 0, 500])
        ]
    );
    let timing = ask(&app, &format!("/v1/reports/timing?{MAY}")).await;
    let filled: Vec<Value> = timing["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["orders"] != 0)
        .map(|row| json!([row["measure"], row["bucket"], row["orders"], row["revenue"]["net"]]))
        .collect();
    assert_eq!(
        filled,
        [
            json!(["days", "same day", 1, 500]),
            json!(["days", "2–3", 1, 900]),
            json!(["touches", "no touch", 1, 700]),
            json!(["touches", "1", 1, 500]),
            json!(["touches", "2", 1, 900])
        ]
    );
}

#[tokio::test]
async fn match_quality_tells_methods_and_their_share() {
    let (app, _dir) = with_history("quality").await;
    let quality = ask(&app, &format!("/v1/reports/match-quality?{MAY}")).await;
    let rows: Vec<Value> = quality["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            json!([row["method"], row["evidence"], row["orders"], row["orders_share"], row["revenue"]["net"]])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!(["checkout", "signed", 1, 0.333333, 500]),
            json!(["metadata", "signed", 1, 0.333333, 900]),
            json!(["none", "none", 1, 0.333333, 700])
        ]
    );
    let daily = ask(&app, &format!("/v1/reports/match-quality?{MAY}&interval=day")).await;
    assert_eq!(daily["rows"][0]["bucket"], json!("2026-05-02"));
}

#[tokio::test]
async fn orders_come_page_by_page_and_by_the_visits_they_credit() {
    let (app, _dir) = with_history("orders").await;
    let mut seen = Vec::new();
    let mut after = String::new();
    for _ in 0..3 {
        let page = ask(&app, &format!("/v1/orders?from=2026-05-01&to=2026-06-30&limit=2{after}")).await;
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["provider_order_id"].clone()));
        match page["after"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["p14", "p15", "p13", "p11", "p12"].map(Value::from));
    let email =
        ask(&app, "/v1/orders?from=2026-05-01&to=2026-06-30&model=linear&filter[channel]=Email").await;
    let ids: Vec<&Value> =
        email["rows"].as_array().unwrap().iter().map(|row| &row["provider_order_id"]).collect();
    assert_eq!(ids, ["p14", "p11"]);
    let one = ask(&app, "/v1/orders/p11").await;
    assert_eq!((&one["net"], &one["refunds"][0]["net"]), (&json!(1001), &json!(101)));
    assert_eq!(ask(&app, &format!("/v1/orders/{}", one["id"].as_str().unwrap())).await, one);
}

#[tokio::test]
async fn an_explanation_tells_every_touch_and_agrees_with_what_is_stored() {
    let (app, _dir) = with_history("explain").await;
    for order in ["p11", "p12", "p13", "p14", "p15"] {
        let story = ask(&app, &format!("/v1/orders/{order}/explain")).await;
        assert_eq!(story["stored_agrees"], json!(true), "{order}: {}", story["disagreements"]);
    }
    let story = ask(&app, "/v1/orders/p11/explain").await;
    let touches: Vec<Value> = story["touches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|touch| json!([touch["channel"], touch["standing"], touch["credits"]["linear"]]))
        .collect();
    assert_eq!(
        touches,
        [
            json!(["Email", "eligible", 450]),
            json!(["Organic Search", "eligible", 450]),
            json!(["Direct", "after_anchor", null])
        ]
    );
    let linear = story["models"].as_array().unwrap().iter().find(|model| model["model"] == "linear").unwrap();
    assert_eq!(linear["entries"][0]["shares"][1]["leftover_minor"], json!(1));
    assert_eq!(linear["entries"][1]["amount_minor"], json!(-101));
    let renewal = ask(&app, "/v1/orders/p14/explain").await;
    assert_eq!(renewal["inherits_from"]["provider_order_id"], json!("p11"));
    let unknown = ask(&app, "/v1/orders/p13/explain").await;
    assert_eq!(unknown["without_touches"], json!("unattributed"));
}

#[tokio::test]
async fn an_empty_workspace_has_answers_and_not_errors() {
    let (app, _dir) = app("empty").await;
    for report in ["channels", "timeseries", "models", "paths", "timing", "match-quality"] {
        let answer = ask(&app, &format!("/v1/reports/{report}")).await;
        assert!(answer["rows"].is_array(), "{report}");
    }
    assert_eq!(ask(&app, "/v1/orders").await, json!({"rows": []}));
    assert_eq!(ask(&app, "/v1/outcomes").await["rows"], json!([]));
    let text = reports(&app).channels(&reports(&app).parse([]).unwrap()).await.unwrap();
    assert!(text.rows.is_empty());
}

#[tokio::test]
async fn a_terminal_shows_digits_aligned_and_the_proof_below() {
    let (app, _dir) = with_history("terminal").await;
    let reports = reports(&app);
    let query = reports.parse([("from", "2026-05-01"), ("to", "2026-05-31")]).unwrap();
    let text = reports.report(super::Kind::Channels, &query).await.unwrap().to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with("Channel         Currency  Visitors  Visits"), "{text}");
    assert!(
        lines[4].starts_with("Organic Search  USD              1       1       1           1  10.01"),
        "{text}"
    );
    assert!(text.contains("Total           USD              2       4       3"), "{text}");
    assert!(
        text.ends_with(
            "Provider 21.00 USD = Attributed 9.00 USD + Direct 5.00 USD + Unattributed 7.00 USD  ✓ exact\n"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn bad_questions_are_refused_with_the_field_named() {
    let (app, _dir) = app("refused").await;
    let key = key(&app, &[Scope::Read]).await;
    for (path, field) in [
        ("/v1/reports/channels?form=2026-01-01", "form"),
        ("/v1/reports/channels?filter[colour]=red", "filter[colour]"),
        ("/v1/reports/channels?basis=gross", "basis"),
        ("/v1/reports/timeseries?from=2010-01-01&interval=hour", "interval"),
        ("/v1/reports/paths?group_by=product", "group_by"),
        ("/v1/orders?after=x", "after"),
        ("/v1/orders?limit=501", "limit"),
        ("/v1/outcomes?model=best", "model"),
    ] {
        let (status, body) = ask_as(&app, "GET", path, Some(&key)).await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (status, &problem["code"], &problem["field"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_parameter"), &json!(field)),
            "{path}: {body}"
        );
    }
    for (method, path, status, code) in [
        ("GET", "/v1/reports/profit", 404, "no_such_route"),
        ("POST", "/v1/reports/channels", 405, "method_not_allowed"),
        ("GET", "/v1/orders/nothing", 404, "unknown_order"),
        ("GET", "/v1/orders/nothing/explain", 404, "unknown_order"),
    ] {
        let (got, body) = ask_as(&app, method, path, Some(&key)).await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((got.as_u16(), &problem["code"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn every_route_wants_a_key_with_its_scope() {
    let (app, _dir) = app("scopes").await;
    let (read, write, admin) =
        (key(&app, &[Scope::Read]).await, key(&app, &[Scope::Write]).await, key(&app, &[Scope::Admin]).await);
    let paths = [
        "/v1/reports/channels",
        "/v1/reports/timeseries",
        "/v1/reports/models",
        "/v1/reports/paths",
        "/v1/reports/timing",
        "/v1/reports/match-quality",
        "/v1/outcomes",
        "/v1/orders",
    ];
    for path in paths {
        assert_eq!(ask_as(&app, "GET", path, Some(&read)).await.0, StatusCode::OK, "{path}");
    }
    for path in paths.into_iter().chain(["/v1/orders/x", "/v1/orders/x/explain"]) {
        for key in [None, Some("trb_live_nonsense")] {
            let (status, body) = ask_as(&app, "GET", path, key).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(body.contains("\"unauthorized\""), "{path}");
        }
        for key in [&write, &admin] {
            assert_eq!(ask_as(&app, "GET", path, Some(key)).await.0, StatusCode::FORBIDDEN, "{path}");
        }
    }
    for key in [&read, &write] {
        assert_eq!(ask_as(&app, "GET", "/v1/keys", Some(key)).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(ask_as(&app, "GET", "/v1/keys", Some(&admin)).await.0, StatusCode::OK);
}
