//! An orderly stop under load, and a second server on the same data.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use load::Plan;
use rustix::process::{Pid, Signal, kill_process};
use tributary::jobs;

use crate::program::{Running, WORKSPACE, exchange, folder, opened, prepare, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_answers_what_it_took_and_keeps_what_it_answered() {
    let dir = folder();
    prepare(dir.path()).await;
    let server = Running::start(program(dir.path(), &["serve"]));
    let mut plan = Plan::new(server.address, WORKSPACE, 1);
    plan.keep_ids = true;
    plan.reconnects = false;
    let sending = std::thread::spawn(move || load::run_on_a_thread(plan));
    // Under way when hits are counted.
    let began = Instant::now();
    while !server.get("/metrics").lines().any(is_counted) {
        assert!(began.elapsed() < Duration::from_secs(20), "hits arrive");
    }
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let began = Instant::now();
    let (log, well) = server.ended();
    let report = sending.join().unwrap();
    assert!(well && log.contains("stopping") && !log.contains("panicked"), "{log}");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert!(report.failures.keys().all(|status| *status == 0), "{:?}", report.failures);
    assert!(report.requests > 0);
    let (_turn, app) = opened(dir.path()).await;
    jobs::settle(&app).await.unwrap();
    let stored: Vec<String> =
        app.store.client().query("SELECT toString(hit_id) FROM hits").fetch_all().await.unwrap();
    let distinct: HashSet<u128> =
        stored.iter().map(|id| u128::from_str_radix(&id.replace('-', ""), 16).unwrap()).collect();
    assert_eq!(distinct.len(), stored.len());
    assert_eq!(report.ids.iter().filter(|id| !distinct.contains(id)).count(), 0, "lost");
    app.close().await;
}

fn is_counted(line: &str) -> bool {
    line.strip_prefix("tributary_hits_total{outcome=\"accepted\"} ").is_some_and(|count| count != "0")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_empties_an_inbox_takes_what_goes_into_it() {
    let dir = folder();
    prepare(dir.path()).await;
    let role = |name: &str| {
        let mut command = program(dir.path(), &["serve", "--role", name]);
        command.env("TRIBUTARY_STORE_URL", "http://127.0.0.1:9");
        Running::start(command)
    };
    for (name, taken, ready) in [("collector", 400, 200), ("api", 404, 503), ("jobs", 404, 503)] {
        let server = role(name);
        let status = |path: &str, method: &str| {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            let answer = exchange(server.address, request.as_bytes()).unwrap();
            answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).expect("a status")
        };
        assert_eq!(status("/c", "POST"), taken, "{name}");
        assert_eq!(status("/webhooks/polar/ws_kill", "POST") == 404, taken == 404, "{name}");
        assert_eq!(status("/v1/import/hits", "POST") == 404, taken == 404, "{name}");
        assert_eq!((status("/healthz", "GET"), status("/readyz", "GET")), (200, ready), "{name}");
        assert_eq!(status("/v1/openapi.json", "GET") == 200, name == "api");
        server.killed();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_is_refused_with_the_reason() {
    let dir = folder();
    prepare(dir.path()).await;
    // A store elsewhere, so that the inbox is what both want.
    let collector = || {
        let mut command = program(dir.path(), &["serve", "--role", "collector"]);
        command.env("TRIBUTARY_STORE_URL", "http://127.0.0.1:9");
        command
    };
    let first = Running::start(collector());
    let second = collector().output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success());
    assert!(said.contains("is written by another process; stop it"), "{said}");
    assert!(first.get("/healthz").starts_with("HTTP/1.1 200 "), "the first goes on");
    first.killed();
    Running::start(collector()).killed();
}
