//! Refund entries of an order: from refund facts and the order's own count of what was given back.
//!
//! Both tell the same story, in any order and with gaps: the refund events may be lost while the order's
//! cumulative count arrives, or the other way round. What the facts do not explain becomes a derived entry,
//! which disappears by itself when the facts arrive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{OrderFact, RefundFact, RefundStatus};
use crate::ids::{RefundId, derive_id};

/// Money given back, as it is booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundEntry {
    pub id: RefundId,
    /// What the provider calls the refund; absent for a derived entry.
    pub object_id: Option<String>,
    pub at_ms: i64,
    /// Without tax, above zero.
    pub amount_minor: i64,
    pub tax_minor: i64,
    /// When the provider took the refund back.
    pub reversed_at_ms: Option<i64>,
    /// Whether only the order's cumulative count tells of it.
    pub derived: bool,
    pub reason: Option<String>,
}

/// What refund facts amount to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refunds {
    /// Sorted by (time, id).
    pub(super) entries: Vec<RefundEntry>,
    /// Without tax; shown, not booked.
    pub(super) pending_minor: i64,
}

/// The refunds of the order whose facts these are; `newest` is the newest of `orders`. Facts of other orders
/// must have been left out.
pub(super) fn refunds(newest: &OrderFact, orders: &[OrderFact], facts: &[RefundFact]) -> Refunds {
    let mut by_object: BTreeMap<&str, Vec<&RefundFact>> = BTreeMap::new();
    for fact in facts {
        by_object.entry(&fact.head.object_id).or_default().push(fact);
    }
    let mut refunds = Refunds::default();
    // The newest version of any refund that counts now: an order version before it cannot contradict it.
    let mut told_until_ms = i64::MIN;
    for versions in by_object.values() {
        let last = versions.iter().max_by_key(|fact| fact.head.newness()).expect("a group has a fact");
        match last.status {
            RefundStatus::Pending => refunds.pending_minor += last.amount_minor,
            RefundStatus::Succeeded => {
                told_until_ms = told_until_ms.max(last.head.version_ms);
                refunds.entries.push(entry(last, None));
            }
            RefundStatus::Failed | RefundStatus::Canceled => {
                refunds.entries.extend(reversed(last, versions));
            }
        }
    }
    let told: i64 = active(&refunds.entries).map(|entry| entry.amount_minor).sum();
    let told_tax: i64 = active(&refunds.entries).map(|entry| entry.tax_minor).sum();
    let counted = newest.amounts.refunded_minor;
    if counted > told {
        refunds.entries.extend(derived(newest, orders, told, told_tax));
    } else if counted < told && newest.head.version_ms > told_until_ms {
        let since = orders.iter().filter(|order| order.amounts.refunded_minor == counted);
        let since = since.map(|order| order.head.version_ms).filter(|&at| at > told_until_ms);
        let at_ms = since.min().unwrap_or(newest.head.version_ms);
        take_back(&mut refunds.entries, told - counted, at_ms, &newest.head.object_id);
    }
    refunds.entries.retain(|entry| entry.amount_minor > 0);
    refunds.entries.sort_by_key(|entry| (entry.at_ms, entry.id));
    refunds
}

fn active(entries: &[RefundEntry]) -> impl Iterator<Item = &RefundEntry> {
    entries.iter().filter(|entry| entry.reversed_at_ms.is_none())
}

fn entry(fact: &RefundFact, reversed_at_ms: Option<i64>) -> RefundEntry {
    RefundEntry {
        id: RefundId(derive_id(&["refund", &fact.order_id, &fact.head.object_id])),
        object_id: Some(fact.head.object_id.clone()),
        at_ms: fact.created_ms,
        amount_minor: fact.amount_minor,
        tax_minor: fact.tax_minor,
        reversed_at_ms,
        derived: false,
        reason: fact.reason.clone(),
    }
}

/// A refund that failed in the end: an entry and its reversal when it had succeeded before, else nothing.
fn reversed(last: &RefundFact, versions: &[&RefundFact]) -> Option<RefundEntry> {
    let succeeded = versions.iter().filter(|fact| fact.status == RefundStatus::Succeeded);
    let succeeded = succeeded.map(|fact| fact.head.newness()).max()?;
    let ended = versions.iter().filter(|fact| fact.status == last.status && fact.head.newness() > succeeded);
    Some(entry(last, ended.map(|fact| fact.head.version_ms).min()))
}

/// What the order's count says and no refund fact explains: an entry for each rise of the count above what is told, at
/// the first version that says it. So what was given back in one month stays there when more follows in the next.
fn derived(newest: &OrderFact, orders: &[OrderFact], told: i64, told_tax: i64) -> Vec<RefundEntry> {
    let mut versions: Vec<&OrderFact> = orders.iter().collect();
    versions.sort_by_key(|order| order.head.newness());
    let (mut known, mut known_tax) = (told, told_tax);
    let mut entries = Vec::new();
    for order in versions {
        let minor = order.amounts.refunded_minor.min(newest.amounts.refunded_minor);
        if minor <= known {
            continue;
        }
        let tax = order.amounts.refunded_tax_minor.min(newest.amounts.refunded_tax_minor).max(known_tax);
        entries.push(RefundEntry {
            id: RefundId(derive_id(&["derived refund", &order.head.object_id, &minor.to_string()])),
            object_id: None,
            at_ms: order.head.version_ms,
            amount_minor: minor - known,
            tax_minor: tax - known_tax,
            reversed_at_ms: None,
            derived: true,
            reason: None,
        });
        (known, known_tax) = (minor, tax);
    }
    entries
}

/// A newer version of the order counts less than the refunds we know: some did not last and nobody said which.
/// The latest are taken back first, one of them in part if need be.
fn take_back(entries: &mut Vec<RefundEntry>, mut excess_minor: i64, at_ms: i64, order: &str) {
    entries.sort_by_key(|entry| (entry.at_ms, entry.id));
    let mut split = None;
    for entry in entries.iter_mut().rev().filter(|entry| entry.reversed_at_ms.is_none()) {
        if excess_minor == 0 {
            break;
        }
        if entry.amount_minor <= excess_minor {
            excess_minor -= entry.amount_minor;
            entry.reversed_at_ms = Some(at_ms);
        } else {
            let tax = i128::from(entry.tax_minor) * i128::from(excess_minor) / i128::from(entry.amount_minor);
            let back = RefundEntry {
                id: RefundId(derive_id(&["refund taken back", order, &entry.id.to_string()])),
                amount_minor: excess_minor,
                tax_minor: tax as i64,
                reversed_at_ms: Some(at_ms),
                derived: true,
                ..entry.clone()
            };
            entry.amount_minor -= back.amount_minor;
            entry.tax_minor -= back.tax_minor;
            excess_minor = 0;
            split = Some(back);
        }
    }
    entries.extend(split);
}

/// Refunds for the tests of what is made of them.
#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// A refund without tax, and when it was taken back.
    pub fn entry(id: u128, at_ms: i64, amount_minor: i64, reversed_at_ms: Option<i64>) -> RefundEntry {
        RefundEntry {
            id: RefundId(id),
            object_id: None,
            at_ms,
            amount_minor,
            tax_minor: 0,
            reversed_at_ms,
            derived: false,
            reason: None,
        }
    }
}
