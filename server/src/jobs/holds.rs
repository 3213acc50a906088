//! Looks at what a day of the calendar changes and no event tells: commissions whose hold ends. Once a minute, from a
//! checkpoint on. Never skips a moment: when the clock went back, or a look failed, the next one reaches as far back.

use super::JobError;
use crate::app::App;
use crate::control::ledger::{StoredCommission, Which};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const LOOK_EVERY_MS: i64 = 60_000;

/// One look, until it is [`done`](Look::done).
pub(super) struct Look {
    checkpoint: &'static str,
    /// From a day before the last look, in case the clock went back.
    after_ms: i64,
    pub now_ms: i64,
}

impl Look {
    /// None within a minute of the last look that was done.
    pub async fn begin(app: &App, checkpoint: &'static str) -> Result<Option<Look>, JobError> {
        let now_ms = app.clock.now_ms();
        let last = app.control.checkpoint(checkpoint).await?;
        let last_ms: i64 = last.and_then(|text| text.parse().ok()).unwrap_or(0);
        let is_early = (last_ms..last_ms.saturating_add(LOOK_EVERY_MS)).contains(&now_ms);
        let after_ms = last_ms.min(now_ms) - DAY_MS;
        Ok((!is_early).then_some(Look { checkpoint, after_ms, now_ms }))
    }

    /// The commissions whose hold ended since the last look, or ends within `ahead_ms`.
    pub async fn due(
        &self,
        app: &App,
        workspace_id: &str,
        ahead_ms: i64,
    ) -> Result<Vec<StoredCommission>, JobError> {
        let which = Which::DueBetween(self.after_ms, self.now_ms + ahead_ms);
        Ok(app.control.commissions(workspace_id, which).await?)
    }

    /// The next look begins where this one ended.
    pub async fn done(self, app: &App) -> Result<(), JobError> {
        Ok(app.control.set_checkpoint(self.checkpoint, &self.now_ms.to_string(), self.now_ms).await?)
    }
}
