//! SQLite's write-ahead log, read beside SQLite: it takes the first frame that does not check out for the
//! end, silently, which is right for a write the power cut in half and wrong for a flipped byte in the
//! middle. This tells the two apart. Never changes the log.
//!
//! The format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const MAGIC: u32 = 0x377f_0682;

/// What a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Commits that SQLite will see.
    pub commits: u64,
    /// Commits of the same log behind the first frame that does not check out: SQLite will not see them.
    pub commits_behind: u64,
    /// The header itself does not check out, so SQLite sees nothing of the log.
    pub header_damaged: bool,
}

/// Reads a whole log.
pub(super) fn scan(log: &[u8]) -> Scan {
    let mut scan = Scan::default();
    if log.len() < HEADER_BYTES || log[..HEADER_BYTES].iter().all(|byte| *byte == 0) {
        return scan;
    }
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let big_endian = word(0) & 1 == 1;
    let page_bytes = word(8) as usize;
    let mut sum = checksum((0, 0), &log[..24], big_endian);
    let is_sound = word(0) & !1 == MAGIC && page_bytes.is_power_of_two() && sum == (word(24), word(28));
    if !is_sound {
        return Scan { header_damaged: true, ..scan };
    }
    let mut at = HEADER_BYTES;
    let mut reads = true;
    while at + FRAME_HEADER_BYTES + page_bytes <= log.len() {
        let is_commit = word(at + 4) > 0;
        let is_of_this_log = (word(at + 8), word(at + 12)) == (word(16), word(20));
        if reads {
            let next = checksum(sum, &log[at..at + 8], big_endian);
            let page = at + FRAME_HEADER_BYTES;
            let next = checksum(next, &log[page..page + page_bytes], big_endian);
            reads = is_of_this_log && next == (word(at + 16), word(at + 20));
            sum = next;
            scan.commits += u64::from(reads && is_commit);
        }
        if !reads && is_of_this_log && is_commit {
            scan.commits_behind += 1;
        }
        at += FRAME_HEADER_BYTES + page_bytes;
    }
    scan
}

fn checksum((mut one, mut two): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().expect("four bytes");
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        one = one.wrapping_add(word(&pair[..4])).wrapping_add(two);
        two = two.wrapping_add(word(&pair[4..])).wrapping_add(one);
    }
    (one, two)
}

/// Looks at the log beside `inbox`; when commits in it will not be seen, copies it aside and says so.
pub(super) fn keep_if_damaged(inbox: &Path) -> Option<String> {
    let log = std::fs::read(beside(inbox, "-wal")).ok()?;
    let found = scan(&log);
    if !found.header_damaged && found.commits_behind == 0 {
        return None;
    }
    let is_new = |path: &PathBuf| std::fs::read(path).ok().is_none_or(|known| known == log);
    let copy = (1..).map(|n| beside(inbox, &format!("-wal.damaged-{n}"))).find(is_new)?;
    let kept = match std::fs::write(&copy, &log) {
        Ok(()) => format!("a copy is in {}", copy.display()),
        Err(error) => format!("it could not be copied ({error})"),
    };
    let what = match found {
        Scan { header_damaged: true, .. } => {
            "its header does not check out, so nothing in it was read".to_owned()
        }
        // One unfinished commit at the end is what a power cut leaves: it was not acknowledged.
        Scan { commits, commits_behind: 1, .. } => format!(
            "after {commits} commits the last one is not whole; after a power cut that is as it must be (it was \
             not acknowledged), otherwise the disk damaged it"
        ),
        Scan { commits, commits_behind, .. } => {
            format!("{commits} commits of it were read, {commits_behind} behind a damaged place were not")
        }
    };
    Some(format!(
        "the inbox's log is damaged: {what}; {kept}. Check the disk; sales that are missing come back with \
         `tributary reconcile`"
    ))
}

/// Copies of damaged logs beside `inbox`.
pub fn damaged_logs(inbox: &Path) -> Vec<PathBuf> {
    (1..).map(|n| beside(inbox, &format!("-wal.damaged-{n}"))).take_while(|path| path.exists()).collect()
}

fn beside(inbox: &Path, ending: &str) -> PathBuf {
    let mut name = inbox.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
