//! ClickHouse's HTTP interface, spoken in front of the engine: requests in, statements run, answers out. It
//! keeps no state between requests.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use crate::access::Access;
use crate::failure::Failure;
use crate::frames;
use crate::multipart;
use crate::output::content_type;
use crate::params::Parameters;
use crate::run::{CHUNKS_WAITING_MAX, Piece, STATEMENT_BYTES_MAX, run};
use crate::state::{KillOnDrop, Shared};
use crate::upload::{Packing, Part, Upload};

/// The body of an answer.
pub type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Answers one request. Never fails: every error is an answer.
pub async fn serve<B>(shared: Arc<Shared>, access: &Access, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display + Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let mut parameters = Parameters::default();
    parameters.read(head.uri.query().unwrap_or_default());
    read_headers(&head.headers, &mut parameters);
    let path = head.uri.path();
    match (head.method.clone(), path) {
        (Method::GET | Method::HEAD, "/ping" | "/replicas_status") => return text(StatusCode::OK, "Ok.\n"),
        (Method::GET | Method::HEAD, "/") if parameters.query.is_empty() => {
            return text(StatusCode::OK, "Ok.\n");
        }
        (Method::GET | Method::HEAD | Method::POST, "/" | "") => {}
        _ => return text(StatusCode::NOT_FOUND, "There is /, /ping and nothing else.\n"),
    }
    if let Err(failure) = access.check(&head.headers, &parameters) {
        return refused(&failure);
    }
    let query_id = parameters.query_id.clone();
    let timezone = HeaderValue::from_str(&shared.timezone);
    let reads_only = head.method != Method::POST;
    let mut response = match statement(shared, &head.headers, parameters, body, reads_only).await {
        Ok(response) => response,
        Err(failure) => refused(&failure),
    };
    let headers = response.headers_mut();
    headers.insert("X-ClickHouse-Server-Display-Name", HeaderValue::from_static("tributary"));
    if let Ok(timezone) = timezone {
        headers.insert("X-ClickHouse-Timezone", timezone);
    }
    if let Some(id) = query_id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert("X-ClickHouse-Query-Id", id);
    }
    response
}

fn read_headers(headers: &HeaderMap, parameters: &mut Parameters) {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(database) = value("X-ClickHouse-Database").filter(|_| parameters.database.is_none()) {
        parameters.set("database", database);
    }
    if let Some(format) = value("X-ClickHouse-Format").filter(|_| parameters.default_format.is_none()) {
        parameters.set("default_format", format);
    }
}

async fn statement<B>(
    shared: Arc<Shared>,
    headers: &HeaderMap,
    mut parameters: Parameters,
    mut body: B,
    reads_only: bool,
) -> Result<Response<Answer>, Failure>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display + Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if reads_only {
        parameters.set("readonly", "2".into());
    }
    let slot;
    let compress = parameters.compress;
    let (answer, mut pieces) = mpsc::channel(CHUNKS_WAITING_MAX);
    let mut guard;
    if let Some(boundary) = multipart::boundary(headers) {
        let whole = Limited::new(body, STATEMENT_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| {
                Failure::refuse(307, "TOO_MANY_BYTES", format_args!("cannot read the form: {error}"))
            })?
            .to_bytes();
        multipart::read(&whole, &boundary, &mut parameters)?;
        slot = shared.admit().await?;
        guard = KillOnDrop::new(&slot);
        tokio::task::spawn_blocking(move || run(&slot, &parameters, Upload::empty(), &answer));
    } else {
        let packing = packing(headers, &parameters)?;
        slot = shared.admit().await?;
        guard = KillOnDrop::new(&slot);
        let (parts, inbox) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            let upload = Upload::new(inbox, packing, slot.ticket.clone());
            run(&slot, &parameters, upload, &answer);
        });
        pump(&mut body, parts).await?;
    }
    match pieces.recv().await {
        None => Err(stopped()),
        Some(Err(failure)) => Err(failure),
        Some(Ok(Piece::More(_) | Piece::End)) => unreachable!("an answer starts with its start"),
        Some(Ok(Piece::Start { format, counts, data, whole })) => {
            if whole {
                guard.let_go();
            }
            let tag = tag();
            let summary = format!(
                r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"0","result_rows":"{}","result_bytes":"{}","elapsed_ns":"0"}}"#,
                counts.rows_read,
                counts.bytes_read,
                counts.rows_written,
                counts.bytes_written,
                counts.result_rows,
                data.len(),
            );
            let pack =
                move |data: Bytes| if compress && !data.is_empty() { frames::pack(&data) } else { data };
            let mut response = Response::new(match whole {
                true => Full::new(pack(data)).boxed_unsync(),
                false => streamed(data, pieces, guard, tag.clone(), pack),
            });
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(&format)));
            for (name, value) in [
                ("X-ClickHouse-Format", format),
                ("X-ClickHouse-Summary", summary),
                ("X-ClickHouse-Exception-Tag", tag),
            ] {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(name, value);
                }
            }
            Ok(response)
        }
    }
}

/// Hands the body on, chunk by chunk. Returns when it ended or the statement no longer wants it.
async fn pump<B>(body: &mut B, parts: mpsc::Sender<Part>) -> Result<(), Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::refuse(
                210,
                "NETWORK_ERROR",
                format_args!("the body broke off, nothing was committed: {error}"),
            )
        })?;
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
            && parts.send(Part::Data(data)).await.is_err()
        {
            // The statement failed already. Reading on for a while lets a client that writes before it reads come
            // to the answer.
            let mut left = DRAIN_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
            return Ok(());
        }
    }
    let _ = parts.send(Part::End).await; // A statement that is over does not wait for the end.
    Ok(())
}

/// How much of an unwanted body is read before the answer is sent.
const DRAIN_BYTES_MAX: usize = 16 << 20;

fn streamed(
    first: Bytes,
    pieces: mpsc::Receiver<Result<Piece, Failure>>,
    guard: KillOnDrop,
    tag: String,
    pack: impl Fn(Bytes) -> Bytes + Send + 'static,
) -> Answer {
    let rest = stream::unfold(Some((pieces, guard)), move |state| {
        let tag = tag.clone();
        async move {
            let (mut pieces, mut guard) = state?;
            match pieces.recv().await {
                Some(Ok(Piece::More(data) | Piece::Start { data, .. })) => {
                    Some((data, Some((pieces, guard))))
                }
                Some(Ok(Piece::End)) => {
                    guard.let_go();
                    None
                }
                Some(Err(failure)) => Some((failure.trailer(&tag).into(), None)),
                // Cut off without its end: it must not pass for a complete answer.
                None => Some((stopped().trailer(&tag).into(), None)),
            }
        }
    });
    let frames = stream::iter([first]).chain(rest).filter_map(move |data| {
        let data = pack(data);
        futures::future::ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

fn stopped() -> Failure {
    Failure::refuse(394, "QUERY_WAS_CANCELLED", "the statement was stopped")
}

fn packing(headers: &HeaderMap, parameters: &Parameters) -> Result<Packing, Failure> {
    let encoding =
        headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?")).unwrap_or_default();
    match Packing::of_encoding(encoding) {
        Some(Packing::Plain) if parameters.decompress => Ok(Packing::Native),
        Some(packing) => Ok(packing),
        None => Err(Failure::refuse(
            432,
            "UNKNOWN_COMPRESSION_METHOD",
            format_args!("Content-Encoding {encoding:?} is not known; use gzip, deflate, lz4 or zstd"),
        )),
    }
}

/// Sixteen letters no data will hold by chance; not a secret.
fn tag() -> String {
    use std::hash::{BuildHasher, RandomState};
    let mut bits = RandomState::new().hash_one("tag");
    let mut letter = || {
        let letter = b'a' + (bits % 16) as u8;
        bits /= 16;
        char::from(letter)
    };
    std::iter::repeat_with(&mut letter).take(16).collect()
}

/// An error before the headers went out.
pub fn refused(failure: &Failure) -> Response<Answer> {
    let mut response = text(failure.status(), &format!("{}\n", failure.message.trim_end()));
    response.headers_mut().insert("X-ClickHouse-Exception-Code", HeaderValue::from(failure.code));
    response
}

fn text(status: StatusCode, message: &str) -> Response<Answer> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(message.as_bytes())).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}
