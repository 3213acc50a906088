//! Payouts: approved, and ended item by item, together with the entries they move and the events that tell of it, in
//! one transaction each, so that one part is never there without the others.

use domain::affiliate::payout::Method;
use domain::money::Currency;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::ledger::{Posting, add};
use super::outbox::tell;
use super::{Control, ControlError};
use crate::events::{self, Event};
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
    pub rail: Rail,
}

/// What is known of an item's way to the partner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rail {
    /// What the rail, or whoever sent the money, calls the payment.
    pub reference: String,
    /// The PayPal batch it is in.
    pub sender_batch_id: Option<String>,
    /// What PayPal calls it.
    pub item_id: String,
    /// As the rail last said it: `UNCLAIMED`, …
    pub status: String,
    /// Why it did not arrive, or has not yet.
    pub problem: String,
    /// What the rail took beside the amount, in the payout's currency.
    pub fee_minor: i64,
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
        tell(&mut transaction, &[events::of_payout(payout, payout.approved_at_ms)], payout.approved_at_ms)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Ends items that are under way, as `ended` says, with the entries that end them, and the payout with its last one.
    /// False when one of them had ended, or the ledger changed, meanwhile; then nothing was changed.
    pub async fn end_items(
        &self,
        payout: &StoredPayout,
        ended: &[StoredItem],
        postings: &[Posting],
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        // First the payout, so that two who end items of it do so one after the other.
        let held = sqlx::query("UPDATE payouts SET reference = $2 WHERE id = $1 AND state = 'processing'")
            .bind(&payout.id)
            .bind(&payout.reference)
            .execute(&mut *transaction)
            .await?;
        let mut is_done = held.rows_affected() > 0;
        for item in ended {
            is_done = is_done && end_item(&mut transaction, item, now_ms).await?;
        }
        for posting in postings {
            is_done = is_done && add(&mut transaction, &payout.workspace_id, posting, now_ms).await?;
        }
        if !is_done {
            transaction.rollback().await?;
            return Ok(false);
        }
        let mut events: Vec<Event> =
            ended.iter().filter_map(|item| events::of_item(payout, item, now_ms)).collect();
        if let Some(closed) = close_when_ended(&mut transaction, payout, now_ms).await? {
            events.push(events::of_payout(&closed, now_ms));
        }
        tell(&mut transaction, &events, now_ms).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Writes what a rail says of items that are still under way.
    pub async fn note_items(&self, items: &[StoredItem]) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        for StoredItem { id, rail, .. } in items {
            sqlx::query(
                "UPDATE payout_items SET rail_item_id = $2, rail_status = $3, rail_problem = $4, fee_minor = $5 \
                 WHERE id = $1 AND state = 'processing'",
            )
            .bind(id)
            .bind(&rail.item_id)
            .bind(&rail.status)
            .bind(&rail.problem)
            .bind(rail.fee_minor)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
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
            "SELECT payout_id, id, partner_id, name, method, sealed_recipient, amount_minor, state, reference, \
             sender_batch_id, rail_item_id, rail_status, rail_problem, fee_minor FROM payout_items WHERE payout_id IN (SELECT id {chosen}) ORDER BY partner_id"
        );
        let bound = |sql: String| -> sqlx::query::Query<'static, Any, sqlx::any::AnyArguments> {
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

/// False when the item had ended before, or was given to PayPal or taken back from it meanwhile.
async fn end_item(
    transaction: &mut Transaction<'_, Any>,
    StoredItem { id, state, rail, .. }: &StoredItem,
    now_ms: i64,
) -> Result<bool, ControlError> {
    let done = sqlx::query(
        "UPDATE payout_items SET state = $2, reference = $3, rail_item_id = $4, rail_status = $5, rail_problem = $6, \
         fee_minor = $7, concluded_at_ms = $8 WHERE id = $1 AND state = 'processing' \
         AND COALESCE(sender_batch_id, '') = $9",
    )
    .bind(id)
    .bind(state.name())
    .bind(&rail.reference)
    .bind(&rail.item_id)
    .bind(&rail.status)
    .bind(&rail.problem)
    .bind(rail.fee_minor)
    .bind(now_ms)
    .bind(rail.sender_batch_id.as_deref().unwrap_or(""))
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Closes the payout when none of its items is under way any more, and answers it as it then is: paid when one of them
/// was.
async fn close_when_ended(
    transaction: &mut Transaction<'_, Any>,
    payout: &StoredPayout,
    now_ms: i64,
) -> Result<Option<StoredPayout>, ControlError> {
    let rows = sqlx::query("SELECT id, state FROM payout_items WHERE payout_id = $1")
        .bind(&payout.id)
        .fetch_all(&mut **transaction)
        .await?;
    let mut closed = payout.clone();
    for row in &rows {
        let (id, state): (String, String) = (row.get(0), row.get(1));
        let state = PayoutState::read(&state)?;
        closed.items.iter_mut().filter(|item| item.id == id).for_each(|item| item.state = state);
    }
    if closed.items.iter().any(|item| item.state == PayoutState::Processing) {
        return Ok(None);
    }
    let is_paid = closed.items.iter().any(|item| item.state == PayoutState::Paid);
    closed.state = if is_paid { PayoutState::Paid } else { PayoutState::Canceled };
    closed.closed_at_ms = Some(now_ms);
    sqlx::query("UPDATE payouts SET state = $2, closed_at_ms = $3 WHERE id = $1")
        .bind(&closed.id)
        .bind(closed.state.name())
        .bind(now_ms)
        .execute(&mut **transaction)
        .await?;
    Ok(Some(closed))
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
        rail: Rail {
            reference: row.get(8),
            sender_batch_id: row.get(9),
            item_id: row.get(10),
            status: row.get(11),
            problem: row.get(12),
            fee_minor: row.get(13),
        },
        id,
    })
}
