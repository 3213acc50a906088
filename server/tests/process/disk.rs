//! A disk without room, and a disk whose sync fails: a clear refusal, never a false acknowledgement.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use load::{Plan, Report};
use tributary::jobs;

use crate::program::{Running, WORKSPACE, deliver, folder, opened, prepare, program};

const REQUESTS: u64 = 400;
/// An event of a kind that nothing is made of; what counts is whether it is kept.
const EVENT: &str = r#"{"type":"product.updated","data":{"id":"x"}}"#;

/// Sends hits and answers what became of them. Lists of 20 make the log grow fast.
async fn send(server: &Running, seed: u64) -> Report {
    let mut plan = Plan::new(server.address, WORKSPACE, seed);
    plan.connections = 8;
    plan.hits_per_request = 20;
    plan.requests_max = REQUESTS;
    // All of them, however busy the machine is.
    plan.duration = Duration::from_secs(300);
    plan.keep_ids = true;
    tokio::task::spawn_blocking(move || load::run_on_a_thread(plan)).await.unwrap()
}

/// Everything acknowledged is stored once, and nothing else twice.
async fn assert_kept(data_dir: &Path, reports: &[&Report]) {
    let (_turn, app) = opened(data_dir).await;
    jobs::settle(&app).await.unwrap();
    let stored: Vec<String> =
        app.store.client().query("SELECT toString(hit_id) FROM hits").fetch_all().await.unwrap();
    let stored_ids: HashSet<u128> =
        stored.iter().map(|id| u128::from_str_radix(&id.replace('-', ""), 16).unwrap()).collect();
    assert_eq!(stored_ids.len(), stored.len(), "doubled");
    let lost = reports.iter().flat_map(|report| &report.ids).filter(|id| !stored_ids.contains(id)).count();
    assert_eq!(lost, 0, "lost of {}", stored.len());
    app.close().await;
}

/// The largest size a file of this process may have from now on: writing beyond it fails.
fn limit_file_bytes(server: &Running, bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    let done = Command::new("prlimit")
        .args(["--pid", &server.child.id().to_string(), &format!("--fsize={limit}:unlimited")])
        .status()
        .expect("util-linux has prlimit");
    assert!(done.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_answered_503_and_heals_by_itself() {
    let dir = folder();
    prepare(dir.path()).await;
    let key = ["key", "create", "--workspace", WORKSPACE, "--name", "reports", "--scope", "read"];
    let created = program(dir.path(), &key).stdout(Stdio::piped()).output().unwrap();
    let authorization = format!("authorization: Bearer {}", String::from_utf8_lossy(&created.stdout).trim());
    // A pixel of the test's own: none has to be built.
    let pixel = dir.path().join("pixel");
    std::fs::create_dir(&pixel).unwrap();
    std::fs::write(pixel.join("p.js"), "// nothing").unwrap();
    let mut command = program(dir.path(), &["serve"]);
    command.env("TRIBUTARY_PIXEL_DIR", &pixel);
    let server = Running::start(command);
    let before = send(&server, 1).await;
    assert!(before.failures.is_empty(), "{:?}", before.failures);

    let log_bytes = std::fs::metadata(dir.path().join("inbox.sqlite-wal")).unwrap().len();
    limit_file_bytes(&server, Some(log_bytes + 200_000));
    let during = send(&server, 2).await;
    assert_eq!(during.failures.keys().collect::<Vec<_>>(), [&503], "{:?}", during.failures);
    assert_eq!(during.retry_after_missing, 0, "every 503 says when to try again");
    assert!(during.failures[&503] > REQUESTS / 2, "{:?}", during.failures);
    let refused = deliver(server.address, "evt_1", EVENT).unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after"), "{refused}");
    // Everything that does not write goes on.
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "));
    assert!(server.get("/p.js").starts_with("HTTP/1.1 200 "));
    let report = server.get_with("/v1/reports/channels?from=2026-01-01&to=2026-12-31", &authorization);
    assert!(report.starts_with("HTTP/1.1 200 "), "{report}");

    limit_file_bytes(&server, None);
    let after = send(&server, 3).await;
    assert!(after.failures.is_empty(), "room again: {:?}", after.failures);
    assert!(deliver(server.address, "evt_1", EVENT).unwrap().starts_with("HTTP/1.1 202 "));
    let log = server.killed();
    assert!(log.contains("the inbox refused a group") && !log.contains("panicked"), "{log}");
    assert_kept(dir.path(), &[&before, &during, &after]).await;
}

/// Compiles the preloaded library beside `dir`.
fn faulty_sync(dir: &Path) -> std::path::PathBuf {
    let library = dir.join("faulty_sync.so");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/faulty_sync.c"))
        .status()
        .expect("a C compiler is installed, as building needs one");
    assert!(done.success());
    library
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_sync_nothing_is_acknowledged_until_a_restart() {
    let dir = folder();
    prepare(dir.path()).await;
    let order = dir.path().join("fail-the-next-sync");
    let mut command = program(dir.path(), &["serve"]);
    command.env("LD_PRELOAD", faulty_sync(dir.path())).env("FAULTY_SYNC", &order);
    let server = Running::start(command);
    let before = send(&server, 1).await;
    assert!(before.failures.is_empty(), "{:?}", before.failures);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 "));

    std::fs::write(&order, b"").unwrap();
    // Only one sync fails. All later ones would succeed, and prove nothing about what the first one lost.
    let after = send(&server, 2).await;
    assert!(!order.exists(), "a sync failed");
    assert_eq!(after.failures.keys().collect::<Vec<_>>(), [&503], "{:?}", after.failures);
    assert_eq!(after.failures[&503] + after.requests, REQUESTS);
    let later = send(&server, 3).await;
    assert_eq!(later.requests, 0, "nothing is acknowledged any more");
    assert_eq!(later.failures, [(503, REQUESTS)].into(), "every one is told so");
    assert!(deliver(server.address, "evt_1", EVENT).unwrap().starts_with("HTTP/1.1 503 "));
    let ready = server.get("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains(r#""inbox":"failed""#), "{ready}");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 503 "), "a supervisor may restart it");
    assert!(server.get("/v1/openapi.json").starts_with("HTTP/1.1 200 "));
    let log = server.killed();
    assert!(log.contains("until a restart") && !log.contains("panicked"), "{log}");

    let again = Running::start(program(dir.path(), &["serve"]));
    assert!(again.get("/readyz").starts_with("HTTP/1.1 200 "));
    let healed = send(&again, 4).await;
    assert!(healed.failures.is_empty(), "{:?}", healed.failures);
    again.killed();
    assert_kept(dir.path(), &[&before, &after, &healed]).await;
}
