//! CSV as people have it: with a byte order mark or without, in UTF-16 as spreadsheets save "Unicode text", separated by
//! commas, semicolons or tabs, with line breaks within quotation marks. Says on which line each record begins. Never
//! guesses an encoding: what is not UTF-8 is refused, since a guess would spoil names.

use super::FileError;

/// A record.
pub(super) struct Record {
    /// Where it begins, 1 for the first.
    pub line: usize,
    /// Without blanks around them.
    pub fields: Vec<String>,
}

/// All records that are no blank lines, the header first.
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record>, FileError> {
    let text = text(bytes)?;
    let (separator, skipped) = match text.strip_prefix("sep=") {
        // A first line by which a spreadsheet is told the separator.
        Some(rest) if rest.chars().nth(1).is_none_or(|next| matches!(next, '\r' | '\n')) => {
            (rest.chars().next().unwrap_or(','), text.find('\n').map_or(text.len(), |end| end + 1))
        }
        _ => (separator(&text), 0),
    };
    split(&text[skipped..], separator, 1 + usize::from(skipped > 0))
}

fn text(bytes: &[u8]) -> Result<String, FileError> {
    let wide = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))
    };
    let read = match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest).ok_or(1),
        [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest).ok_or(1),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    };
    let read = read.map_err(|line| FileError::Encoding { line })?;
    match read.find('\0') {
        Some(at) => Err(FileError::Encoding { line: line_at(read.as_bytes(), at) }),
        None => Ok(read),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, usize> {
    let read = std::str::from_utf8(bytes);
    read.map(str::to_owned).map_err(|error| line_at(bytes, error.valid_up_to()))
}

fn line_at(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// What parts most fields of the first line, outside quotation marks.
fn separator(text: &str) -> char {
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    let mut is_quoted = false;
    for letter in text.trim_start().chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '\n' | '\r' if !is_quoted => break,
            _ if is_quoted => {}
            _ => counts.iter_mut().filter(|(one, _)| *one == letter).for_each(|(_, count)| *count += 1),
        }
    }
    // The first of equals: a comma.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(',', |(separator, _)| separator)
}

fn split(text: &str, separator: char, first_line: usize) -> Result<Vec<Record>, FileError> {
    let mut records = Vec::new();
    let mut record = Record { line: first_line, fields: Vec::new() };
    let mut field = String::new();
    let mut line = first_line;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if field.trim().is_empty() => {
                field.clear();
                line = quoted(&mut letters, &mut field, line)?;
                // Blanks may stand behind the closing mark, and nothing else.
                while letters.next_if(|next| *next == ' ').is_some() {}
                if letters.peek().is_some_and(|next| *next != separator && !matches!(next, '\r' | '\n')) {
                    return Err(FileError::Quote { line });
                }
            }
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\n' => {
                line += 1;
                let next = Record { line, fields: Vec::new() };
                end(&mut records, std::mem::replace(&mut record, next), std::mem::take(&mut field));
            }
            _ if letter == separator => record.fields.push(trimmed(&std::mem::take(&mut field))),
            _ => field.push(letter),
        }
    }
    end(&mut records, record, field);
    Ok(records)
}

/// Reads to the closing mark; tells the line it stands on.
fn quoted(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    field: &mut String,
    begun: usize,
) -> Result<usize, FileError> {
    let mut line = begun;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => return Ok(line),
            _ => {
                line += usize::from(letter == '\n');
                field.push(letter);
            }
        }
    }
    Err(FileError::Quote { line: begun })
}

/// Ends a record; a line without anything on it is none.
fn end(records: &mut Vec<Record>, mut record: Record, field: String) {
    record.fields.push(trimmed(&field));
    if record.fields.iter().any(|field| !field.is_empty()) {
        records.push(record);
    }
}

fn trimmed(field: &str) -> String {
    field.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(usize, Vec<String>)> {
        records(bytes).unwrap().into_iter().map(|record| (record.line, record.fields)).collect()
    }

    fn rows<const N: usize>(rows: [(usize, &[&str]); N]) -> Vec<(usize, Vec<String>)> {
        rows.map(|(line, fields)| (line, fields.iter().map(|field| (*field).to_owned()).collect())).to_vec()
    }

    #[test]
    fn commas_semicolons_and_tabs_part_fields() {
        for separator in [",", ";", "\t"] {
            let text = ["a", "b\r\n1", "2\r\n"].join(separator);
            assert_eq!(read(text.as_bytes()), rows([(1, &["a", "b"]), (2, &["1", "2"])]), "{separator:?}");
        }
        assert_eq!(read(b"sep=;\na;b,c\n1;2"), rows([(2, &["a", "b,c"]), (3, &["1", "2"])]));
        assert_eq!(read(b"a;\"b,c,d\"\n1;2"), rows([(1, &["a", "b,c,d"]), (2, &["1", "2"])]));
    }

    #[test]
    fn lines_are_those_of_the_file_also_behind_a_line_break_in_quotation_marks() {
        let text = b"name,note\n\"Jane, \"\"J\"\"\",\"one\r\ntwo\"\n\n\nJoe, x \n";
        assert_eq!(
            read(text),
            rows([(1, &["name", "note"]), (2, &["Jane, \"J\"", "one\r\ntwo"]), (6, &["Joe", "x"])])
        );
    }

    #[test]
    fn every_unicode_encoding_is_read_and_others_are_refused_with_the_line() {
        let text = "näme,x\nJosé,2";
        let wanted = rows([(1, &["näme", "x"]), (2, &["José", "2"])]);
        let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
        let little: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> =
            [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [text.as_bytes(), &marked, &little, &big] {
            assert_eq!(read(bytes), wanted);
        }
        let latin = b"name,x\nJane,1\nJos\xE9,2";
        assert_eq!(records(latin).err(), Some(FileError::Encoding { line: 3 }));
        assert_eq!(records(b"a,b\n\0,1").err(), Some(FileError::Encoding { line: 2 }));
    }

    #[test]
    fn marks_that_are_not_closed_are_told_where_they_begin() {
        assert_eq!(records(b"a,b\n1,\"2\n3,4\n").err(), Some(FileError::Quote { line: 2 }));
        assert_eq!(records(b"a,b\n\"1\"x,2\n").err(), Some(FileError::Quote { line: 2 }));
        assert_eq!(read(b"a,b\n12\" pipe,2"), rows([(1, &["a", "b"]), (2, &["12\" pipe", "2"])]));
    }
}
