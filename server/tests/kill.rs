//! The promise of the 202: the real program, under load, killed at random moments and started again on the
//! same data, over and over; afterwards every hit it acknowledged is in ClickHouse exactly once.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use load::Plan;
use tributary::app::App;
use tributary::config::Config;
use tributary::effects::Clock;
use tributary::ingest::flusher::flush_once;

const KILLS: u64 = 22;
const WORKSPACE: &str = "ws_kill";
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

/// One life of the server: what it acknowledged before it was killed.
fn one_life(data_dir: &Path, round: u64, chance: &mut Chance) -> Vec<u128> {
    let mut child = program(data_dir, &["serve"]).spawn().expect("the program starts");
    if chance.below(5) == 0 {
        // Killed while it starts: in migrations, in opening the inbox, in sending an unfinished unit.
        std::thread::sleep(Duration::from_millis(chance.below(600)));
        end(&mut child);
        return Vec::new();
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
    std::thread::sleep(Duration::from_millis(50 + chance.below(1000)));
    end(&mut child);
    let report = sending.join().expect("the generator does not panic");
    assert!(report.failures.keys().all(|status| *status == 0), "round {round}: {:?}", report.failures);
    assert_eq!(drain.join().expect("the log reader does not panic"), 0, "round {round}: the server panicked");
    report.ids
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

    let lives = move || {
        let mut chance = Chance(seed);
        (0..KILLS).map(|round| one_life(&data_dir, round, &mut chance)).collect::<Vec<_>>()
    };
    let lives = tokio::task::spawn_blocking(lives).await.unwrap();
    let acknowledged: HashSet<u128> = lives.iter().flatten().copied().collect();
    assert_eq!(acknowledged.len(), lives.iter().map(Vec::len).sum::<usize>(), "ids are distinct");
    assert!(acknowledged.len() > 500, "only {} hits were acknowledged", acknowledged.len());

    // The last life is this process: it finishes the delivery and looks.
    let app = App::open(Config::for_data_dir(dir.path()), Clock::system()).await.unwrap();
    while flush_once(&app).await.unwrap().units > 0 {}
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
    app.close().await;
}

mod uuid_row {
    //! One column of ids.

    #[derive(clickhouse::Row, serde::Deserialize)]
    pub struct HitId {
        #[serde(with = "clickhouse::serde::uuid")]
        pub hit_id: uuid::Uuid,
    }
}
