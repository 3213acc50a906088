//! Another operator's key for the control store: everything sealed in it is sealed anew, in one transaction, together
//! with what the new key has to know of the old ones. Before it only the old key opens the store, after it only the
//! new one. Never touches the inbox.

use sqlx::{AssertSqlSafe, Row};

use super::{Control, ControlError};
use crate::secrets::Secrets;

/// Sealed under the operator's key the store belongs to.
pub(super) const CHECK: &str = "operator's key";
/// What the operator's keys before it left, sealed under it.
const CARRIED: &str = "operator's keys before";

/// Every sealed column: table and column; the place a value is sealed for is `<id>/<column's name after sealed_>`.
const SEALED: [(&str, &str, &str); 9] = [
    ("connections", "sealed_token", "token"),
    ("connections", "sealed_secrets", "webhook_secrets"),
    ("imports", "sealed_result", "result"),
    ("partners", "sealed_email", "email"),
    ("partners", "sealed_payout", "payout"),
    ("payout_items", "sealed_recipient", "recipient"),
    ("endpoints", "sealed_secret", "secret"),
    ("endpoints", "sealed_old_secrets", "old_secrets"),
    ("paypal_accounts", "sealed_secret", "secret"),
];

impl Control {
    /// Checks the operator's key ([`Control::check_key`]) and gives it what earlier keys left.
    pub async fn unlock(&self, secrets: Secrets, now_ms: i64) -> Result<Secrets, ControlError> {
        self.check_key(&secrets, now_ms).await?;
        self.unlock_as_is(secrets).await
    }

    /// Gives the operator's key what earlier ones left; writes nothing, and another key opens nothing afterwards.
    pub async fn unlock_as_is(&self, secrets: Secrets) -> Result<Secrets, ControlError> {
        match self.checkpoint(CARRIED).await? {
            None => Ok(secrets),
            Some(sealed) => {
                let carried = secrets.open(CARRIED, &sealed)?;
                Ok(secrets.after(&carried)?)
            }
        }
    }

    /// Puts `next`, a key that is not used yet, in the place of `old`, which is unlocked; answers it unlocked.
    pub async fn rotate(&self, old: &Secrets, next: Secrets, now_ms: i64) -> Result<Secrets, ControlError> {
        let carried = old.carried();
        let new = next.after(&carried)?;
        let mut transaction = self.pool.begin().await?;
        // First a write, so that nobody adds a value sealed under the old key meanwhile.
        for (name, plain) in [(CHECK, &b"the same"[..]), (CARRIED, &carried)] {
            sqlx::query(
                "INSERT INTO checkpoints (name, value, updated_at_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms",
            )
            .bind(name)
            .bind(new.seal(name, plain))
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        }
        // Names of tables and columns are the constants above.
        for (table, column, place) in SEALED {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL"
            )))
            .fetch_all(&mut *transaction)
            .await?;
            for row in rows {
                let (id, sealed): (String, String) = (row.get(0), row.get(1));
                let Some(again) = new.resealed(&format!("{id}/{place}"), &sealed)? else { continue };
                sqlx::query(AssertSqlSafe(format!("UPDATE {table} SET {column} = $1 WHERE id = $2")))
                    .bind(again)
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn every_sealed_column_is_sealed_anew() {
        let dir = tempfile::tempdir().unwrap();
        let control = Control::open(&Config::for_data_dir(dir.path()), 1).await.unwrap();
        let columns = sqlx::query(
            "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' AND c.name LIKE '%sealed%' ORDER BY 1, 2",
        )
        .fetch_all(&control.pool)
        .await
        .unwrap();
        let found: Vec<(String, String)> = columns.iter().map(|row| (row.get(0), row.get(1))).collect();
        let mut known = SEALED.map(|(table, column, _)| (table.to_owned(), column.to_owned())).to_vec();
        known.sort();
        assert_eq!(
            found, known,
            "a column that is sealed belongs into SEALED, with the place it is sealed for"
        );
    }
}
