//! Runs one statement on a thread of its own, from the text to the last chunk, on a fresh connection that is
//! closed afterwards whatever happened (trap G1). It knows nothing of HTTP.

use std::time::Instant;

use bytes::Bytes;
use futures::executor::block_on;
use futures::future::{Either, select};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::ffi::{Connection, Counts, Params};
use crate::output::{Chunks, Header, chunks};
use crate::params::Parameters;
use crate::sessions::is_harmless;
use crate::state::Slot;
use crate::statement::{self, Head, Statement};
use crate::upload::{Upload, UploadError};

/// A piece of an answer. The first one carries what the headers need.
pub enum Piece {
    /// The answer begins; `whole` when nothing follows.
    Start { format: String, counts: Counts, data: Bytes, whole: bool },
    /// More of a streamed answer.
    More(Bytes),
    /// The streamed answer is complete. A channel that closes without it was cut off.
    End,
}

/// Where the thread sends its answer.
pub type Answer = mpsc::Sender<Result<Piece, Failure>>;
/// Chunks that may wait unread: it bounds a result's memory, whatever its size.
pub const CHUNKS_WAITING_MAX: usize = 1;

/// The longest statement text, in bytes. Data of inserts with a FORMAT is not part of it.
pub const STATEMENT_BYTES_MAX: usize = 64 << 20;

/// Runs the statement that `parameters` and `body` hold. Blocks; meant for a thread that may.
pub fn run(slot: &Slot, parameters: &Parameters, mut body: Upload, answer: &Answer) {
    let outcome = read_statement(parameters, &mut body).and_then(|request| {
        if slot.ticket.is_cancelled() {
            return Err(Stop::Aborted);
        }
        match &parameters.session_id {
            None => {
                let connection = slot.shared.connect()?;
                let last = on_connection(slot, &connection, parameters, request, &mut body, answer)?;
                // Sent before the connection is closed: nobody needs to wait for that.
                send(slot, answer, Ok(last))
            }
            Some(id) => {
                let last = in_session(slot, id, parameters, request, &mut body, answer)?;
                // Sent after the connection is back: the client's next statement may need it at once.
                send(slot, answer, Ok(last))
            }
        }
    });
    match outcome {
        Ok(()) => {}
        Err(Stop::Failed(failure)) => {
            let _ = send(slot, answer, Err(failure)); // A closed channel has nobody to tell.
        }
        Err(Stop::Aborted) => tracing::debug!("the client went away; its statement was dropped"),
    }
}

/// Runs on the session's connection, and keeps it if there is something to keep.
fn in_session(
    slot: &Slot,
    id: &str,
    parameters: &Parameters,
    request: Request,
    body: &mut Upload,
    answer: &Answer,
) -> Result<Piece, Stop> {
    let sessions = &slot.shared.sessions;
    let leaves_state =
        matches!(&request.statement, Statement::Plain { sql, .. } if statement::leaves_state(sql));
    let taken = sessions.take(id, Instant::now())?;
    let was_kept = taken.is_some();
    let connection = match taken {
        Some(connection) => connection,
        None => slot.shared.connect()?,
    };
    let outcome = on_connection(slot, &connection, parameters, request, body, answer);
    let unharmed = match &outcome {
        Ok(_) => true,
        Err(Stop::Failed(failure)) => is_harmless(failure),
        Err(Stop::Aborted) => false,
    };
    if unharmed && (was_kept || leaves_state) && !parameters.close_session {
        sessions.keep(id, connection, parameters.session_timeout_seconds, Instant::now())?;
    } else if was_kept {
        sessions.forget(id);
    }
    outcome
}

/// Prepares the connection and runs the statement. Gives the last piece of the answer, not yet sent.
fn on_connection(
    slot: &Slot,
    connection: &Connection,
    parameters: &Parameters,
    request: Request,
    body: &mut Upload,
    answer: &Answer,
) -> Result<Piece, Stop> {
    if let Some(preamble) = parameters.preamble() {
        connection.query(preamble.as_bytes(), "Null", &[]).map_err(Failure::of_engine)?;
    }
    execute(slot, connection, parameters, request, body, answer)
}

/// Sends, or gives up when the client has gone or the statement is cancelled.
fn send(slot: &Slot, answer: &Answer, piece: Result<Piece, Failure>) -> Result<(), Stop> {
    let cancelled = std::pin::pin!(slot.ticket.cancelled());
    let sent = std::pin::pin!(answer.send(piece));
    match block_on(select(sent, cancelled)) {
        Either::Left((Ok(()), _)) => Ok(()),
        _ => Err(Stop::Aborted),
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
) -> Result<Piece, Stop> {
    let run = Run { slot, connection, params: &parameters.params, answer };
    let wanted = parameters.default_format.as_deref();
    match request.statement {
        Statement::Insert { sql, format } => {
            run.insert(&sql, format.as_deref().or(wanted).unwrap_or("Values"), request.data, body)
        }
        Statement::Read { sql, format, has_totals } => {
            let format = format.as_deref().or(wanted).unwrap_or("TabSeparated");
            match chunks(format) {
                // Totals follow the rows of the last chunk in some formats: taken whole.
                _ if has_totals => run.plain(&sql, format),
                Chunks::Whole => run.plain(&sql, format),
                Chunks::Concatenate => run.stream(&sql, format, None),
                Chunks::Header(header) => run.stream(&sql, format, Some(header)),
            }
        }
        Statement::Plain { sql, format } => {
            slot.ticket.commit();
            run.plain(&sql, format.as_deref().or(wanted).unwrap_or("TabSeparated"))
        }
    }
}

/// One statement on its connection.
struct Run<'r> {
    slot: &'r Slot,
    connection: &'r Connection,
    params: &'r Params,
    answer: &'r Answer,
}

impl Run<'_> {
    /// The statement with the mark by which it can be killed.
    fn marked(&self, sql: &str) -> Vec<u8> {
        format!("{}{sql}", self.slot.ticket.mark()).into_bytes()
    }

    /// Streams data into the engine. Nothing is committed unless the client ended its body (trap G16).
    fn insert(&self, sql: &str, format: &str, first: Bytes, body: &mut Upload) -> Result<Piece, Stop> {
        let sql = self.marked(sql);
        let mut stream = self.connection.insert(&sql, format, self.params).map_err(Failure::of_engine)?;
        if !first.is_empty() {
            stream.append(&first).map_err(Failure::of_engine)?;
        }
        // Dropping the stream on the way out of here cancels it.
        while let Some(data) = body.next()? {
            stream.append(&data).map_err(Failure::of_engine)?;
        }
        self.slot.ticket.commit();
        let counts = stream.done().map_err(Failure::of_engine)?;
        Ok(Piece::Start { format: format.to_owned(), counts, data: Bytes::new(), whole: true })
    }

    /// Runs a statement to its end and gives the whole result.
    fn plain(&self, sql: &str, format: &str) -> Result<Piece, Stop> {
        let sql = self.marked(sql);
        let result = self.connection.query(&sql, format, self.params).map_err(Failure::of_engine)?;
        let counts = result.counts();
        let data = Bytes::from_owner(result);
        Ok(Piece::Start { format: format.to_owned(), counts, data, whole: true })
    }

    /// Sends chunk after chunk and gives what is left to send at the end. The first is fetched before anything is sent, so that most errors still find their
    /// status; dropping the stream early cancels the query from the thread that owns it (trap G6).
    fn stream(&self, sql: &str, format: &str, header: Option<Header>) -> Result<Piece, Stop> {
        let sql = self.marked(sql);
        let mut stream = self.connection.stream(&sql, format, self.params).map_err(Failure::of_engine)?;
        let mut header = header.map(RepeatedHeader::new);
        let mut started = false;
        while let Some(chunk) = stream.fetch().map_err(Failure::of_engine)? {
            let mut data = Bytes::from_owner(chunk);
            if let Some(header) = &mut header {
                data = header.cut(data)?;
            }
            if !started {
                started = true;
                let (format, counts) = (format.to_owned(), Counts::default());
                send(self.slot, self.answer, Ok(Piece::Start { format, counts, data, whole: false }))?;
            } else if !data.is_empty() {
                send(self.slot, self.answer, Ok(Piece::More(data)))?;
            }
        }
        if started {
            return Ok(Piece::End);
        }
        Ok(Piece::Start {
            format: format.to_owned(),
            counts: Counts::default(),
            data: Bytes::new(),
            whole: true,
        })
    }
}

/// The header that every chunk repeats, each being a complete document (trap G2): kept once, then cut.
struct RepeatedHeader {
    shape: Header,
    known: Option<Bytes>,
}

impl RepeatedHeader {
    fn new(shape: Header) -> Self {
        RepeatedHeader { shape, known: None }
    }

    fn cut(&mut self, data: Bytes) -> Result<Bytes, Failure> {
        match &self.known {
            None => {
                let length = self.shape.length(&data).ok_or_else(unexpected_header)?;
                self.known = Some(data.slice(..length));
                Ok(data)
            }
            Some(known) if data.starts_with(known) => Ok(data.slice(known.len()..)),
            Some(_) => Err(unexpected_header()),
        }
    }
}

fn unexpected_header() -> Failure {
    Failure::refuse(49, "LOGICAL_ERROR", "the engine's chunks do not begin with one and the same header")
}
