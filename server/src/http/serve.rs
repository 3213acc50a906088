//! Serving a router on a listener with the time limits `axum::serve` does not have, and an orderly end.
//! Plain HTTP/1.1: TLS and HTTP/2 are the reverse proxy's.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A connection closes when no whole request head came for this long. It also bounds idling, so it must be
/// longer than what proxies keep idle connections for (nginx: 60 s), or they would send into a closed one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Requests still running at the end get this long.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left) the next try waits, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).pipeline_flush(true);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer): (_, SocketAddr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(cause = %error, "a connection was not accepted: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        // Answers are small and awaited: never hold one back to fill a packet.
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(axum::body::Body::new)
        });
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A peer that hung up is not worth a line.
            let _ = connection.await;
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {} s of stopping", STOP_TIMEOUT.as_secs());
    }
}
