//! A stand-in for the European Central Bank: serves files of rates on loopback and counts what it is asked for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The bank, for as long as it is kept.
pub struct Bank {
    address: SocketAddr,
    files: Arc<Mutex<Files>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Files {
    served: Vec<(String, String)>,
    asked: Vec<String>,
}

impl Bank {
    /// A bank that has published nothing yet.
    pub async fn open() -> Bank {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let files: Arc<Mutex<Files>> = Arc::default();
        let shared = files.clone();
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                // What is posted is read, so that closing does not take the answer along.
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
                });
                let mut posted = vec![0; length.unwrap_or(0)];
                if stream.read_exact(&mut posted).await.is_err() {
                    continue;
                }
                let file = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                let answer = answer(&shared, file);
                // A client that has gone is its own affair.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Bank { address, files, server }
    }

    /// The folder its files are in.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on this file is there.
    pub fn publishes(&self, file: &str, text: &str) {
        let mut files = self.files.lock().expect("no holder panics");
        files.served.retain(|(name, _)| name != file);
        files.served.push((file.to_owned(), text.to_owned()));
    }

    /// The daily file, with the rates of a day for one euro.
    pub fn publishes_day(&self, day: &str, rates: &[(&str, &str)]) {
        let cubes: String =
            rates.iter().map(|(code, rate)| format!("<Cube currency='{code}' rate='{rate}'/>")).collect();
        self.publishes("eurofxref-daily.xml", &format!("<Cube><Cube time='{day}'>{cubes}</Cube></Cube>"));
    }

    /// Files it was asked for since the last time, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.files.lock().expect("no holder panics").asked)
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn answer(files: &Mutex<Files>, file: String) -> String {
    let mut files = files.lock().expect("no holder panics");
    let found = files.served.iter().find(|(name, _)| *name == file).map(|(_, text)| text.clone());
    files.asked.push(file);
    let (status, text) = match found {
        Some(text) => ("200 OK", text),
        None => ("404 Not Found", String::new()),
    };
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
}
