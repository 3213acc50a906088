//! Serves the adapter on connections: a pipe of this process, or a TCP port for clients of other languages.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::adapter;
use crate::open::Engine;
use crate::state::Shared;

/// How long open connections may take to finish when the listener stops.
const FINISH_PATIENCE: Duration = Duration::from_secs(5);
/// The wait after an accept failed (no file handles left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    /// Serves ClickHouse's HTTP interface on `listener` until `shutdown` is done. Everyone with access may read
    /// and write files of this machine through the engine (trap G12), so a listener that others can reach must
    /// have a password.
    pub async fn listen(
        &self,
        listener: TcpListener,
        access: Access,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && access.password.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{address} can be reached from outside: set a password, or listen on 127.0.0.1"),
            ));
        }
        let access = Arc::new(access);
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Small answers must not wait for more.
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!("a connection ended before it was served: {error}");
                            continue;
                        }
                        let mut stopped = stopped.clone();
                        let until = async move {
                            let _ = stopped.changed().await; // A dropped sender means stop as well.
                        };
                        connections.spawn(serve(self.shared(), access.clone(), TokioIo::new(stream), until));
                    }
                    Err(error) => {
                        tracing::warn!("accepting a connection failed: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(stop);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_PATIENCE, finish).await.is_err() {
            connections.shutdown().await;
        }
        Ok(())
    }
}

/// Serves one connection until the client closes it, or until `stop`; then the request under way is finished.
pub(crate) async fn serve<I>(shared: Arc<Shared>, access: Arc<Access>, io: I, stop: impl Future<Output = ()>)
where
    I: Read + Write + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (shared, access) = (shared.clone(), access.clone());
        async move { Ok::<_, Infallible>(adapter::serve(shared, &access, request).await) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let mut stop = std::pin::pin!(stop);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a client's connection ended: {error}");
    }
}
