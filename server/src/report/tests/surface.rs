//! How questions are asked and refused, and how answers are written.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::history::{FORMULA, app, key, reports, with_history};
use super::{MAY, ask, ask_as, text};
use crate::control::keys::Scope;
use crate::report::Kind;

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
    let text = reports.report(Kind::Channels, &query).await.unwrap().to_text();
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
        ("/v1/reports/channels?basis=profit", "basis"),
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

#[tokio::test]
async fn the_same_question_has_the_same_bytes_and_a_product_its_name() {
    let (app, _dir) = with_history("same_bytes").await;
    let question = format!("/v1/reports/channels?{MAY}&group_by=product,channel&model=linear");
    assert_eq!(text(&app, &question).await, text(&app, &question).await);
    let csv = text(&app, &format!("{question}&format=csv")).await;
    assert!(csv.starts_with("product,product_name,channel,currency,"), "{csv}");
    assert!(csv.contains("\r\nbook,The book,Direct,USD,"), "{csv}");
    let models = ask(&app, &format!("/v1/reports/models?{MAY}&group_by=product")).await;
    assert_eq!(models["rows"][0]["product_name"], json!("The book"));
    let shown = text(&app, &format!("{question}&format=text")).await;
    assert!(shown.contains("book     The book"), "{shown}");
}
