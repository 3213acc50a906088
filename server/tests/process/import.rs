//! A first import, killed at random moments and started again on the same data, over and over: it goes on where it
//! stood, every order is there exactly once, and the totals are the provider's own.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use polar_standin::{DEFAULT_TOKEN, Handle, Options, start};
use serde_json::{Value, json};
use tributary::effects::Clock;
use tributary::jobs::{self, poll};

use crate::program::{Chance, Running, asked, connect, folder, opened_as, prepare, program};

/// How often it is killed: as often as the pages last, whatever build of the program is tried.
const KILLS: u64 = 3;
/// Each with a first payment and one renewal: ten pages of subscriptions, twenty of orders.
const SUBSCRIPTIONS: usize = 1_000;
/// Pages between two checkpoints of a poll.
const CHECKPOINT_PAGES: usize = 10;
/// A server that has not read its pages by then never will.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// What an order came to: paid net and given back, minor units.
type Money = (i64, i64);

/// The program, which may call this machine as often as it likes.
fn importer(data_dir: &Path) -> Command {
    let mut command = program(data_dir, &["serve"]);
    command
        .env("TRIBUTARY_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("TRIBUTARY_POLL_REQUESTS_PER_MINUTE", "1000000");
    command
}

/// A provider with two months of sales, of which no webhook ever told.
async fn provider() -> Handle {
    let options = Options { seed: Some(5), rate_limit_per_minute: 1_000_000, ..Options::default() };
    let polar = start(options).await.expect("the stand-in starts");
    let now_ms = Clock::system().now_ms();
    let purchases: Vec<Value> = (0..SUBSCRIPTIONS)
        .map(|n| {
            let at = |days: i64| {
                let at_ms = now_ms - days * 86_400_000 - n as i64 * 60_000;
                jiff::Timestamp::from_millisecond(at_ms).expect("this era").to_string()
            };
            let refunds = if n % 9 == 0 { json!([{ "at": at(5), "amount": 100 + n }]) } else { json!([]) };
            json!({ "product": "monthly", "email": format!("buyer-{n}@example.com"), "at": at(45), "refunds": refunds })
        })
        .collect();
    let body = json!({ "only": [], "purchases": purchases }).to_string();
    let asked = client().post(format!("{}/standin/history", polar.url())).body(body).send().await;
    assert!(asked.expect("the stand-in answers").status().is_success());
    polar
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client without extras")
}

/// What the provider's list says of every order.
async fn listed(polar: &Handle) -> BTreeMap<String, Money> {
    let client = client();
    let mut orders = BTreeMap::new();
    for page in 1.. {
        let address = format!("{}/v1/orders/?limit=100&page={page}", polar.url());
        let answer =
            client.get(address).bearer_auth(DEFAULT_TOKEN).send().await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        for order in answer["items"].as_array().unwrap() {
            assert_eq!(order["paid"], true, "{order}");
            let minor = |field: &str| order[field].as_i64().unwrap();
            orders.insert(
                order["id"].as_str().unwrap().to_owned(),
                (minor("net_amount"), minor("refunded_amount")),
            );
        }
        if page >= answer["pagination"]["max_page"].as_u64().unwrap() {
            break;
        }
    }
    orders
}

/// One life of the server, killed a moment after it has made `calls` calls.
async fn one_life(data_dir: &Path, polar: &Handle, calls: usize, moment: Duration) {
    let before = polar.asked().len();
    let command = importer(data_dir);
    let server = tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap();
    let began = Instant::now();
    while polar.asked().len() < before + calls {
        assert!(began.elapsed() < LIFE_MAX, "{} calls: {}", polar.asked().len() - before, server.killed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(moment).await;
    let log = server.killed();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_killed_at_random_moments_goes_on_where_it_stood_and_counts_every_order_once() {
    let seed = asked("KILL_SEED", 20_261_122);
    println!("seed {seed} (KILL_SEED chooses another), {KILLS} kills");
    let mut chance = Chance(seed);
    let dir = folder();
    prepare(dir.path()).await;
    let polar = provider().await;
    connect(dir.path(), &polar.url(), Some(DEFAULT_TOKEN)).await;

    let mut births = vec![0];
    for _ in 0..KILLS {
        // More calls than lie between two checkpoints: every life has written down where it stands.
        let calls = CHECKPOINT_PAGES + 1 + chance.below(6) as usize;
        one_life(dir.path(), &polar, calls, Duration::from_millis(chance.below(25))).await;
        births.push(polar.asked().len());
    }
    // The last life is this process: it reads the rest.
    let (_turn, app) = opened_as(dir.path(), |config| {
        config.outbound.allowed_networks = vec!["127.0.0.0/8".to_owned()];
        config.poll.requests_per_minute = 1_000_000;
    })
    .await;
    while poll::step(&app).await.unwrap() {}
    jobs::settle(&app).await.unwrap();
    let calls = polar.asked();
    for life in births.windows(2) {
        let (lived, next) = (&calls[life[0]..life[1]], calls.get(life[1]).expect("the last life reads on"));
        let place = lived.iter().rposition(|call| call == next).unwrap_or(lived.len());
        assert!(place > 0, "a life began where the one before had: {next}");
        assert!(
            lived.len() - place <= CHECKPOINT_PAGES,
            "{} of {} calls again",
            lived.len() - place,
            lived.len()
        );
        assert!(!calls[..life[0]].contains(next), "a life began where one long before had been: {next}");
    }
    let distinct: HashSet<&String> = calls.iter().collect();
    println!("{} calls, {} of them again", calls.len(), calls.len() - distinct.len());

    let client = app.store.client();
    let rows: Vec<(String, i64, i64)> = client
        .query("SELECT provider_order_id, net, arraySum(refunds.net) FROM orders FINAL WHERE booked")
        .fetch_all()
        .await
        .unwrap();
    let (count, ours) = (rows.len(), rows.into_iter().map(|(id, net, back)| (id, (net, back))));
    let (ours, theirs): (BTreeMap<String, Money>, _) = (ours.collect(), listed(&polar).await);
    assert_eq!((theirs.len(), count), (2 * SUBSCRIPTIONS, theirs.len()));
    assert!(theirs.values().any(|(_, back)| *back > 0));
    assert_eq!(ours, theirs, "every order once, to the cent");
    let credited: i64 = client
        .query("SELECT sum(sign * amount_linear) FROM credits WHERE bitAnd(views, 1) != 0")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(credited, theirs.values().map(|(net, back)| net - back).sum::<i64>(), "and credited once");
    app.close().await;
    polar.stop().await.unwrap();
}
