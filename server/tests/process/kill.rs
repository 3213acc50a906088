//! The promise of the 202: the real program, under load of hits and signed webhooks, killed at random moments
//! and started again on the same data, over and over; afterwards everything it acknowledged is in ClickHouse
//! exactly once.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use load::Plan;
use tributary::jobs;

use crate::program::{Chance, Running, WORKSPACE, asked, deliver, end, folder, opened, prepare, program};

/// How often it is killed, unless KILL_ROUNDS says otherwise.
const KILLS: u64 = 22;
/// An order in a fixture; every webhook tells of another one.
const ORDER: &str = include_str!("../../../tests/fixtures/polar/order.paid.json");
const ORDER_ID: &str = "dde9e701-141e-4bfc-bee6-2156bf205625";

/// What one life of the server acknowledged.
#[derive(Default)]
struct Acknowledged {
    hits: Vec<u128>,
    /// Provider's ids of the orders that webhooks told of.
    orders: Vec<String>,
    /// How long it took to serve, and the requests it then answered a second; none when killed before.
    ready: Option<Duration>,
    requests_per_second: f64,
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

/// One life of the server: what it acknowledged before it was killed.
fn one_life(data_dir: &Path, round: u64, chance: &mut Chance) -> Acknowledged {
    if chance.below(5) == 0 {
        let mut child = program(data_dir, &["serve"]).spawn().expect("the program starts");
        // Killed while it starts: in migrations, in opening the inbox, in sending an unfinished unit.
        std::thread::sleep(Duration::from_millis(chance.below(600)));
        end(&mut child);
        return Acknowledged::default();
    }
    let began = Instant::now();
    let server = Running::start(program(data_dir, &["serve"]));
    let (address, ready) = (server.address, began.elapsed());
    let mut plan = Plan::new(address, WORKSPACE, round);
    plan.connections = asked("KILL_CONNECTIONS", 8) as usize;
    plan.hits_per_request = if round.is_multiple_of(3) { 7 } else { 1 };
    plan.keep_ids = true;
    plan.reconnects = false;
    let sending = std::thread::spawn(move || load::run_on_a_thread(plan));
    let telling = std::thread::spawn(move || send_webhooks(address, round));
    std::thread::sleep(Duration::from_millis(50 + chance.below(1000)));
    let log = server.killed();
    let report = sending.join().expect("the generator does not panic");
    assert!(report.failures.keys().all(|status| *status == 0), "round {round}: {:?}", report.failures);
    assert!(!log.contains("panicked"), "round {round}: the server panicked: {log}");
    Acknowledged {
        requests_per_second: report.requests_per_second(),
        ready: Some(ready),
        hits: report.ids,
        orders: telling.join().expect("no webhook was refused"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_hit_survives_being_killed_at_random_moments() {
    let (seed, kills) = (asked("KILL_SEED", 20_261_121), asked("KILL_ROUNDS", KILLS));
    println!("seed {seed} (KILL_SEED chooses another), {kills} kills");
    let dir = folder();
    let data_dir = dir.path().to_owned();
    prepare(&data_dir).await;

    let lives = move || {
        let mut chance = Chance(seed);
        (0..kills).map(|round| one_life(&data_dir, round, &mut chance)).collect::<Vec<_>>()
    };
    let lives = tokio::task::spawn_blocking(lives).await.unwrap();
    let acknowledged: HashSet<u128> = lives.iter().flat_map(|life| &life.hits).copied().collect();
    assert_eq!(
        acknowledged.len(),
        lives.iter().map(|life| life.hits.len()).sum::<usize>(),
        "ids are distinct"
    );
    let mut rates: Vec<f64> =
        lives.iter().filter(|life| life.ready.is_some()).map(|life| life.requests_per_second).collect();
    rates.sort_by(f64::total_cmp);
    let slowest = lives.iter().filter_map(|life| life.ready).max().unwrap_or_default();
    println!("requests a second until the kill, median: {:.0}", rates[rates.len() / 2]);
    println!("slowest restart: {} ms", slowest.as_millis());
    let orders: Vec<&String> = lives.iter().flat_map(|life| &life.orders).collect();
    assert!(acknowledged.len() > 500, "only {} hits were acknowledged", acknowledged.len());
    assert!(orders.len() > 20, "only {} webhooks were acknowledged", orders.len());

    // The last life is this process: it finishes the delivery and looks.
    let (_turn, app) = opened(dir.path()).await;
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

/// Every acknowledged order is there once, with its money credited once.
async fn check_orders(client: &clickhouse::Client, acknowledged: &[&String]) {
    let stored: Vec<String> =
        client.query("SELECT provider_order_id FROM orders FINAL").fetch_all().await.unwrap();
    let distinct: HashSet<&String> = stored.iter().collect();
    let lost = acknowledged.iter().filter(|id| !distinct.contains(*id)).count();
    println!("{} webhooks acknowledged, {} orders, {lost} lost", acknowledged.len(), stored.len());
    assert_eq!((lost, distinct.len()), (0, stored.len()));
    let net: i64 = client.query("SELECT sum(net) FROM orders FINAL").fetch_one().await.unwrap();
    let credited: i64 = client
        .query("SELECT sum(sign * amount_last_touch) FROM credits WHERE bitAnd(views, 1) != 0")
        .fetch_one()
        .await
        .unwrap();
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
