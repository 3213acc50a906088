//! A load generator for collectors: many browsers' hits over a few kept connections, one request in flight
//! each, and a report of what was answered. Speaks plain HTTP/1.1 over TCP and builds its requests once, so
//! that it takes little of the machine it shares with what it measures. Knows nothing of the server's inside.
//!
//! A visitor makes three hits: a landing with an unsigned id, then two more with the id the collector signed.
#![forbid(unsafe_code)]

mod hold;
mod request;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use hold::{Held, Slow, hold};
pub use request::Template;

/// Between one connection's first request and the next one's: browsers do not come within the same moment, and what
/// thousands of them do to a queue of connections is not what a rate is measured for ([`hold`] does that).
const ARRIVAL: Duration = Duration::from_micros(100);

/// What to send.
#[derive(Debug, Clone)]
pub struct Plan {
    pub address: SocketAddr,
    pub workspace: String,
    /// Kept connections, each with one request in flight.
    pub connections: usize,
    /// Hits of a request: 1 sends an object, more a list.
    pub hits_per_request: usize,
    /// Stop after this long …
    pub duration: Duration,
    /// … or after this many requests in all.
    pub requests_max: u64,
    /// … and send no more requests a second than this, all connections together.
    pub requests_per_second_max: Option<u64>,
    /// Make a broken connection again; otherwise its sender ends with it.
    pub reconnects: bool,
    /// Keep the ids of acknowledged hits.
    pub keep_ids: bool,
    /// From pages of a site that is not the workspace's: every hit is refused.
    pub is_foreign: bool,
    pub clients: Clients,
    /// Sets the hit ids of runs apart; two runs with the same seed send the same ids.
    pub seed: u64,
}

impl Plan {
    /// 64 connections for ten seconds, one hit a request.
    pub fn new(address: SocketAddr, workspace: &str, seed: u64) -> Plan {
        Plan {
            address,
            workspace: workspace.to_owned(),
            connections: 64,
            hits_per_request: 1,
            duration: Duration::from_secs(10),
            requests_max: u64::MAX,
            requests_per_second_max: None,
            reconnects: true,
            keep_ids: false,
            is_foreign: false,
            clients: Clients::Peer,
            seed,
        }
    }
}

/// Who the requests come from, by the word of a proxy that the server has to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Nobody says: from the peer.
    Peer,
    /// One address.
    One,
    /// Another network with every request.
    Many,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub elapsed: Duration,
    /// Requests answered 202, and the hits in them.
    pub requests: u64,
    pub hits: u64,
    /// Other answers by status; 0 stands for connections that broke.
    pub failures: BTreeMap<u16, u64>,
    /// Answers 503 without a `Retry-After`.
    pub retry_after_missing: u64,
    /// Ids of acknowledged hits, when they were to be kept.
    pub ids: Vec<u128>,
    /// Requests answered 202 in each tenth of a second since the start.
    tenths: Vec<u64>,
    /// Microseconds from sending to the whole answer, sorted.
    latencies_us: Vec<u32>,
}

impl Report {
    pub fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Requests answered 202 in the last second of the run: at what rate the server went, if it did.
    pub fn requests_in_last_second(&self) -> u64 {
        self.tenths.iter().rev().take(10).sum()
    }

    /// Answers of any status.
    pub fn answered_per_second(&self) -> f64 {
        let refused: u64 =
            self.failures.iter().filter(|(status, _)| **status != 0).map(|(_, count)| count).sum();
        (self.requests + refused) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub fn hits_per_second(&self) -> f64 {
        self.hits as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The latency that `parts` of a thousand requests did not exceed.
    pub fn latency(&self, parts: u32) -> Duration {
        let at = (self.latencies_us.len() as u64 * u64::from(parts) / 1000) as usize;
        let at = at.min(self.latencies_us.len().saturating_sub(1));
        Duration::from_micros(self.latencies_us.get(at).copied().unwrap_or(0).into())
    }

    fn add(&mut self, other: Report) {
        self.requests += other.requests;
        self.hits += other.hits;
        self.retry_after_missing += other.retry_after_missing;
        self.ids.extend(other.ids);
        self.tenths.resize(self.tenths.len().max(other.tenths.len()), 0);
        for (sum, more) in self.tenths.iter_mut().zip(other.tenths) {
            *sum += more;
        }
        self.latencies_us.extend(other.latencies_us);
        for (status, count) in other.failures {
            *self.failures.entry(status).or_default() += count;
        }
    }
}

/// Sends until the plan is done, or every connection has broken and cannot be made again.
pub async fn run(plan: &Plan) -> Report {
    let started = Instant::now();
    let share = plan.requests_max / plan.connections.max(1) as u64;
    let templates = wire::Templates::new(plan);
    let senders = (0..plan.connections).map(|at| {
        let (plan, templates) = (plan.clone(), templates.clone());
        let extra = u64::from((at as u64) < plan.requests_max % plan.connections.max(1) as u64);
        tokio::spawn(async move {
            tokio::time::sleep_until((started + ARRIVAL * at as u32).into()).await;
            wire::send(&plan, templates, at as u64, share.saturating_add(extra), started).await
        })
    });
    let mut report = Report::default();
    for sender in senders.collect::<Vec<_>>() {
        report.add(sender.await.expect("a sender does not panic"));
    }
    report.elapsed = started.elapsed();
    report.latencies_us.sort_unstable();
    report
}

/// As [`run`], on a thread of its own: for measuring a server in this process.
pub fn run_on_a_thread(plan: Plan) -> Report {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("the operating system gives a poller").block_on(run(&plan))
    };
    std::thread::spawn(work).join().expect("the generator does not panic")
}
