//! Sends waiting deliveries to their endpoints as Standard Webhooks, at least once and under the same id whenever it is
//! tried: the oldest first, again after growing waits, and not for ever. Who is slow holds up nobody but
//! itself. Never follows a redirect and never calls an address that the judged way out refuses.

use std::time::{Duration, Instant};

use domain::ids::derive_id;
use domain::retry::wait_ms;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tokio::sync::watch;
use url::Url;

use super::JobError;
use super::turns::Turns;
use crate::app::App;
use crate::billing::signature;
use crate::control::deliveries::{Attempt, Delivery, Next};
use crate::control::endpoints::Endpoint;

const LEASE: Duration = Duration::from_secs(120);
/// Between two looks.
const REST: Duration = Duration::from_secs(2);
/// Endpoints called at once.
const ENDPOINTS_AT_ONCE: usize = 8;
/// Deliveries to one endpoint in one step.
const DELIVERIES_MAX: i64 = 20;
/// Of the answer, kept.
const ANSWER_BYTES_MAX: usize = 1024;
const DAY_MS: i64 = 24 * 3_600_000;
/// A delivery is not tried any more after so long.
const TRIED_MS: i64 = 3 * DAY_MS;
/// Deliveries that ended are kept so long.
const KEPT_MS: i64 = 30 * DAY_MS;
/// When what ended was last forgotten.
const FORGOTTEN: &str = "deliveries forgotten";
const FORGET_EVERY_MS: i64 = 3_600_000;
/// Said by a receiver that wants nothing any more.
const GONE: u16 = 410;

/// Delivers until `stop` says true, while this process holds the lease.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    if !may_hold_lease {
        return;
    }
    let mut turns = Turns::new(&app, "deliver", LEASE, REST, stop);
    while turns.next().await {
        match step(&app).await {
            Ok(true) => turns.goes_on(),
            Ok(false) => {}
            Err(error) => {
                turns.failed();
                tracing::warn!(job = "deliver", cause = %error, "events could not be delivered: {error}");
            }
        }
    }
}

/// Tries what is to be tried by now, some of each endpoint's; true when an endpoint that answers has more waiting.
pub async fn step(app: &App) -> Result<bool, JobError> {
    let now_ms = app.clock.now_ms();
    let endpoints = app.control.endpoints_to_tell(now_ms, &app.secrets).await?;
    let mut more = false;
    for endpoints in endpoints.chunks(ENDPOINTS_AT_ONCE) {
        let calls: Vec<BoxFuture<'_, Result<bool, JobError>>> =
            endpoints.iter().map(|endpoint| tell(app, endpoint).boxed()).collect();
        for told in join_all(calls).await {
            more |= told?;
        }
    }
    forget(app, now_ms).await?;
    Ok(more)
}

/// Forgets what ended long ago; looks once an hour.
async fn forget(app: &App, now_ms: i64) -> Result<(), JobError> {
    let last = app.control.checkpoint(FORGOTTEN).await?;
    let last_ms: i64 = last.and_then(|text| text.parse().ok()).unwrap_or(0);
    if (last_ms..last_ms.saturating_add(FORGET_EVERY_MS)).contains(&now_ms) {
        return Ok(());
    }
    app.control.forget_deliveries(now_ms - KEPT_MS).await?;
    app.control.forget_old_secrets(now_ms).await?;
    Ok(app.control.set_checkpoint(FORGOTTEN, &now_ms.to_string(), now_ms).await?)
}

/// Sends one endpoint what waits for it, until it does not take something; true when there may be more.
async fn tell(app: &App, endpoint: &Endpoint) -> Result<bool, JobError> {
    let waiting = app.control.due_deliveries(&endpoint.id, app.clock.now_ms(), DELIVERIES_MAX).await?;
    for delivery in &waiting {
        let now_ms = app.clock.now_ms();
        let began = Instant::now();
        let tried = send(app, endpoint, delivery, now_ms).await;
        let latency_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let Tried { status, error, answer, wait_ms } = tried;
        let attempt =
            Attempt { number: delivery.attempts + 1, at_ms: now_ms, latency_ms, status, error, answer };
        metrics::counter!("tributary_deliveries_total", "taken" => attempt.error.is_none().to_string())
            .increment(1);
        if attempt.error.is_none() {
            app.control.record_attempt(delivery, &attempt, &Next::Delivered, None, None).await?;
            continue;
        }
        let failing_since_ms = endpoint.failing_since_ms.unwrap_or(now_ms);
        let disable_after_ms = i64::from(app.config.outbound.disable_after_days) * DAY_MS;
        let disabled = disabled_why(status, now_ms - failing_since_ms, disable_after_ms);
        if let Some(why) = &disabled {
            tracing::warn!(
                endpoint = endpoint.id,
                "endpoint {} is told of nothing any more: {why}",
                endpoint.id
            );
        }
        let next = next(delivery, attempt.number, now_ms, wait_ms);
        let since = Some(failing_since_ms);
        app.control.record_attempt(delivery, &attempt, &next, since, disabled.as_deref()).await?;
        return Ok(false);
    }
    Ok(waiting.len() as i64 == DELIVERIES_MAX)
}

/// Why an endpoint is told of nothing any more, if so.
fn disabled_why(status: Option<u16>, failing_ms: i64, disable_after_ms: i64) -> Option<String> {
    if status == Some(GONE) {
        return Some("it answered 410 Gone; enable it when it takes events again".to_owned());
    }
    (failing_ms >= disable_after_ms).then(|| {
        let days = failing_ms / DAY_MS;
        format!("it took nothing for {days} days; enable it when it takes events again")
    })
}

/// What follows a failure.
fn next(delivery: &Delivery, attempts: u32, now_ms: i64, asked_ms: i64) -> Next {
    if now_ms - delivery.created_at_ms >= TRIED_MS {
        return Next::Failed;
    }
    let dice = derive_id(&["wait", &delivery.id, &attempts.to_string()]) as u64;
    Next::Again(now_ms + wait_ms(attempts, dice).max(asked_ms))
}

/// What came of a call.
struct Tried {
    status: Option<u16>,
    error: Option<String>,
    answer: String,
    /// What the receiver asked to wait.
    wait_ms: i64,
}

async fn send(app: &App, endpoint: &Endpoint, delivery: &Delivery, now_ms: i64) -> Tried {
    let failed =
        |error: String| Tried { status: None, error: Some(error), answer: String::new(), wait_ms: 0 };
    let request = Url::parse(&endpoint.url).map_err(|error| error.to_string());
    let request = request.and_then(|url| app.outbound.post(url).map_err(|refused| refused.to_string()));
    let request = match request {
        Ok(request) => request,
        Err(why) => return failed(why),
    };
    let seconds = now_ms.div_euclid(1000);
    // One by each secret that is in use: whoever has one of them finds theirs.
    let sign = |secret: &str| signature::sign(secret, &delivery.event_id, seconds, delivery.body.as_bytes());
    let old = endpoint.old_secrets_at(now_ms).map(|old| sign(&old.secret));
    let signed: Vec<String> = std::iter::once(sign(&endpoint.secret)).chain(old).collect();
    let request = request
        .timeout(Duration::from_millis(app.config.outbound.delivery_timeout_ms))
        .header("content-type", "application/json")
        .header("webhook-id", &delivery.event_id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signed.join(" "))
        .body(delivery.body.clone());
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(reason(&error)),
    };
    let status = response.status();
    let header =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    let wait_ms = header.unwrap_or(0).clamp(0, DAY_MS / 1000) * 1000;
    let mut answer = Vec::new();
    while answer.len() < ANSWER_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) if status.is_success() => {
                return Tried {
                    status: Some(status.as_u16()),
                    error: Some(reason(&error)),
                    answer: text(&answer),
                    wait_ms,
                };
            }
            Err(_) => break,
        }
    }
    let error = match status.is_success() {
        true => None,
        false if status.is_redirection() => {
            Some(format!("it answers {}; give the address it leads to", status.as_u16()))
        }
        false => Some(format!("it answers {}", status.as_u16())),
    };
    Tried { status: Some(status.as_u16()), error, answer: text(&answer), wait_ms }
}

/// Without the address: it may hold something secret.
fn reason(error: &reqwest::Error) -> String {
    match crate::outbound::refusal(error) {
        Some(refused) => refused.to_string(),
        None if error.is_timeout() => "it did not answer in time".to_owned(),
        None if error.is_connect() => "it cannot be reached".to_owned(),
        None => "the answer broke off".to_owned(),
    }
}

fn text(answer: &[u8]) -> String {
    let kept = &answer[..answer.len().min(ANSWER_BYTES_MAX)];
    String::from_utf8_lossy(kept).replace('\0', "\u{fffd}")
}
