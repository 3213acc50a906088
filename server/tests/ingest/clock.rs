//! A clock that jumps: an hour ahead, an hour back, five minutes back. Hits are taken and delivered once, ids
//! stay distinct, and nothing waits for the time to come round again.

use serde_json::json;

use crate::support::{NOW_MS, Testing, hit};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

#[tokio::test(flavor = "multi_thread")]
async fn hits_are_taken_and_delivered_once_whichever_way_the_clock_jumps() {
    let testing = Testing::new().await;
    let mut sent = 0;
    for jump_ms in [0, HOUR_MS, -HOUR_MS, -5 * MINUTE_MS, HOUR_MS, 0] {
        testing.clock.set(NOW_MS + jump_ms);
        for _ in 0..3 {
            let answer = testing.post(hit(sent, json!({"at": testing.clock.now_ms()})).to_string()).await;
            assert_eq!(answer.status.as_u16(), 202, "{jump_ms}");
            sent += 1;
        }
        // Half of the jumps come between accepting and delivering.
        if sent % 2 == 0 {
            assert!(testing.flush().await.hits > 0, "the flusher goes by no clock that jumps");
        }
    }
    testing.flush().await;
    assert_eq!(testing.count("hits").await, u64::from(sent));
    for id in ["hit_id", "touch_id"] {
        let table = if id == "hit_id" { "hits" } else { "touches" };
        let distinct = testing.rows(&format!("toString(uniqExact({id}))"), &format!("FROM {table}")).await;
        assert_eq!(distinct, [sent.to_string()], "{id}");
    }
    // What was received during a jump is found between the unit's own times.
    let spread = testing.rows("toString(max(received_at) - min(received_at) > 7000)", "FROM hits").await;
    assert_eq!(spread, ["1"]);
    // A jump back does not bring delivered units back, and one ahead drops none that is not delivered.
    testing.post(hit(sent, json!({})).to_string()).await;
    testing.clock.set(NOW_MS + 48 * HOUR_MS);
    testing.app.inbox.drop_delivered(testing.clock.now_ms()).await.unwrap();
    assert_eq!(testing.flush().await.hits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_from_before_the_clock_went_back_stops_no_jobs() {
    let testing = Testing::new().await;
    let control = &testing.app.control;
    let take =
        async |holder: &str, now_ms: i64| control.take_lease("l", holder, now_ms, 15_000).await.unwrap();
    assert!(take("before", NOW_MS + HOUR_MS).await);
    assert!(take("after", NOW_MS).await, "the clock went back an hour");
    assert!(!take("other", NOW_MS + 1000).await, "and the new lease holds");
    assert!(!take("other", NOW_MS - 30_000).await, "also against a node whose clock is a little behind");
    assert!(take("other", NOW_MS - 5 * MINUTE_MS).await, "back five minutes");
    assert!(take("third", NOW_MS + HOUR_MS).await, "ahead: run out");
}
