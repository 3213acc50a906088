//! What each payment should have earned a partner by now: by the rule, the tier or the programme's reward, shared with
//! whoever else brought the customer, and after everything that was given back. A function of everything known;
//! [`super::ledger`] books the difference to what was booked.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::family::{Family, Sale};
use super::ledger::{Earning, Entry, Reason};
use super::referral::{Referral, Share};
use super::roster::Roster;
use super::rules::{Applied, Per};
use super::terms::{Recurring, Reward, Terms};
use super::volume::{Volume, Volumes};
use crate::ids::OrderId;
use crate::money::Currency;
use crate::order::{Basis, DISPUTE_REASON};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a partner earns by one payment, and its entries. Under which terms and in which currency is said once, when it is
/// made. Who else has a part, and whether it was the customer's first order, can become known later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    pub order: OrderId,
    pub referral: Referral,
    pub terms_version: u32,
    /// Whether it was the first payment of its customer.
    pub first_order: bool,
    pub currency: Currency,
    pub paid_at_ms: i64,
    /// From then on it may be paid out.
    pub due_at_ms: i64,
    pub entries: Vec<Entry>,
}

impl Commission {
    /// Whether two are one: of one order there is one for each partner and currency.
    pub(super) fn is_same(&self, other: &Commission) -> bool {
        self.referral.partner == other.referral.partner && self.currency == other.currency
    }

    /// Whether it was owed when the merchant came from another tool: then no sale here is behind it.
    pub fn is_imported(&self) -> bool {
        self.entries.first().is_some_and(|entry| entry.reason == Reason::Imported)
    }

    /// What it keeps of the time it was made.
    pub fn kept(&self) -> Kept {
        Kept { terms_version: self.terms_version, first_order: self.first_order }
    }
}

/// What a commission keeps of the time it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub terms_version: u32,
    /// Used when the customer is not known any more.
    pub first_order: bool,
}

/// What one payment should have earned by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// As it is made: without entries.
    pub commission: Commission,
    /// Its earning, what refunds and lost disputes took, and what their ends gave back. Adds up to what is left.
    pub earnings: Vec<Earning>,
    /// What said how much.
    pub applied: Applied,
    pub reward: Reward,
    /// What the partner had sold before, over the time the tiers count; over all time where there are none.
    pub volume: Volume,
    /// What it is a part of.
    pub base_minor: i64,
    /// The whole commission, before it was shared and before anything was given back.
    pub whole_minor: i64,
}

/// Why a partner who brought the customer earns nothing by a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nothing {
    /// Nothing was paid, or the order is none of the family's.
    NoPayment,
    /// The partner was not approved when it was paid.
    NotApproved,
    /// There were no terms when it was paid.
    NoTerms,
    /// The recurring rule does not reach it.
    NotReached,
    /// The reward is nothing, or names no amount in the order's currency.
    NoReward,
    /// Less than a minor unit.
    TooSmall,
}

/// What the payment `order` of a family should have earned `referral` by now, under the terms that were `kept`; without
/// any under those in force when it was paid. None when it earns nothing, or the partner was not approved then.
pub fn award(
    family: &Family,
    order: OrderId,
    referral: &Referral,
    roster: &Roster,
    volumes: &Volumes,
    kept: Option<Kept>,
) -> Option<Award> {
    weigh_award(family, order, referral, roster, volumes, kept).ok()
}

/// As [`award`], with the reason for nothing.
pub fn weigh_award(
    family: &Family,
    order: OrderId,
    referral: &Referral,
    roster: &Roster,
    volumes: &Volumes,
    kept: Option<Kept>,
) -> Result<Award, Nothing> {
    let payments = family.payments();
    let place = payments.iter().position(|sale| sale.order == order).ok_or(Nothing::NoPayment)?;
    let (first, sale) = (payments[0], payments[place]);
    let member = roster.partners.get(&referral.partner);
    if !member.is_some_and(|member| member.is_approved_at(sale.paid_at_ms)) {
        return Err(Nothing::NotApproved);
    }
    let version = match kept {
        Some(kept) => roster
            .program(&referral.program)
            .and_then(|program| program.versions.iter().find(|known| known.version == kept.terms_version)),
        None => roster.terms_of_partner(&referral.partner, sale.paid_at_ms),
    };
    let version = version.ok_or(Nothing::NoTerms)?;
    let terms = &version.terms;
    if !reaches(terms, first, place, sale) {
        return Err(Nothing::NotReached);
    }
    let first_order = sale.first_order.unwrap_or_else(|| kept.is_some_and(|kept| kept.first_order));
    let per = terms.tiers.as_ref().map_or(Per::Lifetime, |tiers| tiers.per);
    let volume = volumes.before(&referral.partner, sale, per);
    let (applied, reward) = terms.reward_of(sale, first_order, volume);
    let base_minor = base(terms, sale.net_minor, sale.tax_minor);
    let whole_minor = terms.reward_minor(reward, base_minor, sale.currency).ok_or(Nothing::NoReward)?;
    let earnings = earnings(sale, terms, base_minor, whole_minor, referral.share).ok_or(Nothing::TooSmall)?;
    let commission = Commission {
        order,
        referral: referral.clone(),
        terms_version: version.version,
        first_order,
        currency: sale.currency,
        paid_at_ms: sale.paid_at_ms,
        due_at_ms: sale.paid_at_ms.saturating_add(i64::from(terms.hold_days) * DAY_MS),
        entries: Vec::new(),
    };
    Ok(Award { commission, earnings, applied, reward: reward.clone(), volume, base_minor, whole_minor })
}

/// Whether the recurring rule reaches a payment, the `place`th of its family from 0 on.
pub(super) fn reaches(terms: &Terms, first: &Sale, place: usize, sale: &Sale) -> bool {
    match terms.recurring {
        Recurring::Once => place == 0,
        Recurring::Payments(most) => place < usize::from(most),
        Recurring::Months(months) => sale.paid_at_ms < months_after(first.paid_at_ms, months),
        Recurring::Lifetime => true,
    }
}

/// So many calendar months later, in UTC; the month's last day where it has no such day.
fn months_after(at_ms: i64, months: u16) -> i64 {
    let from = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC);
    let later = from.checked_add(i64::from(months).months());
    later.map_or(i64::MAX, |later| later.timestamp().as_millisecond())
}

fn base(terms: &Terms, net: i64, tax: i64) -> i64 {
    match terms.base {
        Basis::Net => net,
        Basis::Gross => net.saturating_add(tax),
    }
}

/// The sale's earning, then one for each thing that changed what is left of its base, in the order of the changes.
/// What is left of the earning depends on what is left of the base alone: nothing of it leaves nothing, and what is
/// given back after all restores exactly what was taken. The whole is divided each time, so that the parts of all
/// partners add up to it at every moment.
fn earnings(sale: &Sale, terms: &Terms, base_minor: i64, whole: i64, share: Share) -> Option<Vec<Earning>> {
    let full = Some(share.part(whole)).filter(|&full| full > 0)?;
    let mut earnings =
        vec![Earning { source: sale.order.to_string(), reason: Reason::Sale, amount_minor: full }];
    let (mut left, mut earned) = (base_minor, full);
    for change in sale.changes() {
        let refund = change.refund;
        let amount = base(terms, refund.net_minor, refund.tax_minor);
        left = left.saturating_add(if change.is_end { amount } else { -amount });
        let now = share.part(terms.proportion(whole, left.clamp(0, base_minor), base_minor));
        let (taken, given) = match refund.reason == DISPUTE_REASON {
            true => (Reason::DisputeLost, Reason::DisputeWon),
            false => (Reason::Refund, Reason::RefundFailed),
        };
        let (source, reason) = match change.is_end {
            true => (format!("{}/reversed", refund.id), given),
            false => (refund.id.to_string(), taken),
        };
        earnings.push(Earning { source, reason, amount_minor: now - earned });
        earned = now;
    }
    Some(earnings)
}
