//! A power cut at any moment. The real program runs under strace, which shows that what a 202 promises was synced
//! before the 202 was written; then its calls are played again on a disk that keeps what was synced and loses or
//! tears the rest, and the power is cut after every single one of them. What this does not show: a disk that lies
//! about syncing, and file systems that lose a synced file's name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use tributary::effects::Clock;
use tributary::ingest::inbox::{FILE, Inbox, Options, Replay};

use crate::program::{WORKSPACE, deliver, exchange, folder, prepare, program};
use crate::trace::{self, Step};

/// Hits and webhooks, in turn.
const REQUESTS: usize = 15;
/// What a disk writes in one piece.
const SECTOR_BYTES: usize = 512;

/// What names request `number` in the file: part of a hit's address, or a webhook's id.
fn mark(number: usize) -> String {
    format!("power-cut-{number:06}")
}

/// Sends a hit or a webhook, and has it acknowledged.
fn send(address: SocketAddr, number: usize) {
    let mark = mark(number);
    let answer = if number.is_multiple_of(3) {
        deliver(address, &mark, r#"{"type":"product.updated","data":{"id":"x"}}"#)
    } else {
        let body = format!(
            r#"{{"ws":"{WORKSPACE}","kind":"page","id":"01k9{number:022}","session":"01k9{number:022}","url":"https://shop.example/{mark}","ref":"","at":{},"consent":"granted"}}"#,
            Clock::system().now_ms()
        );
        let head = format!(
            "POST /c HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: https://shop.example\r\n\
             user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n\
             accept-language: en\r\nsec-fetch-site: same-site\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        exchange(address, (head + &body).as_bytes())
    };
    let answer = answer.expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

/// A disk and its cache: what was synced, and what was only written.
#[derive(Default)]
struct Disk {
    synced: BTreeMap<String, Vec<u8>>,
    /// In order; each with its number.
    written: Vec<(usize, String, Change)>,
    count: usize,
    /// Syncs under way: thread, file, and the changes before them.
    syncing: Vec<(u32, String, usize)>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Cut(len) => file.resize(*len, 0),
        Change::Write(at, bytes) => {
            file.resize(file.len().max(at + bytes.len()), 0);
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }
}

impl Disk {
    fn take(&mut self, step: &Step) {
        let mut change = |file: &str, change| {
            if let Some(name) = name(file) {
                self.written.push((self.count, name.to_owned(), change));
                self.count += 1;
            }
        };
        match step {
            Step::Write { file, at, bytes, .. } => change(file, Change::Write(*at, bytes.clone())),
            Step::Cut { file, len } => change(file, Change::Cut(*len)),
            Step::SyncBegan { thread, file } => self.syncing.push((*thread, file.clone(), self.count)),
            Step::SyncEnded { thread, file } => {
                let begun = self.syncing.iter().position(|(who, what, _)| who == thread && what == file);
                let (_, _, before) = self.syncing.swap_remove(begun.expect("it began"));
                let Some(name) = name(file) else { return };
                let synced = self.synced.entry(name.to_owned()).or_default();
                self.written.retain(|(number, file, change)| {
                    let is_synced = file == name && *number < before;
                    if is_synced {
                        apply(synced, change);
                    }
                    !is_synced
                });
            }
            Step::Told(_) => {}
        }
    }

    /// What is found after the power went: all that was synced, and of the rest every sector for which `kept` says so.
    fn found(&self, mut kept: impl FnMut() -> bool) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.synced.clone();
        for (_, name, change) in &self.written {
            let file = files.entry(name.clone()).or_default();
            match change {
                Change::Cut(_) if kept() => apply(file, change),
                Change::Cut(_) => {}
                Change::Write(at, bytes) => {
                    for (piece, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        if kept() {
                            apply(file, &Change::Write(at + piece * SECTOR_BYTES, sector.to_vec()));
                        }
                    }
                }
            }
        }
        files
    }
}

/// The name of one of the inbox's two files; its index (`-shm`) is made anew.
fn name(path: &str) -> Option<&str> {
    let name = Path::new(path).file_name()?.to_str()?;
    (name == FILE || name.strip_prefix(FILE) == Some("-wal")).then_some(name)
}

/// Everything an inbox of these files holds, opened as the server does.
async fn held(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    // In memory where the machine has such a folder: what is looked at here is bytes.
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let dir = tempfile::tempdir_in(base).unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let inbox = Inbox::open(dir.path(), Options { bytes_max: 1 << 30, hits_remembered: 1000 }).unwrap();
    inbox.claim().await.unwrap();
    let mut held = Vec::new();
    while let Some(unit) = inbox.next_unit(1_000_000).await.unwrap() {
        held.extend(inbox.unit_rows(&unit).await.unwrap().tables.concat());
        inbox.unit_delivered(&unit, 1).await.unwrap();
    }
    inbox.replay_webhooks(Replay::Since { received_at_ms: 0 }).await.unwrap();
    for webhook in inbox.pending_webhooks(REQUESTS).await.unwrap() {
        held.extend(webhook.event_id.into_bytes());
    }
    inbox.close().await;
    held
}

fn contains(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|part| part == mark.as_bytes())
}

fn is_acknowledgement(step: &Step) -> bool {
    matches!(step, Step::Told(bytes) if bytes.starts_with(b"HTTP/1.1 202"))
}

/// For every request: its bytes were written, then the thread that wrote them synced the file, then it was answered.
fn assert_order(steps: &[Step]) {
    let answers: Vec<usize> =
        steps.iter().enumerate().filter(|(_, step)| is_acknowledgement(step)).map(|(at, _)| at).collect();
    assert_eq!(answers.len(), REQUESTS);
    for (number, answered) in answers.into_iter().enumerate() {
        let mark = mark(number);
        let written = steps.iter().enumerate().find_map(|(at, step)| match step {
            Step::Write { thread, file, bytes, .. } if contains(bytes, &mark) => Some((at, *thread, file)),
            _ => None,
        });
        let (written, by, into) = written.unwrap_or_else(|| panic!("{mark} was never written"));
        let after = |from: usize, wanted: fn(&Step) -> Option<(u32, &String)>| {
            let found = steps[from..].iter().position(|step| wanted(step) == Some((by, into)));
            from + found.unwrap_or_else(|| panic!("{mark} was never synced"))
        };
        let began = after(written, |step| match step {
            Step::SyncBegan { thread, file } => Some((*thread, file)),
            _ => None,
        });
        let ended = after(began, |step| match step {
            Step::SyncEnded { thread, file } => Some((*thread, file)),
            _ => None,
        });
        assert!(
            ended < answered,
            "{mark} was answered (step {answered}) before it was synced (step {ended})"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_was_synced_before_and_survives_a_power_cut_at_any_moment() {
    if !trace::is_wanted() {
        return;
    }
    let dir = folder();
    prepare(dir.path()).await;
    // A life before, so that the files exist.
    let mut command = program(dir.path(), &["serve"]);
    // Nothing is delivered: the inbox is all there is.
    command.env("TRIBUTARY_STORE_URL", "http://127.0.0.1:1");
    let inbox = Inbox::open(dir.path(), Options { bytes_max: 1 << 30, hits_remembered: 1000 }).unwrap();
    inbox.close().await;
    let mut disk = Disk::default();
    for file in [FILE.to_owned(), format!("{FILE}-wal")] {
        if let Ok(bytes) = std::fs::read(dir.path().join(&file)) {
            disk.synced.insert(file, bytes);
        }
    }

    let log = dir.path().join("strace.log");
    let server = trace::start(&command, &log);
    let address = server.address;
    tokio::task::spawn_blocking(move || (0..REQUESTS).for_each(|number| send(address, number)))
        .await
        .unwrap();
    trace::kill(server);
    let steps = trace::steps(&std::fs::read_to_string(&log).unwrap());
    assert_order(&steps);

    let (mut acknowledged, mut cuts, mut chance) = (0, 0, 1u64);
    for step in &steps {
        disk.take(step);
        acknowledged += usize::from(is_acknowledgement(step));
        let is_about_the_inbox = match step {
            Step::Write { file, .. } | Step::Cut { file, .. } | Step::SyncEnded { file, .. } => {
                name(file).is_some()
            }
            Step::SyncBegan { .. } => false,
            Step::Told(_) => is_acknowledgement(step),
        };
        if !is_about_the_inbox {
            continue;
        }
        let any = || {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            chance >> 63 == 1
        };
        for files in [disk.found(|| false), disk.found(any)] {
            let held = held(&files).await;
            for number in 0..acknowledged {
                assert!(contains(&held, &mark(number)), "{} is lost after {step:?}", mark(number));
            }
            cuts += 1;
        }
    }
    println!("{acknowledged} acknowledged, {cuts} power cuts, 0 lost");
    assert!(acknowledged == REQUESTS && cuts > 3 * REQUESTS);
}
