//! A shop with one Polar connection, and the words its tests speak.

use std::path::Path;
use std::sync::OnceLock;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use domain::attribution::MODELS;
use domain::identity::HashedEmail;
use domain::ids::VisitorId;
use engine::Engine;
use serde_json::{Value, json};
use tower::ServiceExt;
use tributary::app::App;
use tributary::billing::signature;
use tributary::config::Config;
use tributary::control::connections::Connection;
use tributary::control::dirty::{Subject, SubjectKind};
use tributary::control::keys::Scope;
use tributary::control::workspaces::{Settings, Workspace};
use tributary::effects::Clock;
use tributary::http::router::router;
use tributary::person_keys::PersonKeys;
use tributary::store::Store;
use tributary::store::row_binary::RowWriter;

pub const DAY_MS: i64 = 86_400_000;

pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// 2026-10-05T14:03:20Z: when orders are paid unless they say otherwise.
pub const T0: i64 = 1_791_209_000_000;
const WORKSPACE: &str = "ws_t";
const CONNECTION: &str = "con_t";

pub fn fixture(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/polar").join(file)).unwrap()
}

fn engine() -> Engine {
    static ENGINE: OnceLock<(Engine, tempfile::TempDir)> = OnceLock::new();
    let opened = ENGINE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        (Engine::open(&engine::Options::new(dir.path().join("engine"))).unwrap(), dir)
    });
    opened.0.clone()
}

pub struct Shop {
    pub app: App,
    _dir: tempfile::TempDir,
}

impl Shop {
    pub async fn open(database: &str) -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_data_dir(dir.path());
        // The same in every shop, so that hashes of two shops can be compared.
        config.secret_key = "a key of these tests, long enough to use".into();
        let store = Store::embedded(engine(), database).unwrap();
        let app = App::with_store(config, Clock::manual(T0), store).await.unwrap();
        let workspace = Workspace {
            id: WORKSPACE.to_owned(),
            name: "Test".to_owned(),
            timezone: "UTC".to_owned(),
            currency: "USD".to_owned(),
            settings: Settings::default(),
        };
        app.control.create_workspace(&workspace, T0).await.unwrap();
        let connection = Connection {
            id: CONNECTION.to_owned(),
            workspace_id: WORKSPACE.to_owned(),
            provider: "polar".to_owned(),
            name: "Test".to_owned(),
            environment: "sandbox".to_owned(),
            token: None,
            webhook_secrets: vec!["polar_whs_before".into(), SECRET.into()],
            created_at_ms: T0,
        };
        app.control.save_connection(&connection, &app.secrets, T0).await.unwrap();
        app.reload_directory().await.unwrap();
        Shop { app, _dir: dir }
    }

    pub fn headers(&self, event_id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        self.headers_with(SECRET, event_id, body, 0)
    }

    pub fn headers_with(
        &self,
        secret: &str,
        event_id: &str,
        body: &[u8],
        late_s: i64,
    ) -> Vec<(&'static str, String)> {
        let at_s = self.app.clock.now_ms() / 1000 + late_s;
        vec![
            ("webhook-id", event_id.to_owned()),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", signature::sign(secret, event_id, at_s, body)),
        ]
    }

    pub async fn send(&self, event_id: &str, body: &[u8]) -> (StatusCode, Value) {
        self.post("/webhooks/polar/ws_t", &self.headers(event_id, body), body).await
    }

    pub async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The API with a key that may read and write.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let scopes = [Scope::Read, Scope::Write];
        let (_, key) = self.app.control.create_key(WORKSPACE, "test", &scopes, false, T0).await.unwrap();
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub fn order(&self, id: &str, net: i64) -> Order<'_> {
        Order {
            shop: self,
            id: id.to_owned(),
            net,
            at_ms: T0,
            customer: "cus_1".to_owned(),
            email: "ada@example.com".to_owned(),
            metadata: json!({}),
            subscription: None,
            checkout: None,
            reason: "purchase".to_owned(),
        }
    }

    pub fn checkout(&self, id: &str, visitor: u128, at_ms: i64) -> Vec<u8> {
        let data = json!({
            "id": id, "created_at": time(at_ms), "modified_at": time(at_ms + 1000), "status": "succeeded",
            "metadata": { "reference_id": self.signed(visitor) },
        });
        event("checkout.updated", at_ms + 1000, data)
    }

    /// A version of a refund: pending, then succeeded, then failed, a minute apart.
    pub fn refund(&self, id: &str, order: &str, amount: i64, status: &str) -> Vec<u8> {
        let step = ["pending", "succeeded", "failed"].iter().position(|word| *word == status).unwrap() as i64;
        let created_ms = T0 + 40 * 86_400_000;
        let at_ms = created_ms + step * 60_000;
        let data = json!({
            "id": id, "created_at": time(created_ms), "modified_at": time(at_ms), "status": status,
            "amount": amount, "tax_amount": 0, "currency": "usd", "order_id": order, "reason": "customer_request",
        });
        event("refund.updated", at_ms, data)
    }

    fn signed(&self, visitor: u128) -> String {
        self.app.secrets.visitor_keys().sign(VisitorId(visitor), WORKSPACE)
    }

    /// A touch, as the flusher delivers it: the row, then the visitor marked.
    pub async fn touch(&self, visitor: u128, at_ms: i64, facet: u64) {
        let id = domain::ids::derive_id(&["touch", &visitor.to_string(), &at_ms.to_string()]);
        self.touch_of(id, visitor, at_ms, facet).await;
    }

    /// A touch by the id of the hit that made it.
    pub async fn touch_of(&self, id: u128, visitor: u128, at_ms: i64, facet: u64) {
        let mut row = RowWriter::new();
        row.string(WORKSPACE).uuid(visitor).i64(at_ms).uuid(id).uuid(1).u64(facet).u8(0).i64(T0).i64(T0);
        let columns = "workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, received_at, classified_at";
        self.app.store.insert("touches", columns, "RowBinary", row.into_bytes().into(), None).await.unwrap();
        self.mark(SubjectKind::Visitor, format!("{visitor:032x}")).await;
    }

    /// An identify, as the flusher delivers it: the rows, then person and visitor marked.
    pub async fn identify(&self, visitor: u128, email: &str, at_ms: i64) {
        let hashed: HashedEmail = self.app.secrets.email_hasher(WORKSPACE).hash(email).unwrap();
        let binding = domain::ids::derive_id(&["identify", &visitor.to_string(), email]);
        let mut rows = RowWriter::new();
        for key in hashed.keys() {
            let (kind, bits) = PersonKeys::new(&self.app.secrets, WORKSPACE).stored(&key);
            rows.string(WORKSPACE)
                .i8(kind)
                .uuid(bits)
                .uuid(visitor)
                .i64(at_ms)
                .uuid(binding)
                .i8(1)
                .u8(0)
                .i64(T0);
            self.mark(SubjectKind::Person, format!("{bits:032x}")).await;
        }
        let columns = "workspace_id, key_kind, person_key, visitor_id, at, binding_id, source, role_address, received_at";
        self.app
            .store
            .insert("bindings", columns, "RowBinary", rows.into_bytes().into(), None)
            .await
            .unwrap();
        self.mark(SubjectKind::Visitor, format!("{visitor:032x}")).await;
    }

    async fn mark(&self, kind: SubjectKind, id: String) {
        let subject = Subject { workspace_id: WORKSPACE.to_owned(), kind, id };
        self.app.control.mark_dirty(&[subject], T0).await.unwrap();
    }

    /// The one row of a query, as numbers.
    pub async fn numbers(&self, sql: &str) -> Vec<i64> {
        let sql = format!("SELECT arrayMap(value -> toInt64(ifNull(value, 0)), [*]) FROM ({sql})");
        self.app.store.client().query_raw(&sql).fetch_one().await.unwrap()
    }

    pub async fn texts(&self, sql: &str) -> Vec<String> {
        self.app.store.client().query_raw(sql).fetch_all().await.unwrap()
    }

    /// What facets earned under a model, without those that earned nothing or are not touches.
    pub async fn by_facet(&self, model: &str) -> Vec<(u64, i64)> {
        let sql = format!(
            "SELECT facet_id, toInt64(sum(sign * amount_{model})) AS amount FROM credits WHERE earner = 'touch' AND bitAnd(views, 1) != 0 \
             GROUP BY facet_id HAVING amount != 0 ORDER BY facet_id"
        );
        self.app.store.client().query_raw(&sql).fetch_all().await.unwrap()
    }

    pub async fn by_earner(&self, earner: &str) -> i64 {
        let sql = format!(
            "SELECT toInt64(sum(sign * amount_linear)) FROM credits WHERE earner = '{earner}' AND bitAnd(views, 1) != 0"
        );
        self.app.store.client().query_raw(&sql).fetch_one().await.unwrap()
    }

    /// Every credit as it stands, every column.
    pub async fn credits(&self) -> Vec<String> {
        self.texts("SELECT toString(tuple(*)) FROM credits FINAL ORDER BY 1").await
    }

    /// Credits are the orders' money, under every model, and a million parts each.
    pub async fn add_up(&self) {
        for model in MODELS {
            let name = model.name();
            let sql = format!(
                "SELECT ifNull((SELECT toInt64(sum(net - arraySum(refund -> refund.3, refunds))) FROM orders FINAL WHERE booked), 0), \
                 ifNull((SELECT toInt64(sum(sign * amount_{name})) FROM credits WHERE bitAnd(views, 1) != 0), 0), \
                 ifNull((SELECT toInt64(count() * 1000000) FROM orders FINAL WHERE booked), 0), \
                 ifNull((SELECT toInt64(sum(sign * parts_{name})) FROM credits WHERE bitAnd(views, 1) != 0), 0)"
            );
            let (money, credited, parts, posted): (i64, i64, i64, i64) =
                self.app.store.client().query_raw(&sql).fetch_one().await.unwrap();
            assert_eq!((credited, posted), (money, parts), "{name}");
        }
    }
}

pub struct Order<'a> {
    shop: &'a Shop,
    id: String,
    net: i64,
    at_ms: i64,
    customer: String,
    email: String,
    metadata: Value,
    subscription: Option<String>,
    checkout: Option<String>,
    reason: String,
}

impl Order<'_> {
    pub fn visitor(mut self, visitor: u128) -> Self {
        self.metadata = json!({ "tributary_visitor_id": self.shop.signed(visitor) });
        self
    }

    pub fn at(mut self, at_ms: i64) -> Self {
        self.at_ms = at_ms;
        self
    }

    pub fn customer(mut self, customer: &str) -> Self {
        self.customer = customer.to_owned();
        self
    }

    pub fn email(mut self, email: &str) -> Self {
        self.email = email.to_owned();
        self
    }

    pub fn subscription(mut self, subscription: &str, reason: &str) -> Self {
        self.subscription = Some(subscription.to_owned());
        self.reason = reason.to_owned();
        self
    }

    pub fn checkout(mut self, checkout: &str) -> Self {
        self.checkout = Some(checkout.to_owned());
        self
    }

    pub fn created(&self) -> Vec<u8> {
        event("order.created", self.at_ms - 2000, self.data("pending", self.at_ms - 2000))
    }

    pub fn paid(&self) -> Vec<u8> {
        event("order.paid", self.at_ms, self.data("paid", self.at_ms))
    }

    fn data(&self, status: &str, modified_ms: i64) -> Value {
        json!({
            "id": self.id, "created_at": time(self.at_ms - 2000), "modified_at": time(modified_ms),
            "status": status, "paid": status == "paid", "net_amount": self.net, "tax_amount": 0,
            "currency": "usd", "billing_reason": self.reason, "customer_id": self.customer,
            "subscription_id": self.subscription, "checkout_id": self.checkout, "metadata": self.metadata,
            "customer": {
                "id": self.customer, "created_at": time(T0 - 86_400_000), "modified_at": null,
                "email": self.email, "metadata": {},
            },
        })
    }
}

fn event(kind: &str, at_ms: i64, data: Value) -> Vec<u8> {
    serde_json::to_vec(
        &json!({ "type": kind, "timestamp": time(at_ms), "api_version": "2026-10", "data": data }),
    )
    .unwrap()
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string()
}
