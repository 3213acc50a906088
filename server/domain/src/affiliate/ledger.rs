//! The ledger: entries that move money of one commission from one account to another. Nothing is ever changed or
//! taken out, so a correction is an entry too, with its reason and the fact behind it. An entry has one amount and
//! two accounts, so the sum over all accounts is zero whatever is booked.
//!
//! ```text
//! expense ──sale──► pending ──hold over──► due ──payout approved──► processing ──paid──► paid
//!    ▲                 │                   │ ▲                          │
//!    └ refund, dispute, adjusted, void, flag ┘ └────── payout canceled ───┘
//! ```
//! What is taken back after it was paid out leaves `due` below zero: it is netted in the partner's next payout.

pub(super) mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use words::{Account, AccountError, Reason, ReasonError, State, StateError};

/// One entry of one commission, in the commission's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1 for the commission's first.
    pub number: u32,
    pub from: Account,
    pub to: Account,
    /// Minor units, above zero.
    pub amount_minor: i64,
    pub reason: Reason,
    /// The fact behind it: `ord_…`, `ref_…`, `ref_…/reversed`, `flg_…`, `pay_…`, `imp_…/<line>`, or `clock`.
    pub source: String,
    /// When it was booked.
    pub at_ms: i64,
}

/// What one fact should have added to a commission, or taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earning {
    pub source: String,
    pub reason: Reason,
    pub amount_minor: i64,
}

/// What stands on each account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub expense: i64,
    pub pending: i64,
    pub due: i64,
    pub processing: i64,
    pub paid: i64,
}

impl Balance {
    /// What stands after these entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Balance {
        let mut balance = Balance::default();
        for entry in entries {
            *balance.account(entry.from) -= entry.amount_minor;
            *balance.account(entry.to) += entry.amount_minor;
        }
        balance
    }

    fn account(&mut self, account: Account) -> &mut i64 {
        match account {
            Account::Expense => &mut self.expense,
            Account::Pending => &mut self.pending,
            Account::Due => &mut self.due,
            Account::Processing => &mut self.processing,
            Account::Paid => &mut self.paid,
        }
    }

    /// Of all accounts: zero.
    pub fn sum(self) -> i64 {
        self.expense + self.pending + self.due + self.processing + self.paid
    }

    /// What the commission is worth now, wherever it stands.
    pub fn earned(self) -> i64 {
        -self.expense
    }
}

/// Where a commission stands as a whole.
pub fn state(entries: &[Entry]) -> State {
    let balance = Balance::of(entries);
    if balance.processing != 0 {
        return State::Processing;
    }
    if balance.pending != 0 {
        return State::Pending;
    }
    if balance.due != 0 {
        return State::Due;
    }
    if balance.paid != 0 {
        return State::Paid;
    }
    let of_flags = entries.iter().filter(|entry| entry.reason.is_of_flag());
    let is_rejected = Balance::of(of_flags).expense > 0;
    let last = entries.iter().rev().find(|entry| entry.to == Account::Expense);
    let is_void = is_rejected || last.is_some_and(|entry| entry.reason == Reason::Void);
    if is_void { State::Void } else { State::Reversed }
}

impl Reason {
    /// Whether it is a person's decision about a flag.
    pub fn is_of_flag(self) -> bool {
        matches!(self, Reason::FlagRejected | Reason::FlagCleared)
    }
}

/// Whether any of it was ever in a payout: then who earned it is no question any more.
pub fn was_in_payout(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| entry.reason == Reason::PayoutApproved)
}

/// What is wrong with the entries of one commission, in words; none when they are as only this module makes them.
pub fn fault(entries: &[Entry]) -> Option<String> {
    let mut balance = Balance::default();
    let mut earned_most = 0;
    for (number, entry) in (1..).zip(entries) {
        if entry.number != number {
            return Some(format!("entry {number} is missing"));
        }
        if entry.amount_minor <= 0 || entry.from == entry.to {
            return Some(format!("entry {number} moves nothing"));
        }
        *balance.account(entry.from) -= entry.amount_minor;
        *balance.account(entry.to) += entry.amount_minor;
        earned_most = earned_most.max(balance.earned());
        if balance.sum() != 0 || balance.earned() < 0 || balance.pending < 0 {
            return Some(format!("entry {number} takes what was not there"));
        }
        if balance.paid > earned_most {
            return Some(format!("entry {number} pays more than was ever earned"));
        }
    }
    None
}

/// The entries that are missing until a commission says what `wanted` says, and until what is held no longer than
/// `due_at_ms` is due. With nothing wanted all is taken back. None when nothing is missing.
pub fn settle(standing: &[Entry], wanted: &[Earning], due_at_ms: i64, now_ms: i64) -> Vec<Entry> {
    let mut book = Book::new(standing, now_ms);
    let mut booked: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in standing {
        match (entry.from, entry.to) {
            (Account::Expense, _) => *booked.entry(&entry.source).or_default() += entry.amount_minor,
            (_, Account::Expense) => *booked.entry(&entry.source).or_default() -= entry.amount_minor,
            _ => {}
        }
    }
    let is_due = now_ms >= due_at_ms;
    let mut changes: Vec<(i64, Reason, &str)> = Vec::with_capacity(wanted.len());
    for Earning { source, reason, amount_minor } in wanted {
        let before = booked.remove(source.as_str()).unwrap_or(0);
        let is_other = *reason == Reason::Sale && before != 0;
        let reason = if is_other { Reason::Adjusted } else { *reason };
        changes.push((amount_minor - before, reason, source));
    }
    changes.extend(booked.into_iter().map(|(source, before)| (-before, Reason::Void, source)));
    // What adds comes first, so that what takes finds it where it is held.
    changes.sort_by_key(|(amount, ..)| *amount < 0);
    for (amount, reason, source) in changes {
        book.earn(amount, is_due, reason, source);
    }
    if is_due {
        book.release();
    }
    book.fresh
}

/// The entry of what was owed before the merchant came here: held until `due_at_ms`, and due from then on.
pub fn opening(amount_minor: i64, source: &str, due_at_ms: i64, now_ms: i64) -> Vec<Entry> {
    let mut book = Book::new(&[], now_ms);
    book.earn(amount_minor, now_ms >= due_at_ms, Reason::Imported, source);
    book.fresh
}

/// The entry that makes due what was held until now; none when nothing is.
pub fn mature(standing: &[Entry], due_at_ms: i64, now_ms: i64) -> Vec<Entry> {
    let mut book = Book::new(standing, now_ms);
    if now_ms >= due_at_ms {
        book.release();
    }
    book.fresh
}

/// The entry that puts `amount_minor` of what is due into a payout; below zero it nets what was taken back after it
/// was paid.
pub fn approve(standing: &[Entry], amount_minor: i64, payout: &str, now_ms: i64) -> Vec<Entry> {
    let mut book = Book::new(standing, now_ms);
    book.shift(Account::Due, Account::Processing, amount_minor, Reason::PayoutApproved, payout);
    book.fresh
}

/// The entry that ends a commission's part in a payout: paid, or due again. None when it has ended before.
pub fn conclude(standing: &[Entry], payout: &str, is_paid: bool, now_ms: i64) -> Vec<Entry> {
    let of_payout = standing.iter().filter(|entry| entry.source == payout);
    let under_way = Balance::of(of_payout).processing;
    let mut book = Book::new(standing, now_ms);
    let (to, reason) = match is_paid {
        true => (Account::Paid, Reason::PayoutPaid),
        false => (Account::Due, Reason::PayoutCanceled),
    };
    book.shift(Account::Processing, to, under_way, reason, payout);
    book.fresh
}

/// Entries as they are added.
struct Book {
    balance: Balance,
    next: u32,
    now_ms: i64,
    fresh: Vec<Entry>,
}

impl Book {
    fn new(standing: &[Entry], now_ms: i64) -> Book {
        let next = standing.iter().map(|entry| entry.number).max().unwrap_or(0) + 1;
        Book { balance: Balance::of(standing), next, now_ms, fresh: Vec::new() }
    }

    /// Adds to what is owed, or takes from it: from what is held first.
    fn earn(&mut self, amount: i64, is_due: bool, reason: Reason, source: &str) {
        if amount > 0 {
            let to = if is_due { Account::Due } else { Account::Pending };
            self.shift(Account::Expense, to, amount, reason, source);
        } else {
            let held = self.balance.pending.clamp(0, -amount);
            self.shift(Account::Pending, Account::Expense, held, reason, source);
            self.shift(Account::Due, Account::Expense, -amount - held, reason, source);
        }
    }

    /// What is held is due from now on.
    fn release(&mut self) {
        let held = self.balance.pending;
        self.shift(Account::Pending, Account::Due, held, Reason::HoldOver, "clock");
    }

    /// Moves an amount; one below zero goes the other way, and nothing leaves no entry.
    fn shift(&mut self, from: Account, to: Account, amount: i64, reason: Reason, source: &str) {
        if amount == 0 {
            return;
        }
        let (from, to) = if amount < 0 { (to, from) } else { (from, to) };
        let entry = Entry {
            number: self.next,
            from,
            to,
            amount_minor: amount.abs(),
            reason,
            source: source.to_owned(),
            at_ms: self.now_ms,
        };
        *self.balance.account(from) -= entry.amount_minor;
        *self.balance.account(to) += entry.amount_minor;
        self.next += 1;
        self.fresh.push(entry);
    }
}

#[cfg(test)]
mod tests;
