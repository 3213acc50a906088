//! What was told and still waits to become orders and credits: what a command counts down while a server works.
//! Only reads; never looks into a hit or a webhook.

use serde::{Deserialize, Serialize};

use super::JobError;
use crate::app::App;

/// What waits of one workspace, of everything told before a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Waiting {
    /// The moment: milliseconds since the epoch.
    pub before_ms: i64,
    /// Hits of every workspace on this node that ClickHouse does not have yet.
    pub hits: u64,
    /// Webhooks not applied yet.
    pub webhooks: u64,
    /// Orders, persons and other subjects whose credits are not up to date.
    pub subjects: u64,
    /// Webhooks that lie aside with an error: they do not wait for anything but a person.
    pub failed_webhooks: u64,
}

impl Waiting {
    /// Nothing is on its way to the facts.
    pub fn all_arrived(&self) -> bool {
        self.hits + self.webhooks == 0
    }
}

/// Counts in the order of the flow, so that what moves on meanwhile is met again and never missed. What arrives
/// or is marked at `before_ms` or later does not count: on a busy site something always waits.
pub async fn waiting(app: &App, workspace_id: &str, before_ms: i64) -> Result<Waiting, JobError> {
    let hits = app.inbox.waiting_hits(before_ms).await?;
    let (webhooks, failed_webhooks) = app.inbox.waiting_webhooks(workspace_id, before_ms).await?;
    let subjects = app.control.dirty_count(workspace_id, before_ms).await?;
    Ok(Waiting { before_ms, hits, webhooks, subjects, failed_webhooks })
}
