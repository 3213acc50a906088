//! What is stored is of no use to who copies it: keys are hashes, secrets are sealed to their place, and another
//! operator's key opens nothing and does not start.

use support::{Key, Shop, TestApp};
use tributary::app::App;
use tributary::config::Config;
use tributary::control::connections::Connection;
use tributary::control::{Control, ControlError};
use tributary::effects::Clock;
use tributary::secrets::Secrets;

const KEY: &str = "an operator's key that is long enough";

fn settings(dir: &std::path::Path, key: &str) -> Config {
    let mut config = Config::for_data_dir(dir);
    config.secret_key = key.into();
    config
}

fn connection(id: &str, token: &str) -> Connection {
    Connection {
        id: id.to_owned(),
        workspace_id: "ws_a".to_owned(),
        provider: "polar".to_owned(),
        name: id.to_owned(),
        environment: "production".to_owned(),
        token: Some(token.into()),
        webhook_secrets: vec![Key::Legacy.secret().into()],
        created_at_ms: 1,
    }
}

/// A control store with two connections.
async fn stored(dir: &std::path::Path) -> (Control, Secrets) {
    let config = settings(dir, KEY);
    let secrets = Secrets::load(&config.secret_key, dir).unwrap();
    let control = Control::open(&config, 1).await.unwrap();
    let workspace = tributary::control::workspaces::Workspace {
        id: "ws_a".into(),
        name: "A".into(),
        timezone: "UTC".into(),
        currency: "USD".into(),
        settings: Default::default(),
    };
    control.create_workspace(&workspace, 1).await.unwrap();
    for (id, token) in [("con_one", "polar_oat_first_token"), ("con_two", "polar_oat_second_token")] {
        control.save_connection(&connection(id, token), &secrets, 1).await.unwrap();
    }
    (control, secrets)
}

#[tokio::test]
async fn exchanged_ciphertexts_do_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (control, secrets) = stored(dir.path()).await;
    assert_eq!(control.connections(&secrets).await.unwrap().len(), 2);
    control.close().await;
    for swap in [
        "UPDATE connections SET sealed_token = (SELECT sealed_token FROM connections AS other WHERE other.id <> connections.id)",
        "UPDATE connections SET sealed_secrets = sealed_token WHERE id = 'con_one'",
    ] {
        let path = dir.path().join("control.sqlite");
        let copy = dir.path().join("copy");
        std::fs::create_dir_all(&copy).unwrap();
        std::fs::copy(&path, copy.join("control.sqlite")).unwrap();
        let file = rusqlite::Connection::open(copy.join("control.sqlite")).unwrap();
        assert!(file.execute(swap, []).unwrap() > 0);
        drop(file);
        let control = Control::open(&settings(&copy, KEY), 1).await.unwrap();
        assert!(matches!(control.connections(&secrets).await, Err(ControlError::Secrets(_))), "{swap}");
        control.close().await;
    }
}

#[tokio::test]
async fn another_operators_key_does_not_start() {
    let app = TestApp::start().await;
    let mut config = app.config.clone();
    config.secret_key = "another operator's key, as long as it".into();
    let store = app.store.clone();
    let started = App::with_store(config, Clock::manual(1), store).await;
    let said = started.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("operator's key is not the one"), "{said}");
}

#[tokio::test]
async fn a_stolen_control_store_holds_no_key_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let (control, _) = stored(dir.path()).await;
    let mut clear = Vec::new();
    for scope in tributary::control::keys::Scope::ALL {
        clear.push(control.create_key("ws_a", "k", &[scope], true, 1).await.unwrap().1);
    }
    control.close().await;
    let secrets = [Key::Legacy.secret(), "polar_oat_first_token", "polar_oat_second_token", KEY];
    let wanted: Vec<&str> = clear.iter().map(String::as_str).chain(secrets).collect();
    for entry in std::fs::read_dir(dir.path()).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        for secret in &wanted {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {}…", entry.path().display(), &secret[..8]);
        }
    }
    // 32 letters of an alphabet of 32: 160 bits.
    assert!(clear.iter().all(|key| key.len() == "trb_live_".len() + 32));
}

#[tokio::test]
async fn lists_of_connections_never_show_a_secret() {
    let shop = Shop::open().await;
    let listed = shop.ask("/v1/connections").await.to_string();
    for key in Key::ALL {
        assert!(!listed.contains(key.secret()), "{listed}");
    }
}
