//! Stands between a collector and its store, true to the protocol, and does to chosen inserts what networks
//! and servers do on bad days. Everything else passes through.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// What becomes of one insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// Taken and never answered, nor passed on.
    Hang,
    /// Committed, then answered as a failure.
    ErrorAfterCommit,
    /// Cut after the whole body came, before it was passed on.
    CutBeforeCommit,
    /// Committed, then cut without an answer.
    CutAfterCommit,
    /// Committed, and never answered.
    HangAfterCommit,
}

pub const FAULTS: [Fault; 5] = [
    Fault::Hang,
    Fault::ErrorAfterCommit,
    Fault::CutBeforeCommit,
    Fault::CutAfterCommit,
    Fault::HangAfterCommit,
];

/// The proxy; it lives as long as the runtime of its test.
#[derive(Clone)]
pub struct FaultProxy(Arc<Shared>);

struct Shared {
    pub address: SocketAddr,
    store: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    /// For the inserts to come, in order; none left, they pass.
    planned: Mutex<VecDeque<Fault>>,
    /// Body of every insert by its token: the same token must always bring the same rows.
    tokens: Mutex<HashMap<String, Bytes>>,
}

impl FaultProxy {
    /// Listens on a free port, in front of the store at `store`.
    pub async fn start(store: SocketAddr) -> FaultProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = FaultProxy(Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            store,
            client: Client::builder(TokioExecutor::new()).build_http(),
            planned: Mutex::default(),
            tokens: Mutex::default(),
        }));
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = accepting.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|request| proxy.pass(request));
                    // An error of the service cuts the connection, which is its purpose.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Does this to the next inserts.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.planned.lock().unwrap().extend(faults);
    }

    /// Faults that no insert has met yet.
    pub fn left(&self) -> usize {
        self.0.planned.lock().unwrap().len()
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let cut = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let (mut head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| cut())?.to_bytes();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let param = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let mut fault = Fault::None;
        if let Some(token) = param("insert_deduplication_token") {
            fault = self.0.planned.lock().unwrap().pop_front().unwrap_or(Fault::None);
            let known = self.0.tokens.lock().unwrap().entry(token.clone()).or_insert(body.clone()).clone();
            assert!(known == body, "{token} brought other rows at another attempt");
        }
        match fault {
            Fault::Hang => std::future::pending().await,
            Fault::CutBeforeCommit => return Err(cut()),
            _ => {}
        }
        head.uri = format!("http://{}/?{query}", self.0.store).parse().unwrap();
        let answer = self.0.client.request(Request::from_parts(head, Full::new(body))).await;
        let (head, body) = answer.map_err(|_| cut())?.into_parts();
        let body = body.collect().await.map_err(|_| cut())?.to_bytes();
        match fault {
            Fault::CutAfterCommit => Err(cut()),
            Fault::HangAfterCommit => std::future::pending().await,
            Fault::ErrorAfterCommit => {
                let text = "Code: 999. DB::Exception: the answer was lost (KEEPER_EXCEPTION)";
                let mut answer = Response::new(Full::from(text));
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                Ok(answer)
            }
            _ => Ok(Response::from_parts(head, Full::new(body))),
        }
    }
}
