//! The inbox's file, damaged: bytes at places chosen by the input are overwritten or the file is cut. It opens or is
//! refused with words; what it holds is read or refused; nothing panics and nothing hangs.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tributary::ingest::inbox::{FILE, Inbox, NewWebhook, Options};
use tributary::ingest::rows::{Record, Tally};

fuzz_target!(|data: &[u8]| {
    // The inbox answers from within a runtime.
    let _within = runtime().enter();
    let mut file = sound().to_vec();
    for edit in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) * 4 % file.len();
        match edit[2] {
            0xff if at > 0 => file.truncate(at),
            _ => file[at] = edit[3],
        }
    }
    let folder = folder("damaged");
    for name in [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm")] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    std::fs::write(folder.join(FILE), &file).expect("the folder takes a file");
    let Ok(inbox) = Inbox::open(&folder, Options { bytes_max: 1 << 20, hits_remembered: 1000 }) else {
        return;
    };
    runtime().block_on(async {
        if let Ok(Some(unit)) = inbox.next_unit(1000).await {
            let _ = inbox.unit_rows(&unit).await;
            let _ = inbox.unit_delivered(&unit, 1).await;
        }
        let _ = inbox.pending_webhooks(10).await;
        let _ = inbox.failed_webhooks(10).await;
        let _ = inbox.append(record()).await;
        inbox.close().await;
    });
});

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"))
}

/// In memory where the machine has such a folder: the target is about bytes, not about disks.
fn folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = base.join(format!("tributary-fuzz-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
}

fn record() -> Record {
    let mut record = Record { received_at_ms: 1_790_000_000_000, ..Record::default() };
    record.hits.row().string("ws_fuzz");
    record.tallies.push(Tally {
        workspace_id: "ws_fuzz".into(),
        hour_s: 3600,
        outcome: "accepted",
        kind: "page",
        hits: 1,
    });
    record
}

/// The bytes of a sound inbox with some hits and webhooks.
fn sound() -> &'static [u8] {
    static SOUND: OnceLock<Vec<u8>> = OnceLock::new();
    SOUND.get_or_init(|| {
        let folder = folder("sound");
        let inbox = Inbox::open(&folder, Options { bytes_max: 1 << 20, hits_remembered: 1000 })
            .expect("a new inbox opens");
        runtime().block_on(async {
            for number in 0..5 {
                inbox.append(record()).await.expect("a record is kept");
                let webhook = NewWebhook {
                    provider: "polar".into(),
                    workspace_id: "ws_fuzz".into(),
                    connection_id: "con_fuzz".into(),
                    event_id: format!("evt_{number}"),
                    event_type: Some("order.paid".into()),
                    received_at_ms: number,
                    sealed_body: vec![number as u8; 300],
                };
                inbox.keep_webhook(webhook).await.expect("a webhook is kept");
            }
            inbox.close().await;
        });
        let file = folder.join(FILE);
        // Into one file: the log is a second one.
        let whole = rusqlite::Connection::open(&file).expect("the file opens");
        whole.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("nobody else has it");
        drop(whole);
        let bytes = std::fs::read(&file).expect("the file reads");
        let _ = std::fs::remove_dir_all(&folder);
        bytes
    })
}
