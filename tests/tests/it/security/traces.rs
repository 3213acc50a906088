//! After everything was used, nothing that names anybody is left in clear: not in the data folder, not in a table,
//! not in the log.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use support::{Key, Shop, TestApp, days, usd};
use tributary::control::keys::Scope;

use crate::NEWSLETTER;

/// Where visitors come from in this test, by a trusted proxy's word.
const ADDRESS: &str = "203.0.113.77";
const ADDRESS_V6: &str = "2001:db8:77::42";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no holder panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything this process logs from now on.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_writer(move || writer.clone());
        subscriber.try_init().expect("no other test of this process takes the log");
        log
    })
}

fn files(folder: &Path, see: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, see),
            path => see(&path, &std::fs::read(&path).unwrap_or_default()),
        }
    }
}

fn holds(text: &str, secret: &str) -> bool {
    text.contains(&secret.to_ascii_lowercase())
}

/// Bytes as text that can be searched whatever the case.
fn searchable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

#[tokio::test]
async fn no_address_and_no_secret_is_left_anywhere_in_clear() {
    let log = log();
    let app =
        Arc::new(TestApp::start_with(|config| config.http.trusted_proxies = vec!["127.0.0.1".into()]).await);
    let shop = Shop::open_on(app.clone(), "ws_shop").await;
    let mut people = Vec::new();
    for _ in 0..5 {
        let visitor = shop.visitor();
        visitor.visit(&format!("{NEWSLETTER}&email={}", visitor.email().replace('@', "%40"))).await;
        visitor.identifies(visitor.email()).await;
        visitor.logs_in_as(&format!("user of {}", visitor.email())).await;
        let order = visitor.subscribes(usd(49_00)).await;
        order.refunds(usd(1_00)).await;
        people.push(visitor);
    }
    // Links away and downloads carry the address they lead to, and a merchant's own properties anything.
    let named = people[0].email().replace('@', "%40");
    for (id, name, value) in [
        (
            "01k6f0000000000000000000ba",
            "outbound",
            format!("https://other.example/?to={named}&_trb=vis_handed-over"),
        ),
        (
            "01k6f0000000000000000000bb",
            "download",
            format!("HTTPS://other.example/of/{named}/bill.pdf?plan=kept"),
        ),
        ("01k6f0000000000000000000bc", "signup", format!("of {}", people[0].email())),
        ("01k6f0000000000000000000bd", "signup", format!("mailto:{named}")),
    ] {
        let hit = serde_json::json!({
            "ws": "ws_shop", "kind": "event", "id": id, "session": "01k6f0000000000000000000ab", "name": name,
            "visitor": "vis_01k6f0000000000000000000ac", "url": "https://shop.example/", "at": shop.now_ms(),
            "props": { "url": value },
        });
        let request = app.request("POST", "/c").header("origin", support::ORIGIN);
        let request = request.header("user-agent", BROWSER);
        assert_eq!(app.send(request.body(hit.to_string())).await.status, 202);
    }
    for address in [ADDRESS, ADDRESS_V6] {
        let hit = serde_json::json!({
            "ws": "ws_shop", "kind": "page", "id": "01k6f0000000000000000000aa", "session": "01k6f0000000000000000000ab",
            "visitor": "vis_01k6f0000000000000000000ac", "url": "https://shop.example/", "at": shop.now_ms(), "touch": "session",
        });
        let request = app.request("POST", "/c").header("x-forwarded-for", address);
        let request = request.header("origin", support::ORIGIN).header("user-agent", BROWSER);
        assert_eq!(app.send(request.body(hit.to_string())).await.status, 202);
        // Refused ones must leave as little.
        let bad = app
            .request("POST", "/c")
            .header("x-forwarded-for", address)
            .body("{\"email\":\"buyer-1@example.com\"");
        assert_eq!(app.send(bad).await.status, 400);
    }
    shop.after(days(1));
    shop.settle().await;
    let mut secrets: Vec<String> = vec![ADDRESS.into(), ADDRESS_V6.into(), app_secret(&app)];
    secrets.extend(Key::ALL.map(|key| key.secret().to_owned()));
    for scope in Scope::ALL {
        secrets.push(shop.key_for(scope).await);
    }
    for person in &people {
        secrets.push(person.email().to_owned());
        secrets.push(person.email().replace('@', "%40"));
    }
    let mut found = Vec::new();
    files(&app.config.data_dir, &mut |path, bytes| {
        let text = searchable(bytes);
        found.extend(
            secrets
                .iter()
                .filter(|secret| holds(&text, secret))
                .map(|secret| (path.display().to_string(), secret.clone())),
        );
    });
    assert!(found.is_empty(), "in files: {found:?}");
    let tables = searchable(app.tables_as_text().await.as_bytes());
    assert!(tables.len() > 10_000 && tables.contains("newsletter"), "{}", tables.len());
    let found: Vec<&String> = secrets.iter().filter(|secret| holds(&tables, secret)).collect();
    assert!(found.is_empty(), "in tables: {found:?}");
    assert!(
        tables.contains("bill.pdf?plan=kept") && !tables.contains("handed-over"),
        "what names nobody stays"
    );
    let logged = searchable(&log.0.lock().expect("no holder panics"));
    assert!(
        logged.contains("applied 0001_control.sql"),
        "the log is read from the start: {} bytes",
        logged.len()
    );
    let found: Vec<&String> = secrets.iter().filter(|secret| holds(&logged, secret)).collect();
    assert!(found.is_empty(), "in the log: {found:?}");
}

fn app_secret(app: &TestApp) -> String {
    use secrecy::ExposeSecret;
    app.config.secret_key.expose_secret().to_owned()
}
