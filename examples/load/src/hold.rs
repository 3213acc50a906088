//! Connections that do not behave: they hold on to the server with half of something. Each is made again when
//! the server closes it, so that their number stays, and the longest life of one is told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RETRY: Duration = Duration::from_millis(50);

/// What a connection does before it dawdles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// Half a request head.
    Head,
    /// A head, and half the body it announces.
    Body,
    /// Nothing at all.
    Idle,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Connections made, and made again.
    pub opened: u64,
    pub refused: u64,
    /// Closed by the server.
    pub closed: u64,
    /// The longest time from opening to being closed.
    pub longest: Duration,
}

/// Keeps `connections` of a kind open for `time`.
pub async fn hold(address: SocketAddr, slow: Slow, connections: usize, time: Duration) -> Held {
    let until = Instant::now() + time;
    let holders = (0..connections).map(|_| tokio::spawn(hold_one(address, slow, until)));
    let mut whole = Held::default();
    for holder in holders.collect::<Vec<_>>() {
        let held = holder.await.expect("a holder does not panic");
        whole.opened += held.opened;
        whole.refused += held.refused;
        whole.closed += held.closed;
        whole.longest = whole.longest.max(held.longest);
    }
    whole
}

async fn hold_one(address: SocketAddr, slow: Slow, until: Instant) -> Held {
    let beginning: &[u8] = match slow {
        Slow::Head => b"POST /c HTTP/1.1\r\nhost: t.shop.example\r\nuser-agent: Mozi",
        Slow::Body => b"POST /c HTTP/1.1\r\nhost: t.shop.example\r\ncontent-length: 400\r\n\r\n{\"ws\":",
        Slow::Idle => b"",
    };
    let mut held = Held::default();
    while Instant::now() < until {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            held.refused += 1;
            tokio::time::sleep(RETRY).await;
            continue;
        };
        held.opened += 1;
        let opened = Instant::now();
        let _ = stream.write_all(beginning).await;
        let mut answer = [0; 512];
        let closed = async { while stream.read(&mut answer).await.is_ok_and(|read| read > 0) {} };
        if tokio::time::timeout_at(until.into(), closed).await.is_ok() {
            held.closed += 1;
            held.longest = held.longest.max(opened.elapsed());
        }
    }
    held
}
