//! What the process counts, in one list. Handles are made once: a hot path adds to a number and never
//! looks a label up. `GET /metrics` shows them in Prometheus' format.
//!
//! | name | labels | what |
//! | --- | --- | --- |
//! | `tributary_hits_total` | `outcome` | hits by what became of them |
//! | `tributary_handovers_total` | `result` | visitors handed from site to site: tokens `made`, and `taken`, `expired`, `forged` ones |
//! | `tributary_connections` | | open now |
//! | `tributary_connections_too_slow_total` | | closed because the peer took longer than its time limit |
//! | `tributary_inbox_commit_seconds` | | one group commit, sync included |
//! | `tributary_inbox_group_requests` | | requests that shared one commit |
//! | `tributary_inbox_commit_failures_total` | | groups refused because the disk refused |
//! | `tributary_inbox_full_total` | | requests refused because the inbox was full |
//! | `tributary_inbox_waiting_bytes` | | rows durable but not yet in ClickHouse |
//! | `tributary_flush_units_total` | | units accepted by ClickHouse |
//! | `tributary_flush_hits_total` | | hits in them |
//! | `tributary_flush_failures_total` | | attempts that ClickHouse did not accept |
//! | `tributary_flush_units_refused_total` | | units put aside because ClickHouse refuses them and takes others |
//! | `tributary_flush_seconds` | | sending one unit |
//! | `tributary_poll_found_total` | `provider`, `kind` | objects only a poll told, though a webhook should have |
//! | `tributary_poll_failures_total` | `provider`, `code` | calls to a provider's lists that failed |
//! | `tributary_match_quality_dropped` | `connection` | 1 while fewer sales carry their visitor than usual |
//! | `tributary_webhook_endpoint_enabled` | `connection` | 0 when the provider no longer sends to us |

use std::sync::{LazyLock, OnceLock};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::ingest::outcome::Outcome;

/// Handles of everything that is counted often.
pub struct Metrics {
    /// One counter an outcome, at [`Outcome::index`].
    pub hits: Vec<Counter>,
    pub handovers_made: Counter,
    pub handovers_taken: Counter,
    pub handovers_expired: Counter,
    pub handovers_forged: Counter,
    pub connections: Gauge,
    pub connections_too_slow: Counter,
    pub commit_seconds: Histogram,
    pub group_requests: Histogram,
    pub commit_failures: Counter,
    pub inbox_full: Counter,
    pub inbox_waiting_bytes: Gauge,
    pub flush_units: Counter,
    pub flush_hits: Counter,
    pub flush_failures: Counter,
    pub flush_units_refused: Counter,
    pub flush_seconds: Histogram,
}

/// The process's handles.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    recorder();
    Metrics {
        hits: Outcome::ALL
            .iter()
            .map(|outcome| counter!("tributary_hits_total", "outcome" => outcome.code()))
            .collect(),
        handovers_made: counter!("tributary_handovers_total", "result" => "made"),
        handovers_taken: counter!("tributary_handovers_total", "result" => "taken"),
        handovers_expired: counter!("tributary_handovers_total", "result" => "expired"),
        handovers_forged: counter!("tributary_handovers_total", "result" => "forged"),
        connections: gauge!("tributary_connections"),
        connections_too_slow: counter!("tributary_connections_too_slow_total"),
        commit_seconds: histogram!("tributary_inbox_commit_seconds"),
        group_requests: histogram!("tributary_inbox_group_requests"),
        commit_failures: counter!("tributary_inbox_commit_failures_total"),
        inbox_full: counter!("tributary_inbox_full_total"),
        inbox_waiting_bytes: gauge!("tributary_inbox_waiting_bytes"),
        flush_units: counter!("tributary_flush_units_total"),
        flush_hits: counter!("tributary_flush_hits_total"),
        flush_failures: counter!("tributary_flush_failures_total"),
        flush_units_refused: counter!("tributary_flush_units_refused_total"),
        flush_seconds: histogram!("tributary_flush_seconds"),
    }
});

/// The one recorder of the process, installed at first use.
pub fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
        let requests = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
        use metrics_exporter_prometheus::Matcher::{Full, Suffix};
        PrometheusBuilder::new()
            .set_buckets_for_metric(Suffix("_seconds".to_owned()), &seconds)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Full("tributary_inbox_group_requests".to_owned()), &requests)
            })
            .expect("the bucket lists are not empty")
            .install_recorder()
            .expect("nothing else in this program installs a recorder")
    })
}

/// Every number, in Prometheus' text format.
pub fn render() -> String {
    let handle = recorder();
    handle.run_upkeep();
    handle.render()
}
