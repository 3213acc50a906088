//! A record of the inbox: encoded rows, as they lie in the file until ClickHouse has them. Any bytes are read or end
//! early, without panic; what was written is read again as the same hits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tributary::ingest::rows::{HitKeys, ROW_LAYOUT, Record};

/// The shortest row there is: every text empty.
const ROW_BYTES_MIN: usize = 1 + 16 + 1 + 8 + 8 + 16 + 1 + 16 + 10 + 8 + 4;

fuzz_target!(|bytes: &[u8]| {
    let mut read = 0;
    for (workspace, _) in HitKeys::of(ROW_LAYOUT, bytes) {
        assert!(workspace.len() < bytes.len());
        read += 1;
    }
    assert!(read <= bytes.len() / ROW_BYTES_MIN, "{read} rows in {} bytes", bytes.len());
    assert!(HitKeys::of(ROW_LAYOUT + 1, bytes).next().is_none(), "a layout that nobody knows");

    let mut record = Record::default();
    let mut written = Vec::new();
    for part in bytes.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(part);
        let id = part.iter().fold(7_u128, |id, byte| id.rotate_left(9) ^ u128::from(*byte));
        let row = record.hits.row();
        row.string(&text).uuid(id).i8(1).i64(id as i64).i64(-1).uuid(!id).i8(2).uuid(id);
        for _ in 0..10 {
            row.string(&text);
        }
        row.i64(i64::MIN).u32(u32::MAX);
        written.push((text, id));
    }
    let rows = record.hits.blob().expect("there is a row");
    let again: Vec<_> = HitKeys::of(ROW_LAYOUT, rows).collect();
    assert!(
        again.iter().map(|(text, id)| (&**text, *id)).eq(written.iter().map(|(text, id)| (&**text, *id)))
    );
});
