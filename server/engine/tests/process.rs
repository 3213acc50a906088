//! What happens to whole processes: leaving with connections open, dying, meeting another one on the same data.
//! Each child is this test binary again, running one of the `child_*` tests, which do nothing by themselves.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use clickhouse::Client;
use engine::{Engine, OpenError, Options};

const DIRECTORY: &str = "ENGINE_TEST_DIRECTORY";

/// The directory a child works in; `None` in a plain test run.
fn directory() -> Option<String> {
    std::env::var(DIRECTORY).ok()
}

fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(DIRECTORY, directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(test: &str, directory: &Path) -> (ExitStatus, String) {
    let output = child(test, directory).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status, text)
}

fn open(directory: impl AsRef<Path>) -> Engine {
    Engine::open(&Options::new(directory.as_ref()))
        .unwrap_or_else(|error| panic!("the tests need the engine: {error}"))
}

async fn table(client: &Client) {
    for sql in [
        "CREATE DATABASE IF NOT EXISTS d",
        "CREATE TABLE IF NOT EXISTS d.t (batch UInt64, n UInt64) ENGINE = MergeTree ORDER BY n",
    ] {
        client.query(sql).execute().await.unwrap();
    }
}

async fn insert(client: &Client, batch: u64, rows: u64) {
    let mut insert = client.insert_formatted_with("INSERT INTO d.t (batch, n) FORMAT RowBinary");
    let data: Vec<u8> = (0..rows).flat_map(|n| [batch.to_le_bytes(), n.to_le_bytes()]).flatten().collect();
    insert.send(data.into()).await.unwrap();
    insert.end().await.unwrap();
}

/// Works a little and then leaves a cursor, an insert and the sentinel open.
async fn work(
    engine: &Engine,
) -> (clickhouse::query::RowCursor<u64>, clickhouse::insert_formatted::InsertFormatted) {
    let client = engine.client();
    table(&client).await;
    insert(&client, 1, 10_000).await;
    let mut cursor = client.query("SELECT number FROM numbers(100000000)").fetch::<u64>().unwrap();
    cursor.next().await.unwrap();
    let mut open = client.insert_formatted_with("INSERT INTO d.t (batch, n) FORMAT RowBinary");
    open.send(vec![0; 160].into()).await.unwrap();
    (cursor, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn child_closes() {
    let Some(directory) = directory() else { return };
    let engine = open(directory);
    let _open = work(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn child_exits_without_closing() {
    let Some(directory) = directory() else { return };
    let engine = open(directory);
    let _open = work(&engine).await;
    std::process::exit(7);
}

#[tokio::test(flavor = "multi_thread")]
async fn child_exits_idle_without_closing() {
    let Some(directory) = directory() else { return };
    let engine = open(directory);
    let client = engine.client();
    table(&client).await;
    insert(&client, 1, 10_000).await;
    client.query("SELECT batch, count() FROM d.t GROUP BY batch").fetch_all::<(u64, u64)>().await.unwrap();
    std::process::exit(8);
}

#[test]
fn trap_g7_processes_leave_cleanly_whether_they_closed_or_not() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let (status, text) = run("child_closes", directory.path());
        assert_eq!(status.code(), Some(0), "closed, round {round}: {status}\n{text}");
        let (status, text) = run("child_exits_without_closing", directory.path());
        assert_eq!(status.code(), Some(7), "exited, round {round}: {status}\n{text}");
        let (status, text) = run("child_exits_idle_without_closing", directory.path());
        assert_eq!(status.code(), Some(8), "exited idle, round {round}: {status}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn child_closes_and_opens_again() {
    let Some(directory) = directory() else { return };
    for round in 1..=3u64 {
        let engine = open(&directory);
        let client = engine.client();
        table(&client).await;
        insert(&client, round, 10).await;
        let count: u64 = client.query("SELECT count() FROM d.t").fetch_one().await.unwrap();
        assert_eq!(count, round * 10);
        // The same directory again is the same engine; another one is refused while this one is open.
        assert!(Engine::open(&Options::new(&directory)).is_ok());
        let other = Path::new(&directory).join("other");
        assert!(matches!(Engine::open(&Options::new(other)), Err(OpenError::AlreadyOpenElsewhere { .. })));
        engine.close().await;
        let error = client.query("SELECT 1").execute().await.unwrap_err();
        assert!(error.to_string().contains("Code: 236"), "{error}");
    }
    let engine = open(Path::new(&directory).join("other"));
    engine.client().query("SELECT 1").execute().await.unwrap();
    engine.close().await;
    println!("all rounds done");
}

#[test]
fn trap_g7_after_closing_the_same_and_another_directory_open_again() {
    let directory = tempfile::tempdir().unwrap();
    let (status, text) = run("child_closes_and_opens_again", directory.path());
    assert!(status.success() && text.contains("all rounds done"), "{status}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn child_inserts_until_killed() {
    let Some(directory) = directory() else { return };
    let engine = open(directory);
    let client = engine.client();
    table(&client).await;
    let first: u64 = client.query("SELECT max(batch) FROM d.t").fetch_one().await.unwrap();
    for batch in first + 1.. {
        insert(&client, batch, 1_000).await;
        println!("acknowledged {batch}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn child_counts_batches() {
    let Some(directory) = directory() else { return };
    let engine = open(directory);
    let sql = "SELECT count(), max(batch), countIf(rows != 1000) FROM (SELECT batch, count() AS rows FROM d.t GROUP BY batch)";
    let (batches, highest, partial) =
        engine.client().query(sql).fetch_one::<(u64, u64, u64)>().await.unwrap();
    println!("found {batches} {highest} {partial}");
    engine.close().await;
}

#[test]
fn trap_g9_a_killed_process_loses_nothing_acknowledged_and_leaves_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..3 {
        let mut process = child("child_inserts_until_killed", directory.path()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < 20 + round {
            let line = lines.next().expect("the child works until it is killed").unwrap();
            if let Some((_, batch)) = line.split_once("acknowledged ") {
                acknowledged = batch.parse().unwrap();
                seen += 1;
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // What it acknowledged between our last look and its death counts too.
        for line in lines.map_while(Result::ok) {
            acknowledged = line.split_once("acknowledged ").map_or(acknowledged, |(_, b)| b.parse().unwrap());
        }
        let (status, text) = run("child_counts_batches", directory.path());
        assert!(status.success(), "{status}\n{text}");
        let numbers: Vec<u64> = text
            .split_once("found ")
            .unwrap()
            .1
            .lines()
            .next()
            .unwrap()
            .split(' ')
            .map(|n| n.parse().unwrap())
            .collect();
        let (batches, highest, partial) = (numbers[0], numbers[1], numbers[2]);
        assert!(
            highest >= acknowledged && highest <= acknowledged + 1,
            "{text}, acknowledged {acknowledged}"
        );
        assert_eq!((batches, partial), (highest, 0), "{text}");
    }
}

/// Stops a child that waits for the end of its input.
struct Waiting(Child, Option<ChildStdin>);

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.1.take());
        let _ = self.0.wait();
    }
}

#[test]
fn child_holds_the_directory() {
    let Some(directory) = directory() else { return };
    let _engine = open(directory);
    println!("holding");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().lines().next();
}

#[test]
fn child_wants_the_directory() {
    let Some(directory) = directory() else { return };
    match Engine::open(&Options::new(&directory)) {
        Err(error @ OpenError::DataDirInUse { .. }) => println!("told: {error}"),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("two processes on one directory"),
    }
}

#[test]
fn trap_g9_a_second_process_is_told_that_the_directory_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = child("child_holds_the_directory", directory.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let stdin = process.stdin.take();
    let _waiting = Waiting(process, stdin);
    while !lines.next().expect("the child opens").unwrap().contains("holding") {}
    let (status, text) = run("child_wants_the_directory", directory.path());
    assert!(status.success() && text.contains("in use by another process"), "{status}\n{text}");
    // Without our own lock file the engine's own lock is still seen.
    std::fs::remove_file(directory.path().join("tributary.lock")).unwrap();
    let (status, text) = run("child_wants_the_directory", directory.path());
    assert!(status.success() && text.contains("in use by another process"), "{status}\n{text}");
}

#[test]
fn child_misses_the_library() {
    let Some(directory) = directory() else { return };
    let mut options = Options::new(&directory);
    options.library = Some(Path::new(&directory).join("libchdb.so"));
    let error = Engine::open(&options).err().expect("no library there");
    println!("told: {error}");
    std::fs::write(options.library.as_ref().unwrap(), "not a library").unwrap();
    let error = Engine::open(&options).err().expect("no library there");
    println!("told: {error}");
}

#[test]
fn a_missing_or_broken_library_is_an_error_that_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let (status, text) = run("child_misses_the_library", directory.path());
    assert!(status.success(), "{status}\n{text}");
    let path = directory.path().join("libchdb.so").display().to_string();
    for part in ["was not found; run `make setup`", "TRIBUTARY_STORE_LIBRARY", "cannot be used", &path] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}
