//! What is missing in the ledger for the payments of one customer. Run again it finds nothing.

use super::award::{Award, Commission, award};
use super::family::Family;
use super::flag::{Verdict, Verdicts, judged};
use super::ledger::{settle, was_in_payout};
use super::referral::{Referral, Share};
use super::roster::Roster;
use super::volume::Volumes;
use super::weigh::referrals;
use crate::ids::OrderId;

/// What is missing: commissions with the entries to add to them; of a new one all. `standing` are the commissions of
/// the family's orders, with every entry. One whose part changed is told even when that adds no entry.
///
/// A commission keeps the terms it was made under. Of an order of which any commission was in a payout everybody keeps
/// the part they have, whatever is learned about the customer's visits later; until then the money goes where the clicks
/// came from. What was rejected because of a flag stays so.
pub fn book(
    family: &Family,
    roster: &Roster,
    volumes: &Volumes,
    standing: &[Commission],
    verdicts: &Verdicts,
    now_ms: i64,
) -> Vec<Commission> {
    let brought = referrals(family, roster);
    // What was owed before the merchant came here has no sale to be compared with.
    let standing: Vec<&Commission> = standing.iter().filter(|commission| !commission.is_imported()).collect();
    let mut orders: Vec<OrderId> = family.sales.iter().map(|sale| sale.order).collect();
    orders.extend(standing.iter().map(|commission| commission.order));
    orders.sort_unstable();
    orders.dedup();
    let mut missing = Vec::new();
    for order in orders {
        let own: Vec<&Commission> =
            standing.iter().copied().filter(|commission| commission.order == order).collect();
        let mut awards: Vec<Award> = Vec::new();
        let parties = parties(&own, &brought);
        for referral in &parties {
            let known = own.iter().find(|commission| commission.referral.partner == referral.partner);
            let kept = known.map(|commission| commission.kept());
            awards.extend(award(family, order, referral, roster, volumes, kept));
        }
        for commission in &own {
            let wanted = awards.iter().find(|award| commission.is_same(&award.commission));
            let earnings = wanted.map_or_else(Vec::new, |award| award.earnings.clone());
            let key = (commission.order, commission.referral.partner.clone(), commission.currency);
            let verdicts: &[Verdict] = verdicts.get(&key).map_or(&[], |verdicts| verdicts);
            let earnings = judged(earnings, verdicts);
            let entries = settle(&commission.entries, &earnings, commission.due_at_ms, now_ms);
            let partner = &commission.referral.partner;
            let party = parties.iter().find(|referral| referral.partner == *partner);
            let share = party.map_or(Share::NONE, |referral| referral.share);
            let first_order = wanted.map_or(commission.first_order, |award| award.commission.first_order);
            let is_other = share != commission.referral.share || first_order != commission.first_order;
            if !entries.is_empty() || is_other {
                let referral = Referral { share, ..commission.referral.clone() };
                missing.push(Commission { entries, referral, first_order, ..(*commission).clone() });
            }
        }
        let fresh = awards
            .into_iter()
            .filter(|award| !own.iter().any(|commission| commission.is_same(&award.commission)));
        for Award { commission, earnings, .. } in fresh {
            let entries = settle(&[], &earnings, commission.due_at_ms, now_ms);
            missing.push(Commission { entries, ..commission });
        }
    }
    missing
}

/// Who has a part of an order: those who brought the customer, or, once any of it was in a payout, those who had one.
pub fn parties(own: &[&Commission], brought: &[Referral]) -> Vec<Referral> {
    if !own.iter().any(|commission| was_in_payout(&commission.entries)) {
        return brought.to_vec();
    }
    let mut kept: Vec<Referral> = Vec::new();
    for commission in own.iter().filter(|commission| commission.referral.share.of > 0) {
        if !kept.iter().any(|referral| referral.partner == commission.referral.partner) {
            kept.push(commission.referral.clone());
        }
    }
    kept
}
