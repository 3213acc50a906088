//! Delivery: every hit once, whatever the store does meanwhile.

use serde_json::json;
use tributary::control::dirty::SubjectKind;
use tributary::ingest::flusher::{FlushError, flush_once, step_over_refused};
use tributary::ingest::pipeline::Request;

use crate::support::{BROWSER, NOW_MS, Testing, VISITOR, engine, hit};

async fn run(testing: &Testing, sql: &str) {
    testing.app.store.client().query(sql).execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_gets_the_same_unit_again_and_counts_it_once() {
    let testing = Testing::new().await;
    testing.post(hit(1, json!({})).to_string()).await;
    // Touches and facets are sent before hits: the first attempt gets half of the unit in.
    run(&testing, "RENAME TABLE hits TO hits_away").await;
    assert!(matches!(flush_once(&testing.app).await, Err(FlushError::Store(_))));
    let later = testing.post(hit(2, json!({})).to_string()).await;
    assert_eq!(later.status.as_u16(), 202, "hits are accepted while the store is away");
    assert!(flush_once(&testing.app).await.is_err());
    assert!(testing.app.inbox.waiting_bytes() > 0);
    run(&testing, "RENAME TABLE hits_away TO hits").await;
    let report = testing.flush().await;
    assert_eq!((report.units, report.hits), (2, 2), "what came later is a unit of its own");
    assert_eq!((testing.count("hits").await, testing.count("touches").await), (2, 2));
    assert_eq!(testing.rows("toString(sum(hits))", "FROM outcomes").await, ["2"]);
    assert_eq!(testing.app.inbox.waiting_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_are_accepted_before_the_store_was_ever_reached_and_delivered_when_it_is() {
    // Taken, and not listening yet: whoever calls is refused, and nobody else gets the port meanwhile.
    let place = tokio::net::TcpSocket::new_v4().unwrap();
    place.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = place.local_addr().unwrap();
    let testing = Testing::with(|config| config.store.url = format!("http://{address}")).await;
    assert_eq!(testing.post(hit(1, json!({})).to_string()).await.status.as_u16(), 202);
    assert!(matches!(flush_once(&testing.app).await, Err(FlushError::Store(_))));

    let listener = place.listen(1024).unwrap();
    let store = engine();
    let serving =
        tokio::spawn(async move { store.listen(listener, Default::default(), std::future::pending()).await });
    let report = testing.flush().await;
    assert_eq!((report.units, report.hits, testing.count("hits").await), (1, 1, 1));
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_sent_again_after_a_lost_answer_adds_nothing() {
    let testing = Testing::new().await;
    for number in 0..5 {
        testing.post(hit(number, json!({})).to_string()).await;
        testing.flush().await;
    }
    // As after a crash between ClickHouse's answer and our note of it.
    assert_eq!(testing.app.inbox.replay_units(0).await.unwrap(), 5);
    assert_eq!(testing.flush().await.hits, 5);
    assert_eq!((testing.count("hits").await, testing.count("touches").await), (5, 5));
    assert_eq!(testing.rows("toString(sum(hits))", "FROM outcomes").await, ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_are_written_once_and_again_only_when_they_were_lost() {
    let testing = Testing::new().await;
    for number in 0..4 {
        testing.post(hit(number, json!({})).to_string()).await;
    }
    testing.post(hit(9, json!({"url": "https://shop.example/other"})).to_string()).await;
    testing.flush().await;
    assert_eq!(testing.count("facets").await, 2);
    let orphans = "FROM touches LEFT ANTI JOIN facets USING (workspace_id, facet_id)";
    assert_eq!(testing.rows("toString(count())", orphans).await, ["0"]);
}

/// An order of the usual visitor, anchored `after_ms` after now.
async fn insert_order(testing: &Testing, after_ms: i64) {
    let id: domain::ids::VisitorId = VISITOR.parse().unwrap();
    let visitor = uuid::Uuid::from_u128(id.0);
    let anchor = NOW_MS + after_ms;
    run(
        testing,
        &format!(
            "INSERT INTO orders (workspace_id, order_id, version, provider_order_id, anchor_at, visitors) VALUES \
             ('ws_shop', generateUUIDv4(), 1, 'po_1', fromUnixTimestamp64Milli({anchor}), \
             [(toUUID('{visitor}'), fromUnixTimestamp64Milli(0), fromUnixTimestamp64Milli({NOW_MS} + 86400000))])"
        ),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn touches_from_before_a_purchase_mark_the_visitor_and_later_ones_do_not() {
    let testing = Testing::new().await;
    insert_order(&testing, 0).await;
    testing.clock.advance(10_000);
    testing.post(hit(1, json!({"at": NOW_MS + 5_000})).to_string()).await;
    assert_eq!(testing.flush().await.marked, 0, "a touch after the purchase changes no journey");
    let stranger = "vis_01jd3m8q5x0000000000000xyz";
    testing.clock.advance(1000);
    testing.post(hit(2, json!({"visitor": stranger})).to_string()).await;
    assert_eq!(testing.flush().await.marked, 0, "a stranger's touch changes nothing");
    testing.clock.advance(1000);
    testing.post(hit(3, json!({"at": NOW_MS - 5_000})).to_string()).await;
    assert_eq!(testing.flush().await.marked, 1);
    let dirty = testing.app.control.dirty(10).await.unwrap();
    let id: domain::ids::VisitorId = VISITOR.parse().unwrap();
    assert_eq!(
        (dirty[0].subject.kind, dirty[0].subject.id.as_str()),
        (SubjectKind::Visitor, format!("{:032x}", id.0).as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn history_over_two_hundred_months_is_delivered_at_once() {
    let testing = Testing::new().await;
    let sites = testing.app.collector.sites(&testing.app.directory());
    let request =
        Request { received_at_ms: NOW_MS, user_agent: BROWSER, trusts_clock: true, ..Request::default() };
    for number in 0..200 {
        let at = NOW_MS - i64::from(number) * 31 * 86_400_000;
        let body = hit(number, json!({ "at": at })).to_string();
        let hits = wire::decode(body.as_bytes()).unwrap();
        let taken = testing.app.collector.take(&testing.app.inbox, &sites, &request, &hits).await.unwrap();
        assert_eq!(taken.accepted, 1, "{taken:?}");
    }
    let report = testing.flush().await;
    assert_eq!((report.units, report.hits, testing.count("hits").await), (1, 200, 200));
    assert_eq!(testing.rows("toString(uniqExact(toYYYYMM(at)) > 150)", "FROM hits").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_alone_is_refused_is_put_aside_and_sent_again_at_the_next_start() {
    let testing = Testing::new().await;
    run(&testing, "ALTER TABLE hits ADD CONSTRAINT no_bad CHECK path != '/bad'").await;
    testing.post(hit(1, json!({"url": "https://shop.example/bad"})).to_string()).await;
    assert!(flush_once(&testing.app).await.is_err());
    assert!(!step_over_refused(&testing.app).await.unwrap(), "nothing says that the store takes others");
    testing.post(hit(2, json!({"url": "https://shop.example/good"})).to_string()).await;
    assert!(step_over_refused(&testing.app).await.unwrap());
    assert_eq!(
        (testing.count("hits").await, testing.count("touches").await),
        (1, 2),
        "the rest of it is there"
    );
    assert_eq!(testing.app.inbox.waiting_bytes(), 0);
    let refused = testing.app.inbox.refused_units().await.unwrap();
    assert!(refused.len() == 1 && refused[0].hits == 1 && refused[0].why.contains("no_bad"), "{refused:?}");

    run(&testing, "ALTER TABLE hits DROP CONSTRAINT no_bad").await;
    testing.app.inbox.claim().await.unwrap();
    assert_eq!(testing.flush().await.hits, 1);
    assert_eq!((testing.count("hits").await, testing.count("touches").await), (2, 2));
    assert!(testing.app.inbox.refused_units().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_everything_loses_nothing_its_place() {
    let testing = Testing::new().await;
    testing.post(hit(1, json!({})).to_string()).await;
    run(&testing, "RENAME TABLE hits TO hits_away").await;
    assert!(flush_once(&testing.app).await.is_err());
    testing.post(hit(2, json!({})).to_string()).await;
    assert!(!step_over_refused(&testing.app).await.unwrap());
    assert!(testing.app.inbox.refused_units().await.unwrap().is_empty());
    run(&testing, "RENAME TABLE hits_away TO hits").await;
    assert_eq!(testing.flush().await.hits, 2);
}
