//! How fast the collector takes hits, every step on, with the load generator beside it on the same machine.
//! The same handler is measured over an inbox that keeps nothing, in the same run: the ratio holds on any
//! machine, the rates only on this one. Prints rows of `name | value | target`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use load::{Plan, Report, run_on_a_thread};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tributary::app::App;
use tributary::config::Config;
use tributary::control::workspaces::{Settings, Workspace};
use tributary::effects::Clock;
use tributary::http::router::router;
use tributary::http::serve::{Options, serve};
use tributary::ingest::flusher;

const WORKSPACE: &str = "ws_bench";
const ROUNDS: u64 = 3;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    // On the disk of the checkout: the point is what syncing costs.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut config = Config::for_data_dir(dir.path());
    // Lists of 50 bring more than one workspace may have; the step that counts them stays in.
    config.collector.workspace_hits_per_second = 1_000_000_000;
    config.collector.workspace_hits_burst = 1_000_000_000;
    let app = App::open(config, Clock::system()).await?;
    let workspace = Workspace {
        id: WORKSPACE.into(),
        name: WORKSPACE.into(),
        timezone: "UTC".into(),
        currency: "USD".into(),
        settings: Settings {
            domains: vec!["shop.example".into()],
            partner_codes: vec!["ada".into()],
            ..Settings::default()
        },
    };
    app.control.create_workspace(&workspace, app.clock.now_ms()).await?;
    app.reload_directory().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stopping, stop) = watch::channel(false);
    let flushing = tokio::spawn(flusher::run(app.clone(), stop.clone()));
    let mut stopped = stop.clone();
    let stopped = async move { drop(stopped.changed().await) };
    let serving = tokio::spawn(serve(listener, router(app.clone()), Options::default(), stopped));

    measure(address, 0, 1, Duration::from_secs(2)).await?;
    let (mut durable, mut memory, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let time = Duration::from_secs(seconds);
        durable.push(measure(address, round * 10, 1, time).await?);
        // The next run must not pay for what the last one left to deliver.
        delivered(&app).await;
        app.inbox.keep_nothing(true);
        memory.push(measure(address, round * 10 + 1, 1, time).await?);
        app.inbox.keep_nothing(false);
        lists.push(measure(address, round * 10 + 2, 50, time).await?);
        delivered(&app).await;
    }
    stopping.send(true)?;
    serving.await?;
    flushing.await?;
    app.close().await;
    print(durable, memory, lists);
    Ok(())
}

async fn measure(address: SocketAddr, seed: u64, hits: usize, time: Duration) -> anyhow::Result<Report> {
    let mut plan = Plan::new(address, WORKSPACE, seed);
    plan.duration = time;
    plan.hits_per_request = hits;
    let report = tokio::task::spawn_blocking(move || run_on_a_thread(plan)).await?;
    ensure!(report.failures.is_empty(), "refused or broken: {:?}", report.failures);
    eprintln!(
        "{hits:>3} a request: {:>7.0} hits/s, p50 {:?}, p99 {:?}",
        report.hits_per_second(),
        report.latency(500),
        report.latency(990)
    );
    Ok(report)
}

async fn delivered(app: &App) {
    while app.inbox.waiting_bytes() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn print(mut durable: Vec<Report>, mut memory: Vec<Report>, mut lists: Vec<Report>) {
    for runs in [&mut durable, &mut memory, &mut lists] {
        runs.sort_by(|a, b| a.hits_per_second().total_cmp(&b.hits_per_second()));
    }
    let [durable, memory, lists] = [durable, memory, lists].map(|mut runs| runs.swap_remove(runs.len() / 2));
    let rate = |report: &Report| format!("{:.0}/s", report.hits_per_second());
    let late = |report: &Report| format!("{:.1} ms", report.latency(990).as_secs_f64() * 1000.0);
    let ratio = durable.requests_per_second() / memory.requests_per_second();
    for (name, value, target) in [
        ("POST /c, durable, 64 connections", rate(&durable), ">= 35000/s"),
        ("POST /c, durable, p99", late(&durable), "<= 10 ms"),
        ("POST /c, from memory", rate(&memory), "-"),
        ("POST /c, durable : from memory", format!("{ratio:.2}"), ">= 0.60"),
        ("POST /c, durable, lists of 50", rate(&lists), ">= 200000 hits/s"),
        ("POST /c, durable, lists of 50, p99", late(&lists), "-"),
    ] {
        println!("{name} | {value} | {target}");
    }
}
