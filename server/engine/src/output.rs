//! What is known of output formats: which may be streamed in chunks, and where the header that every chunk
//! repeats ends (trap G2). It never changes a value.

/// How a format behaves when the engine writes it as several complete documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Chunks concatenate as they are.
    Concatenate,
    /// Each chunk repeats a header, cut from the second chunk on.
    Header(Header),
    /// Only whole: the format has a prefix or suffix around all rows.
    Whole,
}

/// The shape of a repeated header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// RowBinary: a varint count, that many names, and (if `types`) that many type names.
    Binary { types: bool },
    /// Text: this many lines; in CSV quotes may hide line ends.
    Lines { count: usize, quoted: bool },
}

/// How `format` behaves in chunks. Unknown formats are taken whole.
pub fn chunks(format: &str) -> Chunks {
    let lower = format.to_ascii_lowercase();
    let (base, header_lines) = match lower.strip_suffix("withnamesandtypes") {
        Some(base) => (base, 2),
        None => match lower.strip_suffix("withnames") {
            Some(base) => (base, 1),
            None => (lower.as_str(), 0),
        },
    };
    let text = matches!(
        base,
        "tabseparated"
            | "tsv"
            | "tabseparatedraw"
            | "tsvraw"
            | "raw"
            | "csv"
            | "jsoncompacteachrow"
            | "jsoncompactstringseachrow"
    );
    let bare =
        matches!(base, "native" | "jsoneachrow" | "ndjson" | "jsonlines" | "jsonstringseachrow" | "tskv");
    match (base, header_lines) {
        ("rowbinary", 0) => Chunks::Concatenate,
        ("rowbinary", lines) => Chunks::Header(Header::Binary { types: lines == 2 }),
        (_, 0) if text || bare => Chunks::Concatenate,
        (_, count) if text => Chunks::Header(Header::Lines { count, quoted: base == "csv" }),
        _ => Chunks::Whole,
    }
}

impl Header {
    /// Length in bytes of the header at the start of `document`; `None` if the document is shorter than its header.
    pub fn length(self, document: &[u8]) -> Option<usize> {
        match self {
            Header::Lines { count, quoted } => {
                let mut at = 0;
                for _ in 0..count {
                    at += line_length(&document[at..], quoted)?;
                }
                Some(at)
            }
            Header::Binary { types } => {
                let (columns, mut at) = varint(document)?;
                for _ in 0..columns.checked_mul(1 + u64::from(types))? {
                    let (length, used) = varint(document.get(at..)?)?;
                    at = at.checked_add(used)?.checked_add(usize::try_from(length).ok()?)?;
                }
                (at <= document.len()).then_some(at)
            }
        }
    }
}

/// Length of a line with its end; where `quotes` count, a line end inside double quotes does not.
fn line_length(text: &[u8], quotes: bool) -> Option<usize> {
    let mut inside = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' if quotes => inside = !inside,
            b'\n' if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// An unsigned LEB128 number and the bytes it took.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// The content type of an answer in `format`.
pub fn content_type(format: &str) -> &'static str {
    let lower = format.to_ascii_lowercase();
    match lower.as_str() {
        "json" | "jsoncompact" | "jsonstrings" | "jsoncompactstrings" | "jsoncolumns" => {
            "application/json; charset=UTF-8"
        }
        _ if lower.contains("eachrow") || lower == "ndjson" || lower == "jsonlines" => {
            "application/x-ndjson; charset=UTF-8"
        }
        _ if lower.starts_with("csv") => "text/csv; charset=UTF-8; header=absent",
        _ if lower.starts_with("tsv") || lower.starts_with("tabseparated") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        _ if lower.starts_with("pretty") || lower == "vertical" => "text/plain; charset=UTF-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_g2_formats_with_a_frame_are_never_streamed() {
        for format in ["JSON", "Parquet", "Arrow", "Values", "Pretty", "XML", "NoSuchFormat"] {
            assert_eq!(chunks(format), Chunks::Whole, "{format}");
        }
        for format in ["RowBinary", "Native", "JSONEachRow", "TSV", "CSV"] {
            assert_eq!(chunks(format), Chunks::Concatenate, "{format}");
        }
    }

    #[test]
    fn trap_g2_headers_are_measured_exactly() {
        let binary = b"\x02\x01a\x02bc\x05UInt8\x06Stringrows";
        assert_eq!(Header::Binary { types: true }.length(binary), Some(binary.len() - 4));
        assert_eq!(Header::Binary { types: false }.length(b"\x01\x01aXY"), Some(3));
        assert_eq!(Header::Binary { types: true }.length(b"\x02\x01a"), None);
        let lines = |quoted| Header::Lines { count: 2, quoted };
        assert_eq!(lines(true).length(b"\"a\nb\",c\n\"T\",U\n1,2\n"), Some(14));
        assert_eq!(lines(false).length(b"a\"b\tc\nT\tU\n1\t2\n"), Some(10));
    }
}
