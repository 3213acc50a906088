//! A merchant's account at the stand-in for Polar, over HTTP only: a connection with a token, webhooks that leave
//! the stand-in by themselves, and the lists that polls read.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::Row;
use polar_standin::{DEFAULT_TOKEN, EndpointOptions, Handle, Options, Secret, start};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary::control::connections::Connection;
use tributary::jobs::poll;

use crate::{Shop, TestApp, days};

const WORKSPACE: &str = "ws_account";
const SECRET: &str = "a secret between the stand-in and this test";
/// When every account's test is, for us and for the stand-in: the days written in the tests lie before it.
const NOW: &str = "2026-11-16T09:00:00Z";
/// More steps than any history here needs.
const STEPS_MAX: usize = 10_000;

/// What an order came to, ours or Polar's, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Money {
    pub id: String,
    pub status: String,
    /// Upper case.
    pub currency: String,
    pub is_paid: bool,
    pub net: i64,
    pub tax: i64,
    pub refunded: i64,
    pub refunded_tax: i64,
    pub fee: i64,
}

/// A shop with its account at the stand-in.
pub struct Account {
    pub shop: Shop,
    pub polar: Handle,
    http: reqwest::Client,
}

impl Account {
    /// A shop connected for a year, with nothing sold. `change` adapts the stand-in.
    pub async fn open(change: impl FnOnce(&mut Options)) -> Account {
        let app = Arc::new(TestApp::start().await);
        let endpoint = EndpointOptions::new(
            format!("{}/webhooks/polar/{WORKSPACE}", app.url()),
            Secret::Legacy(SECRET.to_owned()),
        );
        let mut options = Options {
            seed: Some(7),
            endpoints: vec![endpoint],
            rate_limit_per_minute: 1_000_000,
            retry_scale: 0.0005,
            starts_at: Some(now()),
            ..Options::default()
        };
        change(&mut options);
        let polar = start(options).await.expect("the stand-in starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without extras");
        app.clock.set(now().as_millisecond() - days(370).0);
        let shop = Shop::open_on(Arc::clone(&app), WORKSPACE).await;
        let account = Account { shop, polar, http };
        account.connect(DEFAULT_TOKEN).await;
        app.clock.set(now().as_millisecond());
        account
    }

    /// A token that may do everything.
    pub const TOKEN: &str = DEFAULT_TOKEN;

    /// A call to Polar's API with [`Account::TOKEN`]; it succeeds.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.polar.url()));
        let answer = request.bearer_auth(DEFAULT_TOKEN).body(body.to_string()).send().await;
        let answer = answer.expect("the stand-in answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is whole");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Enters this token.
    pub async fn connect(&self, token: &str) {
        self.connect_to(&self.polar.url(), token).await;
    }

    /// Enters this token for another place.
    pub async fn connect_to(&self, environment: &str, token: &str) {
        let app = self.shop.app();
        let connection = Connection {
            id: self.connection_id(),
            workspace_id: WORKSPACE.to_owned(),
            provider: "polar".to_owned(),
            name: "Stand-in".to_owned(),
            environment: environment.to_owned(),
            token: Some(token.into()),
            webhook_secrets: vec![SECRET.into()],
            created_at_ms: app.clock.now_ms(),
        };
        let saved = app.control.save_connection(&connection, &app.secrets, app.clock.now_ms()).await;
        saved.expect("the connection is saved");
        app.reload_directory().await.expect("the directory reads");
    }

    pub fn connection_id(&self) -> String {
        format!("con_{WORKSPACE}")
    }

    /// The secrets that may sign now, newest first.
    pub async fn secrets(&self) -> Vec<String> {
        use secrecy::ExposeSecret;
        let app = self.shop.app();
        let all = app.control.connections(&app.secrets).await.expect("connections read");
        let own = all.into_iter().find(|connection| connection.id == self.connection_id());
        let own = own.expect("the connection is there");
        own.webhook_secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    }

    /// A call to the stand-in's control surface; it succeeds.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        self.control_of(&self.polar.url(), path, body).await
    }

    /// As [`Account::control`], of another stand-in.
    pub async fn control_of(&self, standin: &str, path: &str, body: Value) -> Value {
        let address = format!("{standin}/standin/{path}");
        let answer =
            self.http.post(address).body(body.to_string()).send().await.expect("the stand-in answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is whole");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Waits until every webhook was delivered or given up, and everything is worked off.
    pub async fn webhooks_end(&self) {
        self.polar.idle().await;
        self.shop.settle().await;
    }

    /// Reads the lists until nothing is due, moving the clock over every pause; answers how often it paused.
    pub async fn polls(&self) -> usize {
        self.polls_of(&self.connection_id()).await
    }

    /// As [`Account::polls`], until this connection has nothing due.
    pub async fn polls_of(&self, connection: &str) -> usize {
        let mut pauses = 0;
        for _ in 0..STEPS_MAX {
            if poll::step(self.shop.app()).await.expect("the stores work") {
                continue;
            }
            let status = self.shop.ask(&format!("/v1/connections/{connection}")).await;
            if status["poll"]["standing"] == "idle" {
                self.shop.settle().await;
                return pauses;
            }
            pauses += 1;
            self.shop.after(crate::minutes(1));
        }
        panic!("the poll does not end: {}", self.status().await);
    }

    /// The connection as the API shows it.
    pub async fn status(&self) -> Value {
        self.shop.ask(&format!("/v1/connections/{}", self.connection_id())).await
    }

    /// Every object of one of Polar's lists.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        for page in 1.. {
            let address = format!("{}{path}?limit=100&page={page}", self.polar.url());
            let mut answer = get(&self.http, &address).await;
            let Value::Array(more) = answer["items"].take() else { panic!("{path}: {answer}") };
            items.extend(more);
            if page >= answer["pagination"]["max_page"].as_u64().unwrap_or(0) {
                break;
            }
        }
        items
    }

    /// What Polar's lists say of every order, lost disputes counted as given back.
    pub async fn providers_money(&self) -> BTreeMap<String, Money> {
        let mut lost: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for dispute in self.list("/v1/disputes/").await {
            if dispute["status"] == "lost" {
                let order = lost.entry(text(&dispute["order_id"])).or_default();
                *order = (order.0 + whole(&dispute["amount"]), order.1 + whole(&dispute["tax_amount"]));
            }
        }
        let orders = self.list("/v1/orders/").await;
        let money = |order: &Value| {
            let id = text(&order["id"]);
            let (net, tax) = (whole(&order["net_amount"]), whole(&order["tax_amount"]));
            let (refunded, refunded_tax) =
                (whole(&order["refunded_amount"]), whole(&order["refunded_tax_amount"]));
            let (disputed, disputed_tax) = lost.get(&id).copied().unwrap_or_default();
            let disputed = disputed.min(net - refunded);
            Money {
                status: text(&order["status"]),
                currency: text(&order["currency"]).to_uppercase(),
                is_paid: order["paid"] == true,
                net,
                tax,
                refunded: refunded + disputed,
                refunded_tax: refunded_tax
                    + if disputed > 0 { disputed_tax.min(tax - refunded_tax) } else { 0 },
                fee: whole(&order["platform_fee_amount"]),
                id,
            }
        };
        orders.iter().map(|order| (text(&order["id"]), money(order))).collect()
    }

    /// What we hold of every order.
    pub async fn our_money(&self) -> BTreeMap<String, Money> {
        let sql = "SELECT provider_order_id AS id, toString(status) AS status, toString(currency) AS currency, \
                   booked AS is_paid, net, tax, arraySum(refunds.net) AS refunded, \
                   arraySum(refunds.tax) AS refunded_tax, fee FROM orders FINAL WHERE workspace_id = ?";
        let client = self.shop.app().store.client();
        let rows = client.query(sql).bind(WORKSPACE).fetch_all::<Money>().await.expect("orders read");
        rows.into_iter().map(|row| (row.id.clone(), row)).collect()
    }

    /// Has our books compared with the provider's lists, moving the clock over every pause; answers the connection's part.
    pub async fn compares(&self, query: &str) -> Value {
        let app = self.shop.app();
        let key = self.shop.key_for(tributary::control::keys::Scope::Write).await;
        let request = app.request("POST", &format!("/v1/reconciliation?{query}"));
        let begun = app.send(request.header("authorization", format!("Bearer {key}"))).await;
        assert_eq!(begun.status, 202, "{}", begun.text());
        let begun = begun.json()["connections"][0].clone();
        let days =
            format!("from={}&to={}&date={}", text(&begun["from"]), text(&begun["to"]), text(&begun["date"]));
        for _ in 0..STEPS_MAX {
            let more = poll::books::step(app).await.expect("the stores work");
            let found = self.shop.ask(&format!("/v1/reconciliation?{days}")).await;
            if matches!(found["connections"][0]["state"].as_str(), Some("done" | "failed")) {
                return found["connections"][0].clone();
            }
            if !more {
                self.shop.after(crate::minutes(1));
            }
        }
        panic!("the comparison does not end");
    }

    /// Asserts that every order is what Polar's lists say, to the cent.
    pub async fn agrees(&self) {
        let (ours, theirs) = (self.our_money().await, self.providers_money().await);
        for (id, theirs) in &theirs {
            assert_eq!(ours.get(id), Some(theirs));
        }
        assert_eq!(ours.len(), theirs.len(), "no order is ours alone");
        assert_eq!(self.shop.failing_checks().await, [""; 0]);
    }

    /// Asks through the API for a pass over the lists.
    pub async fn asks_for_sync(&self, full: bool) {
        let key = self.shop.key_for(tributary::control::keys::Scope::Write).await;
        let app = self.shop.app();
        let path = format!("/v1/connections/{}/sync", self.connection_id());
        let request = app.request("POST", &path).header("authorization", format!("Bearer {key}"));
        let answer = app.send(request.body(json!({ "full": full }).to_string())).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
}

/// [`NOW`].
fn now() -> jiff::Timestamp {
    NOW.parse().expect("an instant")
}

async fn get(http: &reqwest::Client, address: &str) -> Value {
    let answer = http.get(address).bearer_auth(DEFAULT_TOKEN).send().await.expect("the stand-in answers");
    let body = answer.text().await.expect("the answer is whole");
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("{address}: {body}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
