//! Disputes: a buyer's bank takes the money back. Booked when lost, given back when it is won after all.
//!
//! Providers count disputes apart from refunds: a lost one leaves the order's own count of refunds alone, and one
//! that was prevented comes as an ordinary refund. So disputes never explain a refund, nor the other way round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fold::Booking;
use super::{Head, RefundEntry};
use crate::ids::{RefundId, derive_id};
use crate::money::Currency;

/// What entries made of disputes give as their reason.
pub const DISPUTE_REASON: &str = "dispute_lost";

/// A version of a dispute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisputeFact {
    pub head: Head,
    /// What the provider calls the order.
    pub order_id: String,
    pub created_ms: i64,
    pub status: DisputeStatus,
    /// Without tax, minor units, above zero.
    pub amount_minor: i64,
    pub tax_minor: i64,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
}

/// Where a dispute stands. Only lost ones are booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// Under way: early warnings, waiting for evidence, under review.
    Open,
    /// The provider refunded before the bank decided; the refund tells the money.
    Prevented,
    Won,
    Lost,
}

/// The entries of the disputes of one order, whose refunds are `refunds`. An entry takes no more than what the
/// refunds leave of the order; while a refund that did not last stood in its way, it waits for that one's end.
pub(super) fn disputes(
    booking: &Booking,
    refunds: &[RefundEntry],
    facts: &[DisputeFact],
) -> Vec<RefundEntry> {
    let mut by_object: BTreeMap<&str, Vec<&DisputeFact>> = BTreeMap::new();
    for fact in facts {
        by_object.entry(&fact.head.object_id).or_default().push(fact);
    }
    let mut entries: Vec<RefundEntry> = by_object.values().filter_map(|versions| entry(versions)).collect();
    entries.sort_by_key(|entry| (entry.at_ms, entry.id));
    let mut taken: Vec<RefundEntry> = refunds.to_vec();
    for entry in &mut entries {
        let (net, tax) = standing(&taken, i64::MAX);
        entry.amount_minor = entry.amount_minor.min(booking.net_minor.saturating_sub(net)).max(0);
        entry.tax_minor = entry.tax_minor.min(booking.tax_minor.saturating_sub(tax)).max(0);
        let starts = taken.iter().map(|other| other.at_ms.max(entry.at_ms)).chain([entry.at_ms]);
        let most = starts.map(|at_ms| standing(&taken, at_ms).0).max().unwrap_or(0);
        if most.saturating_add(entry.amount_minor) > booking.net_minor {
            let ends = taken.iter().filter_map(|other| other.reversed_at_ms);
            entry.at_ms = ends.fold(entry.at_ms, i64::max);
        }
        if entry.amount_minor > 0 {
            taken.push(entry.clone());
        }
    }
    entries.retain(|entry| entry.amount_minor > 0);
    entries
}

/// What the entries take at one moment: net and tax.
fn standing(entries: &[RefundEntry], at_ms: i64) -> (i64, i64) {
    let stands = entries
        .iter()
        .filter(|entry| entry.at_ms <= at_ms && entry.reversed_at_ms.is_none_or(|until_ms| until_ms > at_ms));
    stands.fold((0, 0), |(net, tax): (i64, i64), entry| {
        (net.saturating_add(entry.amount_minor), tax.saturating_add(entry.tax_minor))
    })
}

/// The entry of one dispute; nothing unless it was lost.
fn entry(versions: &[&DisputeFact]) -> Option<RefundEntry> {
    let last = versions.iter().max_by_key(|fact| fact.head.newness())?;
    let lost = versions.iter().filter(|fact| fact.status == DisputeStatus::Lost);
    let lost = lost.min_by_key(|fact| fact.head.newness())?;
    let since = lost.head.newness();
    let won = versions.iter().filter(|fact| fact.status == last.status && fact.head.newness() > since);
    Some(RefundEntry {
        id: RefundId(derive_id(&["dispute", &last.order_id, &last.head.object_id])),
        object_id: Some(last.head.object_id.clone()),
        at_ms: lost.head.version_ms,
        amount_minor: last.amount_minor,
        tax_minor: last.tax_minor,
        reversed_at_ms: match last.status {
            DisputeStatus::Lost => None,
            _ => won.map(|fact| fact.head.version_ms).min(),
        },
        derived: false,
        reason: Some(DISPUTE_REASON.to_owned()),
    })
}
