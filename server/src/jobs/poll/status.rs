//! Where a connection's poll stands, for people and programs.

use serde::{Deserialize, Serialize};

use super::{EndpointState, PASSES_KEPT_MS, PollState, Problem};
use crate::billing;
use crate::billing::lists::Pass;
use crate::control::connections::Connection;
use crate::control::{Control, ControlError};

/// Whether something is read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PollStanding {
    /// The connection has no token, or polling is switched off.
    Off,
    /// Asked for, or due, and not begun.
    Waiting,
    Reading,
    /// Up to date as of the last pass.
    Idle,
}

/// Where a connection's poll stands.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PollStatus {
    pub standing: PollStanding,
    /// The pass under way, and the list it reads.
    pub pass: Option<Pass>,
    pub list: Option<String>,
    /// Objects this pass has read so far, and how many the list being read has by the provider's count.
    pub read: u64,
    pub list_total: u64,
    /// When the last finished pass began: what happened before is known.
    pub complete_until_ms: Option<i64>,
    /// When the whole history was last read.
    pub history_at_ms: Option<i64>,
    /// Objects of the last 90 days that a webhook should have told and only a poll found: the health of the
    /// webhooks. Zero is healthy.
    pub found_by_poll: u64,
    /// Objects of the last 90 days that did not parse; they lie with the failed webhooks.
    pub rejected: u64,
    /// What stands in the way.
    pub problem: Option<Problem>,
    /// Scopes the token lacks; what they open is not read.
    pub missing_scopes: Vec<String>,
    /// Our webhook endpoint as the provider has it, once a pass has looked.
    pub endpoint: Option<EndpointState>,
}

impl PollStatus {
    /// As last written down.
    pub async fn of(
        control: &Control,
        connection: &Connection,
        is_polling: bool,
        now_ms: i64,
    ) -> Result<PollStatus, ControlError> {
        let state = PollState::load_from(control, &connection.id).await?;
        let totals = control.poll_totals(&connection.id, now_ms - PASSES_KEPT_MS).await?;
        let lists = billing::provider(&connection.provider).map_or(&[][..], |provider| provider.lists());
        let run = state.run.as_ref();
        let standing = if connection.token.is_none() || lists.is_empty() {
            PollStanding::Off
        } else if control.has_asked_poll(&connection.id).await? {
            PollStanding::Waiting
        } else if run.is_some() {
            PollStanding::Reading
        } else if state.asked.is_some() {
            PollStanding::Waiting
        } else if !is_polling {
            PollStanding::Off
        } else if state.recent_at_ms.is_none() {
            PollStanding::Waiting
        } else {
            PollStanding::Idle
        };
        Ok(PollStatus {
            standing,
            pass: run.map(|run| run.pass),
            list: run.and_then(|run| lists.get(run.list)).map(|list| list.path.to_owned()),
            read: run.map_or(0, |run| run.read),
            list_total: run.map_or(0, |run| run.total),
            complete_until_ms: state.recent_at_ms,
            history_at_ms: state.history_at_ms,
            found_by_poll: totals.found + run.map_or(0, |run| run.found),
            rejected: totals.rejected + run.map_or(0, |run| run.rejected),
            problem: state.problem,
            missing_scopes: state.missing_scopes,
            endpoint: state.endpoint,
        })
    }
}
