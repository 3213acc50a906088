//! Sealed bodies read and replaced in steps, for another operator's key. Never opens one.

use rusqlite::params;

use super::webhooks::{self, Webhook};
use super::{Inbox, InboxError};

impl Inbox {
    /// Webhooks that have a body, in whatever state, after this id, oldest first.
    pub async fn sealed_bodies(&self, after: i64, limit: usize) -> Result<Vec<Webhook>, InboxError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM webhooks WHERE id > ?1 AND length(sealed_body) > 0 ORDER BY id LIMIT ?2",
                webhooks::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_map(params![after, limit as i64], webhooks::read)?;
            found.collect()
        })
        .await
    }

    /// Puts other bodies in the place of these, by webhook id; durable when it resolves.
    pub async fn replace_bodies(&self, bodies: Vec<(i64, Vec<u8>)>) -> Result<(), InboxError> {
        self.write(move |connection| {
            let mut replace =
                connection.prepare_cached("UPDATE webhooks SET sealed_body = ?2 WHERE id = ?1")?;
            bodies.iter().try_for_each(|(id, body)| replace.execute(params![id, body]).map(drop))
        })
        .await
    }
}
