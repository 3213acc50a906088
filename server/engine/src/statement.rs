//! Looks at a statement just far enough to route it: is it one statement, does it read or insert, which format
//! does it name, where does inline data begin. It never judges syntax; the engine does that.

use crate::tokens::Tokens;

/// What a request's text turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Statement {
    /// Rows come back: SELECT, WITH, or a bracketed SELECT. May be streamed.
    Read { sql: String, format: Option<String>, has_totals: bool },
    /// Data follows: the statement without its FORMAT clause (trap G3) and the format of the data.
    Insert { sql: String, format: Option<String> },
    /// Everything else: DDL, SHOW, DESCRIBE, `INSERT … SELECT`, `INSERT … VALUES`.
    Plain { sql: String, format: Option<String> },
}

/// Why a text cannot be run. Codes are ClickHouse's own for the same refusals.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the statement is empty; send it in the body or in the `query` parameter")]
    Empty,
    #[error("several statements in one request are not allowed; send them one by one")]
    Several,
    #[error("INTO OUTFILE is not allowed; write the answer to a file on the client")]
    IntoOutfile,
    #[error("FROM INFILE is not allowed; send the file as the request's body")]
    FromInfile,
}

impl Refusal {
    /// The engine's error code and name for this refusal.
    pub fn code(&self) -> (u16, &'static str) {
        match self {
            Refusal::Empty | Refusal::Several => (62, "SYNTAX_ERROR"),
            Refusal::IntoOutfile => (358, "INTO_OUTFILE_NOT_ALLOWED"),
            Refusal::FromInfile => (78, "UNKNOWN_TYPE_OF_QUERY"),
        }
    }
}

/// Where an insert's data begins in a text that may hold both.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    /// Not enough text yet to tell.
    NeedMore,
    /// Not an insert with inline data: the whole text is the statement.
    Whole,
    /// The statement ends at `sql_end` (before FORMAT); data of `format` begins at `data_start`.
    Data { sql_end: usize, format: String, data_start: usize },
}

/// Finds where an insert's data begins. `complete` says that no more text follows.
pub fn head(text: &[u8], complete: bool) -> Head {
    let mut tokens = Tokens::new(text);
    let need_more = if complete { Head::Whole } else { Head::NeedMore };
    match tokens.next() {
        None => return need_more,
        // A word touching the end may go on in the next piece of the body.
        Some(t) if t.end == text.len() && !complete => return Head::NeedMore,
        Some(t) if !t.is("INSERT") => return Head::Whole,
        Some(_) => {}
    }
    let mut depth = 0usize;
    let mut previous_is_target = false; // The name after INTO may itself be a key word.
    while let Some(token) = tokens.next() {
        if token.end == text.len() && !complete {
            return Head::NeedMore;
        }
        match token.bytes {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if previous_is_target && !token.is("TABLE") && !token.is("FUNCTION") => {
                previous_is_target = false
            }
            _ if token.is("INTO") => previous_is_target = true,
            _ if token.is("SELECT") || token.is("WITH") || token.is("VALUES") || token.is("FROM") => {
                return Head::Whole;
            }
            b"." => previous_is_target = true,
            _ if token.is("FORMAT") => {
                let Some(name) = tokens.next() else { return need_more };
                if name.end == text.len() && !complete {
                    return Head::NeedMore;
                }
                if name.is("VALUES") {
                    return Head::Whole;
                }
                let Some(data_start) = data_start(text, name.end, complete) else { return Head::NeedMore };
                return Head::Data {
                    sql_end: token.start,
                    format: String::from_utf8_lossy(name.bytes).into_owned(),
                    data_start,
                };
            }
            _ => {}
        }
    }
    need_more
}

/// The engine skips blanks after the format's name and one line end, then data begins; a `;` may stand between.
fn data_start(text: &[u8], mut at: usize, complete: bool) -> Option<usize> {
    let blank = |at: usize| matches!(text.get(at), Some(b' ' | b'\t' | 0x0b | 0x0c));
    while blank(at) {
        at += 1;
    }
    if text.get(at) == Some(&b';') {
        at += 1;
        while blank(at) {
            at += 1;
        }
    }
    match (text.get(at), text.get(at + 1)) {
        (None, _) | (Some(b'\r'), None) if !complete => None,
        (Some(b'\n'), _) => Some(at + 1),
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        _ => Some(at),
    }
}

/// Routes a whole statement (no data behind it but VALUES).
pub fn parse(text: &str) -> Result<Statement, Refusal> {
    let bytes = text.as_bytes();
    let mut tokens = Tokens::new(bytes);
    let Some(first) = tokens.next() else { return Err(Refusal::Empty) };
    if first.bytes == b";" {
        return Err(Refusal::Empty);
    }
    let reads = ["SELECT", "WITH"].iter().any(|word| first.is(word)) || first.bytes == b"(";
    let inserts = first.is("INSERT");
    let mut depth = usize::from(first.bytes == b"(");
    let (mut has_totals, mut has_values, mut has_source) = (false, false, false);
    let mut format: Option<(usize, usize, String)> = None;
    let mut end = bytes.len();
    let mut previous = first;
    let mut inserts_later = false; // WITH … INSERT INTO … SELECT
    while let Some(token) = tokens.next() {
        if let Some((_, to, _)) = &format
            && previous.end == *to
            && !token.is("SETTINGS")
            && token.bytes != b";"
        {
            format = None; // `format` was a name: the clause is the last but SETTINGS.
        }
        match token.bytes {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            b";" => {
                // Trap G5: the plain call would run what follows as well.
                if tokens.any(|rest| rest.bytes != b";") {
                    return Err(Refusal::Several);
                }
                end = token.start;
                break;
            }
            _ if depth > 0 => {}
            _ if token.is("OUTFILE") && previous.is("INTO") => return Err(Refusal::IntoOutfile),
            _ if token.is("INFILE") && previous.is("FROM") && inserts => return Err(Refusal::FromInfile),
            _ if token.is("TOTALS") && previous.is("WITH") => has_totals = true,
            _ if inserts && token.is("VALUES") => has_values = true,
            _ if inserts && (token.is("SELECT") || token.is("WITH")) => has_source = true,
            _ if token.is("INSERT") && first.is("WITH") => inserts_later = true,
            // `ORDER BY format DESC` names a column.
            _ if previous.is("FORMAT")
                && token.is_name()
                && !["ASC", "DESC", "SETTINGS"].iter().any(|word| token.is(word)) =>
            {
                format = Some((previous.start, token.end, String::from_utf8_lossy(token.bytes).into_owned()));
            }
            _ => {}
        }
        previous = token;
    }
    let text = &text[..end];
    if inserts && (has_values || has_source || format.is_none()) {
        // With no format and no source of rows, data follows in the default format.
        let bare = !has_values && !has_source;
        let sql = text.to_owned();
        return Ok(if bare {
            Statement::Insert { sql, format: None }
        } else {
            Statement::Plain { sql, format: None }
        });
    }
    let (sql, format) = match format {
        Some((from, to, name)) => (format!("{}{}", &text[..from], &text[to..]), Some(name)),
        None => (text.to_owned(), None),
    };
    Ok(match (inserts, reads) {
        (true, _) => Statement::Insert { sql, format },
        (_, true) if !inserts_later => Statement::Read { sql, format, has_totals },
        _ => Statement::Plain { sql, format },
    })
}

/// Whether a statement leaves something behind on its connection: a temporary table, a setting, a database.
pub fn leaves_state(sql: &str) -> bool {
    let mut tokens = Tokens::new(sql.as_bytes());
    let Some(first) = tokens.next() else { return false };
    if first.is("SET") || first.is("USE") {
        return true;
    }
    first.is("CREATE")
        && tokens
            .find(|token| !token.is("OR") && !token.is("REPLACE"))
            .is_some_and(|token| token.is("TEMPORARY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str, format: Option<&str>) -> Statement {
        Statement::Read { sql: sql.into(), format: format.map(Into::into), has_totals: false }
    }

    #[test]
    fn a_trailing_format_is_cut_and_settings_stay() {
        assert_eq!(parse("SELECT 1 FORMAT JSON"), Ok(read("SELECT 1 ", Some("JSON"))));
        assert_eq!(
            parse("select 1 format TSV settings max_threads=1;"),
            Ok(read("select 1  settings max_threads=1", Some("TSV")))
        );
        assert_eq!(parse("SELECT format FROM t"), Ok(read("SELECT format FROM t", None)));
        assert_eq!(parse("SELECT ' FORMAT JSON'"), Ok(read("SELECT ' FORMAT JSON'", None)));
        for name in [
            "SELECT a FROM t ORDER BY format DESC",
            "SELECT a FROM t ORDER BY format LIMIT 1",
            "SELECT a format FROM t",
        ] {
            assert_eq!(parse(name), Ok(read(name, None)));
        }
        assert_eq!(parse("SELECT format('{}', a)"), Ok(read("SELECT format('{}', a)", None)));
    }

    #[test]
    fn trap_g5_several_statements_are_refused_wherever_the_semicolon_hides() {
        assert_eq!(parse("select 1; select 2"), Err(Refusal::Several));
        assert_eq!(parse("insert into t values (1); insert into t values (2)"), Err(Refusal::Several));
        assert_eq!(parse("select 1 /* ; */ -- ;\n; drop table t"), Err(Refusal::Several));
        assert_eq!(
            parse("select ';', `;`, \";\", $a$;$a$ ; -- end"),
            Ok(read("select ';', `;`, \";\", $a$;$a$ ", None))
        );
        assert_eq!(parse(" ; "), Err(Refusal::Empty));
    }

    #[test]
    fn trap_g3_the_format_of_an_insert_is_cut_and_data_begins_behind_it() {
        let text = b"INSERT INTO t (a, `format`) SETTINGS x = 1 FORMAT CSV\n1,2\n";
        let Head::Data { sql_end, format, data_start } = head(text, true) else { panic!("no data found") };
        assert_eq!(&text[..sql_end], b"INSERT INTO t (a, `format`) SETTINGS x = 1 ");
        assert_eq!((format.as_str(), &text[data_start..]), ("CSV", &b"1,2\n"[..]));
    }

    #[test]
    fn a_head_cut_anywhere_asks_for_more_and_never_decides_wrongly() {
        let text = b"/* c */ INSERT INTO db.format (a) FORMAT RowBinary\r\n\x01\x02";
        let whole = head(text, true);
        assert!(matches!(&whole, Head::Data { format, .. } if format == "RowBinary"), "{whole:?}");
        for cut in 0..text.len() {
            match head(&text[..cut], false) {
                Head::NeedMore => {}
                found => assert_eq!(found, whole, "cut at {cut}"),
            }
        }
    }

    #[test]
    fn inserts_with_their_own_rows_are_whole_statements() {
        for text in
            ["INSERT INTO t SELECT 1", "INSERT INTO t VALUES (1)", "INSERT INTO t (a) WITH 1 AS x SELECT x"]
        {
            assert_eq!(head(text.as_bytes(), true), Head::Whole, "{text}");
            assert!(matches!(parse(text), Ok(Statement::Plain { .. })), "{text}");
        }
        assert!(matches!(parse("INSERT INTO t (a)"), Ok(Statement::Insert { format: None, .. })));
        assert_eq!(head(b"SELECT 1 FORMAT CSV", true), Head::Whole);
    }

    #[test]
    fn files_of_the_machine_are_out_of_reach() {
        assert_eq!(parse("SELECT 1 INTO OUTFILE 'x'"), Err(Refusal::IntoOutfile));
        assert_eq!(parse("INSERT INTO t FROM INFILE 'x' FORMAT CSV"), Err(Refusal::FromInfile));
    }

    #[test]
    fn statements_that_leave_state_are_known() {
        for sql in [
            "set a = 1",
            "/* c */ USE db",
            "CREATE TEMPORARY TABLE t (a UInt8)",
            "create or replace temporary table t",
        ] {
            assert!(leaves_state(sql), "{sql}");
        }
        for sql in ["CREATE TABLE temporary (a UInt8)", "SELECT 1", "DROP TEMPORARY TABLE t", ""] {
            assert!(!leaves_state(sql), "{sql}");
        }
    }

    #[test]
    fn totals_are_noticed() {
        assert!(matches!(
            parse("SELECT a, sum(b) FROM t GROUP BY a WITH TOTALS"),
            Ok(Statement::Read { has_totals: true, .. })
        ));
    }
}
