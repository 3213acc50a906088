//! A mail server that takes everything and shows it to the test. It speaks as much SMTP as a client needs.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// A mail as it came in.
#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    /// Head and body, lines as they were sent.
    pub text: String,
}

impl Mail {
    /// The first address in the mail that leads to this path, without the host.
    pub fn link(&self, path: &str) -> String {
        let start = self.text.find(path).unwrap_or_else(|| panic!("no link to {path} in {}", self.text));
        let rest = &self.text[start..];
        rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())].to_owned()
    }
}

/// The server, on loopback, for as long as it is held.
pub struct Mailbox {
    address: SocketAddr,
    mails: Mutex<mpsc::UnboundedReceiver<Mail>>,
    server: JoinHandle<()>,
}

impl Mailbox {
    pub async fn open() -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (sender, receiver) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, sender.clone()));
            }
        });
        Mailbox { address, mails: Mutex::new(receiver), server }
    }

    /// What `mail.url` has to be to send here.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The next mail, as soon as it is there.
    pub async fn next(&self) -> Mail {
        self.mails.lock().await.recv().await.expect("the server runs")
    }

    /// Whether nothing has come in that was not taken.
    pub async fn is_empty(&self) -> bool {
        self.mails.lock().await.is_empty()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn converse(stream: TcpStream, mails: mpsc::UnboundedSender<Mail>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Mail { to: String::new(), text: String::new() };
    let mut is_data = false;
    if write.write_all(b"220 mailbox\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = if is_data {
            if line != "." {
                mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.text.push('\n');
                continue;
            }
            is_data = false;
            let Mail { to, text } =
                std::mem::replace(&mut mail, Mail { to: String::new(), text: String::new() });
            let _ = mails.send(Mail { to, text: readable(&text) });
            "250 taken\r\n"
        } else {
            let command = line.to_ascii_uppercase();
            if let Some(to) = line.get("RCPT TO:<".len()..).filter(|_| command.starts_with("RCPT TO:<")) {
                mail.to = to.split('>').next().unwrap_or_default().to_owned();
            }
            is_data = command.starts_with("DATA");
            match command.get(..4) {
                Some("DATA") => "354 go on\r\n",
                Some("QUIT") => "221 bye\r\n",
                _ => "250 fine\r\n",
            }
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The text of a mail as a person reads it: long lines and other letters travel quoted.
fn readable(text: &str) -> String {
    if !text.contains("Content-Transfer-Encoding: quoted-printable") {
        return text.to_owned();
    }
    let joined = text.replace("=\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'=');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
