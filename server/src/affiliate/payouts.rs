//! Payouts: looked at, approved, written as files, and closed by whoever sent the money. What was looked at is what is
//! approved, and a payout is approved once and closed once, however often it is asked for.

mod documents;
mod ending;
mod paypal;
mod plan;

use domain::affiliate::Commission;
use domain::affiliate::ledger::{Entry, approve};
use domain::affiliate::payout::Item;
use domain::affiliate::payout_file::{Format, Head, Line, files};
use domain::ids::derive_id;
use domain::money::Currency;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use documents::{HeldDocument, ItemDocument, PayoutDocument, PayoutList, PayoutPreview, Sent};
pub use paypal::{AccountDocument, BatchDocument, NewAccount};

use super::{AffiliateError, Affiliates};
use crate::control::ledger::{Posting, StoredCommission};
use crate::control::payouts::{PayoutState, Rail, StoredItem, StoredPayout};

impl Affiliates<'_> {
    /// What a payout in a currency would be now.
    pub async fn preview_payout(&self, currency: &str) -> Result<PayoutPreview, AffiliateError> {
        Ok(self.plan(read_currency(currency)?).await?.preview)
    }

    /// Approves exactly what a preview showed. The same token again answers the same payout and moves nothing.
    pub async fn approve_payout(
        &self,
        currency: &str,
        token: &str,
    ) -> Result<PayoutDocument, AffiliateError> {
        let currency = read_currency(currency)?;
        if let Some(known) = self.stored_payout(token).await? {
            return Ok(PayoutDocument::of(&known));
        }
        let plan = self.plan(currency).await?;
        if plan.preview.token.as_deref() != Some(token) {
            return Err(AffiliateError::PreviewOutdated);
        }
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?;
        let item = |item: &Item| {
            let partner = partners.iter().find(|partner| partner.id == item.partner)?;
            Some(StoredItem {
                id: format!("itm_{:032x}", derive_id(&["payout item", token, &item.partner])),
                partner_id: item.partner.clone(),
                name: partner.name.clone(),
                method: item.method,
                recipient: partner.payout.as_ref()?.recipient.clone(),
                amount_minor: item.amount_minor,
                state: PayoutState::Processing,
                rail: Rail::default(),
            })
        };
        let items: Option<Vec<StoredItem>> = plan.items.iter().map(item).collect();
        let mut items = items.ok_or(AffiliateError::PreviewOutdated)?;
        items.sort_by(|one, other| one.partner_id.cmp(&other.partner_id));
        let payout = StoredPayout {
            id: token.to_owned(),
            workspace_id: self.workspace.id.clone(),
            currency,
            month: self.month(),
            state: PayoutState::Processing,
            reference: String::new(),
            approved_at_ms: self.now_ms,
            closed_at_ms: None,
            items,
        };
        let parts = plan.items.iter().flat_map(|item| &item.parts);
        let postings = parts.map(|part| {
            let stored = &plan.commissions[&part.commission];
            let entries = approve(&stored.commission.entries, part.amount_minor, token, self.now_ms);
            posting(stored, entries)
        });
        if !self.control.approve_payout(&payout, &postings.collect::<Vec<_>>(), self.secrets).await? {
            // Somebody else approved the same, or the ledger changed.
            let known = self.stored_payout(token).await?;
            return known.as_ref().map(PayoutDocument::of).ok_or(AffiliateError::PreviewOutdated);
        }
        Ok(PayoutDocument::of(&payout))
    }

    pub async fn payouts(&self) -> Result<PayoutList, AffiliateError> {
        let all = self.control.payouts(&self.workspace.id, None, self.secrets).await?;
        Ok(PayoutList { rows: all.iter().rev().map(PayoutDocument::of).collect() })
    }

    pub async fn payout(&self, id: &str) -> Result<PayoutDocument, AffiliateError> {
        let mut payout = PayoutDocument::of(&self.known_payout(id).await?);
        let batches = self.control.paypal_batches(id).await?;
        payout.paypal = batches.into_iter().map(BatchDocument::of).collect();
        Ok(payout)
    }

    /// A payout's files in one format: `paypal`, `wise` or `csv`. Written again they are the same, but for what was given to PayPal since.
    pub async fn payout_files(&self, id: &str, format: &str) -> Result<Vec<String>, AffiliateError> {
        let payout = self.known_payout(id).await?;
        let format = Format::named(format).ok_or_else(|| AffiliateError::Invalid {
            field: "format",
            detail: format!("format {format:?}: use paypal, wise or csv"),
        })?;
        let head = Head { payout: payout.id, month: payout.month, currency: payout.currency };
        let line = |item: StoredItem| Line {
            partner: item.partner_id,
            name: item.name,
            method: item.method,
            recipient: item.recipient,
            amount_minor: item.amount_minor,
        };
        // What PayPal was given by its API is not paid by a file as well.
        let is_for_hand =
            |item: &StoredItem| item.state != PayoutState::Canceled && item.rail.sender_batch_id.is_none();
        let sent = payout.items.into_iter().filter(is_for_hand);
        Ok(files(format, &head, &sent.map(line).collect::<Vec<_>>()))
    }

    fn month(&self) -> String {
        let zone = TimeZone::get(&self.workspace.timezone).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        now.to_zoned(zone).strftime("%Y-%m").to_string()
    }

    pub(super) async fn stored_payout(&self, id: &str) -> Result<Option<StoredPayout>, AffiliateError> {
        // Every payout has an id: an empty one would mean all.
        if id.is_empty() {
            return Ok(None);
        }
        Ok(self.control.payouts(&self.workspace.id, Some(id), self.secrets).await?.pop())
    }

    pub(crate) async fn known_payout(&self, id: &str) -> Result<StoredPayout, AffiliateError> {
        self.stored_payout(id).await?.ok_or_else(|| AffiliateError::UnknownPayout(id.to_owned()))
    }
}

pub(super) fn posting(stored: &StoredCommission, entries: Vec<Entry>) -> Posting {
    let commission = Commission { entries, ..stored.commission.clone() };
    Posting { id: stored.id.clone(), commission }
}

fn read_currency(text: &str) -> Result<Currency, AffiliateError> {
    text.parse().map_err(|error: domain::money::CurrencyError| AffiliateError::Invalid {
        field: "currency",
        detail: error.to_string(),
    })
}
