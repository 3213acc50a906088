//! Visits and visitors: counted once each, exactly where that is cheap, and said to be near where it is not.

use serde_json::{Value, json};

use super::super::history::with_history;
use super::{MAY, ask, nets};

const COLUMNS: &str = "workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version, classified_at";

fn visits(answer: &Value) -> Value {
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| json!([row["channel"], row["visitors"], row["visits"]])).collect()
}

#[tokio::test]
async fn a_touch_classified_again_counts_once_and_where_it_was_put_last() {
    let (app, _dir) = with_history("classified_again").await;
    let before = ask(&app, &format!("/v1/reports/channels?{MAY}&sort=name")).await;
    assert_eq!(
        visits(&before),
        json!([["Direct", 2, 2], ["Email", 1, 1], ["Organic Search", 1, 1], ["Unattributed", 0, 0]])
    );
    app.store.client().query_raw("SYSTEM STOP MERGES touches").execute().await.unwrap();
    let again = format!(
        "INSERT INTO touches ({COLUMNS}) SELECT workspace_id, visitor_id, at, touch_id, session_id, 2, false, 'rule', 2, now64(3) \
         FROM touches WHERE facet_id = 1 AND visitor_id = toUUID('00000000-0000-0000-0000-000000000002')"
    );
    app.store.client().query_raw(&again).execute().await.unwrap();
    let after = ask(&app, &format!("/v1/reports/channels?{MAY}&sort=name")).await;
    assert_eq!(
        visits(&after),
        json!([["Direct", 1, 1], ["Email", 2, 2], ["Organic Search", 1, 1], ["Unattributed", 0, 0]])
    );
    assert_eq!(after["totals"][0]["visits"], json!(4));
    assert_eq!(nets(&after, &["channel"]), nets(&before, &["channel"]));
    let series = ask(&app, &format!("/v1/reports/timeseries?{MAY}&interval=month")).await;
    assert_eq!((&series["rows"][0]["visits"], &series["meta"]["visitors_exact"]), (&json!(4), &json!(true)));
}

#[tokio::test]
async fn visitors_are_exact_up_to_half_a_million_visits_and_beyond_the_answer_says_so() {
    let (app, _dir) = with_history("many_visitors").await;
    let insert = |day: &str, touches: u64, visitors: u64| {
        format!(
            "INSERT INTO touches ({COLUMNS}) SELECT 'ws_t', reinterpretAsUUID(sipHash128(number % {visitors})), \
             toDateTime64('{day} 00:00:00', 3, 'UTC') + number % 3600, generateUUIDv4(), generateUUIDv4(), 3, false, 'rule', 1, \
             now64(3) FROM numbers({touches})"
        )
    };
    app.store.client().query_raw(&insert("2026-04-01", 150_000, 123_457)).execute().await.unwrap();
    app.store.client().query_raw(&insert("2026-03-01", 500_001, 123_457)).execute().await.unwrap();
    let many = ask(&app, "/v1/reports/channels?from=2026-04-01&to=2026-04-01").await;
    assert_eq!(
        (&many["totals"][0]["visitors"], &many["totals"][0]["visits"], &many["meta"]["visitors_exact"]),
        (&json!(123_457), &json!(150_000), &json!(true))
    );
    let too_many = ask(&app, "/v1/reports/channels?from=2026-03-01&to=2026-03-01").await;
    assert_eq!(
        (&too_many["totals"][0]["visits"], &too_many["meta"]["visitors_exact"]),
        (&json!(500_001), &json!(false))
    );
    let near = too_many["totals"][0]["visitors"].as_i64().unwrap();
    assert!((near - 123_457).abs() < 123_457 / 100, "{near}");
    // Compared with a period that is only near, the answer is near.
    let compared =
        ask(&app, "/v1/reports/channels?from=2026-04-01&to=2026-04-01&compare=2026-03-01..2026-03-01").await;
    assert_eq!(compared["meta"]["visitors_exact"], json!(false));
}
