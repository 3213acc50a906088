//! Payouts by PayPal's Payouts API: the account a workspace pays from, and the plan of what is sent in which batch.
//! Sending, and asking how it ended, is `jobs/paypal`; this calls nobody.

use domain::affiliate::payout::Method;
use domain::affiliate::paypal::{BATCH_ITEMS_MAX, sender_batch_id};
use serde::{Deserialize, Serialize};
use url::Url;

use super::PayoutDocument;
use crate::affiliate::{AffiliateError, Affiliates};
use crate::control::payouts::{PayoutState, StoredItem};
use crate::control::paypal::{Account, Batch};
use crate::effects::random_id;
use crate::outbound::Outbound;
use crate::paypal::{PRODUCTION, SANDBOX};

const CREDENTIAL_CHARS_MAX: usize = 200;

/// The PayPal account to pay from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// `production`, `sandbox`, or an address.
    #[schema(example = "sandbox")]
    pub environment: String,
    pub client_id: String,
    /// Kept sealed and never shown.
    pub client_secret: String,
}

/// The PayPal account a workspace pays from, without its secret.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountDocument {
    /// `production`, `sandbox`, or an address.
    pub environment: String,
    pub client_id: String,
    pub updated_at_ms: i64,
}

/// One call of a payout to PayPal.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BatchDocument {
    /// The idempotency key: the payout's id, with `-2`, `-3`, … for further calls.
    pub sender_batch_id: String,
    /// `planned`, `sent`, `done`, `refused`.
    pub state: String,
    /// PayPal's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// As PayPal last said it: `PENDING`, `PROCESSING`, `SUCCESS`, `DENIED`.
    pub status: String,
    /// What stands in the way; empty when nothing does.
    pub problem: String,
}

impl AccountDocument {
    fn of(account: &Account) -> AccountDocument {
        let environment = match account.base_url.trim_end_matches('/') {
            PRODUCTION => "production",
            SANDBOX => "sandbox",
            address => address,
        };
        AccountDocument {
            environment: environment.to_owned(),
            client_id: account.client_id.clone(),
            updated_at_ms: account.updated_at_ms,
        }
    }
}

impl BatchDocument {
    pub(super) fn of(batch: Batch) -> BatchDocument {
        let Batch { sender_batch_id, state, batch_id, status, problem, .. } = batch;
        BatchDocument { sender_batch_id, state, batch: batch_id, status, problem }
    }
}

impl Affiliates<'_> {
    /// The PayPal account payouts are sent from.
    pub async fn paypal_account(&self) -> Result<AccountDocument, AffiliateError> {
        let account = self.control.paypal_account(&self.workspace.id, self.secrets).await?;
        account.as_ref().map(AccountDocument::of).ok_or(AffiliateError::NoPaypalAccount)
    }

    /// Pays from this account from now on.
    pub async fn set_paypal_account(
        &self,
        new: NewAccount,
        outbound: &Outbound,
    ) -> Result<AccountDocument, AffiliateError> {
        let invalid = |field, detail: String| AffiliateError::Invalid { field, detail };
        let address = match new.environment.trim() {
            "production" => PRODUCTION,
            "sandbox" => SANDBOX,
            other => other,
        };
        let refused =
            |why: String| invalid("environment", format!("environment: use production or sandbox; {why}"));
        let base = Url::parse(address).map_err(|error| refused(error.to_string()))?;
        outbound.check(&base).map_err(|why| refused(why.to_string()))?;
        for (field, text) in [("client_id", &new.client_id), ("client_secret", &new.client_secret)] {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
            if text.is_empty() || text.len() > CREDENTIAL_CHARS_MAX || !is_plain {
                return Err(invalid(field, format!("{field}: copy it from PayPal's developer dashboard")));
            }
        }
        let account = Account {
            id: random_id("ppa_"),
            workspace_id: self.workspace.id.clone(),
            base_url: base.into(),
            client_id: new.client_id,
            secret: new.client_secret,
            updated_at_ms: self.now_ms,
        };
        self.control.save_paypal_account(&account, self.secrets).await?;
        Ok(AccountDocument::of(&account))
    }

    /// Forgets the account. Batches under way wait for another one of the same PayPal account.
    pub async fn remove_paypal_account(&self) -> Result<(), AffiliateError> {
        match self.control.remove_paypal_account(&self.workspace.id).await? {
            true => Ok(()),
            false => Err(AffiliateError::NoPaypalAccount),
        }
    }

    /// Has a payout's items that go by PayPal sent, in as many calls as that takes. Asked again it sends nothing again:
    /// a job sends what is planned, under a key PayPal takes once.
    pub async fn send_payout(&self, id: &str) -> Result<PayoutDocument, AffiliateError> {
        let payout = self.known_payout(id).await?;
        self.paypal_account().await?;
        let is_open =
            |item: &&StoredItem| item.method == Method::Paypal && item.state == PayoutState::Processing;
        let own: Vec<&StoredItem> = payout.items.iter().filter(is_open).collect();
        let fresh: Vec<String> = own
            .iter()
            .filter(|item| item.rail.sender_batch_id.is_none())
            .map(|item| item.id.clone())
            .collect();
        if own.is_empty() {
            return Err(AffiliateError::NothingForPaypal(payout.id));
        }
        if fresh.is_empty() {
            return self.payout(id).await;
        }
        let before = self.control.paypal_batches(id).await?.len();
        let chunks = fresh.chunks(BATCH_ITEMS_MAX).zip(before + 1..);
        let batches: Vec<(String, Vec<String>)> =
            chunks.map(|(items, nth)| (sender_batch_id(id, nth), items.to_vec())).collect();
        match self.control.plan_batches(&self.workspace.id, id, &batches, self.now_ms).await? {
            true => self.payout(id).await,
            false => Err(AffiliateError::Raced),
        }
    }
}
