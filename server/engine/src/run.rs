//! Runs one statement on a thread of its own, from the text to the last chunk, on a fresh connection that is
//! closed afterwards whatever happened (trap G1). It knows nothing of HTTP.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::ffi::{Connection, Counts, Params};
use crate::output::{Chunks, Header, chunks};
use crate::params::Parameters;
use crate::state::Slot;
use crate::statement::{self, Head, Statement};
use crate::upload::{Upload, UploadError};

/// A piece of an answer. The first one carries what the headers need.
pub enum Piece {
    /// The answer begins; `whole` when nothing follows.
    Start { format: String, counts: Counts, data: Bytes, whole: bool },
    /// More of a streamed answer.
    More(Bytes),
}

/// Where the thread sends its answer. At most this many chunks wait unread, which bounds a result's memory.
pub type Answer = mpsc::Sender<Result<Piece, Failure>>;
pub const CHUNKS_WAITING_MAX: usize = 1;

/// The longest statement text, in bytes. Data of inserts with a FORMAT is not part of it.
pub const STATEMENT_BYTES_MAX: usize = 64 << 20;

/// Runs the statement that `parameters` and `body` hold. Blocks; meant for a thread that may.
pub fn run(slot: &Slot, parameters: &Parameters, mut body: Upload, answer: &Answer) {
    let outcome = read_statement(parameters, &mut body).and_then(|request| {
        if slot.ticket.is_cancelled() {
            return Err(Stop::Aborted);
        }
        let connection = slot.shared.connect()?;
        if let Some(preamble) = parameters.preamble() {
            connection.query(preamble.as_bytes(), "Null", &[]).map_err(Failure::of_engine)?;
        }
        execute(slot, &connection, parameters, request, &mut body, answer)
    });
    match outcome {
        Ok(()) => {}
        Err(Stop::Failed(failure)) => {
            let _ = answer.blocking_send(Err(failure)); // A closed channel has nobody to tell.
        }
        Err(Stop::Aborted) => tracing::debug!("the client went away; its statement was dropped"),
    }
}

/// Why a statement ended early.
enum Stop {
    Failed(Failure),
    /// Nobody is left to answer.
    Aborted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<UploadError> for Stop {
    fn from(error: UploadError) -> Stop {
        match error {
            UploadError::Aborted => Stop::Aborted,
            UploadError::Unpack(_) => Failure::refuse(432, "UNKNOWN_COMPRESSION_METHOD", error).into(),
        }
    }
}

struct Request {
    statement: Statement,
    /// Data of an insert that came in one piece with the statement.
    data: Bytes,
}

/// Joins the `query` parameter and the body the way ClickHouse does, and stops reading where an insert's data
/// begins.
fn read_statement(parameters: &Parameters, body: &mut Upload) -> Result<Request, Stop> {
    let mut text = parameters.query.clone().into_bytes();
    if !text.is_empty() {
        text.push(b'\n');
    }
    let mut complete = false;
    loop {
        match statement::head(&text, complete) {
            Head::Data { sql_end, format, data_start } => {
                let data = Bytes::copy_from_slice(&text[data_start..]);
                text.truncate(sql_end);
                let statement = match parse(text)? {
                    Statement::Insert { sql, .. }
                    | Statement::Read { sql, .. }
                    | Statement::Plain { sql, .. } => Statement::Insert { sql, format: Some(format) },
                };
                return Ok(Request { statement, data });
            }
            Head::Whole if complete => return Ok(Request { statement: parse(text)?, data: Bytes::new() }),
            Head::Whole | Head::NeedMore => match body.next()? {
                Some(piece) if text.len() + piece.len() > STATEMENT_BYTES_MAX => {
                    let reason = format!(
                        "a statement may have {STATEMENT_BYTES_MAX} bytes; send rows in a format of their own, \
                         such as FORMAT RowBinary, and {} more bytes will stream",
                        piece.len()
                    );
                    return Err(Failure::refuse(307, "TOO_MANY_BYTES", reason).into());
                }
                Some(piece) => text.extend_from_slice(&piece),
                None => complete = true,
            },
        }
    }
}

fn parse(text: Vec<u8>) -> Result<Statement, Stop> {
    let text = String::from_utf8(text)
        .map_err(|_| Failure::refuse(62, "SYNTAX_ERROR", "the statement is not valid UTF-8"))?;
    statement::parse(&text).map_err(|refusal| {
        let (code, name) = refusal.code();
        Failure::refuse(code, name, refusal).into()
    })
}

fn execute(
    slot: &Slot,
    connection: &Connection,
    parameters: &Parameters,
    request: Request,
    body: &mut Upload,
    answer: &Answer,
) -> Result<(), Stop> {
    let mark = slot.ticket.mark();
    let params = &parameters.params[..];
    let wanted = parameters.default_format.as_deref();
    match request.statement {
        Statement::Insert { sql, format } => {
            let format = format.as_deref().or(wanted).unwrap_or("Values");
            let counts = insert(connection, &format!("{mark}{sql}"), format, params, request.data, body)?;
            let _ = answer.blocking_send(Ok(Piece::Start {
                format: format.to_owned(),
                counts,
                data: Bytes::new(),
                whole: true,
            }));
            Ok(())
        }
        Statement::Read { sql, format, has_totals } => {
            let format = format.as_deref().or(wanted).unwrap_or("TabSeparated");
            match chunks(format) {
                // Totals follow the rows of the last chunk in some formats: taken whole.
                _ if has_totals => plain(connection, &format!("{mark}{sql}"), format, params, answer),
                Chunks::Whole => plain(connection, &format!("{mark}{sql}"), format, params, answer),
                Chunks::Concatenate => {
                    stream(connection, &format!("{mark}{sql}"), format, None, params, answer)
                }
                Chunks::Header(header) => {
                    stream(connection, &format!("{mark}{sql}"), format, Some(header), params, answer)
                }
            }
        }
        Statement::Plain { sql, format } => {
            let format = format.as_deref().or(wanted).unwrap_or("TabSeparated");
            plain(connection, &format!("{mark}{sql}"), format, params, answer)
        }
    }
}

/// Streams data into the engine. Nothing is committed unless the client ended its body (trap G16).
fn insert(
    connection: &Connection,
    sql: &str,
    format: &str,
    params: &Params,
    first: Bytes,
    body: &mut Upload,
) -> Result<Counts, Stop> {
    let mut stream = connection.insert(sql.as_bytes(), format, params).map_err(Failure::of_engine)?;
    if !first.is_empty() {
        stream.append(&first).map_err(Failure::of_engine)?;
    }
    // Dropping the stream on the way out of here cancels it.
    while let Some(data) = body.next()? {
        stream.append(&data).map_err(Failure::of_engine)?;
    }
    Ok(stream.done().map_err(Failure::of_engine)?)
}

fn plain(
    connection: &Connection,
    sql: &str,
    format: &str,
    params: &Params,
    answer: &Answer,
) -> Result<(), Stop> {
    let result = connection.query(sql.as_bytes(), format, params).map_err(Failure::of_engine)?;
    let counts = result.counts();
    let piece =
        Piece::Start { format: format.to_owned(), counts, data: Bytes::from_owner(result), whole: true };
    answer.blocking_send(Ok(piece)).map_err(|_| Stop::Aborted)
}

/// Sends chunk after chunk. The first is fetched before anything is sent, so that most errors still find their
/// status; dropping the stream early cancels the query from the thread that owns it (trap G6).
fn stream(
    connection: &Connection,
    sql: &str,
    format: &str,
    header: Option<Header>,
    params: &Params,
    answer: &Answer,
) -> Result<(), Stop> {
    let mut stream = connection.stream(sql.as_bytes(), format, params).map_err(Failure::of_engine)?;
    let mut known_header: Option<Bytes> = None;
    let mut started = false;
    loop {
        let chunk = stream.fetch().map_err(Failure::of_engine)?;
        let (data, ended) = match chunk {
            Some(chunk) => (Bytes::from_owner(chunk), false),
            None => (Bytes::new(), true),
        };
        let data = match header {
            Some(header) if !ended => without_repeated_header(data, header, &mut known_header)?,
            _ => data,
        };
        let piece = if !started {
            started = true;
            Piece::Start { format: format.to_owned(), counts: Counts::default(), data, whole: ended }
        } else if data.is_empty() {
            if ended {
                return Ok(());
            }
            continue;
        } else {
            Piece::More(data)
        };
        answer.blocking_send(Ok(piece)).map_err(|_| Stop::Aborted)?;
        if ended {
            return Ok(());
        }
    }
}

/// Every chunk is a complete document (trap G2): its header is kept once, then cut.
fn without_repeated_header(data: Bytes, header: Header, known: &mut Option<Bytes>) -> Result<Bytes, Failure> {
    match known {
        None => {
            let length = header.length(&data).ok_or_else(unexpected_header)?;
            *known = Some(data.slice(..length));
            Ok(data)
        }
        Some(known) if data.starts_with(known) => Ok(data.slice(known.len()..)),
        Some(_) => Err(unexpected_header()),
    }
}

fn unexpected_header() -> Failure {
    Failure::refuse(49, "LOGICAL_ERROR", "the engine's chunks do not begin with one and the same header")
}
