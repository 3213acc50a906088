//! Statements of connections that were made, for ever.

use domain::books::{Sealed, Statement};

use super::chain::Kept;
use super::{Control, ControlError};

impl Kept for Statement {
    const TABLE: &'static str = "statements";
    const OWNER_COLUMN: &'static str = "connection_id";
    const WHAT: &'static str = "a statement";

    fn made_at_ms(&self) -> i64 {
        self.made_at_ms
    }
}

impl Control {
    /// Every statement of a connection, oldest first.
    pub async fn statements(
        &self,
        workspace_id: &str,
        connection_id: &str,
    ) -> Result<Vec<Sealed>, ControlError> {
        self.chain(workspace_id, connection_id).await
    }

    /// Keeps a statement; one that another process made first stands.
    pub async fn keep_statement(&self, sealed: &Sealed) -> Result<(), ControlError> {
        self.keep_in_chain(sealed).await?;
        Ok(())
    }
}
