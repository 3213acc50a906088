//! The same adapter on a loopback port.

use clickhouse::Client;
use engine::Access;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::engine;

struct Server {
    url: String,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start(access: Access) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async {
            let _ = stopped.await;
        };
        engine().listen(listener, access, until).await
    });
    Server { url, stop, task }
}

impl Server {
    async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_tcp_client_works_and_its_errors_too() {
    let server = start(Access::default()).await;
    let client = Client::default().with_url(&server.url);
    let sum: u64 = client.query("SELECT sum(number) FROM numbers(1000)").fetch_one().await.unwrap();
    assert_eq!(sum, 499_500);
    let error = client.query("SELECT * FROM no_such_table").execute().await.unwrap_err();
    assert!(error.to_string().contains("Code: 60"), "{error}");
    let error = client
        .query("SELECT number, throwIf(number = 300000, 'over tcp') FROM numbers(400000) SETTINGS max_threads = 1")
        .fetch_all::<(u64, u8)>()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("over tcp"), "{error}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for_and_checked() {
    let access = Access { user: Some("me".into()), password: Some("secret".into()) };
    let server = start(access).await;
    let right = Client::default().with_url(&server.url).with_user("me").with_password("secret");
    assert_eq!(right.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    for (user, password) in [("me", "wrong"), ("you", "secret")] {
        let wrong = Client::default().with_url(&server.url).with_user(user).with_password(password);
        let error = wrong.query("SELECT 1").execute().await.unwrap_err();
        assert!(error.to_string().contains("Code: 516"), "{error}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_others_reach_needs_a_password() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = engine().listen(listener, Access::default(), std::future::pending()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
}
