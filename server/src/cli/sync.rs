//! `tributary connection sync` and what `connection status` prints: asks the running server for a pass over the
//! provider's lists and shows how far it is, or makes the pass itself when no server runs.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::client::Server;
use crate::billing::lists::Pass;
use crate::config::Config;
use crate::control::connections::Connection;
use crate::jobs::poll::{EndpointState, PollStanding, PollStatus, Problem};
use crate::jobs::{poll, settle};

const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A server that has not begun by then does not run the jobs, or is busy with another connection.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(config: Config, id: &str, full: bool) -> anyhow::Result<()> {
    let pass = if full { Pass::History } else { Pass::Deep };
    let settings = super::open_settings(config.clone()).await?;
    let connection = settings.control.connections(&settings.secrets).await?;
    let connection = connection.into_iter().find(|connection| connection.id == id);
    let connection = connection
        .with_context(|| format!("there is no connection {id:?}; `tributary connection list` shows them"))?;
    ensure!(
        connection.token.is_some(),
        "{id} has no access token, so its lists cannot be read; enter one with `tributary connection token {id}`"
    );
    settings.control.ask_poll(id, pass, settings.clock.now_ms()).await?;
    let status = if Server::find(&config).await?.is_some() {
        follow(&settings, &connection).await?
    } else {
        settings.control.close().await;
        by_ourselves(config, &connection).await?
    };
    print(&status);
    match status.problem {
        None => Ok(()),
        Some(problem) => bail!("{}", problem.message),
    }
}

/// Looks until the running server is done, or something stands in the way.
async fn follow(settings: &super::Settings, connection: &Connection) -> anyhow::Result<PollStatus> {
    let mut waited = Duration::ZERO;
    loop {
        let now_ms = settings.clock.now_ms();
        let status = PollStatus::of(&settings.control, connection, true, now_ms).await?;
        let is_over = match status.standing {
            PollStanding::Waiting => false,
            PollStanding::Reading => status.problem.as_ref().is_some_and(|problem| !passes(problem)),
            PollStanding::Idle | PollStanding::Off => true,
        };
        if is_over {
            return Ok(status);
        }
        ensure!(
            status.standing != PollStanding::Waiting || waited < BEGIN_TIMEOUT,
            "it was asked for and waits: either no node runs the jobs (`tributary serve` does), or another connection \
             is being read; `tributary connection status {}` says how far it is",
            connection.id
        );
        progress(&status);
        tokio::time::sleep(LOOK_INTERVAL).await;
        waited =
            if status.standing == PollStanding::Waiting { waited + LOOK_INTERVAL } else { Duration::ZERO };
    }
}

/// Opens the stores and reads; calls that were too many are waited for, other trouble ends it.
async fn by_ourselves(config: Config, connection: &Connection) -> anyhow::Result<PollStatus> {
    let app = super::open(config).await?;
    loop {
        let more = poll::step_of(&app, connection).await?;
        let status = PollStatus::of(&app.control, connection, true, app.clock.now_ms()).await?;
        if status.standing == PollStanding::Idle || status.problem.as_ref().is_some_and(|it| !passes(it)) {
            settle(&app).await?;
            app.close().await;
            return Ok(status);
        }
        progress(&status);
        if !more {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// Whether trouble is over by itself: a provider that had too many calls takes them later.
fn passes(problem: &Problem) -> bool {
    problem.code == "rate_limited"
}

/// One line that replaces itself on a terminal; elsewhere nothing, so that logs stay short.
fn progress(status: &PollStatus) {
    if std::io::stderr().is_terminal() {
        let list = status.list.as_deref().unwrap_or("waiting");
        eprint!("\r\x1b[K{list}: {} of about {} read", status.read, status.list_total.max(status.read));
    }
}

/// A few plain lines.
pub fn print(status: &PollStatus) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let at = |at_ms: Option<i64>| {
        let at = at_ms.and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
        at.map_or_else(|| "never".to_owned(), |at| at.to_string())
    };
    match status.standing {
        PollStanding::Off => println!("  polling      off: no token, or poll.interval_minutes is 0"),
        PollStanding::Waiting => println!("  polling      waits to begin"),
        PollStanding::Reading => println!("  polling      {} objects read so far", status.read),
        PollStanding::Idle => println!("  polling      up to date"),
    }
    println!("  complete to  {} (whole history: {})", at(status.complete_until_ms), at(status.history_at_ms));
    println!("  found        {} in 90 days that no webhook had told", status.found_by_poll);
    if status.rejected > 0 {
        println!("  rejected     {} in 90 days did not parse; see the failed webhooks", status.rejected);
    }
    if !status.missing_scopes.is_empty() {
        println!("  scopes       the token lacks {}", status.missing_scopes.join(", "));
    }
    match status.endpoint {
        Some(EndpointState::Fine) => println!("  webhooks     the endpoint is enabled and complete"),
        Some(EndpointState::Disabled) => {
            println!("  webhooks     SWITCHED OFF at the provider; switch the endpoint on again there");
        }
        Some(EndpointState::Incomplete) => {
            println!("  webhooks     the endpoint does not send every event that is needed");
        }
        Some(EndpointState::Missing) => println!("  webhooks     no endpoint has our address"),
        Some(EndpointState::Unknown) | None => println!("  webhooks     not known"),
    }
    if let Some(problem) = &status.problem {
        println!("  problem      since {}: {}", at(Some(problem.since_ms)), problem.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_too_many_calls_are_waited_for() {
        let problem = |code: &str| Problem { code: code.to_owned(), message: String::new(), since_ms: 0 };
        assert!(passes(&problem("rate_limited")));
        for code in ["token_refused", "provider_unavailable", "missing_scope"] {
            assert!(!passes(&problem(code)), "{code}");
        }
    }
}
