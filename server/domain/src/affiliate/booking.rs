//! What is missing in the ledger for the payments of one customer. Run again it finds nothing.

use std::collections::HashMap;

use super::ledger::{settle, was_in_payout};
use super::referral::{Commission, Family, LinkOwner, Program, award, referral};
use crate::ids::OrderId;

/// What is missing: commissions with the entries to add to them; of a new one all. `standing` are the commissions of
/// the family's orders, with every entry.
///
/// A commission keeps the terms it was made under. One that was in a payout keeps its partner, whatever is learned
/// about the customer's visits later; until then the money goes where the click came from.
pub fn book(
    family: &Family,
    links: &HashMap<String, LinkOwner>,
    programs: &[Program],
    standing: &[Commission],
    now_ms: i64,
) -> Vec<Commission> {
    let brought = referral(family, links, programs);
    let mut orders: Vec<OrderId> = family.sales.iter().map(|sale| sale.order).collect();
    orders.extend(standing.iter().map(|commission| commission.order));
    orders.sort_unstable();
    orders.dedup();
    let mut missing = Vec::new();
    for order in orders {
        let own: Vec<&Commission> = standing.iter().filter(|commission| commission.order == order).collect();
        let settled = own.iter().find(|commission| was_in_payout(&commission.entries));
        let referral = settled.map(|commission| &commission.referral).or(brought.as_ref());
        let wanted = referral.and_then(|referral| {
            let known = own.iter().find(|commission| commission.referral.partner == referral.partner);
            let version = known.map(|commission| commission.terms_version);
            award(family, order, referral, links, programs, version)
        });
        for commission in &own {
            let wanted = wanted.as_ref().filter(|award| commission.is_same(&award.commission));
            let earnings = wanted.map_or(&[][..], |award| &award.earnings);
            let entries = settle(&commission.entries, earnings, commission.due_at_ms, now_ms);
            if !entries.is_empty() {
                missing.push(Commission { entries, ..(*commission).clone() });
            }
        }
        if let Some(award) =
            wanted.filter(|award| !own.iter().any(|commission| commission.is_same(&award.commission)))
        {
            let entries = settle(&[], &award.earnings, award.commission.due_at_ms, now_ms);
            missing.push(Commission { entries, ..award.commission });
        }
    }
    missing
}
