//! Orders, what led to them, and their explanation.

use serde_json::{Value, json};

use super::super::history::with_history;
use super::{MAY, ask};

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
    let path = format!("/v1/reports/match-quality?{MAY}&interval=day&group_by=connection");
    let apart = ask(&app, &path).await;
    let (first, meta) = (&apart["rows"][0], &apart["meta"]);
    assert_eq!(
        json!([first["bucket"], first["connection"], first["share"], meta["group_by"]]),
        json!(["2026-05-02", "con_1", 1, ["connection"]])
    );
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
