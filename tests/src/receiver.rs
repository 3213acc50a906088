//! Somebody who takes events, on loopback: keeps what came, and answers as it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does with the next deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers with this status, these header lines and this body.
    Answers(u16, String, String),
    /// Takes the request and says nothing.
    Hangs,
}

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    /// A header's value, empty when it is absent.
    pub fn header(&self, wanted: &str) -> String {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
}

/// The receiver, for as long as it is kept.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

struct Shared {
    manner: Manner,
    received: Vec<Received>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub async fn open() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let manner = Manner::Answers(204, String::new(), String::new());
        let shared = Arc::new(Mutex::new(Shared { manner, received: Vec::new() }));
        let own = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(received) = read(&mut stream).await else { continue };
                let manner = {
                    let mut shared = own.lock().expect("no holder panics");
                    shared.received.push(received);
                    shared.manner.clone()
                };
                match manner {
                    Manner::Hangs => held.push(stream),
                    Manner::Answers(status, headers, body) => {
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
                        );
                        // A client that has gone is its own affair.
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                }
            }
        });
        Receiver { address, shared, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}/take", self.address)
    }

    /// From now on it does so.
    pub fn does(&self, manner: Manner) {
        self.shared.lock().expect("no holder panics").manner = manner;
    }

    /// From now on it answers with this status.
    pub fn answers(&self, status: u16) {
        self.does(Manner::Answers(status, String::new(), format!("status {status}")));
    }

    /// What came since the last time, in order.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.lock().expect("no holder panics").received)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut received = Received { head: String::from_utf8_lossy(&head).into_owned(), body: Vec::new() };
    received.body = vec![0; received.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut received.body).await.ok()?;
    Some(received)
}
