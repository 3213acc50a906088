//! ClickHouse's RowBinary, as far as our tables need it. Rows are encoded once, where they arise,
//! and travel as bytes from then on. Big answers are read the same way: [`RowReader`].

/// Appends values of one row after another, in the column order of the insert.
#[derive(Debug, Default, Clone)]
pub struct RowWriter {
    bytes: Vec<u8>,
}

impl RowWriter {
    pub fn new() -> Self {
        RowWriter::default()
    }

    /// `String` and `LowCardinality(String)`.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    /// Length prefix of an `Array`; its items follow.
    pub fn array_len(&mut self, len: usize) -> &mut Self {
        self.varint(len as u64);
        self
    }

    /// `Bool`, `UInt8`.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// `Int8`, `Enum8`.
    pub fn i8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// `UInt32`, `DateTime` (seconds).
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// `Int64`, `DateTime64(3)` (milliseconds).
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// `UUID`: two little-endian halves, high half first.
    pub fn uuid(&mut self, value: u128) -> &mut Self {
        self.u64((value >> 64) as u64).u64(value as u64)
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whole rows that were encoded elsewhere.
    pub fn extend(&mut self, rows: &[u8]) -> &mut Self {
        self.raw(rows)
    }

    /// Empties the writer and keeps its memory, unless it once had to hold very much.
    pub fn clear(&mut self) {
        const KEPT_BYTES_MAX: usize = 4 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// Reads values of one row after another. Every method answers `None` when the bytes end before the value:
/// the rest of the row is in a later chunk.
pub struct RowReader<'a> {
    bytes: &'a [u8],
}

impl<'a> RowReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        RowReader { bytes }
    }

    /// Bytes not read yet.
    pub fn rest(&self) -> usize {
        self.bytes.len()
    }

    pub fn array_len(&mut self) -> Option<usize> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(value as usize)
    }

    pub fn string(&mut self) -> Option<&'a str> {
        let len = self.array_len()?;
        let (text, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        // Texts of ours went in as UTF-8.
        Some(std::str::from_utf8(text).unwrap_or(""))
    }

    pub fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    pub fn i8(&mut self) -> Option<i8> {
        self.u8().map(|byte| byte as i8)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    pub fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_le_bytes)
    }

    pub fn uuid(&mut self) -> Option<u128> {
        self.take().map(|bytes| u128::from_le_bytes(bytes).rotate_left(64))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*value)
    }
}

/// Streams the rows of a query: `row` reads one row wholly before it does anything with it, and answers
/// `None` when the bytes end in the middle.
pub async fn read_rows(
    query: clickhouse::query::Query,
    row: impl FnMut(&mut RowReader<'_>) -> Option<()>,
) -> Result<(), clickhouse::error::Error> {
    read_rows_paced(query, row, || std::future::ready(())).await
}

/// As [`read_rows`]; `between` is waited for after every chunk, so that who passes the rows on can hold back the reading.
pub async fn read_rows_paced<P: Future<Output = ()>>(
    query: clickhouse::query::Query,
    mut row: impl FnMut(&mut RowReader<'_>) -> Option<()>,
    mut between: impl FnMut() -> P,
) -> Result<(), clickhouse::error::Error> {
    let mut cursor = query.fetch_bytes("RowBinary")?;
    let mut kept: Vec<u8> = Vec::new();
    while let Some(chunk) = cursor.next().await? {
        let joined = !kept.is_empty();
        if joined {
            kept.extend_from_slice(&chunk);
        }
        let bytes: &[u8] = if joined { &kept } else { &chunk };
        let mut reader = RowReader::new(bytes);
        let mut done = 0;
        while reader.rest() > 0 && row(&mut reader).is_some() {
            done = bytes.len() - reader.rest();
        }
        kept = bytes[done..].to_vec();
        between().await;
    }
    if kept.is_empty() {
        return Ok(());
    }
    Err(clickhouse::error::Error::Custom("the answer ended in the middle of a row".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_cut_row_is_told() {
        let mut row = RowWriter::new();
        row.string("é").array_len(300).u8(7).i8(-7).i32(-5).u64(9).i64(-9).uuid(u128::MAX / 3);
        for cut in 0..row.as_bytes().len() {
            assert!(read_all(&row.as_bytes()[..cut]).is_none(), "{cut}");
        }
        let read = read_all(row.as_bytes()).unwrap();
        assert_eq!(read, ("é".to_owned(), 300, 7, -7, -5, 9, -9, u128::MAX / 3));
    }

    #[expect(clippy::type_complexity, reason = "one value of each kind")]
    fn read_all(bytes: &[u8]) -> Option<(String, usize, u8, i8, i32, u64, i64, u128)> {
        let mut row = RowReader::new(bytes);
        let text = row.string()?.to_owned();
        Some((text, row.array_len()?, row.u8()?, row.i8()?, row.i32()?, row.u64()?, row.i64()?, row.uuid()?))
    }

    #[test]
    fn strings_carry_a_varint_length_and_uuids_two_halves() {
        let mut row = RowWriter::new();
        row.string(&"x".repeat(200)).uuid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        assert_eq!(&row.as_bytes()[..2], [0xc8, 1]);
        assert_eq!(
            row.as_bytes()[202..],
            [0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88]
        );
    }
}
