//! Files that were cut, and bytes that flipped: what still reads is kept, what does not is told, nothing is
//! decoded into nonsense, and nothing panics.

use std::collections::HashSet;

use super::*;
use crate::store::row_binary::RowReader;

const RECORDS: usize = 60;
/// Places tried, spread over the file. Each opens, delivers and checks a copy.
const FLIPS: usize = 150;
const CUTS: usize = 50;
const BYTES_MAX: u64 = 64 << 20;

/// What record `number` says; small ones lie in one page, large ones run over many.
fn text(number: usize) -> String {
    let len = if number.is_multiple_of(4) { 20_000 } else { 40 + number * 9 };
    format!("{number:04}{}", "abcdefghij".repeat(len / 10))
}

async fn fill(inbox: &Inbox, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let mut record = Record { received_at_ms: 1 + number as i64, ..Record::default() };
        record.hits.row().string(&text(number));
        inbox.append([record]).await.unwrap();
    }
}

fn open(dir: &Path) -> Result<Inbox, InboxError> {
    Inbox::open(dir, Options { bytes_max: BYTES_MAX, hits_remembered: 1000 })
}

/// What came of opening and delivering everything.
struct Delivered {
    numbers: Vec<usize>,
    told: Vec<String>,
}

/// Opens as the server does and delivers to the end. Every text that comes out went in.
async fn deliver(dir: &Path) -> Delivered {
    let mut delivered = Delivered { numbers: Vec::new(), told: Vec::new() };
    let inbox = match open(dir) {
        Ok(inbox) => inbox,
        Err(error) => {
            delivered.told.push(error.to_string());
            return delivered;
        }
    };
    let mut run = async || -> Result<(), InboxError> {
        inbox.claim().await?;
        while let Some(unit) = inbox.next_unit(25).await? {
            let rows = inbox.unit_rows(&unit).await?;
            let mut reader = RowReader::new(&rows.tables[3]);
            while reader.rest() > 0 {
                let read = reader.string().expect("rows are whole");
                let number: usize = read[..4].parse().expect("a text begins with its number");
                assert_eq!(read, text(number), "nonsense was read");
                delivered.numbers.push(number);
            }
            inbox.unit_delivered(&unit, 1).await?;
        }
        Ok(())
    };
    let ended = run().await;
    delivered.told.extend(ended.err().map(|error| error.to_string()));
    match inbox.damaged_batches().await {
        Ok(damaged) => delivered.told.extend(damaged.into_iter().map(|batch| batch.why)),
        Err(error) => delivered.told.push(error.to_string()),
    }
    match inbox.inspect().await {
        Ok(lines) => delivered.told.extend(lines),
        Err(error) => delivered.told.push(error.to_string()),
    }
    delivered.told.extend(damaged_logs(&dir.join(FILE)).iter().map(|path| path.display().to_string()));
    inbox.close().await;
    delivered
}

/// Delivers from copies of `files` that `change` has changed.
async fn deliver_changed(
    files: &[(&str, &[u8])],
    name: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> Delivered {
    let dir = tempfile::tempdir().unwrap();
    let mut change = Some(change);
    for (file, bytes) in files {
        let mut bytes = bytes.to_vec();
        if *file == name
            && let Some(change) = change.take()
        {
            change(&mut bytes);
        }
        std::fs::write(dir.path().join(file), bytes).unwrap();
    }
    let delivered = deliver(dir.path()).await;
    let distinct: HashSet<usize> = delivered.numbers.iter().copied().collect();
    assert_eq!(distinct.len(), delivered.numbers.len(), "a record was delivered twice");
    delivered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_the_file_costs_what_it_hit_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path()).unwrap();
    fill(&inbox, 0..RECORDS).await;
    inbox.close().await;
    let file = std::fs::read(dir.path().join(FILE)).unwrap();
    let (mut whole, mut refused, mut kept) = (0, 0, Vec::new());
    for at in (0..file.len()).step_by(file.len() / FLIPS) {
        let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 0x41;
        let delivered = deliver_changed(&[(FILE, &file)], FILE, flip).await;
        match delivered.numbers.len() {
            RECORDS => whole += 1,
            0 => refused += 1,
            some => kept.push(some),
        }
        assert!(
            delivered.numbers.len() == RECORDS || !delivered.told.is_empty(),
            "byte {at}: {} of {RECORDS} records, and nothing was told",
            delivered.numbers.len()
        );
    }
    println!("{whole} flips cost nothing, {} cost some records, {refused} all", kept.len());
    kept.sort_unstable();
    assert!(kept.len() > FLIPS / 2, "flips inside rows are met by their checksum");
    assert_eq!(kept[kept.len() / 2], RECORDS - 1, "most cost the one batch they hit");
    assert!(refused < FLIPS / 10, "{refused} flips made the whole file unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_or_flipped_log_keeps_what_came_before_and_tells_what_came_after() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path()).unwrap();
    fill(&inbox, 0..RECORDS).await;
    // Copied while open, as a power cut leaves them: everything is in the log.
    let names = [FILE, "inbox.sqlite-wal"];
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let (file, log) = (read(names[0]), read(names[1]));
    let files = [(names[0], file.as_slice()), (names[1], log.as_slice())];
    let all = deliver_changed(&files, "none", |_| {}).await;
    assert_eq!((all.numbers.len(), all.told), (RECORDS, vec![]));
    let mut before = 0;
    for at in (0..log.len()).step_by(log.len() / CUTS) {
        let cut = deliver_changed(&files, names[1], |bytes| bytes.truncate(at)).await;
        assert_eq!(cut.numbers, (0..cut.numbers.len()).collect::<Vec<_>>(), "cut at {at}: a gap");
        assert!(cut.numbers.len() >= before, "cut at {at}: earlier records are kept");
        before = cut.numbers.len();

        let flipped = deliver_changed(&files, names[1], |bytes| bytes[at] ^= 0x41).await;
        assert_eq!(flipped.numbers, (0..flipped.numbers.len()).collect::<Vec<_>>(), "flip at {at}: a gap");
        assert!(flipped.numbers.len() >= before, "flip at {at}: earlier records are kept");
        assert!(
            flipped.numbers.len() == RECORDS || !flipped.told.is_empty(),
            "flip at {at}: {} of {RECORDS} records, and nothing was told",
            flipped.numbers.len()
        );
    }
    assert!(before >= RECORDS - 2, "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_met_on_the_way_keeps_the_other_rows_of_the_unit_and_its_remains() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path()).unwrap();
    fill(&inbox, 0..8).await;
    let unit = inbox.next_unit(100).await.unwrap().unwrap();
    inbox
        .write(|connection| {
            connection.execute("UPDATE batches SET hits = zeroblob(length(hits)) WHERE id = 3", [])
        })
        .await
        .unwrap();
    let rows = inbox.unit_rows(&unit).await.unwrap();
    assert_eq!(rows.hit_count, 7);
    assert_eq!(inbox.unit_rows(&unit).await.unwrap().tables, rows.tables, "the same bytes again");
    let damaged = inbox.damaged_batches().await.unwrap();
    assert_eq!((damaged.len(), damaged[0].batch_id), (1, 3));
    assert!(damaged[0].why.contains("checksum"), "{}", damaged[0].why);
    inbox.unit_delivered(&unit, 5).await.unwrap();
    fill(&inbox, 8..9).await;
    let last = inbox.next_unit(100).await.unwrap().unwrap();
    inbox.unit_delivered(&last, 6).await.unwrap();
    assert_eq!(inbox.drop_delivered(100).await.unwrap(), 1);
    let left: i64 = inbox
        .read(|connection| {
            connection.query_row("SELECT count(*) FROM batches WHERE id < 9", [], |row| row.get(0))
        })
        .await
        .unwrap();
    assert_eq!(left, 1, "what is left of the damaged batch is kept");
}

#[test]
fn a_file_that_is_no_database_is_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(FILE), vec![7; 20_000]).unwrap();
    let refused = open(dir.path()).err().expect("it is no database");
    assert!(matches!(refused, InboxError::Damaged { .. }), "{refused:?}");
    assert!(refused.to_string().contains("move the file aside"), "{refused}");
}

#[tokio::test]
async fn a_file_from_before_checksums_is_brought_up_to_date_and_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path()).unwrap();
    fill(&inbox, 0..3).await;
    inbox.close().await;
    let file = Connection::open(dir.path().join(FILE)).unwrap();
    file.execute_batch(
        "ALTER TABLE batches DROP COLUMN checksum; ALTER TABLE units DROP COLUMN refused; DROP TABLE damaged; \
         PRAGMA user_version = 1",
    )
    .unwrap();
    drop(file);
    let delivered = deliver(dir.path()).await;
    assert_eq!((delivered.numbers, delivered.told), (vec![0, 1, 2], vec![]));
}
