//! Sends planned PayPal batches and asks how they ended, until every item is with its partner or due again. A batch is
//! said to be sent before it is; an answer that was lost is asked for again under the same key, which PayPal takes once;
//! only an answer that says so counts as a refusal. Never decides who is paid what: that is the payout.

use std::collections::HashMap;
use std::time::Duration;

use domain::affiliate::paypal::{Outcome, amount_text, is_turned_down, outcome, read_amount, sentence};
use domain::ids::derive_id;
use domain::retry::wait_ms;
use tokio::sync::watch;

use super::JobError;
use super::turns::Turns;
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::payouts::{PayoutState, StoredItem, StoredPayout};
use crate::control::paypal::Batch;
use crate::control::workspaces::Workspace;
use crate::paypal::{Payment, Paypal, PaypalError, SeenBatch, SeenItem};

const LEASE: Duration = Duration::from_secs(300);
/// Between two looks.
const REST: Duration = Duration::from_secs(10);
/// Batches of one step.
const BATCHES_MAX: i64 = 10;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// While PayPal works on a batch.
const WORKING_MS: i64 = MINUTE_MS / 2;
/// While what is left waits for a partner.
const UNCLAIMED_MS: i64 = 6 * 60 * MINUTE_MS;
/// PayPal knows a key for 30 days: before that an unanswered batch is not sent again any more.
const KEY_MS: i64 = 25 * DAY_MS;

/// Sends and asks until `stop` says true, while this process holds the lease.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    if !may_hold_lease {
        return;
    }
    let mut turns = Turns::new(&app, "paypal", LEASE, REST, stop);
    while turns.next().await {
        if let Err(error) = step(&app).await {
            turns.failed();
            tracing::warn!(job = "paypal", cause = %error, "payouts by PayPal could not be looked at: {error}");
        }
    }
}

/// Calls PayPal for every batch it is to be called for by now, some at a time; true when there were any.
pub async fn step(app: &App) -> Result<bool, JobError> {
    let due = app.control.due_paypal_batches(app.clock.now_ms(), BATCHES_MAX).await?;
    let is_any = !due.is_empty();
    for batch in due {
        one(app, batch).await?;
    }
    Ok(is_any)
}

/// Cancels an item nobody claimed, and takes in what comes of it.
pub async fn cancel_unclaimed(
    app: &App,
    workspace: &Workspace,
    payout_id: &str,
    partner: &str,
) -> Result<(), AffiliateError> {
    let affiliates = Affiliates::of(app, workspace);
    let payout = affiliates.known_payout(payout_id).await?;
    let found = payout.items.iter().find(|item| item.partner_id == partner);
    let item = found.ok_or_else(|| AffiliateError::UnknownPartner(partner.to_owned()))?;
    let is_open = item.state == PayoutState::Processing && item.rail.status == "UNCLAIMED";
    let batch_id = item.rail.sender_batch_id.as_deref().filter(|_| is_open);
    let Some(batch_id) = batch_id else {
        return Err(AffiliateError::NotUnclaimed(format!("{payout_id} to {partner}")));
    };
    let account = app.control.paypal_account(&workspace.id, &app.secrets).await?;
    let account = account.ok_or(AffiliateError::NoPaypalAccount)?;
    let told = |error: PaypalError| AffiliateError::Paypal(error.to_string());
    let paypal = Paypal::open(&app.outbound, &account).await.map_err(told)?;
    match paypal.cancel(&item.rail.item_id).await {
        // Claimed or cancelled meanwhile: asking says which.
        Ok(()) | Err(PaypalError::Never(_)) => {}
        Err(error) => return Err(told(error)),
    }
    let batches = app.control.paypal_batches(payout_id).await?;
    if let Some(batch) = batches.into_iter().find(|batch| batch.sender_batch_id == batch_id) {
        one(app, batch).await.map_err(|error| match error {
            JobError::Control(error) => AffiliateError::Control(error),
            other => AffiliateError::Paypal(other.to_string()),
        })?;
    }
    Ok(())
}

async fn one(app: &App, mut batch: Batch) -> Result<(), JobError> {
    let now_ms = app.clock.now_ms();
    let workspace = app.directory().workspaces.get(&batch.workspace_id).cloned();
    let account = app.control.paypal_account(&batch.workspace_id, &app.secrets).await?;
    let (Some(workspace), Some(account)) = (workspace, account) else {
        batch.problem = "there is no PayPal account to pay from; enter it again".to_owned();
        batch.next_at_ms = now_ms + 10 * MINUTE_MS;
        return Ok(app.control.save_batch(&batch).await?);
    };
    let affiliates = Affiliates::of(app, &workspace);
    let payout = affiliates.known_payout(&batch.payout_id).await.map_err(job_error)?;
    let is_open = |item: &&StoredItem| {
        item.state == PayoutState::Processing
            && item.rail.sender_batch_id.as_ref() == Some(&batch.sender_batch_id)
    };
    let open: Vec<StoredItem> = payout.items.iter().filter(is_open).cloned().collect();
    if open.is_empty() {
        batch.state = "done".to_owned();
        return Ok(app.control.save_batch(&batch).await?);
    }
    let was_tried = batch.first_try_at_ms.is_some();
    let own_account = format!("{} {}", account.base_url, account.client_id);
    if was_tried && batch.account != own_account {
        // Another account does not know the key, and would pay a second time.
        batch.problem = "it was sent from another PayPal account; enter that one again".to_owned();
        batch.next_at_ms = now_ms + 10 * MINUTE_MS;
        return Ok(app.control.save_batch(&batch).await?);
    }
    batch.account = own_account;
    let called = match Paypal::open(&app.outbound, &account).await {
        Err(error) => Err(error),
        Ok(paypal) => match batch.batch_id.clone() {
            None => send(app, &paypal, &mut batch, &payout, &open).await?,
            Some(id) => match paypal.batch(&id).await {
                Ok(seen) => return take_in(app, &affiliates, batch, payout, open, &seen).await,
                Err(error) => Err(error),
            },
        },
    };
    match called {
        Ok(()) => {
            batch.failures = 0;
            batch.problem.clear();
            batch.next_at_ms = now_ms;
        }
        Err(PaypalError::Never(why)) if batch.batch_id.is_none() && !was_tried => {
            tracing::warn!(
                payout = batch.payout_id,
                "PayPal refuses the batch {}: {why}",
                batch.sender_batch_id
            );
            let ended = open.into_iter().map(|mut item| {
                item.state = PayoutState::Canceled;
                item.rail.problem.clone_from(&why);
                item
            });
            affiliates.end(payout.clone(), ended.collect()).await.map_err(job_error)?;
            (batch.state, batch.problem) = ("refused".to_owned(), why);
        }
        Err(error) => {
            // Only an answer that says it was not accepted makes it free to be called off.
            let is_told = matches!(error, PaypalError::NotNow(_) | PaypalError::Refused(_));
            if is_told && batch.batch_id.is_none() && !was_tried {
                batch.first_try_at_ms = None;
            }
            batch.failures += 1;
            batch.problem = error.to_string();
            let dice = derive_id(&["paypal", &batch.sender_batch_id, &batch.failures.to_string()]) as u64;
            batch.next_at_ms = now_ms + wait_ms(batch.failures, dice);
            tracing::warn!(payout = batch.payout_id, "batch {}: {error}", batch.sender_batch_id);
        }
    }
    Ok(app.control.save_batch(&batch).await?)
}

/// Sends a batch under its key; afterwards PayPal's id of it is known.
async fn send(
    app: &App,
    paypal: &Paypal<'_>,
    batch: &mut Batch,
    payout: &StoredPayout,
    open: &[StoredItem],
) -> Result<Result<(), PaypalError>, JobError> {
    let now_ms = app.clock.now_ms();
    if batch.first_try_at_ms.is_some_and(|first_ms| now_ms - first_ms > KEY_MS) {
        let why = "it was sent more than 25 days ago and never answered, so it is not sent again; look for it at PayPal";
        return Ok(Err(PaypalError::Unknown(why.to_owned())));
    }
    let payments = open.iter().map(|item| {
        Some(Payment {
            item: item.id.clone(),
            receiver: item.recipient.clone(),
            amount: amount_text(item.amount_minor, payout.currency)?,
            currency: payout.currency.to_string(),
            note: format!("Commissions {} {}", payout.month, payout.id),
        })
    });
    let Some(payments) = payments.collect::<Option<Vec<Payment>>>() else {
        return Ok(Err(PaypalError::NotNow("the currency's amounts cannot be written".to_owned())));
    };
    batch.first_try_at_ms = batch.first_try_at_ms.or(Some(now_ms));
    if !app.control.begin_batch(batch).await? {
        return Ok(Err(PaypalError::NotNow("it was called off".to_owned())));
    }
    let subject = format!("Your commissions {}", payout.month);
    let id = match paypal.send(&batch.sender_batch_id, &subject, &payments).await {
        Ok(id) => id,
        // Sent before, and the answer was lost: it is this very batch.
        Err(PaypalError::Known(id)) => match paypal.batch(&id).await {
            Ok(seen) if seen.sender_batch_id == batch.sender_batch_id => id,
            Ok(_) => return Ok(Err(PaypalError::Unknown("it names a batch that is not ours".to_owned()))),
            Err(error) => return Ok(Err(error)),
        },
        Err(error) => return Ok(Err(error)),
    };
    batch.batch_id = Some(id);
    "sent".clone_into(&mut batch.state);
    Ok(Ok(()))
}

/// Takes in what PayPal says of a batch.
async fn take_in(
    app: &App,
    affiliates: &Affiliates<'_>,
    mut batch: Batch,
    payout: StoredPayout,
    open: Vec<StoredItem>,
    seen: &SeenBatch,
) -> Result<(), JobError> {
    let told: HashMap<&str, &SeenItem> =
        seen.items.iter().map(|item| (item.sender_item_id.as_str(), item)).collect();
    let (mut ended, mut noted) = (Vec::new(), Vec::new());
    for mut item in open {
        let seen_item = told.get(item.id.as_str()).copied();
        let ends = learn(&mut item, &payout, &seen.status, seen_item);
        match ends {
            Some(state) => {
                item.state = state;
                ended.push(item);
            }
            None => noted.push(item),
        }
    }
    let waits_for_partners = !noted.is_empty()
        && noted.iter().all(|item| ["UNCLAIMED", "ONHOLD"].contains(&item.rail.status.as_str()));
    app.control.note_items(&noted).await?;
    if !ended.is_empty() {
        match affiliates.end(payout, ended).await {
            // The ledger moved: what PayPal said is asked for again.
            Ok(_) | Err(AffiliateError::Raced) => {}
            Err(error) => return Err(job_error(error)),
        }
    }
    batch.status.clone_from(&seen.status);
    batch.problem.clear();
    batch.failures = 0;
    let wait_ms = if waits_for_partners { UNCLAIMED_MS } else { WORKING_MS };
    batch.next_at_ms = app.clock.now_ms() + wait_ms;
    if noted.is_empty() {
        // The next look finds nothing open and closes it, unless the ledger moved.
        batch.next_at_ms = app.clock.now_ms();
    }
    Ok(app.control.save_batch(&batch).await?)
}

/// Writes on an item what PayPal says of it, and answers how it ended, if it did.
fn learn(
    item: &mut StoredItem,
    payout: &StoredPayout,
    batch_status: &str,
    seen: Option<&SeenItem>,
) -> Option<PayoutState> {
    let Some(seen) = seen else {
        "PayPal does not list it".clone_into(&mut item.rail.problem);
        return is_turned_down(batch_status).then_some(PayoutState::Canceled);
    };
    let is_ours = read_amount(&seen.amount.value, payout.currency) == Some(item.amount_minor)
        && seen.amount.currency == payout.currency.code();
    if !is_ours {
        "PayPal names another amount; look at it there".clone_into(&mut item.rail.problem);
        return None;
    }
    item.rail.item_id.clone_from(&seen.id);
    item.rail.status.clone_from(&seen.status);
    item.rail.problem = match (seen.problem.as_str(), sentence(&seen.status)) {
        ("", sentence) => sentence.to_owned(),
        (name, "") => name.to_owned(),
        (name, sentence) => format!("{name}: {sentence}"),
    };
    let fee = seen.fee.as_ref().filter(|fee| fee.currency == payout.currency.code());
    item.rail.fee_minor = fee.and_then(|fee| read_amount(&fee.value, payout.currency)).unwrap_or(0);
    match outcome(batch_status, &seen.status) {
        Outcome::Arrived => {
            item.rail.reference =
                if seen.transaction_id.is_empty() { &seen.id } else { &seen.transaction_id }.clone();
            item.rail.problem.clear();
            Some(PayoutState::Paid)
        }
        Outcome::CameBack => Some(PayoutState::Canceled),
        Outcome::Open => None,
    }
}

fn job_error(error: AffiliateError) -> JobError {
    match error {
        AffiliateError::Control(error) => JobError::Control(error),
        other => JobError::Unproven(other.to_string()),
    }
}
