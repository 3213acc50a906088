//! Payouts: looked at, approved, written as files, and closed by whoever sent the money. What was looked at is what is
//! approved, and a payout is approved once and closed once, however often it is asked for.

mod plan;

use domain::affiliate::Commission;
use domain::affiliate::ledger::{Entry, approve, conclude};
use domain::affiliate::payout::{Item, Method, Withheld};
use domain::affiliate::payout_file::{Format, Head, Line, files};
use domain::ids::derive_id;
use domain::money::Currency;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::ledger::{Posting, StoredCommission, Which};
use crate::control::payouts::{PayoutState, StoredItem, StoredPayout};

const REFERENCE_CHARS_MAX: usize = 200;

/// One partner's part of a payout.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ItemDocument {
    pub partner: String,
    pub name: String,
    /// `paypal`, `wise`, `other`.
    #[schema(value_type = String)]
    pub method: Method,
    pub amount: i64,
    /// `processing`, `paid`, `canceled`; absent while it is only looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub state: Option<PayoutState>,
}

/// A partner who is not paid, and why; what is due stays due.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldDocument {
    pub partner: String,
    pub name: String,
    pub amount: i64,
    /// `nothing_owed`, `below_minimum`, `no_payout_details`, `not_approved`, `currency_without_exponent`.
    #[schema(value_type = String)]
    pub why: Withheld,
    pub sentence: String,
}

/// What a payout would be now. Nothing is moved.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutPreview {
    pub currency: String,
    /// Minor units.
    pub total: i64,
    pub items: Vec<ItemDocument>,
    pub held: Vec<HeldDocument>,
    /// Approve with it exactly what is shown here; absent when there is nobody to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A payout.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutDocument {
    #[schema(example = "pay_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    pub currency: String,
    /// Of its approval, in the workspace's time zone.
    #[schema(example = "2026-10")]
    pub month: String,
    /// `processing`, `paid`, `canceled`.
    #[schema(value_type = String)]
    pub state: PayoutState,
    /// What is sent, without items that were canceled; minor units.
    pub total: i64,
    /// What whoever sent the money calls the payment.
    pub reference: String,
    pub approved_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at_ms: Option<i64>,
    pub items: Vec<ItemDocument>,
}

/// Payouts of the workspace, newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutList {
    pub rows: Vec<PayoutDocument>,
}

/// That a payout was sent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// What the rail calls the payment, to find it again.
    #[serde(default)]
    pub reference: String,
    /// Partners, `prt_…`, whose part did not go through: it is due again.
    #[serde(default)]
    pub failed: Vec<String>,
}

impl PayoutDocument {
    fn of(stored: &StoredPayout) -> PayoutDocument {
        let sent = stored.items.iter().filter(|item| item.state != PayoutState::Canceled);
        let item = |item: &StoredItem| ItemDocument {
            partner: item.partner_id.clone(),
            name: item.name.clone(),
            method: item.method,
            amount: item.amount_minor,
            state: Some(item.state),
        };
        PayoutDocument {
            id: stored.id.clone(),
            currency: stored.currency.to_string(),
            month: stored.month.clone(),
            state: stored.state,
            total: sent.map(|item| item.amount_minor).sum(),
            reference: stored.reference.clone(),
            approved_at_ms: stored.approved_at_ms,
            closed_at_ms: stored.closed_at_ms,
            items: stored.items.iter().map(item).collect(),
        }
    }
}

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
        Ok(PayoutDocument::of(&self.known_payout(id).await?))
    }

    /// A payout's files in one format: `paypal`, `wise` or `csv`. Written again they are the same.
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
        let sent = payout.items.into_iter().filter(|item| item.state != PayoutState::Canceled);
        Ok(files(format, &head, &sent.map(line).collect::<Vec<_>>()))
    }

    /// Says that a payout was sent. Said again it changes nothing.
    pub async fn payout_paid(&self, id: &str, sent: &Sent) -> Result<PayoutDocument, AffiliateError> {
        if sent.reference.chars().count() > REFERENCE_CHARS_MAX || sent.reference.contains(char::is_control) {
            let detail = format!("reference: use up to {REFERENCE_CHARS_MAX} characters");
            return Err(AffiliateError::Invalid { field: "reference", detail });
        }
        self.close(id, PayoutState::Paid, sent).await
    }

    /// Calls a payout off that was not sent: everything in it is due again.
    pub async fn cancel_payout(&self, id: &str) -> Result<PayoutDocument, AffiliateError> {
        self.close(id, PayoutState::Canceled, &Sent::default()).await
    }

    async fn close(
        &self,
        id: &str,
        state: PayoutState,
        sent: &Sent,
    ) -> Result<PayoutDocument, AffiliateError> {
        let mut payout = self.known_payout(id).await?;
        if payout.state == state && (sent.reference.is_empty() || sent.reference == payout.reference) {
            return Ok(PayoutDocument::of(&payout));
        }
        if payout.state != PayoutState::Processing {
            return Err(AffiliateError::PayoutClosed { id: payout.id, state: payout.state });
        }
        if let Some(stranger) =
            sent.failed.iter().find(|failed| !payout.items.iter().any(|item| item.partner_id == **failed))
        {
            return Err(AffiliateError::UnknownPartner(stranger.clone()));
        }
        for item in &mut payout.items {
            let failed = sent.failed.contains(&item.partner_id);
            item.state = if failed { PayoutState::Canceled } else { state };
        }
        payout.state = state;
        payout.reference.clone_from(&sent.reference);
        payout.closed_at_ms = Some(self.now_ms);
        let moved = self.control.commissions(&self.workspace.id, Which::Payout(id)).await?;
        let postings = moved.iter().map(|stored| {
            let partner = &stored.commission.referral.partner;
            let is_paid = state == PayoutState::Paid && !sent.failed.contains(partner);
            posting(stored, conclude(&stored.commission.entries, id, is_paid, self.now_ms))
        });
        let postings: Vec<Posting> = postings.collect();
        match self.control.close_payout(&payout, &postings, self.now_ms).await? {
            true => Ok(PayoutDocument::of(&payout)),
            // Somebody else closed it, or a refund was booked in the same moment.
            false => Err(AffiliateError::Raced),
        }
    }

    fn month(&self) -> String {
        let zone = TimeZone::get(&self.workspace.timezone).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        now.to_zoned(zone).strftime("%Y-%m").to_string()
    }

    async fn stored_payout(&self, id: &str) -> Result<Option<StoredPayout>, AffiliateError> {
        // Every payout has an id: an empty one would mean all.
        if id.is_empty() {
            return Ok(None);
        }
        Ok(self.control.payouts(&self.workspace.id, Some(id), self.secrets).await?.pop())
    }

    async fn known_payout(&self, id: &str) -> Result<StoredPayout, AffiliateError> {
        self.stored_payout(id).await?.ok_or_else(|| AffiliateError::UnknownPayout(id.to_owned()))
    }
}

fn posting(stored: &StoredCommission, entries: Vec<Entry>) -> Posting {
    let commission = Commission { entries, ..stored.commission.clone() };
    Posting { id: stored.id.clone(), commission }
}

fn read_currency(text: &str) -> Result<Currency, AffiliateError> {
    text.parse().map_err(|error: domain::money::CurrencyError| AffiliateError::Invalid {
        field: "currency",
        detail: error.to_string(),
    })
}
