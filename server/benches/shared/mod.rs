//! What the benches share: data made by SQL, the middle of several runs, times as people read them.

use std::time::Duration;

use tributary::app::App;

/// Runs a statement that makes data.
pub async fn execute(app: &App, sql: &str) {
    app.store.client().query_raw(sql).execute().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Seconds from one on, else milliseconds.
pub fn shown(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds => format!("{:.0} ms", seconds * 1000.0),
    }
}
