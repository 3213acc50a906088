//! How much a partner had sold before a payment: what tiers are reached by.
//!
//! Counted are the payments a partner brought, was approved for and earns by under the recurring rule, each from the
//! moment it was paid; refunds and disputes count from the moment they happened. So the tier of a payment is a function of
//! what was true when it was paid: in which order things become known changes nothing, a refund later on lowers the
//! tiers of payments after it only, and only a fact that is told late, of before, moves a tier that was booked. Never
//! looks at the ledger: a payout changes no volume.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};

use super::award::reaches;
use super::family::{Family, Sale};
use super::roster::Roster;
use super::rules::Per;
use super::weigh::referrals;
use crate::ids::OrderId;
use crate::money::Currency;

/// What had been sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Payments of which anything was left.
    pub sales: i64,
    /// In the payment's currency, without tax, after refunds; of a shared one the partner's part.
    pub net_minor: i64,
}

/// A sale, or what changed what is left of it, as one partner's volume sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeChange {
    /// The partner's id.
    pub partner: String,
    pub order: OrderId,
    /// When the order was paid.
    pub paid_at_ms: i64,
    /// When it changed; of the sale itself when it was paid.
    pub at_ms: i64,
    pub currency: Currency,
    /// 1 for a sale, −1 when nothing is left of it, 1 when something is again, else 0.
    pub sales: i64,
    pub net_minor: i64,
}

/// What the payments of a family add to the volumes of the partners who brought them.
pub fn volume_changes(family: &Family, roster: &Roster) -> Vec<VolumeChange> {
    let payments = family.payments();
    let mut changes = Vec::new();
    for referral in referrals(family, roster) {
        let Some(member) = roster.partners.get(&referral.partner) else { continue };
        for (place, sale) in payments.iter().enumerate() {
            let Some(version) = roster.terms_of_partner(&referral.partner, sale.paid_at_ms) else { continue };
            if !member.is_approved_at(sale.paid_at_ms) || !reaches(&version.terms, payments[0], place, sale) {
                continue;
            }
            let (mut left, mut counted) = (0, (0, 0));
            let steps = sale.changes().into_iter().map(|change| {
                let net = change.refund.net_minor;
                (change.at_ms.max(sale.paid_at_ms), if change.is_end { net } else { -net })
            });
            for (at_ms, net) in std::iter::once((sale.paid_at_ms, sale.net_minor)).chain(steps) {
                left += net;
                let stands = left.clamp(0, sale.net_minor);
                let now = (i64::from(stands > 0), referral.share.part(stands));
                let (sales, net_minor) = (now.0 - counted.0, now.1 - counted.1);
                counted = now;
                if (sales, net_minor) != (0, 0) {
                    changes.push(VolumeChange {
                        partner: referral.partner.clone(),
                        order: sale.order,
                        paid_at_ms: sale.paid_at_ms,
                        at_ms,
                        currency: sale.currency,
                        sales,
                        net_minor,
                    });
                }
            }
        }
    }
    changes
}

/// A sum, after each change, in the order of the changes.
type Sums = Vec<(i64, OrderId, i64)>;
/// Sales of a month, or of all months.
type Span = Option<(i16, i8)>;

/// How much every partner had sold at any moment.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    sales: HashMap<(String, Span), Sums>,
    net: HashMap<(String, Span, Currency), Sums>,
}

impl Volumes {
    /// All changes there are, in any order.
    pub fn of(mut changes: Vec<VolumeChange>) -> Volumes {
        changes.sort_by_key(|change| (change.at_ms, change.order));
        let mut volumes = Volumes::default();
        let add = |sums: &mut Sums, change: &VolumeChange, amount: i64| {
            let before = sums.last().map_or(0, |(.., sum)| *sum);
            sums.push((change.at_ms, change.order, before.saturating_add(amount)));
        };
        for change in &changes {
            for span in [None, Some(month_of(change.paid_at_ms))] {
                let of_sales = volumes.sales.entry((change.partner.clone(), span)).or_default();
                add(of_sales, change, change.sales);
                let of_net = volumes.net.entry((change.partner.clone(), span, change.currency)).or_default();
                add(of_net, change, change.net_minor);
            }
        }
        volumes
    }

    /// What a partner had sold before a payment. Of two payments of the same moment the one with the lower id was first.
    pub fn before(&self, partner: &str, sale: &Sale, per: Per) -> Volume {
        let span = match per {
            Per::Month => Some(month_of(sale.paid_at_ms)),
            Per::Lifetime => None,
        };
        let at = (sale.paid_at_ms, sale.order);
        let sum = |sums: Option<&Sums>| {
            let sums = sums.map_or(&[][..], Vec::as_slice);
            let until = sums.partition_point(|(at_ms, order, _)| (*at_ms, *order) < at);
            until.checked_sub(1).map_or(0, |last| sums[last].2)
        };
        Volume {
            sales: sum(self.sales.get(&(partner.to_owned(), span))),
            net_minor: sum(self.net.get(&(partner.to_owned(), span, sale.currency))),
        }
    }
}

/// Year and month in UTC.
fn month_of(at_ms: i64) -> (i16, i8) {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    (at.year(), at.month())
}
