//! The program as an operator starts it, and what a provider sends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};
use tributary::app::App;
use tributary::billing::signature;
use tributary::config::Config;
use tributary::control::Control;
use tributary::control::connections::Connection;
use tributary::effects::Clock;
use tributary::secrets::Secrets;

pub const WORKSPACE: &str = "ws_kill";
const SECRET: &str = "polar_whs_of_the_kill_test";
/// A server that is not ready by then never will be.
const READY_MAX: Duration = Duration::from_secs(30);

/// A small generator with a seed, so that a failing run can be run again.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A number from the environment: the bench asks for more than the suite.
pub fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The program on `data_dir`, with its log on stderr.
pub fn program(data_dir: &Path, arguments: &[&str]) -> Command {
    // Another build of it, such as the optimised one, when the environment names one.
    let named = std::env::var_os("TRIBUTARY_TEST_PROGRAM");
    let mut command = Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_tributary").into()));
    command
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("TRIBUTARY_DATA_DIR", data_dir)
        .env("TRIBUTARY_HTTP_LISTEN", "127.0.0.1:0")
        // Short, so that kills land inside deliveries too.
        .env("TRIBUTARY_INBOX_FLUSH_INTERVAL_MS", "50")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A folder on the disk of the checkout: a file system in memory would prove nothing.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Makes the workspace, and a connection whose secret signs the webhooks.
pub async fn prepare(data_dir: &Path) {
    let created =
        program(data_dir, &["workspace", "create", WORKSPACE, "--domain", "shop.example"]).output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    connect(data_dir, "sandbox", None).await;
}

/// Says where the connection's provider is, and by which token it may be asked.
pub async fn connect(data_dir: &Path, environment: &str, token: Option<&str>) {
    let config = Config::for_data_dir(data_dir);
    let control = Control::open(&config, 0).await.unwrap();
    let connection = Connection {
        id: "con_kill".into(),
        workspace_id: WORKSPACE.into(),
        provider: "polar".into(),
        name: "Kill".into(),
        environment: environment.into(),
        token: token.map(Into::into),
        webhook_secrets: vec![SECRET.into()],
        created_at_ms: 0,
    };
    let secrets = Secrets::load(&config.secret_key, data_dir).unwrap();
    control.save_connection(&connection, &secrets, 0).await.unwrap();
    control.close().await;
}

/// One process holds one embedded engine: the tests of this one take turns.
static ENGINE: Mutex<()> = Mutex::const_new(());

/// The data of a server that has ended, opened in this process. Keep the guard until the app is closed.
pub async fn opened(data_dir: &Path) -> (MutexGuard<'static, ()>, App) {
    opened_as(data_dir, |_| {}).await
}

/// As [`opened`], with settings that `change` adapts.
pub async fn opened_as(data_dir: &Path, change: impl FnOnce(&mut Config)) -> (MutexGuard<'static, ()>, App) {
    let turn = ENGINE.lock().await;
    let mut config = Config::for_data_dir(data_dir);
    change(&mut config);
    (turn, App::open(config, Clock::system()).await.unwrap())
}

/// A server that serves.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    log: std::thread::JoinHandle<String>,
}

impl Running {
    /// Starts `command` and waits for its address.
    pub fn start(mut command: Command) -> Running {
        let mut child = command.spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let Some(address) = address(&mut log) else {
            end(&mut child);
            panic!("the server did not become ready");
        };
        // Nobody may block on a full pipe.
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            for line in log.lines().map_while(Result::ok) {
                text = text + &line + "\n";
            }
            text
        });
        Running { child, address, log }
    }

    /// Waits for its end; its log since it served, and whether it ended well.
    pub fn ended(mut self) -> (String, bool) {
        let status = self.child.wait().expect("the process ends");
        (self.log.join().expect("the log reader does not panic"), status.success())
    }

    /// SIGKILL; answers the log.
    pub fn killed(mut self) -> String {
        end(&mut self.child);
        self.log.join().expect("the log reader does not panic")
    }

    /// `GET` of a path: the answer as it came.
    pub fn get(&self, path: &str) -> String {
        self.get_with(path, "")
    }

    /// As [`Running::get`], with one header more.
    pub fn get_with(&self, path: &str, header: &str) -> String {
        let usual = "host: localhost\r\nconnection: close";
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let request = format!("GET {path} HTTP/1.1\r\n{usual}\r\n{header}\r\n");
        exchange(self.address, request.as_bytes()).expect("the server answers")
    }
}

/// Reads the log until it names the address.
fn address(log: &mut BufReader<ChildStderr>) -> Option<SocketAddr> {
    let began = Instant::now();
    let mut line = String::new();
    while began.elapsed() < READY_MAX {
        line.clear();
        if log.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((_, rest)) = line.split_once("serving on ") {
            let place = rest.split([',', ' ', '\u{1b}']).next()?;
            return place.parse().ok();
        }
    }
    None
}

/// SIGKILL: no signal handler, no destructor, no flush.
pub fn end(child: &mut Child) {
    child.kill().expect("the program still runs");
    child.wait().expect("a killed process ends");
}

/// One delivery of a webhook on a connection of its own, and the answer as it came.
pub fn deliver(address: SocketAddr, event_id: &str, body: &str) -> std::io::Result<String> {
    let now_s = Clock::system().now_ms() / 1000;
    let signature = signature::sign(SECRET, event_id, now_s, body.as_bytes());
    let head = format!(
        "POST /webhooks/polar/{WORKSPACE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nwebhook-id: {event_id}\r\n\
         webhook-timestamp: {now_s}\r\nwebhook-signature: {signature}\r\n\r\n",
        body.len()
    );
    exchange(address, (head + body).as_bytes())
}

/// A request as it is sent, and the answer as it came.
pub fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
