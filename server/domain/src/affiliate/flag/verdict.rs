//! What a decision about a flag means for the money: a rejected commission earns nothing, by an earning that takes what
//! is left and names the flag. So the ledger says the same however often it is booked again.

use std::collections::{BTreeMap, HashMap};

use super::Decision;
use crate::affiliate::ledger::{Account, Earning, Entry, Reason, settle};
use crate::ids::OrderId;
use crate::money::Currency;

/// What was decided about one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `flg_…`
    pub flag: String,
    /// What stands now.
    pub decision: Decision,
}

/// Verdicts of commissions, by order, partner and currency. Those of one commission in the order of the flags' ids.
pub type Verdicts = HashMap<(OrderId, String, Currency), Vec<Verdict>>;

/// The earnings of a commission after what was decided about its flags. What a flag that is cleared never took, it does
/// not give back either.
pub fn judged(mut earnings: Vec<Earning>, verdicts: &[Verdict]) -> Vec<Earning> {
    let mut left: i64 = earnings.iter().map(|earning| earning.amount_minor).sum();
    // What was taken back for another reason is no business of a flag.
    if earnings.is_empty() {
        return earnings;
    }
    for Verdict { flag, decision } in verdicts {
        let (reason, amount_minor) = match decision {
            Decision::Rejected => (Reason::FlagRejected, -left),
            Decision::Cleared => (Reason::FlagCleared, 0),
        };
        left += amount_minor;
        earnings.push(Earning { source: flag.clone(), reason, amount_minor });
    }
    earnings
}

/// The entries that are missing until a commission says what was decided about its flags. None when it says so.
pub fn rejudge(standing: &[Entry], verdicts: &[Verdict], due_at_ms: i64, now_ms: i64) -> Vec<Entry> {
    let mut booked: BTreeMap<&str, i64> = BTreeMap::new();
    let is_of_flag = |entry: &&Entry| verdicts.iter().any(|verdict| verdict.flag == entry.source);
    for entry in standing.iter().filter(|entry| !is_of_flag(entry)) {
        match (entry.from, entry.to) {
            (Account::Expense, _) => *booked.entry(&entry.source).or_default() += entry.amount_minor,
            (_, Account::Expense) => *booked.entry(&entry.source).or_default() -= entry.amount_minor,
            _ => {}
        }
    }
    let as_booked = booked.into_iter().map(|(source, amount_minor)| Earning {
        source: source.to_owned(),
        reason: Reason::Sale,
        amount_minor,
    });
    settle(standing, &judged(as_booked.collect(), verdicts), due_at_ms, now_ms)
}
