//! A commission in words: what was sold, what it earns and why, where it stands, and every entry of its ledger.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::affiliate::Reward;
use domain::affiliate::ledger::{Account, Balance, Entry, state};
use domain::ids::OrderId;
use domain::money::Currency;
use domain::order::Basis;
use jiff::tz::TimeZone;

use super::data::Sold;
use super::session::Member;
use super::show;
use crate::control::ledger::StoredCommission;

/// One commission as it is shown in a list.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: String,
    /// When the customer paid.
    pub day: String,
    pub product: String,
    pub is_renewal: bool,
    /// What is left of it.
    pub earned: String,
    /// Word of the state, as a class of the style sheet.
    pub state: &'static str,
    /// Where it stands, for people.
    pub stands: String,
    /// Why it is as much as it is.
    pub because: String,
}

/// One entry as it is shown.
#[derive(Debug, Clone)]
pub struct Step {
    pub day: String,
    pub what: String,
    pub amount: String,
    /// `plus`, `minus`, or `move` for money that only changed its place.
    pub kind: &'static str,
}

/// What is shown of a commission in a list.
pub fn line(
    member: &Member,
    stored: &StoredCommission,
    sold: &HashMap<OrderId, Sold>,
    looked_at: &HashSet<String>,
    zone: &TimeZone,
) -> Line {
    let commission = &stored.commission;
    let order = sold.get(&commission.order);
    let product = order.map(|order| order.product.clone()).filter(|product| !product.is_empty());
    let state = state(&commission.entries).name();
    let balance = Balance::of(&commission.entries);
    let until = show::day(commission.due_at_ms, zone);
    let is_looked_at = looked_at_minor(stored, looked_at) > 0;
    let state = if is_looked_at && matches!(state, "pending" | "due") { "looked-at" } else { state };
    let stands = match state {
        "looked-at" => format!("held while {} looks at it", member.workspace.name),
        "pending" => format!("held until {until}"),
        "due" if balance.due < 0 => "paid before, to be netted".to_owned(),
        "due" => "ready for the next payout".to_owned(),
        "processing" => "in a payout under way".to_owned(),
        "paid" => "paid".to_owned(),
        "reversed" => "taken back".to_owned(),
        "void" => "not counted".to_owned(),
        other => other.replace('_', " "),
    };
    Line {
        id: stored.id.clone(),
        day: show::day(commission.paid_at_ms, zone),
        product: product.unwrap_or_else(|| "A sale".to_owned()),
        is_renewal: order.is_some_and(|order| order.is_renewal),
        earned: show::money(balance.earned(), commission.currency),
        state,
        stands,
        because: because(member, stored, order),
    }
}

/// What of a commission waits until the merchant has looked at it. What is in a payout or paid does not.
fn looked_at_minor(stored: &StoredCommission, looked_at: &HashSet<String>) -> i64 {
    if !looked_at.contains(&stored.id) {
        return 0;
    }
    let balance = Balance::of(&stored.commission.entries);
    balance.pending.max(0) + balance.due.max(0)
}

/// Why a sale earned what it did: the rate and the price it is of, or the terms by their number where tiers or shares
/// make it more than that.
pub fn because(member: &Member, stored: &StoredCommission, sold: Option<&Sold>) -> String {
    let commission = &stored.commission;
    let first: i64 = sale(&commission.entries).map(|entry| entry.amount_minor).sum();
    let by_number = || format!("terms number {}", commission.terms_version);
    let program = member.program.terms.iter().find(|terms| terms.version == commission.terms_version);
    let (Some(terms), Some(sold)) = (program.map(|terms| &terms.terms), sold) else { return by_number() };
    let base = match terms.base {
        Basis::Net => sold.net,
        Basis::Gross => sold.net + sold.tax,
    };
    // A rule or a tier may have said it: the reward that gives this amount is the one.
    let rules = terms.rules.iter().map(|rule| &rule.reward);
    let tiers = terms.tiers.iter().flat_map(|tiers| &tiers.steps).map(|step| &step.reward);
    let share = commission.referral.share;
    let mut rewards = std::iter::once(&terms.reward).chain(rules).chain(tiers);
    let said = rewards.find_map(|reward| {
        let (whole, said) = match reward {
            Reward::BasisPoints(points) => {
                let whole = terms.proportion(base, i64::from(*points), 10_000);
                let price = show::money(base, commission.currency);
                (whole, format!("{} of {price}", show::percent(*points)))
            }
            Reward::Flat(amounts) => {
                let flat = (*amounts.get(&commission.currency)?).min(base);
                (flat, format!("{} a payment", show::money(flat, commission.currency)))
            }
            Reward::Nothing => return None,
        };
        (share.part(whole) == first).then_some(said)
    });
    match said {
        Some(said) if share.of > 1 => format!("{said}, shared by {} partners", share.of),
        Some(said) => said,
        None => by_number(),
    }
}

fn sale(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.reason.name() == "sale" && entry.from == Account::Expense)
}

/// Every entry of a commission, oldest first.
pub fn steps(stored: &StoredCommission, because: &str, zone: &TimeZone) -> Vec<Step> {
    let currency = stored.commission.currency;
    let step = |entry: &Entry| {
        let (kind, sign) = match (entry.from, entry.to) {
            (Account::Expense, _) => ("plus", "+"),
            (_, Account::Expense) => ("minus", "\u{2212}"),
            _ => ("move", ""),
        };
        let what = match entry.reason.name() {
            "sale" if kind == "plus" => format!("Sale: {because}"),
            "sale" => "Sale corrected".to_owned(),
            "refund" => "The customer got money back".to_owned(),
            "refund_failed" => "A refund did not go through".to_owned(),
            "dispute_lost" => "The payment was disputed, and lost".to_owned(),
            "dispute_won" => "The dispute was won".to_owned(),
            "void" => "Not yours after all, or no payment that earns".to_owned(),
            "adjusted" => "Your part was found to be another".to_owned(),
            "hold_over" => "The hold is over: ready for payout".to_owned(),
            "flag_rejected" => "Not counted, after a look at it".to_owned(),
            "flag_cleared" => "Counted after all, after another look".to_owned(),
            "payout_approved" => "Put into a payout".to_owned(),
            "payout_paid" => "Paid out".to_owned(),
            "payout_canceled" => "The payout did not go through: ready for the next one".to_owned(),
            other => {
                let words = other.replace('_', " ");
                words[..1].to_uppercase() + &words[1..]
            }
        };
        Step {
            day: show::day(entry.at_ms, zone),
            what,
            amount: format!("{sign}{}", show::money(entry.amount_minor, currency)),
            kind,
        }
    };
    stored.commission.entries.iter().map(step).collect()
}

/// What stands in one currency.
#[derive(Debug, Clone)]
pub struct Sums {
    pub earned: String,
    pub pending: String,
    /// What waits until the merchant has looked at it, apart from what is pending or due; none where nothing does.
    pub looked_at: Option<String>,
    pub due: String,
    pub processing: String,
    pub paid: String,
}

/// What stands for a partner, a currency each.
pub fn sums(commissions: &[StoredCommission], looked_at: &HashSet<String>) -> Vec<Sums> {
    let mut by_currency: BTreeMap<Currency, (Balance, i64)> = BTreeMap::new();
    for stored in commissions {
        let (sum, waits) = by_currency.entry(stored.commission.currency).or_default();
        let mut balance = Balance::of(&stored.commission.entries);
        let looked_at = looked_at_minor(stored, looked_at);
        if looked_at > 0 {
            // Shown apart, so that all parts still add up to what is earned.
            *waits += looked_at;
            (balance.pending, balance.due) = (balance.pending.min(0), balance.due.min(0));
        }
        sum.expense += balance.expense;
        sum.pending += balance.pending;
        sum.due += balance.due;
        sum.processing += balance.processing;
        sum.paid += balance.paid;
    }
    let shown = |(currency, (balance, waits)): (Currency, (Balance, i64))| Sums {
        earned: show::money(balance.earned(), currency),
        looked_at: (waits > 0).then(|| show::money(waits, currency)),
        pending: show::money(balance.pending, currency),
        due: show::money(balance.due, currency),
        processing: show::money(balance.processing, currency),
        paid: show::money(balance.paid, currency),
    };
    by_currency.into_iter().map(shown).collect()
}
