//! A merchant's shop: a workspace with a Polar connection, its visitors, its sales, its reports.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tributary::control::connections::Connection;
use tributary::control::keys::Scope;
use tributary::control::workspaces::{Settings, Workspace};

use crate::polar::{self, Event, Polar};
use crate::{Answer, Key, Price, Purchase, Span, TestApp, Visitor};

/// Where the shop's pages are.
pub const ORIGIN: &str = "https://shop.example";
/// The workspace of a shop that is alone on its server.
const WORKSPACE: &str = "ws_shop";

/// A shop. Cheap to clone; clones mean the same shop.
#[derive(Clone)]
pub struct Shop(Arc<Parts>);

struct Parts {
    app: Arc<TestApp>,
    workspace: String,
    /// An API key with the scope `read`.
    key: String,
    world: Mutex<World>,
}

/// What the shop's surroundings hold.
struct World {
    polar: Polar,
    /// Sent by Polar and kept back by the test.
    held: Option<Vec<Event>>,
    visitors: u64,
}

impl Shop {
    /// A shop on a server of its own.
    pub async fn open() -> Shop {
        Shop::open_on(Arc::new(TestApp::start().await), WORKSPACE).await
    }

    /// A shop on `app`, as the workspace of this id.
    pub async fn open_on(app: Arc<TestApp>, workspace: &str) -> Shop {
        Shop::open_as(app, workspace, |_| {}).await
    }

    /// A shop whose settings `change` adapts.
    pub async fn open_as(app: Arc<TestApp>, workspace: &str, change: impl FnOnce(&mut Settings)) -> Shop {
        let now_ms = app.clock.now_ms();
        let mut settings = Settings { domains: vec!["shop.example".to_owned()], ..Settings::default() };
        change(&mut settings);
        let merchant = Workspace {
            id: workspace.to_owned(),
            name: "Shop".to_owned(),
            timezone: "UTC".to_owned(),
            currency: "USD".to_owned(),
            settings,
        };
        app.control.create_workspace(&merchant, now_ms).await.expect("the workspace is new");
        let connection = Connection {
            id: format!("con_{workspace}"),
            workspace_id: workspace.to_owned(),
            provider: "polar".to_owned(),
            name: "Polar".to_owned(),
            environment: "production".to_owned(),
            token: None,
            webhook_secrets: Key::ALL.map(|key| key.secret().into()).to_vec(),
            created_at_ms: now_ms,
        };
        app.control
            .save_connection(&connection, &app.secrets, now_ms)
            .await
            .expect("the connection is saved");
        app.reload_directory().await.expect("the directory reads");
        let shop = Shop(Arc::new(Parts {
            key: key(&app, workspace, Scope::Read).await,
            workspace: workspace.to_owned(),
            world: Mutex::new(World { polar: Polar::new(workspace), held: None, visitors: 0 }),
            app,
        }));
        shop.app().settle().await;
        shop
    }

    pub fn app(&self) -> &TestApp {
        &self.0.app
    }

    pub fn workspace(&self) -> &str {
        &self.0.workspace
    }

    /// An API key of this shop with one scope.
    pub async fn key_for(&self, scope: Scope) -> String {
        key(self.app(), self.workspace(), scope).await
    }

    /// Lets time pass.
    pub fn after(&self, span: Span) {
        self.app().after(span);
    }

    pub fn now_ms(&self) -> i64 {
        self.app().clock.now_ms()
    }

    /// Somebody in a browser that was never here.
    pub fn visitor(&self) -> Visitor {
        let mut world = self.world();
        world.visitors += 1;
        Visitor::new(self.clone(), world.visitors)
    }

    /// A purchase by somebody whose browser is not known.
    pub fn sale(&self, price: Price) -> Purchase {
        Purchase::new(self.clone(), price, format!("somebody-{}@example.net", price.minor))
    }

    /// At Polar the customer with this address becomes one with another: what was bought moves, and the first is deleted.
    pub async fn merges_customers(&self, email: &str, into: &str) {
        self.at_polar(|scene| scene.merges(email, into)).await;
    }

    /// Polar deletes the customer with this address.
    pub async fn deletes_customer(&self, email: &str) {
        self.at_polar(|scene| scene.deletes(email)).await;
    }

    /// Delivers hits and runs the jobs until nothing is left to do.
    pub async fn settle(&self) {
        self.app().settle().await;
    }

    /// From now on webhooks wait for [`Shop::held`].
    pub fn holds_webhooks(&self) {
        self.world().held.get_or_insert_default();
    }

    /// Takes the webhooks that wait, oldest first. Later ones are sent at once again.
    pub fn held(&self) -> Vec<Event> {
        self.world().held.take().unwrap_or_default()
    }

    /// Polar signs with this kind of key from now on.
    pub fn signs_with(&self, key: Key) {
        self.world().polar.key = key;
    }

    /// Polar delivers these events, in this order, each signed now; every one is accepted.
    pub async fn deliver(&self, events: &[Event]) {
        for event in events {
            let answer = self.post_webhook(event).await;
            assert!(
                (200..300).contains(&answer.status),
                "{}: {} {}",
                event.kind,
                answer.status,
                answer.text()
            );
        }
    }

    /// Polar makes one attempt to deliver an event.
    pub async fn post_webhook(&self, event: &Event) -> Answer {
        let key = self.world().polar.key;
        let signed_at_s = self.now_ms() / 1000;
        self.post_signed(event, key.sign(&event.id, signed_at_s, &event.body), signed_at_s).await
    }

    /// An attempt with a signature made by the test.
    pub async fn post_signed(&self, event: &Event, signature: String, signed_at_s: i64) -> Answer {
        let app = self.app();
        let path = format!("/webhooks/polar/{}", self.workspace());
        let request = polar::delivery(app.request("POST", &path), event, &signature, signed_at_s);
        app.send(request).await
    }

    /// A question to the API with a key that may read; it is answered.
    pub async fn ask(&self, path: &str) -> Value {
        let answer = self.ask_as(&self.0.key, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// A question to the API with this key.
    pub async fn ask_as(&self, key: &str, path: &str) -> Answer {
        let app = self.app();
        app.send(app.request("GET", path).header("authorization", format!("Bearer {key}"))).await
    }

    /// Something happens at Polar, now; its webhooks are sent, or wait. Returns what `scene` returns.
    pub(crate) async fn at_polar<T>(&self, scene: impl FnOnce(&mut polar::Scene<'_>) -> T) -> T {
        let now_ms = self.now_ms();
        let (result, ended_ms, events) = {
            let mut world = self.world();
            let mut scene_of = world.polar.scene(now_ms);
            let result = scene(&mut scene_of);
            let (ended_ms, events) = scene_of.end();
            let events = match &mut world.held {
                Some(held) => {
                    held.extend(events);
                    Vec::new()
                }
                None => events,
            };
            (result, ended_ms, events)
        };
        self.app().clock.set(ended_ms);
        self.deliver(&events).await;
        result
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().expect("no holder panics")
    }
}

async fn key(app: &TestApp, workspace: &str, scope: Scope) -> String {
    let made = app.control.create_key(workspace, scope.as_str(), &[scope], false, app.clock.now_ms()).await;
    made.expect("a key is made").1
}
