//! Bodies nobody should send: huge, endless, compressed, and JSON that breaks parsers. Each is refused with words,
//! early, and never with 5xx.

use serde_json::json;
use support::{Key, ORIGIN, Shop};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tributary::control::keys::Scope;
use tributary::ingest::inbox::Meant;

/// More than any door takes, and what may have been taken when the refusal comes: buffers on both sides included.
const ENDLESS_BYTES: usize = 256 << 20;
const TAKEN_BYTES_MAX: usize = 32 << 20;

/// Doors that read a body, each with its own limit.
const DOORS: [&str; 8] = [
    "/c",
    "/c/forget",
    "/c/handover",
    "/webhooks/polar/ws_shop",
    "/v1/import/hits",
    "/v1/keys",
    "/v1/connections",
    "/login",
];

/// Sends chunks until somebody stops it; answers the status line and how many bytes went out.
async fn endless(shop: &Shop, path: &str, head: &str) -> (String, usize) {
    let address = shop.app().url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.expect("the server listens");
    let key = shop.key_for(if path == "/v1/keys" { Scope::Admin } else { Scope::Write }).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: {ORIGIN}\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n"
    );
    let head = if path == "/login" { head.replace(&format!("origin: {ORIGIN}\r\n"), "") } else { head };
    stream.write_all(head.as_bytes()).await.expect("a head is sent");
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        let mut sent = 0;
        while sent < ENDLESS_BYTES && writer.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    });
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = reader.read(&mut piece).await {
        if count == 0 || answer.len() > 1 << 20 {
            break;
        }
        answer.extend_from_slice(&piece[..count]);
        if answer.windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    drop(reader);
    let sent = sending.await.expect("the sender ends");
    let status = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    (status, sent)
}

#[tokio::test]
async fn an_endless_body_is_refused_before_it_costs_memory() {
    let shop = Shop::open().await;
    for path in DOORS {
        let kind = if path == "/login" { "application/x-www-form-urlencoded" } else { "application/json" };
        let head = format!("content-type: {kind}\r\ntransfer-encoding: chunked");
        let (status, sent) = endless(&shop, path, &head).await;
        assert!(status.contains(" 413 "), "{path}: {status}");
        assert!(sent < TAKEN_BYTES_MAX, "{path} took {sent} bytes");
    }
}

#[tokio::test]
async fn compressed_bodies_are_never_unpacked() {
    let shop = Shop::open().await;
    let app = shop.app();
    // A kilobyte that would unpack to a megabyte of spaces.
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bomb.extend(std::iter::repeat_n(0, 1024));
    for path in DOORS {
        let key = shop.key_for(if path == "/v1/keys" { Scope::Admin } else { Scope::Write }).await;
        for encoding in ["gzip", "br", "deflate", "zstd"] {
            let request = app.request("POST", path).header("content-encoding", encoding);
            let request = request.header("authorization", format!("Bearer {key}"));
            let answer = app.send(request.body(bomb.clone())).await;
            assert!((400..500).contains(&answer.status), "{path} {encoding}: {}", answer.status);
        }
    }
}

/// Texts that parsers trip over.
fn poison() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat().into_bytes();
    let hit = |changes: &str| {
        format!(
            r#"{{"ws":"ws_shop","kind":"page","id":"01k6f0000000000000000000aa","session":"01k6f0000000000000000000ab","url":"{ORIGIN}/","at":1{changes}}}"#
        )
        .into_bytes()
    };
    vec![
        ("invalid utf-8", b"{\"ws\":\"\xff\xfe\"}".to_vec()),
        ("overlong utf-8", b"{\"ws\":\"\xc0\xaf\"}".to_vec()),
        ("lone surrogate", hit(r#","ref":"\ud800""#)),
        ("lone surrogate as a name", hit(r#","\udfff":1"#)),
        ("nul", hit(r#","ref":"\u0000""#)),
        ("raw nul", b"{\"ws\":\"a\0b\"}".to_vec()),
        ("10,000 lists", deep("[", "]")),
        ("10,000 objects", deep("{\"a\":", "}")),
        ("deep unknown field", [&hit("")[..hit("").len() - 1], b",\"x\":", &deep("[", "]"), b"}"].concat()),
        ("1e400", hit(r#","width":1e400"#)),
        ("-1e400 in props", hit(r#","name":"x","props":{"a":-1e400}"#)),
        ("huge digits", hit(&format!(r#","width":{}"#, "9".repeat(5000)))),
        ("duplicate keys", hit(r#","ws":"ws_shop""#)),
        ("duplicate props", hit(r#","name":"x","props":{"a":1,"a":2}"#)),
        ("nan", hit(r#","width":NaN"#)),
        ("byte order mark", [b"\xef\xbb\xbf".as_slice(), &hit("")].concat()),
        ("two documents", [hit(""), hit("")].concat()),
        ("nothing", Vec::new()),
        ("null", b"null".to_vec()),
        ("half a string", b"\"".to_vec()),
    ]
}

#[tokio::test]
async fn poisoned_json_is_refused_or_kept_with_its_error_and_never_breaks_anything() {
    let shop = Shop::open().await;
    let app = shop.app();
    let now_s = shop.now_ms() / 1000;
    for (name, body) in poison() {
        for path in DOORS.iter().filter(|path| !path.starts_with("/webhooks")) {
            let key = shop.key_for(if *path == "/v1/keys" { Scope::Admin } else { Scope::Write }).await;
            let request = app.request("POST", path).header("authorization", format!("Bearer {key}"));
            let answer =
                app.send(request.header("user-agent", "Mozilla/5.0 Firefox/143.0").body(body.clone())).await;
            let fine = answer.status < 500 && (answer.status >= 400 || *path == "/c");
            assert!(fine, "{name} at {path}: {} {}", answer.status, answer.text());
        }
        // Signed by the provider it is the provider's word: kept, visible, replayable.
        let id = format!("evt_{}", name.replace(' ', "_"));
        let signature = tributary::billing::signature::sign(Key::Standard.secret(), &id, now_s, &body);
        let request = app
            .request("POST", "/webhooks/polar/ws_shop")
            .header("webhook-id", id)
            .header("webhook-timestamp", now_s.to_string())
            .header("webhook-signature", signature);
        let answer = app.send(request.body(body)).await;
        assert!((200..300).contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
    }
    shop.settle().await;
    let failed = app.inbox.failed_webhooks(&Meant::default(), 0, 100).await.expect("the inbox reads");
    assert!(
        failed.len() >= 15 && failed.iter().all(|webhook| webhook.error() != "no error was kept"),
        "{}",
        failed.len()
    );
    let answer = app.send(app.request("GET", "/readyz")).await;
    assert_eq!(answer.status, 200, "{}", json!(answer.text()));
}
