//! Why an order earned whom what: every click and the coupon with their verdicts, and each part with what said how much.
//! The same functions that book decide it; nothing is decided here.

use super::award::{Award, Commission, Nothing, weigh_award};
use super::booking::parties;
use super::family::Family;
use super::ledger::was_in_payout;
use super::referral::{Referral, Weighed};
use super::roster::Roster;
use super::volume::Volumes;
use super::weigh::weigh;
use crate::ids::OrderId;

/// One partner's part of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub referral: Referral,
    /// What it should have earned by now, or why nothing.
    pub award: Result<Award, Nothing>,
}

/// The commission decision of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub weighed: Weighed,
    /// By share; empty when nobody brought the customer.
    pub parts: Vec<Part>,
    /// Whether any of it was in a payout: then the parts are those that stood then.
    pub is_settled: bool,
}

/// Decides as [`super::book`] does, and says why. `standing` are the order's commissions with every entry.
pub fn decide(
    family: &Family,
    order: OrderId,
    roster: &Roster,
    volumes: &Volumes,
    standing: &[Commission],
) -> Decision {
    let weighed = weigh(family, roster);
    let own: Vec<&Commission> = standing.iter().filter(|commission| commission.order == order).collect();
    let part = |referral: Referral| {
        let known = own.iter().find(|commission| commission.referral.partner == referral.partner);
        let kept = known.map(|commission| commission.kept());
        let award = weigh_award(family, order, &referral, roster, volumes, kept);
        Part { referral, award }
    };
    let parts = parties(&own, &weighed.referrals).into_iter().map(part).collect();
    let is_settled = own.iter().any(|commission| was_in_payout(&commission.entries));
    Decision { weighed, parts, is_settled }
}
