//! One connection: writes a request, reads the whole answer, goes on. Makes the connection again when it
//! breaks, as browsers do, but never sends a hit a second time: what was not acknowledged is forgotten.
//!
//! Ten thousand connections share the processor's caches with the server they measure, so a connection keeps nothing
//! between its requests but who it is: what is sent and read passes through buffers of the thread.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::request::{Template, ulid};
use crate::{Plan, Report};

const RECONNECT: Duration = Duration::from_millis(20);
/// A connection that cannot be made for this long gives up.
const RECONNECT_MAX: Duration = Duration::from_secs(2);
const UNSIGNED_CHARS: usize = 30;
const SIGNED_CHARS: usize = 55;
const VARIANTS: usize = 8;
const ANSWER_BYTES: usize = 8192;

thread_local! {
    /// The request being sent, and the answer being read, by whichever connection has its turn.
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Box<[u8; ANSWER_BYTES]>> = RefCell::new(Box::new([0; ANSWER_BYTES]));
}

/// An answer: its status and the signed visitor in it.
struct Answer {
    status: u16,
    visitor: Option<[u8; SIGNED_CHARS]>,
    has_retry_after: bool,
}

/// What the senders of a plan write, made once for all of them.
pub(crate) struct Templates {
    landings: Vec<Template>,
    pages: Vec<Template>,
}

impl Templates {
    pub(crate) fn new(plan: &Plan) -> Arc<Templates> {
        let all = |landing, chars| {
            let build = |variant| {
                Template::new(&plan.workspace, variant, plan.hits_per_request, landing, chars)
                    .coming_from(plan)
            };
            (0..VARIANTS).map(build).collect()
        };
        Arc::new(Templates { landings: all(true, UNSIGNED_CHARS), pages: all(false, SIGNED_CHARS) })
    }
}

pub(crate) async fn send(
    plan: &Plan,
    templates: Arc<Templates>,
    sender: u64,
    requests_max: u64,
    started: Instant,
) -> Report {
    let now_ms = now_ms();
    // 48 bits of time, then seed, sender and a counter: distinct between runs, senders and hits.
    let base = u128::from(now_ms) << 80
        | u128::from(plan.seed & 0xffff_ffff) << 48
        | u128::from(sender & 0xffff) << 32;
    let mut counter = 0u128;
    let mut report = Report::default();
    let mut stream: Option<TcpStream> = None;
    let mut signed: Option<[u8; SIGNED_CHARS]> = None;
    let (mut visitor, mut session) = ([0u8; UNSIGNED_CHARS], 0u128);
    let mut ids = Vec::with_capacity(plan.hits_per_request);
    let mut sent = 0u64;
    let pace = plan.requests_per_second_max.map(|rate| {
        let each = Duration::from_secs_f64(plan.connections as f64 / rate.max(1) as f64);
        // Not all at once.
        (each, each.mul_f64(sender as f64 / plan.connections as f64))
    });
    while sent < requests_max && started.elapsed() < plan.duration {
        if let Some((each, first)) = pace {
            tokio::time::sleep_until((started + first + each.mul_f64(sent as f64)).into()).await;
        }
        let Some(open) = connected(&mut stream, plan).await else { break };
        let variant = (sender + sent / 3) as usize % VARIANTS;
        if sent.is_multiple_of(3) {
            counter += 2;
            session = base | counter;
            visitor[..4].copy_from_slice(b"vis_");
            visitor[4..].copy_from_slice(&ulid(base | (counter + 1)));
            signed = None;
        }
        sent += 1;
        let at_ms = now_ms + started.elapsed().as_millis() as u64;
        let next = || {
            counter += 1;
            base | counter
        };
        let fill = |request: &mut Vec<u8>| match &signed {
            Some(signed) => templates.pages[variant].fill(request, signed, session, at_ms, next, &mut ids),
            None => templates.landings[variant].fill(request, &visitor, session, at_ms, next, &mut ids),
        };
        let asked = Instant::now();
        match exchange(open, fill).await {
            Ok(Answer { status: 202, visitor, .. }) => {
                report.latencies_us.push(asked.elapsed().as_micros().min(u32::MAX.into()) as u32);
                report.requests += 1;
                let tenth = started.elapsed().as_millis() as usize / 100;
                report.tenths.resize(report.tenths.len().max(tenth + 1), 0);
                report.tenths[tenth] += 1;
                report.hits += ids.len() as u64;
                if plan.keep_ids {
                    report.ids.extend_from_slice(&ids);
                }
                signed = visitor.or(signed);
            }
            Ok(Answer { status, has_retry_after, .. }) => {
                *report.failures.entry(status).or_default() += 1;
                report.retry_after_missing += u64::from(status == 503 && !has_retry_after);
            }
            Err(_) => {
                *report.failures.entry(0).or_default() += 1;
                stream = None;
                if !plan.reconnects {
                    break;
                }
            }
        }
    }
    report
}

async fn connected<'a>(stream: &'a mut Option<TcpStream>, plan: &Plan) -> Option<&'a mut TcpStream> {
    let began = Instant::now();
    while stream.is_none() {
        match TcpStream::connect(plan.address).await {
            Ok(fresh) => {
                let _ = fresh.set_nodelay(true);
                *stream = Some(fresh);
            }
            Err(_) if !plan.reconnects || began.elapsed() > RECONNECT_MAX => return None,
            Err(_) => tokio::time::sleep(RECONNECT).await,
        }
    }
    stream.as_mut()
}

/// Sends what `fill` writes and reads the answer.
async fn exchange(stream: &mut TcpStream, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<Answer> {
    let rest = REQUEST.with_borrow_mut(|request| {
        fill(request);
        match stream.try_write(request) {
            Ok(written) => Ok(request[written..].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(request.clone()),
            Err(error) => Err(error),
        }
    })?;
    if !rest.is_empty() {
        stream.write_all(&rest).await?;
    }
    let mut begun = match poll_fn(|cx| read_answer(Pin::new(&mut *stream), cx)).await? {
        Ok(answer) => return Ok(answer),
        Err(begun) => begun,
    };
    loop {
        if stream.read_buf(&mut begun).await? == 0 {
            return Err(broken());
        }
        if let Some(answer) = Answer::read(&begun)? {
            return Ok(answer);
        }
    }
}

/// Nearly always the whole answer comes at once; else what came of it is handed back.
fn read_answer(
    stream: Pin<&mut TcpStream>,
    cx: &mut std::task::Context<'_>,
) -> Poll<io::Result<Result<Answer, Vec<u8>>>> {
    ANSWER.with_borrow_mut(|space| {
        let mut buffer = ReadBuf::new(&mut space[..]);
        ready!(stream.poll_read(cx, &mut buffer))?;
        let read = buffer.filled();
        Poll::Ready(match Answer::read(read)? {
            _ if read.is_empty() => Err(broken()),
            Some(answer) => Ok(Ok(answer)),
            None => Ok(Err(read.to_vec())),
        })
    })
}

fn broken() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

impl Answer {
    /// The answer in what was read, once it is whole.
    fn read(bytes: &[u8]) -> io::Result<Option<Answer>> {
        let Some(head_len) = find(bytes, b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
        let (head, body) = bytes.split_at(head_len);
        let body_len = content_length(head).ok_or_else(broken)?;
        let Some(body) = body.get(..body_len) else { return Ok(None) };
        let status = head.get(9..12).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        Ok(Some(Answer {
            status: status.ok_or_else(broken)?,
            visitor: signed_visitor(body),
            has_retry_after: find(head, b"retry-after: ").is_some(),
        }))
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let start = head.windows(NAME.len()).position(|part| part.eq_ignore_ascii_case(NAME))? + NAME.len();
    let digits = head[start..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

fn signed_visitor(body: &[u8]) -> Option<[u8; SIGNED_CHARS]> {
    const MARK: &[u8] = b"\"visitor\":\"";
    let start = find(body, MARK)? + MARK.len();
    body.get(start..start + SIGNED_CHARS)?.try_into().ok()
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|part| part == mark)
}

#[expect(clippy::disallowed_methods, reason = "a generator stands for browsers, which have a clock")]
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_millis() as u64).unwrap_or(0)
}
