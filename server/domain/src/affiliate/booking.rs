//! What is missing in the ledger for the payments of one customer. Run again it finds nothing.

use std::collections::HashMap;

use super::ledger::{Entry, settle, was_in_payout};
use super::referral::{Award, Family, LinkOwner, Program, Referral, award, referral};
use crate::ids::OrderId;
use crate::money::Currency;

/// What a partner earns by one payment, and its entries. Who, by which click, under which terms and in which currency
/// is said once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    pub order: OrderId,
    pub referral: Referral,
    pub terms_version: u32,
    pub currency: Currency,
    pub paid_at_ms: i64,
    pub due_at_ms: i64,
    pub entries: Vec<Entry>,
}

impl Commission {
    fn is_of(&self, award: &Award) -> bool {
        self.referral.partner == award.referral.partner && self.currency == award.currency
    }
}

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
            let wanted = wanted.as_ref().filter(|award| commission.is_of(award));
            let earnings = wanted.map_or(&[][..], |award| &award.earnings);
            let entries = settle(&commission.entries, earnings, commission.due_at_ms, now_ms);
            if !entries.is_empty() {
                missing.push(Commission { entries, ..(*commission).clone() });
            }
        }
        if let Some(award) = wanted.filter(|award| !own.iter().any(|commission| commission.is_of(award))) {
            let entries = settle(&[], &award.earnings, award.due_at_ms, now_ms);
            let Award { order, referral, terms_version, currency, paid_at_ms, due_at_ms, .. } = award;
            let commission =
                Commission { order, referral, terms_version, currency, paid_at_ms, due_at_ms, entries };
            missing.push(commission);
        }
    }
    missing
}
