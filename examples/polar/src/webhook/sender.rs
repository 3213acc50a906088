//! Sending: first attempts in order within a lane, retries in the background, endpoints disabled when all fails.
//!
//! Polar's order is best effort and per endpoint: an event waits for the first attempt of older ones, not for
//! their success. Live events of an endpoint share lane 0, so they keep that order. History mode spreads
//! customers over more lanes: order within a customer stays, and thousands of events leave side by side.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{ATTEMPTS_MAX, Attempt, FAILED_IN_A_ROW_MAX, Outcome};
use crate::Standin;

/// Longest wait between attempts before the random factor is cut to 10–20 minutes.
const BACKOFF_MS_MAX: u64 = 20 * 60 * 1000;

/// How long a receiver may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Most of an answer's body that is kept.
const RESPONSE_CHARS_MAX: usize = 300;

/// The wait after the `failures`-th failed attempt, before scaling: 2 s × 2ⁿ × (1 to 2), then 10 to 20 min.
/// `chance` is from 0 to 999.
#[must_use]
pub fn backoff_ms(failures: u32, chance: u64) -> u64 {
    let base = 2_000_u64.saturating_mul(1 << failures.min(20));
    if base >= BACKOFF_MS_MAX {
        return BACKOFF_MS_MAX / 2 + BACKOFF_MS_MAX / 2 * chance / 1000;
    }
    (base + base * chance / 1000).min(BACKOFF_MS_MAX)
}

/// Starts a worker for every lane that has something to send and none at work.
pub fn kick(standin: &Arc<Standin>) {
    let mut state = standin.state();
    if state.outbox.faults.hold {
        return;
    }
    let idle: Vec<(Uuid, u64)> = state
        .outbox
        .lanes
        .iter()
        .filter(|(lane, waiting)| !waiting.is_empty() && !state.outbox.running.contains(lane))
        .map(|(lane, _)| *lane)
        .collect();
    for lane in idle {
        state.outbox.running.insert(lane);
        tokio::spawn(work(Arc::clone(standin), lane));
    }
}

async fn work(standin: Arc<Standin>, lane: (Uuid, u64)) {
    while let Some(at) = next(&standin, lane) {
        attempt(&standin, at).await;
    }
}

/// Takes the next event of the lane, or ends the lane's worker.
fn next(standin: &Standin, lane: (Uuid, u64)) -> Option<usize> {
    let mut state = standin.state();
    let state = &mut *state;
    let outbox = &mut state.outbox;
    let waiting = outbox.lanes.entry(lane).or_default();
    if waiting.is_empty() || outbox.faults.hold {
        outbox.running.remove(&lane);
        return None;
    }
    let window = outbox.faults.reorder_window.clamp(1, waiting.len());
    let chosen = outbox.dice.below(window as u64) as usize;
    waiting.remove(chosen)
}

/// One attempt, and what follows from it: done, a retry later, or given up.
async fn attempt(standin: &Arc<Standin>, at: usize) {
    let Some((is_dropped, is_repeated, wait_ms)) = plan(standin, at) else { return };
    if wait_ms > 0 {
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    let (http_code, response) =
        if is_dropped { (None, Some("dropped on purpose".to_owned())) } else { post(standin, at).await };
    let succeeded = http_code.is_some_and(|code| (200..300).contains(&code));
    if succeeded && is_repeated {
        post(standin, at).await;
    }
    settle(standin, at, http_code, response, succeeded);
}

/// What the faults do to this attempt: dropped, repeated, milliseconds late. `None` when it is not made at all.
fn plan(standin: &Standin, at: usize) -> Option<(bool, bool, u64)> {
    let mut state = standin.state();
    let state = &mut *state;
    let (event, outbox) = (&mut state.events[at], &mut state.outbox);
    if event.outcome != Outcome::Pending {
        return None; // skipped while it waited
    }
    if event.attempts.is_empty() && outbox.dice.hits(outbox.faults.lose_percent) {
        event.outcome = Outcome::Skipped;
        outbox.open -= 1;
        standin.changed.notify_waiters();
        return None;
    }
    let late_ms =
        if outbox.faults.delay_ms_max == 0 { 0 } else { outbox.dice.below(outbox.faults.delay_ms_max + 1) };
    let is_dropped = outbox.dice.hits(outbox.faults.drop_percent);
    Some((is_dropped, outbox.dice.hits(outbox.faults.repeat_percent), late_ms))
}

/// Records an attempt and decides what follows.
fn settle(
    standin: &Arc<Standin>,
    at: usize,
    http_code: Option<u16>,
    response: Option<String>,
    succeeded: bool,
) {
    let mut state = standin.state();
    let (id, now) = (state.ids.uuid(), state.sending_now());
    let event = &mut state.events[at];
    event.attempts.push(Attempt { id, at: now, http_code, response, succeeded });
    let failures = event.attempts.len();
    if event.outcome != Outcome::Pending {
        return; // its endpoint was disabled meanwhile
    }
    if !succeeded && failures < ATTEMPTS_MAX {
        let chance = state.outbox.dice.below(1000);
        let wait_ms = backoff_ms(failures as u32, chance) as f64 * standin.options.retry_scale;
        let standin = Arc::clone(standin);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms as u64)).await;
            Box::pin(attempt(&standin, at)).await;
        });
        return;
    }
    event.outcome = if succeeded { Outcome::Succeeded } else { Outcome::Failed };
    let endpoint_id = event.endpoint_id;
    state.outbox.open -= 1;
    let Some(endpoint) = state.endpoints.iter_mut().find(|endpoint| endpoint.id == endpoint_id) else {
        return;
    };
    endpoint.finished.push_back(succeeded);
    if endpoint.finished.len() > FAILED_IN_A_ROW_MAX {
        endpoint.finished.pop_front();
    }
    let is_hopeless = endpoint.finished.len() == FAILED_IN_A_ROW_MAX && !endpoint.finished.contains(&true);
    if is_hopeless && endpoint.enabled {
        endpoint.enabled = false;
        endpoint.modified_at = Some(now);
        endpoint.finished.clear();
        let mut skipped = 0;
        for event in &mut state.events {
            if event.endpoint_id == endpoint_id && event.outcome == Outcome::Pending {
                event.outcome = Outcome::Skipped;
                skipped += 1;
            }
        }
        state.outbox.open -= skipped;
    }
    drop(state);
    standin.changed.notify_waiters();
}

/// Sends the stored body, signed now. `None` when nothing answered.
async fn post(standin: &Standin, at: usize) -> (Option<u16>, Option<String>) {
    let request = {
        let state = standin.state();
        let event = &state.events[at];
        let Some(endpoint) = state.endpoints.iter().find(|endpoint| endpoint.id == event.endpoint_id) else {
            return (None, Some("the endpoint was deleted".to_owned()));
        };
        let (id, timestamp) = (event.id.to_string(), state.sending_now().seconds());
        standin
            .client
            .post(&endpoint.url)
            .header("content-type", "application/json")
            .header("user-agent", "polar.sh webhooks")
            .header("webhook-signature", endpoint.secret.sign(&id, timestamp, &event.body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-api-version", &event.api_version)
            .body(event.body.clone())
    };
    match request.timeout(TIMEOUT).send().await {
        Ok(answer) => {
            let code = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            (Some(code), Some(text.chars().take(RESPONSE_CHARS_MAX).collect()))
        }
        Err(error) => (None, Some(error.without_url().to_string())),
    }
}

/// Sends an event again by hand: same id, same body, fresh signature. `false` when there is no such event.
pub fn redeliver(standin: &Arc<Standin>, id: Uuid) -> bool {
    let at = {
        let mut state = standin.state();
        let Some(at) = state.events.iter().position(|event| event.id == id) else { return false };
        state.outbox.open += 1;
        at
    };
    let standin = Arc::clone(standin);
    tokio::spawn(async move {
        let (http_code, response) = post(&standin, at).await;
        let succeeded = http_code.is_some_and(|code| (200..300).contains(&code));
        let mut state = standin.state();
        let (id, now) = (state.ids.uuid(), state.sending_now());
        let event = &mut state.events[at];
        event.attempts.push(Attempt { id, at: now, http_code, response, succeeded });
        if succeeded && event.outcome != Outcome::Pending {
            event.outcome = Outcome::Succeeded;
        }
        state.outbox.open -= 1;
        drop(state);
        standin.changed.notify_waiters();
    });
    true
}

/// Resolves when every event is finished, retries included.
pub async fn idle(standin: &Standin) {
    loop {
        let changed = standin.changed.notified();
        if standin.state().outbox.open == 0 {
            return;
        }
        changed.await;
    }
}

#[cfg(test)]
mod tests {
    use super::backoff_ms;

    #[test]
    fn waits_grow_as_polars_do_and_end_at_ten_to_twenty_minutes() {
        assert_eq!((backoff_ms(1, 0), backoff_ms(1, 1000)), (4_000, 8_000));
        assert_eq!((backoff_ms(5, 0), backoff_ms(5, 1000)), (64_000, 128_000));
        assert_eq!((backoff_ms(8, 0), backoff_ms(8, 1000)), (512_000, 1_024_000));
        assert_eq!((backoff_ms(9, 0), backoff_ms(9, 1000)), (1_024_000, 1_200_000));
        assert_eq!((backoff_ms(12, 0), backoff_ms(12, 1000)), (600_000, 1_200_000));
    }
}
