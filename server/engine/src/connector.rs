//! Hands out in-memory pipes whose other end is served in process: what the official client takes for a network.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;

use crate::access::Access;
use crate::listen::serve;
use crate::pipe::{End, pipe};
use crate::state::Shared;

/// A connector for `hyper_util::client::legacy::Client`: every address leads to the engine. Must be called within
/// a tokio runtime, whose task then serves the pipe.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

impl Connector {
    pub(crate) fn new(shared: Arc<Shared>) -> Connector {
        Connector { shared }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = End;
    type Error = io::Error;
    type Future = Ready<io::Result<End>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (client, server) = pipe();
        tokio::spawn(serve(self.shared.clone(), Arc::new(Access::default()), server, std::future::pending()));
        ready(Ok(client))
    }
}
