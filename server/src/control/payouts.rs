//! Payouts: approved and closed together with the entries they move, in one transaction each, so that one half is never
//! there without the other.

use domain::affiliate::payout::Method;
use domain::money::Currency;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::ledger::{Posting, add};
use super::{Control, ControlError};
use crate::secrets::Secrets;

/// Where a payout, or one partner's part of it, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutState {
    /// Approved, and not yet said to be sent.
    Processing,
    Paid,
    Canceled,
}

impl PayoutState {
    const ALL: [PayoutState; 3] = [PayoutState::Processing, PayoutState::Paid, PayoutState::Canceled];

    pub fn name(self) -> &'static str {
        match self {
            PayoutState::Processing => "processing",
            PayoutState::Paid => "paid",
            PayoutState::Canceled => "canceled",
        }
    }

    fn read(word: &str) -> Result<PayoutState, ControlError> {
        let found = PayoutState::ALL.into_iter().find(|state| state.name() == word);
        found.ok_or_else(|| ControlError::Damaged { what: "a payout", why: word.to_owned() })
    }
}

/// One partner's part of a payout.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// `itm_…`
    pub id: String,
    pub partner_id: String,
    pub name: String,
    pub method: Method,
    /// Personal data: never log it.
    pub recipient: String,
    pub amount_minor: i64,
    pub state: PayoutState,
}

/// A payout as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPayout {
    /// `pay_…`
    pub id: String,
    pub workspace_id: String,
    pub currency: Currency,
    /// `2026-10`
    pub month: String,
    pub state: PayoutState,
    pub reference: String,
    pub approved_at_ms: i64,
    pub closed_at_ms: Option<i64>,
    pub items: Vec<StoredItem>,
}

impl Control {
    /// Keeps an approved payout with the entries that move its money. False when the ledger changed meanwhile, or the
    /// payout is there already; then nothing was changed.
    pub async fn approve_payout(
        &self,
        payout: &StoredPayout,
        postings: &[Posting],
        secrets: &Secrets,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO payouts (id, workspace_id, currency, month, state, reference, approved_at_ms) \
             VALUES ($1, $2, $3, $4, $5, '', $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&payout.id)
        .bind(&payout.workspace_id)
        .bind(payout.currency.code())
        .bind(&payout.month)
        .bind(payout.state.name())
        .bind(payout.approved_at_ms)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        for item in &payout.items {
            let place = format!("{}/recipient", item.id);
            sqlx::query(
                "INSERT INTO payout_items (id, payout_id, partner_id, name, method, sealed_recipient, amount_minor, \
                 state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&item.id)
            .bind(&payout.id)
            .bind(&item.partner_id)
            .bind(&item.name)
            .bind(item.method.name())
            .bind(secrets.seal(&place, item.recipient.as_bytes()))
            .bind(item.amount_minor)
            .bind(item.state.name())
            .execute(&mut *transaction)
            .await?;
        }
        for posting in postings {
            if !add(&mut transaction, &payout.workspace_id, posting, payout.approved_at_ms).await? {
                transaction.rollback().await?;
                return Ok(false);
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Closes a payout that is under way, as `closed` says, with the entries that end it. False when it was closed, or
    /// the ledger changed, meanwhile; then nothing was changed.
    pub async fn close_payout(
        &self,
        closed: &StoredPayout,
        postings: &[Posting],
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let done = sqlx::query(
            "UPDATE payouts SET state = $2, reference = $3, closed_at_ms = $4 WHERE id = $1 AND state = 'processing'",
        )
        .bind(&closed.id)
        .bind(closed.state.name())
        .bind(&closed.reference)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        for item in &closed.items {
            sqlx::query("UPDATE payout_items SET state = $2 WHERE id = $1")
                .bind(&item.id)
                .bind(item.state.name())
                .execute(&mut *transaction)
                .await?;
        }
        for posting in postings {
            if !add(&mut transaction, &closed.workspace_id, posting, now_ms).await? {
                transaction.rollback().await?;
                return Ok(false);
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Payouts of a workspace with their items, oldest first; only the one of this id when there is one.
    pub async fn payouts(
        &self,
        workspace_id: &str,
        id: Option<&str>,
        secrets: &Secrets,
    ) -> Result<Vec<StoredPayout>, ControlError> {
        let chosen = "FROM payouts WHERE workspace_id = $1 AND ($2 = '' OR id = $2)";
        let heads = format!(
            "SELECT id, workspace_id, currency, month, state, reference, approved_at_ms, closed_at_ms {chosen} \
             ORDER BY approved_at_ms, id"
        );
        let items = format!(
            "SELECT payout_id, id, partner_id, name, method, sealed_recipient, amount_minor, state FROM payout_items \
             WHERE payout_id IN (SELECT id {chosen}) ORDER BY partner_id"
        );
        let bound = |sql: String| -> sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments> {
            sqlx::query(AssertSqlSafe(sql)).bind(workspace_id.to_owned()).bind(id.unwrap_or("").to_owned())
        };
        let rows = bound(heads).fetch_all(&self.pool).await?;
        let mut payouts = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for row in &bound(items).fetch_all(&self.pool).await? {
            let payout_id: String = row.get(0);
            if let Some(payout) = payouts.iter_mut().find(|payout| payout.id == payout_id) {
                payout.items.push(read_item(row, secrets)?);
            }
        }
        Ok(payouts)
    }
}

fn damaged(why: impl ToString) -> ControlError {
    ControlError::Damaged { what: "a payout", why: why.to_string() }
}

fn read(row: &AnyRow) -> Result<StoredPayout, ControlError> {
    let (currency, state): (String, String) = (row.get(2), row.get(4));
    Ok(StoredPayout {
        id: row.get(0),
        workspace_id: row.get(1),
        currency: currency.parse().map_err(damaged)?,
        month: row.get(3),
        state: PayoutState::read(&state)?,
        reference: row.get(5),
        approved_at_ms: row.get(6),
        closed_at_ms: row.get(7),
        items: Vec::new(),
    })
}

fn read_item(row: &AnyRow, secrets: &Secrets) -> Result<StoredItem, ControlError> {
    let (id, method, state): (String, String, String) = (row.get(1), row.get(4), row.get(7));
    let sealed: String = row.get(5);
    let recipient = secrets.open(&format!("{id}/recipient"), &sealed)?;
    Ok(StoredItem {
        partner_id: row.get(2),
        name: row.get(3),
        method: method.parse().map_err(damaged)?,
        recipient: String::from_utf8(recipient).map_err(damaged)?,
        amount_minor: row.get(6),
        state: PayoutState::read(&state)?,
        id,
    })
}
