//! `load`: sends hits to a running collector and prints what it answered.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Send hits to a collector, as many browsers would, and report rate and latency.
#[derive(Parser)]
struct Arguments {
    /// Address of the collector.
    #[arg(long, default_value = "127.0.0.1:4600")]
    to: SocketAddr,
    #[arg(long, default_value = "ws_demo")]
    workspace: String,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Hits of each request; 1 sends an object, more a list.
    #[arg(long, default_value_t = 1)]
    list: usize,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Stop after this many requests.
    #[arg(long)]
    requests: Option<u64>,
    /// Send no more requests a second than this.
    #[arg(long)]
    rate: Option<u64>,
    /// Do not make a broken connection again: end when the server is gone.
    #[arg(long)]
    once: bool,
    /// Send from pages of another site, so that every hit is refused.
    #[arg(long)]
    foreign: bool,
    /// Name clients as a proxy does (the server has to trust this peer): one, or another network with every request.
    #[arg(long, value_enum)]
    clients: Option<Clients>,
    /// Instead of hits: hold the connections with half a request head, half a body, or nothing.
    #[arg(long, value_enum)]
    hold: Option<Hold>,
    /// Write the ids of acknowledged hits here, one a line, as 32 hex digits.
    #[arg(long)]
    acknowledged: Option<PathBuf>,
    /// Sets the hit ids of runs apart.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Clients {
    One,
    Many,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Hold {
    Heads,
    Bodies,
    Idle,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(hold) = arguments.hold {
        let slow = match hold {
            Hold::Heads => load::Slow::Head,
            Hold::Bodies => load::Slow::Body,
            Hold::Idle => load::Slow::Idle,
        };
        let time = Duration::from_secs(arguments.seconds);
        let held = load::hold(arguments.to, slow, arguments.connections, time).await;
        println!("opened      {}", held.opened);
        println!("refused     {}", held.refused);
        println!("closed      {}", held.closed);
        println!("longest     {:.1} s", held.longest.as_secs_f64());
        return Ok(());
    }
    let mut plan = load::Plan::new(arguments.to, &arguments.workspace, arguments.seed);
    plan.connections = arguments.connections;
    plan.hits_per_request = arguments.list.clamp(1, 100);
    plan.duration = Duration::from_secs(arguments.seconds);
    plan.requests_max = arguments.requests.unwrap_or(u64::MAX);
    plan.requests_per_second_max = arguments.rate;
    plan.reconnects = !arguments.once;
    plan.is_foreign = arguments.foreign;
    plan.clients = match arguments.clients {
        None => load::Clients::Peer,
        Some(Clients::One) => load::Clients::One,
        Some(Clients::Many) => load::Clients::Many,
    };
    plan.keep_ids = arguments.acknowledged.is_some();
    let report = load::run(&plan).await;
    println!("requests/s  {:.0}", report.requests_per_second());
    println!("at-the-end  {}", report.requests_in_last_second());
    println!("hits/s      {:.0}", report.hits_per_second());
    println!("accepted    {}", report.requests);
    println!("p50         {:?}", report.latency(500));
    println!("p99         {:?}", report.latency(990));
    println!("answered    {:.0}", report.answered_per_second());
    println!("refused     {:?}", report.failures);
    if let Some(path) = arguments.acknowledged {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for id in report.ids {
            writeln!(file, "{id:032x}")?;
        }
        file.flush()?;
    }
    Ok(())
}
