//! How many calls a provider is asked in a minute: never more than it allows one token.

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::ExposeSecret;

use crate::app::App;
use crate::billing::Provider;
use crate::control::connections::Connection;
use crate::secrets::sha256_hex;

const SANDBOX_REQUESTS_PER_MINUTE: u32 = 60;

/// Calls in the current minute, by token: connections of one organization share its allowance.
#[derive(Debug, Default)]
pub struct Budget(Mutex<HashMap<String, (i64, u32)>>);

impl Budget {
    /// Counts a call, or answers when the next one may be made.
    fn take(&self, token: &str, per_minute: u32, now_ms: i64) -> Result<(), i64> {
        let mut minutes = self.0.lock().expect("no holder panics");
        let (since_ms, calls) = minutes.entry(token.to_owned()).or_insert((now_ms, 0));
        if now_ms >= *since_ms + 60_000 {
            (*since_ms, *calls) = (now_ms, 0);
        }
        if *calls >= per_minute {
            return Err(*since_ms + 60_000);
        }
        *calls += 1;
        Ok(())
    }
}

/// Counts the call that comes, or answers when it may be made.
pub(super) fn allowance(app: &App, provider: &dyn Provider, connection: &Connection) -> Result<(), i64> {
    let token = connection.token.as_ref().map_or("", |token| token.expose_secret());
    let whose = sha256_hex(format!("{} {token}", provider.api_base(&connection.environment)).as_bytes());
    let configured = app.config.poll.requests_per_minute.max(1);
    let per_minute = match connection.environment.as_str() {
        "sandbox" => configured.min(SANDBOX_REQUESTS_PER_MINUTE),
        _ => configured,
    };
    app.jobs.polls.take(&whose, per_minute, app.clock.now_ms())
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn calls_of_one_token_share_a_minute() {
        let budget = Budget::default();
        let calls = (0..5).map(|at| budget.take("a", 3, 1000 + at)).collect::<Vec<_>>();
        assert_eq!(calls, [Ok(()), Ok(()), Ok(()), Err(61_000), Err(61_000)]);
        assert_eq!(budget.take("b", 3, 1005), Ok(()));
        assert_eq!(budget.take("a", 3, 61_000), Ok(()));
    }
}
