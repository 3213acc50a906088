//! Which partner brought a customer, and what each of the customer's payments should have earned by now. A function
//! of everything known: it never asks what was booked before. [`super::ledger`] books the difference.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::PartnerStatus;
use super::ledger::{Earning, Entry, Reason};
use super::terms::{Recurring, Terms, TermsVersion, in_force};
use crate::ids::{HitId, OrderId, RefundId};
use crate::money::Currency;
use crate::order::{Basis, DISPUTE_REASON};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A touch with a partner's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerTouch {
    pub id: HitId,
    pub at_ms: i64,
    /// As in the link, lower case.
    pub code: String,
}

/// Whose link a code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOwner {
    pub partner: String,
    pub program: String,
    /// Since when the partner stands how, oldest first.
    pub statuses: Vec<(i64, PartnerStatus)>,
}

impl LinkOwner {
    /// Whether the partner was approved at a moment.
    fn is_approved_at(&self, at_ms: i64) -> bool {
        let last = self.statuses.iter().rfind(|(from_ms, _)| *from_ms <= at_ms);
        last.is_some_and(|(_, status)| *status == PartnerStatus::Approved)
    }
}

/// A programme's terms, all versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub id: String,
    pub versions: Vec<TermsVersion>,
}

/// Money given back, or the end of a refund that did not last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    pub id: RefundId,
    pub at_ms: i64,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub reversed_at_ms: Option<i64>,
    pub reason: String,
}

/// One paid order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    pub order: OrderId,
    pub paid_at_ms: i64,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub refunds: Vec<GivenBack>,
}

/// The paid orders that one journey earns for, and the touches of partners in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Touches after it never count.
    pub anchor_ms: i64,
    pub sales: Vec<Sale>,
    pub touches: Vec<PartnerTouch>,
}

impl Family {
    /// Payments in their order; free orders are none.
    fn payments(&self) -> Vec<&Sale> {
        let mut payments: Vec<&Sale> = self.sales.iter().filter(|sale| sale.net_minor > 0).collect();
        payments.sort_by_key(|sale| (sale.paid_at_ms, sale.order));
        payments
    }
}

/// Who brought the customer, by which click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    pub touch: PartnerTouch,
    pub partner: String,
    pub program: String,
}

/// Who brought this customer. The last click within its programme's window names the programme; the terms in force at
/// the first payment say whether the last or the first click of that programme wins. Only partners win who were approved
/// then.
pub fn referral(
    family: &Family,
    links: &HashMap<String, LinkOwner>,
    programs: &[Program],
) -> Option<Referral> {
    let first = family.payments().first()?.paid_at_ms;
    let terms_of = |program: &str| {
        let program = programs.iter().find(|known| known.id == program)?;
        in_force(&program.versions, first).map(|version| &version.terms)
    };
    let mut clicks: Vec<(&PartnerTouch, &LinkOwner, &Terms)> = family
        .touches
        .iter()
        .filter_map(|touch| {
            let owner = links.get(&touch.code)?;
            let earns = owner.is_approved_at(first);
            let terms = terms_of(&owner.program)?;
            let age_ms = family.anchor_ms - touch.at_ms;
            let is_within = (0..=i64::from(terms.window_days) * DAY_MS).contains(&age_ms);
            (earns && is_within).then_some((touch, owner, terms))
        })
        .collect();
    clicks.sort_by_key(|(touch, ..)| (touch.at_ms, touch.id));
    let (_, last_owner, terms) = clicks.last()?;
    let program = last_owner.program.clone();
    let mut of_program = clicks.iter().filter(|(_, owner, _)| owner.program == program);
    let (touch, owner, _) = match terms.wins {
        super::Wins::Last => of_program.next_back()?,
        super::Wins::First => of_program.next()?,
    };
    Some(Referral { touch: (*touch).clone(), partner: owner.partner.clone(), program })
}

/// What a partner earns by one payment, and its entries. Who, by which click, under which terms and in which currency
/// is said once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    pub order: OrderId,
    pub referral: Referral,
    pub terms_version: u32,
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
}

/// What one payment should have earned by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// As it is made: without entries.
    pub commission: Commission,
    /// Its earning, what refunds and lost disputes took, and what their ends gave back. Adds up to what is left.
    pub earnings: Vec<Earning>,
}

/// What the payment `order` of a family should have earned `referral` by now, under the terms `version`; without a
/// version under those in force when it was paid. None when it earns nothing, or the partner was not approved then.
pub fn award(
    family: &Family,
    order: OrderId,
    referral: &Referral,
    links: &HashMap<String, LinkOwner>,
    programs: &[Program],
    version: Option<u32>,
) -> Option<Award> {
    let payments = family.payments();
    let place = payments.iter().position(|sale| sale.order == order)?;
    let (first, sale) = (payments[0], payments[place]);
    let owner = links.get(&referral.touch.code)?;
    if !owner.is_approved_at(sale.paid_at_ms) {
        return None;
    }
    let program = programs.iter().find(|program| program.id == referral.program)?;
    let version = match version {
        Some(version) => program.versions.iter().find(|known| known.version == version)?,
        None => in_force(&program.versions, sale.paid_at_ms)?,
    };
    let terms = &version.terms;
    let counts = match terms.recurring {
        Recurring::Once => place == 0,
        Recurring::Payments(most) => place < usize::from(most),
        Recurring::Months(months) => sale.paid_at_ms < months_after(first.paid_at_ms, months),
        Recurring::Lifetime => true,
    };
    let earnings = if counts { earnings(sale, terms)? } else { return None };
    let commission = Commission {
        order,
        referral: referral.clone(),
        terms_version: version.version,
        currency: sale.currency,
        paid_at_ms: sale.paid_at_ms,
        due_at_ms: sale.paid_at_ms.saturating_add(i64::from(terms.hold_days) * DAY_MS),
        entries: Vec::new(),
    };
    Some(Award { commission, earnings })
}

/// So many calendar months later, in UTC; the month's last day where it has no such day.
fn months_after(at_ms: i64, months: u16) -> i64 {
    let from = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC);
    let later = from.checked_add(i64::from(months).months());
    later.map_or(i64::MAX, |later| later.timestamp().as_millisecond())
}

/// The sale's earning, then one for each thing that changed what is left of its base, in the order of the changes.
/// What is left of the earning depends on what is left of the base alone: nothing of it leaves nothing, and what is
/// given back after all restores exactly what was taken.
fn earnings(sale: &Sale, terms: &Terms) -> Option<Vec<Earning>> {
    let of = |net: i64, tax: i64| match terms.base {
        Basis::Net => net,
        Basis::Gross => net.saturating_add(tax),
    };
    let base = of(sale.net_minor, sale.tax_minor);
    let full = terms.reward_minor(base, sale.currency).filter(|&full| full > 0)?;
    let mut changes: Vec<(i64, bool, RefundId, i64, Reason)> = Vec::new();
    for refund in &sale.refunds {
        let amount = of(refund.net_minor, refund.tax_minor);
        let is_dispute = refund.reason == DISPUTE_REASON;
        let (taken, given) = match is_dispute {
            true => (Reason::DisputeLost, Reason::DisputeWon),
            false => (Reason::Refund, Reason::RefundFailed),
        };
        changes.push((refund.at_ms, false, refund.id, -amount, taken));
        if let Some(until_ms) = refund.reversed_at_ms {
            changes.push((until_ms.max(refund.at_ms), true, refund.id, amount, given));
        }
    }
    changes.sort_by_key(|&(at_ms, is_end, id, ..)| (at_ms, is_end, id));
    let mut earnings =
        vec![Earning { source: sale.order.to_string(), reason: Reason::Sale, amount_minor: full }];
    let (mut left, mut earned) = (base, full);
    for (_, is_end, id, amount, reason) in changes {
        left = left.saturating_add(amount);
        let now = terms.proportion(full, left.clamp(0, base), base);
        let source = if is_end { format!("{id}/reversed") } else { id.to_string() };
        earnings.push(Earning { source, reason, amount_minor: now - earned });
        earned = now;
    }
    Some(earnings)
}
