//! One connection: writes a request, reads the whole answer, goes on. Makes the connection again when it
//! breaks, as browsers do, but never sends a hit a second time: what was not acknowledged is forgotten.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::request::{Template, ulid};
use crate::{Plan, Report};

const RECONNECT: Duration = Duration::from_millis(20);
/// A connection that cannot be made for this long gives up.
const RECONNECT_MAX: Duration = Duration::from_secs(2);
const UNSIGNED_CHARS: usize = 30;
const SIGNED_CHARS: usize = 55;
const VARIANTS: usize = 8;

/// An answer: its status and the signed visitor in it.
struct Answer {
    status: u16,
    visitor: Option<[u8; SIGNED_CHARS]>,
    has_retry_after: bool,
}

/// What the senders of a plan write, made once: ten thousand of them would else be busy with it for seconds, while
/// the server waits for their first request.
#[derive(Clone)]
pub(crate) struct Templates {
    landings: Vec<Template>,
    pages: Vec<Template>,
}

impl Templates {
    pub(crate) fn new(plan: &Plan) -> Templates {
        let all = |landing, chars| {
            let build = |variant| {
                Template::new(&plan.workspace, variant, plan.hits_per_request, landing, chars)
                    .coming_from(plan)
            };
            (0..VARIANTS).map(build).collect()
        };
        Templates { landings: all(true, UNSIGNED_CHARS), pages: all(false, SIGNED_CHARS) }
    }
}

pub(crate) async fn send(
    plan: &Plan,
    templates: Templates,
    sender: u64,
    requests_max: u64,
    started: Instant,
) -> Report {
    let Templates { mut landings, mut pages } = templates;
    let now_ms = now_ms();
    // 48 bits of time, then seed, sender and a counter: distinct between runs, senders and hits.
    let base = u128::from(now_ms) << 80
        | u128::from(plan.seed & 0xffff_ffff) << 48
        | u128::from(sender & 0xffff) << 32;
    let mut counter = 0u128;
    let mut report = Report::default();
    let mut buffer = vec![0u8; 8192];
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
        let bytes = match &signed {
            Some(signed) => pages[variant].fill(signed, session, at_ms, next, &mut ids),
            None => landings[variant].fill(&visitor, session, at_ms, next, &mut ids),
        };
        let asked = Instant::now();
        match exchange(open, bytes, &mut buffer).await {
            Ok(Answer { status: 202, visitor, .. }) => {
                report.latencies_us.push(asked.elapsed().as_micros().min(u32::MAX.into()) as u32);
                report.requests += 1;
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

async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> std::io::Result<Answer> {
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    stream.write_all(request).await?;
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(broken());
        }
        filled += read;
        let Some(head_len) = find(&buffer[..filled], b"\r\n\r\n").map(|at| at + 4) else { continue };
        let body_len = content_length(&buffer[..head_len]).ok_or_else(broken)?;
        if filled >= head_len + body_len {
            let status = std::str::from_utf8(&buffer[9..12]).ok().and_then(|text| text.parse().ok());
            let body = &buffer[head_len..head_len + body_len];
            return Ok(Answer {
                status: status.ok_or_else(broken)?,
                visitor: signed_visitor(body),
                has_retry_after: find(&buffer[..head_len], b"retry-after: ").is_some(),
            });
        }
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
