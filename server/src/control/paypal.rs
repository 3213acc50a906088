//! PayPal accounts, and batches from the plan to PayPal's last word. A batch is written before it is sent, and that it
//! is being sent before the call, so that one cut short is found again. Never calls anybody.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Control, ControlError};
use crate::secrets::Secrets;

/// The PayPal account a workspace pays from.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// `ppa_…`
    pub id: String,
    pub workspace_id: String,
    pub base_url: String,
    pub client_id: String,
    pub secret: String,
    pub updated_at_ms: i64,
}

/// Items of a payout sent in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The idempotency key.
    pub sender_batch_id: String,
    pub payout_id: String,
    pub workspace_id: String,
    /// `planned`, `sent`, `done`, `refused`.
    pub state: String,
    /// When it was first sent without an answer that says it was not accepted.
    pub first_try_at_ms: Option<i64>,
    /// The account it was first sent from; empty before.
    pub account: String,
    /// PayPal's id, once known.
    pub batch_id: Option<String>,
    /// As PayPal last said it.
    pub status: String,
    /// What stands in the way; empty when nothing does.
    pub problem: String,
    /// Calls in a row that failed.
    pub failures: u32,
    pub next_at_ms: i64,
}

const COLUMNS: &str = "sender_batch_id, payout_id, workspace_id, state, first_try_at_ms, batch_id, status, problem, \
                       failures, next_at_ms, account";

impl Control {
    /// The PayPal account of a workspace.
    pub async fn paypal_account(
        &self,
        workspace_id: &str,
        secrets: &Secrets,
    ) -> Result<Option<Account>, ControlError> {
        let row = sqlx::query(
            "SELECT id, workspace_id, base_url, client_id, sealed_secret, updated_at_ms FROM paypal_accounts \
             WHERE workspace_id = $1",
        )
        .bind(workspace_id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (id, sealed): (String, String) = (row.get(0), row.get(4));
        let secret = secrets.open(&format!("{id}/secret"), &sealed)?;
        let damaged = |error: std::string::FromUtf8Error| ControlError::Damaged {
            what: "a PayPal account",
            why: error.to_string(),
        };
        Ok(Some(Account {
            workspace_id: row.get(1),
            base_url: row.get(2),
            client_id: row.get(3),
            secret: String::from_utf8(secret).map_err(damaged)?,
            updated_at_ms: row.get(5),
            id,
        }))
    }

    /// Puts an account in the place of the workspace's, if it has one.
    pub async fn save_paypal_account(
        &self,
        account: &Account,
        secrets: &Secrets,
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM paypal_accounts WHERE workspace_id = $1")
            .bind(&account.workspace_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO paypal_accounts (id, workspace_id, base_url, client_id, sealed_secret, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&account.id)
        .bind(&account.workspace_id)
        .bind(&account.base_url)
        .bind(&account.client_id)
        .bind(secrets.seal(&format!("{}/secret", account.id), account.secret.as_bytes()))
        .bind(account.updated_at_ms)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a workspace's account; false when it has none.
    pub async fn remove_paypal_account(&self, workspace_id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query("DELETE FROM paypal_accounts WHERE workspace_id = $1")
            .bind(workspace_id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes which items go in which batch, to be sent now. False when one of them ended or was planned meanwhile; then
    /// nothing was changed.
    pub async fn plan_batches(
        &self,
        workspace_id: &str,
        payout_id: &str,
        batches: &[(String, Vec<String>)],
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let mut is_done = true;
        for (sender_batch_id, items) in batches {
            let added = sqlx::query(
                "INSERT INTO paypal_batches (sender_batch_id, payout_id, workspace_id, state, account, status, problem, failures, \
                 next_at_ms, created_at_ms) VALUES ($1, $2, $3, 'planned', '', '', '', 0, $4, $4) \
                 ON CONFLICT (sender_batch_id) DO NOTHING",
            )
            .bind(sender_batch_id)
            .bind(payout_id)
            .bind(workspace_id)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
            is_done &= added.rows_affected() > 0;
            for item in items {
                let taken = sqlx::query(
                    "UPDATE payout_items SET sender_batch_id = $2 WHERE id = $1 AND state = 'processing' \
                     AND sender_batch_id IS NULL",
                )
                .bind(item)
                .bind(sender_batch_id)
                .execute(&mut *transaction)
                .await?;
                is_done &= taken.rows_affected() > 0;
            }
        }
        match is_done {
            true => transaction.commit().await?,
            false => transaction.rollback().await?,
        }
        Ok(is_done)
    }

    /// Takes back the batches of a payout that PayPal cannot have: their items are anybody's to send again.
    pub async fn withdraw_batches(&self, payout_id: &str) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "UPDATE paypal_batches SET state = 'refused', problem = 'called off before it was sent' \
             WHERE payout_id = $1 AND state = 'planned' AND first_try_at_ms IS NULL",
        )
        .bind(payout_id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE payout_items SET sender_batch_id = NULL WHERE payout_id = $1 AND state = 'processing' \
             AND sender_batch_id IN (SELECT sender_batch_id FROM paypal_batches WHERE state = 'refused')",
        )
        .bind(payout_id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Batches of a payout, in the order of their making.
    pub async fn paypal_batches(&self, payout_id: &str) -> Result<Vec<Batch>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM paypal_batches WHERE payout_id = $1 ORDER BY created_at_ms, sender_batch_id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(payout_id).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Batches PayPal is to be called for by now, the longest waiting first.
    pub async fn due_paypal_batches(&self, now_ms: i64, limit: i64) -> Result<Vec<Batch>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM paypal_batches WHERE state IN ('planned', 'sent') AND next_at_ms <= $1 \
             ORDER BY next_at_ms, sender_batch_id LIMIT $2"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(now_ms).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Batches under way that something stands in the way of.
    pub async fn troubled_paypal_batches(&self) -> Result<Vec<Batch>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM paypal_batches WHERE state IN ('planned', 'sent') AND problem <> '' \
             ORDER BY created_at_ms, sender_batch_id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Says that a planned batch is about to be sent, from which account; false when it was taken back meanwhile.
    pub async fn begin_batch(&self, begun: &Batch) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "UPDATE paypal_batches SET first_try_at_ms = $2, account = $3 \
             WHERE sender_batch_id = $1 AND state = 'planned'",
        )
        .bind(&begun.sender_batch_id)
        .bind(begun.first_try_at_ms)
        .bind(&begun.account)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes where a batch stands. PayPal's id of it, once known, is never forgotten: who looked before another process
    /// learned it writes nothing.
    pub async fn save_batch(&self, batch: &Batch) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE paypal_batches SET state = $2, first_try_at_ms = $3, batch_id = $4, status = $5, problem = $6, \
             failures = $7, next_at_ms = $8 WHERE sender_batch_id = $1 AND (batch_id IS NULL OR batch_id = $4)",
        )
        .bind(&batch.sender_batch_id)
        .bind(&batch.state)
        .bind(batch.first_try_at_ms)
        .bind(&batch.batch_id)
        .bind(&batch.status)
        .bind(&batch.problem)
        .bind(i64::from(batch.failures))
        .bind(batch.next_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Batch {
    Batch {
        sender_batch_id: row.get(0),
        payout_id: row.get(1),
        workspace_id: row.get(2),
        state: row.get(3),
        first_try_at_ms: row.get(4),
        batch_id: row.get(5),
        status: row.get(6),
        problem: row.get(7),
        failures: u32::try_from(row.get::<i64, _>(8)).unwrap_or(u32::MAX),
        next_at_ms: row.get(9),
        account: row.get(10),
    }
}
