//! Input that is wrong and days that are bad: a clear answer each, and nothing half-written.

use std::io::{Read, Write};

use axum::http::StatusCode;
use serde_json::json;
use tributary::http::router::router;
use tributary::http::serve::{Options, serve};
use tributary::ingest::inbox::{self, Inbox, InboxError};

use crate::support::{Testing, hit};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_answered_with_their_reason() {
    let testing = Testing::new().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long_list = json!(vec![hit(1, json!({})); 101]).to_string();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("not UTF-8", b"{\"ws\":\"\xff\"}".to_vec(), 400, "body.not_utf8"),
        ("not JSON", b"ws=ws_shop".to_vec(), 400, "body.not_json"),
        ("cut off", br#"{"ws":"ws_shop""#.to_vec(), 400, "body.not_json"),
        ("empty", vec![], 400, "body.empty"),
        ("empty list", b"[]".to_vec(), 400, "body.empty"),
        ("too many", long_list.into_bytes(), 400, "body.list_too_long"),
        ("too long", vec![b' '; 65_537], 413, "body.too_long"),
        ("deep", deep.into_bytes(), 400, "too_long"),
        ("a number", b"42".to_vec(), 400, "malformed"),
        ("a string", br#""x""#.to_vec(), 400, "malformed"),
        ("no id", hit(1, json!({"id": null})).to_string().into_bytes(), 400, "malformed"),
        (
            "upper id",
            hit(1, json!({"id": "01JD3M8Q5X0000000000000001"})).to_string().into_bytes(),
            400,
            "malformed",
        ),
        (
            "at 1e400",
            hit(1, json!({"at": 0})).to_string().replace("\"at\":0", "\"at\":1e400").into_bytes(),
            400,
            "malformed",
        ),
        ("at below zero", hit(1, json!({"at": -5})).to_string().into_bytes(), 400, "malformed"),
        ("a file", hit(1, json!({"url": "file:///etc/passwd"})).to_string().into_bytes(), 400, "malformed"),
        (
            "long address",
            hit(1, json!({"url": format!("https://shop.example/{}", "a".repeat(2_000))}))
                .to_string()
                .into_bytes(),
            400,
            "too_long",
        ),
        (
            "long visitor",
            hit(1, json!({"visitor": "v".repeat(101)})).to_string().into_bytes(),
            400,
            "too_long",
        ),
        (
            "nested props",
            hit(1, json!({"kind": "event", "name": "x", "props": {"a": {"b": 1}}})).to_string().into_bytes(),
            400,
            "malformed",
        ),
    ];
    for (name, body, status, code) in cases {
        let answer = testing.post(body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{name}");
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty(), "{name}");
    }
    assert_eq!(testing.post(hit(1, json!({"url": null})).to_string()).await.json()["field"], "url");
    testing.flush().await;
    assert_eq!(testing.count("hits").await, 0, "nothing of it was stored");
    let counted =
        testing.rows("outcome, toString(sum(hits))", "FROM outcomes GROUP BY outcome ORDER BY outcome").await;
    assert_eq!(counted, ["malformed|14", "too_long|5"], "every one of them was counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_text_is_stored_as_it_came() {
    let testing = Testing::new().await;
    let odd = "nul\u{0} and a\n\nblank line, \u{1f600}, ;|";
    let event = json!({"kind": "event", "name": odd, "touch": null, "props": {"p": odd}});
    assert_eq!(testing.post(hit(1, event).to_string()).await.status, StatusCode::ACCEPTED);
    testing.flush().await;
    assert_eq!(testing.rows("name", "FROM hits").await, [odd]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_answers_503_and_takes_hits_again_when_it_has_room() {
    let testing = Testing::with(|config| config.inbox.bytes_max = 1500).await;
    let mut accepted = 0;
    let refused = loop {
        let answer = testing.post(hit(accepted, json!({})).to_string()).await;
        if answer.status != StatusCode::ACCEPTED {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "the inbox must fill up");
    };
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "inbox_full"));
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "https://shop.example",
        "the pixel may read it"
    );
    testing.flush().await;
    assert_eq!(testing.count("hits").await, u64::from(accepted));
    assert_eq!(testing.rows("toString(hits)", "FROM outcomes WHERE outcome = 'inbox_full'").await, ["1"]);
    assert_eq!(testing.post(hit(accepted, json!({})).to_string()).await.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_that_the_inbox_is_in_use() {
    let testing = Testing::new().await;
    testing.app.inbox.claim().await.unwrap();
    let second =
        Inbox::open(testing.dir.path(), inbox::Options { bytes_max: 1 << 20, hits_remembered: 10 }).unwrap();
    assert!(matches!(second.claim().await, Err(InboxError::InUse { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_nothing_and_harms_nobody() {
    let testing = Testing::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(serve(listener, router(testing.app.clone()), Options::default(), stopped));
    let talk = move || {
        let body = hit(1, json!({})).to_string();
        let head = format!(
            "POST /c HTTP/1.1\r\nhost: t.shop.example\r\norigin: https://shop.example\r\nuser-agent: {}\r\n\
             accept-language: en\r\nsec-fetch-site: same-site\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            crate::support::BROWSER,
            body.len()
        );
        let mut broken = std::net::TcpStream::connect(address).unwrap();
        broken.write_all(head.as_bytes()).unwrap();
        broken.write_all(&body.as_bytes()[..50]).unwrap();
        drop(broken);
        let mut whole = std::net::TcpStream::connect(address).unwrap();
        whole.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        whole.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = tokio::task::spawn_blocking(talk).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    stop.send(()).unwrap();
    server.await.unwrap();
    testing.flush().await;
    assert_eq!(testing.count("hits").await, 1);
}
