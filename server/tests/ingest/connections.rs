//! Connections that dawdle: each is closed at its limit, whatever it does, and harms nobody meanwhile.
//! The limits are short here; the product's are in `tributary.default.toml`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tributary::http::body;
use tributary::http::serve::{Limits, Options, serve};

const HEAD: Duration = Duration::from_millis(400);
const BODY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_millis(700);
const ANSWER: Duration = Duration::from_millis(400);
/// A limit is kept when the connection ends well before this; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(8);
const BIG_BYTES: usize = 64 << 20;
const SLOW_CONNECTIONS: usize = 200;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(connections_max: usize) -> Server {
        let routes = Router::new()
            .route("/", get(async || "hello"))
            .route("/later", get(answer_later))
            .route("/big", get(async || vec![b'x'; BIG_BYTES]))
            .route("/body", post(async |sent: axum::body::Body| body::read(sent, 1 << 20).await));
        let limits = Limits { head: HEAD, body: BODY, idle: IDLE, answer: ANSWER };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let options = Options { limits, connections_max };
        let ended = tokio::spawn(serve(listener, routes, options, async move { drop(stopped.await) }));
        Server { address, stop, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Gives the connection many turns in which to notice things before the answer is there.
async fn answer_later() -> &'static str {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    "later"
}

/// What comes until the server closes the connection, and when that was.
async fn until_closed(mut stream: TcpStream) -> (String, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE * 2, stream.read_to_end(&mut answer)).await;
    // A reset is an end too.
    let _ = read.expect("the server closes the connection");
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_heads_are_closed_at_their_limit_while_others_are_served() {
    let server = Server::start(1000).await;
    let began = Instant::now();
    let mut slow = Vec::new();
    for number in 0..SLOW_CONNECTIONS {
        let mut stream = server.connect().await;
        // Some send nothing at all.
        if number % 4 > 0 {
            stream.write_all(b"POST /c HTTP/1.1\r\nhost: a\r\nx-slow:").await.unwrap();
        }
        slow.push(tokio::spawn(until_closed(stream)));
    }
    let mut healthy = server.connect().await;
    for _ in 0..20 {
        healthy.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert!(read_answer(&mut healthy).await.starts_with("HTTP/1.1 200 "));
    }
    for closed in slow {
        let (answer, _) = closed.await.unwrap();
        assert_eq!(answer, "");
    }
    let took = began.elapsed();
    assert!(took >= HEAD && took < PATIENCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_in_does_not_win_time() {
    let server = Server::start(10).await;
    let stream = server.connect().await;
    let (mut reading, mut writing) = stream.into_split();
    let began = Instant::now();
    let trickle = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        writing.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        while began.elapsed() < PATIENCE && writing.write_all(b"y").await.is_ok() {
            every.tick().await;
        }
    });
    let mut byte = [0; 1];
    let closed = reading.read(&mut byte).await;
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    trickle.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_answered_408_and_the_connection_closed() {
    let server = Server::start(10).await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    let (answer, took) = until_closed(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body.too_slow"), "{answer}");
    assert!(took < PATIENCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_serves_again_and_is_closed_when_nothing_is_asked() {
    let server = Server::start(10).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
    let (more, took) = until_closed(stream).await;
    assert_eq!(more, "");
    assert!(took >= IDLE.mul_f32(0.8) && took < PATIENCE, "{took:?}");
    // A later request's head is timed like the first one's.
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_answer(&mut stream).await;
    stream.write_all(b"GET /").await.unwrap();
    let (_, took) = until_closed(stream).await;
    assert!(took < PATIENCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_ended_its_side_is_answered_all_the_same() {
    let server = Server::start(10).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /later HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let (answer, _) = until_closed(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("later"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_read_its_answer_is_cut_off() {
    let server = Server::start(10).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 16];
    stream.read_exact(&mut first).await.unwrap();
    // An orderly stop waits for answers under way: it ends when this one was given up.
    let began = Instant::now();
    server.stop.send(()).unwrap();
    server.ended.await.unwrap();
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < BIG_BYTES, "the answer was cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_slowly_but_steadily_gets_all_of_its_answer() {
    let server = Server::start(10).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut part = vec![0; 2 << 20];
    let (mut all, mut every) = (0, tokio::time::interval(ANSWER / 8));
    loop {
        every.tick().await;
        match stream.read(&mut part).await.unwrap() {
            0 => break,
            read => all += read,
        }
    }
    assert!(all > BIG_BYTES, "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_there_may_be_wait_for_one_to_end() {
    let server = Server::start(2).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for stream in [&mut first, &mut second] {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        assert!(read_answer(stream).await.starts_with("HTTP/1.1 200 "));
    }
    let mut third = server.connect().await;
    third.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(50), third.read(&mut byte)).await;
    assert!(early.is_err(), "nothing is answered while both are open");
    drop(first);
    assert!(until_closed(third).await.0.starts_with("HTTP/1.1 200 "));
}
