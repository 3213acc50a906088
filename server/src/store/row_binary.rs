//! ClickHouse's RowBinary, as far as our tables need it. Rows are encoded once, where they arise,
//! and travel as bytes from then on. Never reads.

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

    /// Empties the writer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
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

#[cfg(test)]
mod tests {
    use super::*;

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
