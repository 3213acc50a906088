//! Serving a router on a listener with what `axum::serve` does not have: time limits for every part of a
//! request (`timed.rs`), a bound on connections, and an orderly end.
//! Plain HTTP/1.1: TLS and HTTP/2 are the reverse proxy's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use super::timed::{Answer, Progress, Timed, TimedBody, TooSlow, WatchedStream};
pub use super::timed::{BodyTooSlow, Limits};
use crate::metrics::METRICS;

/// Requests still running at the end get this long.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left) the next try waits, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// A line about too many connections at most this often.
const FULL_LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted; the system may keep fewer (`net.core.somaxconn`). The usual 1,024 overflow when
/// thousands connect at once, and who was dropped then knocks again only after a second or more.
const BACKLOG: u32 = 65_535;
/// Most bytes of a request's head; longer ones are answered 431.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// How connections are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub limits: Limits,
    /// Connections open at once; more wait in the operating system's queue until one ends.
    pub connections_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { limits: Limits::default(), connections_max: 10_000 }
    }
}

/// Listens on the first address that `host:port` stands for and that is free.
pub async fn listen(on: &str) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name stands for no address");
    for address in lookup_host(on).await? {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for what is left of the last life's connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, options: Options, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(options.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let mut warned: Option<Instant> = None;
    let mut http = http1::Builder::new();
    http.pipeline_flush(true).max_buf_size(HEAD_BYTES_MAX);
    // A page that closes ends its side right after its last hit, which must not be dropped for that. To learn of it
    // would also cost each request one more read, with a buffer of its own while the answer is made.
    http.half_close(true);
    tokio::pin!(stop);
    loop {
        if room.available_permits() == 0 && warned.is_none_or(|at| at.elapsed() > FULL_LOG_INTERVAL) {
            warned = Some(Instant::now());
            tracing::warn!(
                connections = options.connections_max,
                "{} connections are open, the most there may be; more wait until one ends. Raise the limit of \
                 open files (ulimit -n, LimitNOFILE) or http.connections_max",
                options.connections_max
            );
        }
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(cause = %error, "a connection was not accepted: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        // Answers are small and awaited: never hold one back to fill a packet.
        let _ = stream.set_nodelay(true);
        let progress = Progress::new();
        let stream = WatchedStream::new(stream, progress.clone());
        let (router, of_service) = (router.clone(), progress.clone());
        let service = service_fn(move |request: http::Request<Incoming>| {
            of_service.busy();
            let mut request = request.map(|body| Body::new(TimedBody::new(body, options.limits.body)));
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.clone().call(request);
            let progress = of_service.clone();
            async move { answer.await.map(|answer| answer.map(|body| Answer::new(body, progress))) }
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        let connection = Timed::new(connection, options.limits, progress);
        tokio::spawn(async move {
            METRICS.connections.increment(1);
            // A peer that hung up is not worth a line; one that was too slow is worth a count.
            if let Err(TooSlow) = connection.await {
                METRICS.connections_too_slow.increment(1);
            }
            METRICS.connections.decrement(1);
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {} s of stopping", STOP_TIMEOUT.as_secs());
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}
