//! A key that may add connections makes the server knock at no door of its own network.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::json;
use support::{Shop, TestApp};
use tributary::control::connections::Connection;
use tributary::control::keys::Scope;
use tributary::jobs::poll;

/// Somebody else on this machine.
fn neighbour() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener that answers at once");
    listener
}

fn was_left_alone(neighbour: &TcpListener) -> bool {
    matches!(neighbour.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

async fn shop() -> Shop {
    let app = TestApp::start_with(|config| config.outbound.allowed_networks.clear()).await;
    Shop::open_on(Arc::new(app), "ws_outbound").await
}

#[tokio::test]
async fn the_api_takes_no_connection_whose_address_is_private() {
    let (shop, neighbour) = (shop().await, neighbour());
    let key = shop.key_for(Scope::Write).await;
    let port = neighbour.local_addr().expect("it is bound").port();
    let add = async |environment: &str| {
        let body = json!({
            "provider": "polar", "name": "x", "webhook_secrets": ["whsec_c2VjcmV0"], "token": "polar_oat_x",
            "environment": environment,
        });
        let request = shop.app().request("POST", "/v1/connections").bearer_auth(&key).body(body.to_string());
        shop.app().send(request).await
    };
    for host in
        ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"]
    {
        for scheme in ["http", "https"] {
            let answer = add(&format!("{scheme}://{host}:{port}")).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_parameter"), "{host}");
            assert_eq!(answer.json()["field"], "environment");
            assert!(answer.text().contains("outbound.allowed_networks"), "{}", answer.text());
        }
    }
    assert_eq!(add("https://standin.example").await.status, 201);
    assert!(was_left_alone(&neighbour));
}

#[tokio::test]
async fn a_connection_stored_when_its_network_was_allowed_is_not_called_when_it_is_not() {
    let (shop, neighbour) = (shop().await, neighbour());
    let app = shop.app();
    for (id, host) in [("con_literal", "127.0.0.1"), ("con_name", "localhost")] {
        let connection = Connection {
            id: id.to_owned(),
            workspace_id: shop.workspace().to_owned(),
            provider: "polar".to_owned(),
            name: id.to_owned(),
            environment: format!("http://{host}:{}", neighbour.local_addr().expect("it is bound").port()),
            token: Some("polar_oat_x".into()),
            webhook_secrets: vec!["whsec_c2VjcmV0".into()],
            created_at_ms: app.clock.now_ms(),
        };
        let saved = app.control.save_connection(&connection, &app.secrets, app.clock.now_ms()).await;
        saved.expect("the connection is saved");
    }
    app.reload_directory().await.expect("the directory reads");
    while poll::step(app).await.expect("the stores work") {}
    for id in ["con_literal", "con_name"] {
        let status = shop.ask(&format!("/v1/connections/{id}")).await;
        assert_eq!(status["poll"]["problem"]["code"], "address_refused", "{status}");
    }
    assert!(was_left_alone(&neighbour));
}
