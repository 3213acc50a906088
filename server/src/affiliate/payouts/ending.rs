//! How a payout ends, item by item: with the partner, or due again. Each item ends once, however often it is said, and
//! the payout with the last of them.

use domain::affiliate::ledger::conclude;

use super::{PayoutDocument, Sent, posting};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::control::ledger::{Posting, Which};
use crate::control::payouts::{PayoutState, StoredItem, StoredPayout};

const REFERENCE_CHARS_MAX: usize = 200;

impl Affiliates<'_> {
    /// Says that a payout was sent: every part that is still under way and not with PayPal. Said again it changes
    /// nothing.
    pub async fn payout_paid(&self, id: &str, sent: &Sent) -> Result<PayoutDocument, AffiliateError> {
        check_reference(&sent.reference)?;
        let payout = self.known_payout(id).await?;
        let is_repeat = sent.reference.is_empty() || sent.reference == payout.reference;
        if payout.state == PayoutState::Paid && is_repeat {
            return Ok(PayoutDocument::of(&payout));
        }
        let is_stranger = |failed: &&String| !payout.items.iter().any(|item| item.partner_id == **failed);
        if let Some(stranger) = sent.failed.iter().find(is_stranger) {
            return Err(AffiliateError::UnknownPartner(stranger.clone()));
        }
        let mut ended = by_hand(&payout)?;
        let is_open = |partner: &str| ended.iter().any(|item| item.partner_id == partner);
        let closed = payout
            .items
            .iter()
            .find(|item| sent.failed.contains(&item.partner_id) && !is_open(&item.partner_id));
        if let Some(item) = closed {
            return Err(closed_item(&payout, item));
        }
        for item in &mut ended {
            let failed = sent.failed.contains(&item.partner_id);
            item.state = if failed { PayoutState::Canceled } else { PayoutState::Paid };
            item.rail.reference.clone_from(&sent.reference);
        }
        let reference = sent.reference.clone();
        self.end(StoredPayout { reference, ..payout }, ended).await
    }

    /// Calls a payout off as far as it was not sent: that is due again. Batches PayPal cannot have are taken back.
    pub async fn cancel_payout(&self, id: &str) -> Result<PayoutDocument, AffiliateError> {
        self.known_payout(id).await?;
        self.control.withdraw_batches(id).await?;
        let payout = self.known_payout(id).await?;
        if payout.state == PayoutState::Canceled {
            return Ok(PayoutDocument::of(&payout));
        }
        let mut ended = by_hand(&payout)?;
        ended.iter_mut().for_each(|item| item.state = PayoutState::Canceled);
        self.end(payout, ended).await
    }

    /// Says that one partner's part was sent, by what reference. Said again it changes nothing.
    pub async fn payout_item_paid(
        &self,
        id: &str,
        partner: &str,
        reference: &str,
    ) -> Result<PayoutDocument, AffiliateError> {
        check_reference(reference)?;
        self.end_by_hand(id, partner, PayoutState::Paid, reference).await
    }

    /// Says that one partner's part was not sent or did not arrive: it is due again.
    pub async fn payout_item_failed(
        &self,
        id: &str,
        partner: &str,
    ) -> Result<PayoutDocument, AffiliateError> {
        self.end_by_hand(id, partner, PayoutState::Canceled, "").await
    }

    async fn end_by_hand(
        &self,
        id: &str,
        partner: &str,
        state: PayoutState,
        reference: &str,
    ) -> Result<PayoutDocument, AffiliateError> {
        let payout = self.known_payout(id).await?;
        let found = payout.items.iter().find(|item| item.partner_id == partner);
        let item = found.ok_or_else(|| AffiliateError::UnknownPartner(partner.to_owned()))?;
        if item.state == state && (reference.is_empty() || reference == item.rail.reference) {
            return Ok(PayoutDocument::of(&payout));
        }
        if item.state != PayoutState::Processing || item.rail.sender_batch_id.is_some() {
            return Err(closed_item(&payout, item));
        }
        let mut ended = item.clone();
        ended.state = state;
        reference.clone_into(&mut ended.rail.reference);
        self.end(payout, vec![ended]).await
    }

    /// Ends items, with the entries of their commissions.
    pub(crate) async fn end(
        &self,
        payout: StoredPayout,
        ended: Vec<StoredItem>,
    ) -> Result<PayoutDocument, AffiliateError> {
        let moved = self.control.commissions(&self.workspace.id, Which::Payout(&payout.id)).await?;
        let postings = moved.iter().filter_map(|stored| {
            let partner = &stored.commission.referral.partner;
            let item = ended.iter().find(|item| item.partner_id == *partner)?;
            let is_paid = item.state == PayoutState::Paid;
            Some(posting(stored, conclude(&stored.commission.entries, &payout.id, is_paid, self.now_ms)))
        });
        let postings: Vec<Posting> = postings.collect();
        match self.control.end_items(&payout, &ended, &postings, self.now_ms).await? {
            true => self.payout(&payout.id).await,
            // Somebody else ended one, or a refund was booked in the same moment.
            false => Err(AffiliateError::Raced),
        }
    }
}

/// Why a person cannot end an item.
fn closed_item(payout: &StoredPayout, item: &StoredItem) -> AffiliateError {
    let id = &payout.id;
    match item.state {
        PayoutState::Processing => AffiliateError::WithPaypal(id.clone()),
        state => AffiliateError::PayoutClosed { id: format!("{id} to {}", item.partner_id), state },
    }
}

/// Items under way that a person may end: those that PayPal does not have.
fn by_hand(payout: &StoredPayout) -> Result<Vec<StoredItem>, AffiliateError> {
    if payout.state != PayoutState::Processing {
        return Err(AffiliateError::PayoutClosed { id: payout.id.clone(), state: payout.state });
    }
    let open = payout.items.iter().filter(|item| item.state == PayoutState::Processing);
    let own: Vec<StoredItem> = open.filter(|item| item.rail.sender_batch_id.is_none()).cloned().collect();
    match own.is_empty() {
        true => Err(AffiliateError::WithPaypal(payout.id.clone())),
        false => Ok(own),
    }
}

fn check_reference(reference: &str) -> Result<(), AffiliateError> {
    if reference.chars().count() > REFERENCE_CHARS_MAX || reference.contains(char::is_control) {
        let detail = format!("reference: use up to {REFERENCE_CHARS_MAX} characters");
        return Err(AffiliateError::Invalid { field: "reference", detail });
    }
    Ok(())
}
