//! A stand-in, a receiver of its webhooks, and short ways to call both.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use polar_standin::{EndpointOptions, Handle, Options, Secret, start};
use reqwest::Method;
use serde_json::{Value, json};

/// One delivery as it arrived.
#[derive(Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub text: String,
}

impl Received {
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).expect("bodies are JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What the receiver answers, as a function of how many deliveries came before.
type Answers = fn(usize) -> StatusCode;

pub struct World {
    pub polar: Handle,
    received: Arc<Mutex<Vec<Received>>>,
    client: reqwest::Client,
}

pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

impl World {
    pub async fn new() -> World {
        World::with(|_| StatusCode::NO_CONTENT, Options::default()).await
    }

    pub async fn with(answers: Answers, options: Options) -> World {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&received);
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let mut kept = kept.lock().expect("no test panics while it holds the list");
            let text = String::from_utf8(body.to_vec()).expect("bodies are UTF-8");
            kept.push(Received { headers, text });
            answers(kept.len() - 1)
        };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await });
        let endpoint =
            EndpointOptions::new(format!("http://{address}/hook"), Secret::Standard(SECRET.into()));
        let options = Options { endpoints: vec![endpoint], seed: Some(7), retry_scale: 0.0001, ..options };
        let polar = start(options).await.expect("the stand-in starts");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        World { polar, received, client: client.expect("a client") }
    }

    /// Everything received once all is quiet.
    pub async fn deliveries(&self) -> Vec<Received> {
        self.polar.idle().await;
        self.received.lock().expect("no test panics while it holds the list").clone()
    }

    /// The types received since the last call.
    pub async fn types(&self) -> Vec<String> {
        self.polar.idle().await;
        let taken =
            std::mem::take(&mut *self.received.lock().expect("no test panics while it holds the list"));
        taken.iter().map(|one| one.body()["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        version: &str,
        body: &str,
    ) -> reqwest::Response {
        let request = self.client.request(method, format!("{}{path}", self.polar.url())).bearer_auth(token);
        let request = request.header("polar-version", version).body(body.to_owned());
        request.send().await.expect("the stand-in answers")
    }

    /// A call with the full token; the status and the JSON.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let answer =
            self.send(method, path, polar_standin::DEFAULT_TOKEN, "2026-10", &body.to_string()).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// One purchase now, by the control surface.
    pub async fn buys(&self, product: &str, email: &str) -> Value {
        self.post("/standin/purchases", json!({ "product": product, "email": email, "country": "DE" })).await
    }
}

/// The id at `key` of a control answer.
pub fn id(answer: &Value, key: &str) -> String {
    let value = if key == "order" { &answer["order_ids"][0] } else { &answer[key] };
    value.as_str().unwrap_or_else(|| panic!("{key} in {answer}")).to_owned()
}
