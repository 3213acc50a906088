//! The promise of the 202: the real program, under load of hits and signed webhooks, killed at random moments
//! and started again on the same data, over and over; afterwards everything it acknowledged is in ClickHouse
//! exactly once.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use load::Plan;
use tributary::app::App;
use tributary::billing::signature;
use tributary::config::Config;
use tributary::control::Control;
use tributary::control::connections::Connection;
use tributary::effects::Clock;
use tributary::jobs;
use tributary::secrets::Secrets;

const KILLS: u64 = 22;
const WORKSPACE: &str = "ws_kill";
const SECRET: &str = "polar_whs_of_the_kill_test";
/// An order in a fixture; every webhook tells of another one.
const ORDER: &str = include_str!("../../tests/fixtures/polar/order.paid.json");
const ORDER_ID: &str = "dde9e701-141e-4bfc-bee6-2156bf205625";
/// A server that is not ready by then never will be.
const READY_MAX: Duration = Duration::from_secs(30);

/// The program on `data_dir`, with its log on stderr.
fn program(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
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

/// A small generator with a seed, so that a failing run can be run again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// What one life of the server acknowledged.
#[derive(Default)]
struct Acknowledged {
    hits: Vec<u128>,
    /// Provider's ids of the orders that webhooks told of.
    orders: Vec<String>,
}

/// Sends one webhook after another until the server is gone.
fn send_webhooks(address: SocketAddr, round: u64) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let order_id = format!("dde9e701-{round:04x}-4bfc-bee6-{number:012x}");
        let body = ORDER.replace(ORDER_ID, &order_id);
        match deliver(address, &format!("evt_{order_id}"), &body) {
            Ok(answer) if answer.starts_with("HTTP/1.1 202 ") => acknowledged.push(order_id),
            Ok(answer) if !answer.is_empty() => panic!("round {round}: {answer}"),
            _ => break,
        }
    }
    acknowledged
}

/// One delivery on a connection of its own, and the answer as it came.
fn deliver(address: SocketAddr, event_id: &str, body: &str) -> std::io::Result<String> {
    let now_s = Clock::system().now_ms() / 1000;
    let signature = signature::sign(SECRET, event_id, now_s, body.as_bytes());
    let head = format!(
        "POST /webhooks/polar/{WORKSPACE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nwebhook-id: {event_id}\r\n\
         webhook-timestamp: {now_s}\r\nwebhook-signature: {signature}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// One life of the server: what it acknowledged before it was killed.
fn one_life(data_dir: &Path, round: u64, chance: &mut Chance) -> Acknowledged {
    let mut child = program(data_dir, &["serve"]).spawn().expect("the program starts");
    if chance.below(5) == 0 {
        // Killed while it starts: in migrations, in opening the inbox, in sending an unfinished unit.
        std::thread::sleep(Duration::from_millis(chance.below(600)));
        end(&mut child);
        return Acknowledged::default();
    }
    let mut log = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let Some(address) = address(&mut log) else {
        end(&mut child);
        panic!("round {round}: the server did not become ready");
    };
    // Nobody may block on a full pipe.
    let drain = std::thread::spawn(move || {
        log.lines().map_while(Result::ok).filter(|l| l.contains("panicked")).count()
    });
    let mut plan = Plan::new(address, WORKSPACE, round);
    plan.connections = 8;
    plan.hits_per_request = if round.is_multiple_of(3) { 7 } else { 1 };
    plan.keep_ids = true;
    plan.reconnects = false;
    let sending = std::thread::spawn(move || load::run_on_a_thread(plan));
    let telling = std::thread::spawn(move || send_webhooks(address, round));
    std::thread::sleep(Duration::from_millis(50 + chance.below(1000)));
    end(&mut child);
    let report = sending.join().expect("the generator does not panic");
    assert!(report.failures.keys().all(|status| *status == 0), "round {round}: {:?}", report.failures);
    assert_eq!(drain.join().expect("the log reader does not panic"), 0, "round {round}: the server panicked");
    Acknowledged { hits: report.ids, orders: telling.join().expect("no webhook was refused") }
}

/// SIGKILL: no signal handler, no destructor, no flush.
fn end(child: &mut Child) {
    child.kill().expect("the program still runs");
    child.wait().expect("a killed process ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_hit_survives_being_killed_at_random_moments() {
    let seed = std::env::var("KILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121);
    println!("seed {seed} (KILL_SEED chooses another), {KILLS} kills");
    // On the disk of the checkout: a file system in memory would prove nothing.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data_dir = dir.path().to_owned();
    let created =
        program(&data_dir, &["workspace", "create", WORKSPACE, "--domain", "shop.example"]).output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));

    connect_polar(&data_dir).await;

    let lives = move || {
        let mut chance = Chance(seed);
        (0..KILLS).map(|round| one_life(&data_dir, round, &mut chance)).collect::<Vec<_>>()
    };
    let lives = tokio::task::spawn_blocking(lives).await.unwrap();
    let acknowledged: HashSet<u128> = lives.iter().flat_map(|life| &life.hits).copied().collect();
    assert_eq!(
        acknowledged.len(),
        lives.iter().map(|life| life.hits.len()).sum::<usize>(),
        "ids are distinct"
    );
    let orders: Vec<&String> = lives.iter().flat_map(|life| &life.orders).collect();
    assert!(acknowledged.len() > 500, "only {} hits were acknowledged", acknowledged.len());
    assert!(orders.len() > 20, "only {} webhooks were acknowledged", orders.len());

    // The last life is this process: it finishes the delivery and looks.
    let app = App::open(Config::for_data_dir(dir.path()), Clock::system()).await.unwrap();
    jobs::settle(&app).await.unwrap();
    let client = app.store.client();
    let stored: Vec<uuid_row::HitId> = client.query("SELECT hit_id FROM hits").fetch_all().await.unwrap();
    let mut times: HashMap<u128, u32> = HashMap::new();
    stored.iter().for_each(|row| *times.entry(row.hit_id.as_u128()).or_default() += 1);
    let lost = acknowledged.iter().filter(|id| !times.contains_key(id)).count();
    let doubled = times.values().filter(|count| **count > 1).count();
    println!("{} acknowledged, {} stored, {lost} lost, {doubled} doubled", acknowledged.len(), stored.len());
    assert_eq!((lost, doubled), (0, 0));
    let counted: u64 =
        client.query("SELECT sum(hits) FROM outcomes WHERE outcome = 'accepted'").fetch_one().await.unwrap();
    assert_eq!(counted, stored.len() as u64, "outcomes agree with hits");
    let orphans: u64 = client
        .query("SELECT count() FROM touches LEFT ANTI JOIN facets USING (workspace_id, facet_id)")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(orphans, 0, "every touch has its facet");
    check_orders(client, &orders).await;
    app.close().await;
}

/// Gives the workspace a connection whose secret signs the webhooks.
async fn connect_polar(data_dir: &Path) {
    let config = Config::for_data_dir(data_dir);
    let control = Control::open(&config, 0).await.unwrap();
    let connection = Connection {
        id: "con_kill".into(),
        workspace_id: WORKSPACE.into(),
        provider: "polar".into(),
        name: "Kill".into(),
        environment: "sandbox".into(),
        token: None,
        webhook_secrets: vec![SECRET.into()],
        created_at_ms: 0,
    };
    let secrets = Secrets::load(&config.secret_key, data_dir).unwrap();
    control.save_connection(&connection, &secrets, 0).await.unwrap();
    control.close().await;
}

/// Every acknowledged order is there once, with its money credited once.
async fn check_orders(client: &clickhouse::Client, acknowledged: &[&String]) {
    let stored: Vec<String> =
        client.query("SELECT provider_order_id FROM orders FINAL").fetch_all().await.unwrap();
    let distinct: HashSet<&String> = stored.iter().collect();
    let lost = acknowledged.iter().filter(|id| !distinct.contains(*id)).count();
    println!("{} webhooks acknowledged, {} orders, {lost} lost", acknowledged.len(), stored.len());
    assert_eq!((lost, distinct.len()), (0, stored.len()));
    let net: i64 = client.query("SELECT sum(net) FROM orders FINAL").fetch_one().await.unwrap();
    let credited: i64 =
        client.query("SELECT sum(sign * amount_last_touch) FROM credits").fetch_one().await.unwrap();
    assert_eq!(credited, net, "every order's money is credited once");
}

mod uuid_row {
    //! One column of ids.

    #[derive(clickhouse::Row, serde::Deserialize)]
    pub struct HitId {
        #[serde(with = "clickhouse::serde::uuid")]
        pub hit_id: uuid::Uuid,
    }
}
