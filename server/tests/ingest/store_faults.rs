//! ClickHouse away, hanging, failing after it committed, or cutting the connection: nothing acknowledged is
//! lost and nothing counts twice, whichever of a unit's inserts it happens to.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;
use tributary::ingest::flusher::flush_once;

use crate::fault_proxy::{FAULTS, Fault, FaultProxy};
use crate::support::{Testing, engine, hit};

/// Long enough for an honest insert on a busy machine: only faults may fail.
const INSERT_TIMEOUT_MS: u64 = 2000;
/// Facets, touches, hits, outcomes: what a unit of these tests inserts.
const INSERTS: usize = 4;

/// An application whose store is reached through a proxy that plays tricks.
async fn behind_a_proxy() -> (Testing, FaultProxy) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = listener.local_addr().unwrap();
    tokio::spawn(async move { engine().listen(listener, Default::default(), std::future::pending()).await });
    let proxy = FaultProxy::start(store).await;
    let url = proxy.url();
    let testing = Testing::with(|config| {
        config.store.url = url;
        config.store.insert_timeout_ms = INSERT_TIMEOUT_MS;
        config.store.connect_timeout_ms = 2000;
    })
    .await;
    (testing, proxy)
}

/// Delivers as the flusher does, trying again after every failure; answers how many attempts failed.
async fn deliver(testing: &Testing) -> usize {
    let mut failures = 0;
    while testing.app.inbox.waiting_bytes() > 0 {
        if flush_once(&testing.app).await.is_err() {
            failures += 1;
            assert!(failures < 50, "the store answers again by now");
        }
    }
    failures
}

async fn assert_stored_once(testing: &Testing, hits: u64, what: impl std::fmt::Debug) {
    let distinct = testing.rows("toString(uniqExact(hit_id))", "FROM hits").await;
    assert_eq!(distinct, [hits.to_string()], "{what:?}: lost");
    assert_eq!(testing.count("hits").await, hits, "{what:?}: hits");
    assert_eq!(testing.count("touches").await, hits, "{what:?}: touches");
    assert_eq!(testing.rows("toString(sum(hits))", "FROM outcomes").await, [hits.to_string()], "{what:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_insert_of_a_unit_loses_nothing_and_doubles_nothing() {
    let (testing, proxy) = behind_a_proxy().await;
    let mut sent = 0;
    for fault in FAULTS {
        for at in 0..INSERTS {
            for _ in 0..3 {
                // A landing page of its own each: every unit has a facet to insert.
                let url = format!("https://shop.example/{sent}");
                let answer = testing.post(hit(sent, json!({"url": url})).to_string()).await;
                assert_eq!(answer.status.as_u16(), 202);
                sent += 1;
            }
            proxy.plan(std::iter::repeat_n(Fault::None, at).chain([fault]));
            let failures = deliver(&testing).await;
            assert_eq!((failures, proxy.left()), (1, 0), "{fault:?} at insert {at}");
            assert_stored_once(&testing, sent.into(), (fault, at)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_one_after_another_while_hits_arrive_end_in_exact_counts() {
    let (testing, proxy) = behind_a_proxy().await;
    let mut sent = 0;
    // The same insert fails in every way before it passes, and the next begins again.
    for round in 0..3 {
        proxy.plan(FAULTS.iter().cycle().skip(round).take(FAULTS.len()).copied());
        while proxy.left() > 0 {
            for _ in 0..2 {
                let answer = testing.post(hit(sent, json!({})).to_string()).await;
                assert_eq!(answer.status.as_u16(), 202, "hits are taken whatever the store does");
                sent += 1;
            }
            let _ = flush_once(&testing.app).await;
        }
    }
    deliver(&testing).await;
    assert_stored_once(&testing, sent.into(), "mixed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_connections_and_says_nothing_holds_up_nobody_for_long() {
    // Connections are made by the operating system; nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let began = Instant::now();
    let testing = Testing::with(|config| {
        config.store.url = format!("http://{address}");
        config.store.answer_timeout_ms = 300;
    })
    .await;
    assert_eq!(testing.post(hit(1, json!({})).to_string()).await.status.as_u16(), 202);
    assert!(flush_once(&testing.app).await.is_err());
    let asked = testing.app.store.client().query("SELECT 1").fetch_one::<u8>().await;
    assert!(asked.is_err());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(testing.app.inbox.waiting_bytes() > 0, "the hit waits in the inbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_a_store_lose_nothing_and_are_made_up_for_in_few_inserts() {
    const STEP_SECONDS: u32 = 5;
    const STEPS: u32 = 600 / STEP_SECONDS;
    const HITS_A_STEP: u32 = 25;
    // Taken, and not listening yet: whoever calls is refused, and nobody else gets the port meanwhile.
    let place = tokio::net::TcpSocket::new_v4().unwrap();
    place.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = place.local_addr().unwrap();
    let testing = Testing::with(|config| config.store.url = format!("http://{address}")).await;
    let list = |step: u32| {
        let hits = (0..HITS_A_STEP).map(|n| hit(step * HITS_A_STEP + n, json!({})));
        json!(hits.collect::<Vec<_>>()).to_string()
    };
    for step in 0..STEPS {
        testing.clock.advance(i64::from(STEP_SECONDS) * 1000);
        assert_eq!(testing.post(list(step)).await.status.as_u16(), 202, "step {step}");
        // The flusher tries every 5 s at the longest.
        if step % 3 == 0 {
            assert!(flush_once(&testing.app).await.is_err());
        }
    }
    let listener = place.listen(1024).unwrap();
    tokio::spawn(async move { engine().listen(listener, Default::default(), std::future::pending()).await });
    // The unit sealed before the first try, then all the rest at once: hits that arrive meanwhile wait for nobody.
    assert_eq!(testing.post(list(STEPS)).await.status.as_u16(), 202);
    let report = testing.flush().await;
    assert_eq!((report.units, report.hits), (2, u64::from((STEPS + 1) * HITS_A_STEP)));
    assert_stored_once(&testing, report.hits, "after the outage").await;
}
