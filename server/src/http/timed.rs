//! The clocks of one connection. A peer that sends half a request head, half a body, nothing at all, or
//! that does not read its answer, holds a connection no longer than its limit. Knows bytes and phases, never
//! what a request says.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a peer may take for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From connecting, or from the first byte of a later head, to the end of that head.
    pub head: Duration,
    /// From the end of the head to the end of the body.
    pub body: Duration,
    /// Between an answer and the first byte of the next head. Longer than what proxies keep idle connections
    /// for (nginx: 60 s), or they would send into a closed one.
    pub idle: Duration,
    /// Time in which a peer that lags must take at least [`ANSWER_BYTES_MIN`] of its answer.
    pub answer: Duration,
}

/// Bytes of an answer that a peer takes within [`Limits::answer`], or it is cut off.
const ANSWER_BYTES_MIN: usize = 16 << 10;

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { head: seconds(10), body: seconds(30), idle: seconds(75), answer: seconds(30) }
    }
}

/// The body did not come within its time.
#[derive(Debug, Error)]
#[error("the body did not arrive within {} seconds", .0.as_secs())]
pub struct BodyTooSlow(pub Duration);

/// Where a connection stands, told by its stream, its service and its answers, which all run in one task.
#[derive(Debug)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When the phase began.
    since: Instant,
    lag: Option<Lag>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Connected, or some of a later head came.
    Head,
    /// A request is being read or answered.
    Busy,
    /// Everything asked is answered.
    Idle,
}

/// A peer that did not take all it was offered.
#[derive(Debug, Clone, Copy)]
struct Lag {
    since: Instant,
    taken_bytes: usize,
    /// Whether it has taken everything by now; the answer may go on.
    caught_up: bool,
}

impl Progress {
    pub(super) fn new() -> Arc<Progress> {
        Arc::new(Progress(Mutex::new(State { phase: Phase::Head, since: Instant::now(), lag: None })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }

    /// A whole head came.
    pub(super) fn busy(&self) {
        self.state().phase = Phase::Busy;
    }

    fn idle(&self) {
        let mut state = self.state();
        (state.phase, state.since) = (Phase::Idle, Instant::now());
    }

    fn received(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    fn wrote(&self, done: &Poll<io::Result<usize>>, offered_bytes: usize) {
        let taken = match done {
            Poll::Ready(Ok(taken)) => *taken,
            Poll::Ready(Err(_)) => return,
            Poll::Pending => 0,
        };
        let caught_up = taken == offered_bytes;
        let mut state = self.state();
        match &mut state.lag {
            None if caught_up => {}
            None => state.lag = Some(Lag { since: Instant::now(), taken_bytes: taken, caught_up }),
            Some(lag) => {
                lag.taken_bytes += taken;
                lag.caught_up = caught_up;
            }
        }
    }

    /// Until when the peer has time, if it is the peer's turn; none when it had it already. `now` decides.
    fn deadline(&self, limits: &Limits, now: Instant) -> Turn {
        let mut state = self.state();
        if let Some(lag) = state.lag {
            // Only the end of an answer ends a lag: else one byte a turn would hold it for ever.
            if lag.caught_up && state.phase != Phase::Busy {
                state.lag = None;
            } else if lag.since + limits.answer > now {
                return Turn::Until(lag.since + limits.answer);
            } else if lag.taken_bytes < ANSWER_BYTES_MIN && !lag.caught_up {
                return Turn::Over;
            } else {
                state.lag = Some(Lag { since: now, taken_bytes: 0, ..lag });
                return Turn::Until(now + limits.answer);
            }
        }
        let due = match state.phase {
            Phase::Head => state.since + limits.head,
            Phase::Idle => state.since + limits.idle,
            // The body has a clock of its own, and answering is our business.
            Phase::Busy => return Turn::Ours,
        };
        if due <= now { Turn::Over } else { Turn::Until(due) }
    }
}

/// Whose turn it is.
enum Turn {
    Ours,
    /// The peer's, who has time until then.
    Until(Instant),
    /// The peer's, who let its time pass.
    Over,
}

/// A connection that ends when its peer takes longer than the limits allow.
pub(super) struct Timed<C> {
    connection: Pin<Box<C>>,
    limits: Limits,
    progress: Arc<Progress>,
    /// Rings at or before the next deadline; moved only when that comes nearer.
    alarm: Pin<Box<Sleep>>,
}

/// The peer took too long.
pub(super) struct TooSlow;

impl<C> Timed<C> {
    pub(super) fn new(connection: C, limits: Limits, progress: Arc<Progress>) -> Timed<C> {
        let alarm = Box::pin(sleep_until(Instant::now() + limits.head));
        Timed { connection: Box::pin(connection), limits, progress, alarm }
    }
}

impl<C: Future> Future for Timed<C> {
    type Output = Result<C::Output, TooSlow>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(done) = this.connection.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        loop {
            match this.progress.deadline(&this.limits, Instant::now()) {
                Turn::Ours => return Poll::Pending,
                Turn::Over => return Poll::Ready(Err(TooSlow)),
                Turn::Until(due) if due < this.alarm.deadline() || this.alarm.is_elapsed() => {
                    this.alarm.as_mut().reset(due);
                }
                Turn::Until(_) => {}
            }
            ready!(this.alarm.as_mut().poll(cx));
        }
    }
}

/// A stream that tells what passes through it.
pub(super) struct WatchedStream<S> {
    stream: S,
    progress: Arc<Progress>,
}

impl<S> WatchedStream<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> WatchedStream<S> {
        WatchedStream { stream, progress }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.received();
        }
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress.wrote(&done, bytes.len());
        done
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.progress.wrote(&done, parts.iter().map(|part| part.len()).sum());
        done
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body that fails with [`BodyTooSlow`] when its end does not come in time.
pub(super) struct TimedBody<B> {
    body: B,
    limit: Duration,
    due: Instant,
    /// Only for a body that did not come with its head.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<B> TimedBody<B> {
    /// The clock starts now.
    pub(super) fn new(body: B, limit: Duration) -> TimedBody<B> {
        TimedBody { body, limit, due: Instant::now() + limit, alarm: None }
    }
}

impl<B> HttpBody for TimedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                let due = self.due;
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
                ready!(alarm.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyTooSlow(self.limit).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body. Its end, also by being dropped, makes the connection idle.
pub(super) struct Answer {
    body: Body,
    _end: End,
}

struct End(Arc<Progress>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.idle();
    }
}

impl Answer {
    pub(super) fn new(body: Body, progress: Arc<Progress>) -> Answer {
        Answer { body, _end: End(progress) }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
