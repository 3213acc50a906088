//! Monthly statements of one partner, chained by hashes: what stood open, what was earned, what was taken back, what
//! was paid, and what stands open now, entry by entry.
//!
//! A statement goes by when an entry was booked, not by when the order was paid, so that a month that is over stays as
//! it was stated. An entry is stated once: one that was booked in a month already stated (two machines, one clock
//! behind) is a line of the next statement. Never moves money and never knows who the partner is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Commission;
use super::ledger::{Account, Entry, Reason};
use crate::books::{Chained, Sealed, next_of};
use crate::money::Currency;

/// What a reader of the file must understand.
const VERSION: u32 = 1;

/// What an entry means for what stands open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Owed from now on: adds to what stands open.
    Earned,
    /// Not owed any more: takes from it.
    Reversed,
    /// With the partner: takes from it.
    Paid,
}

impl LineKind {
    pub fn name(self) -> &'static str {
        match self {
            LineKind::Earned => "earned",
            LineKind::Reversed => "reversed",
            LineKind::Paid => "paid",
        }
    }
}

/// One entry of the ledger that changed what stands open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    /// Of its booking, in the workspace's time zone.
    #[serde(with = "crate::books::day_text")]
    pub day: Date,
    pub at_ms: i64,
    /// `com_…`
    pub commission: String,
    /// The entry's number in it.
    pub entry: u32,
    /// `ord_…`
    pub order: String,
    pub currency: Currency,
    /// Minor units, above zero but for a payment in which more was netted than paid.
    pub amount_minor: i64,
    pub reason: Reason,
    /// The fact behind it: the order, the refund, the payout.
    pub source: String,
}

/// One currency. `closing = opening + earned − reversed − paid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub currency: Currency,
    pub opening_minor: i64,
    pub earned_minor: i64,
    pub reversed_minor: i64,
    pub paid_minor: i64,
    pub closing_minor: i64,
}

/// What is hashed, field by field in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerStatement {
    pub version: u32,
    pub workspace: String,
    /// `prt_…`
    pub partner: String,
    pub timezone: String,
    /// 1 for the partner's first.
    pub number: u64,
    /// First day of the month.
    #[serde(with = "crate::books::day_text")]
    pub month: Date,
    pub made_at_ms: i64,
    /// Hash of the statement before; empty for the first.
    pub previous: String,
    pub lines: Vec<Line>,
    /// A currency each that ever stood in the ledger.
    pub totals: Vec<Total>,
}

/// A partner's statement with its hash.
pub type SealedStatement = Sealed<PartnerStatement>;

/// Whose statement it is, and when it is made.
#[derive(Clone, Debug)]
pub struct Heading {
    pub workspace: String,
    pub partner: String,
    pub timezone: String,
    pub made_at_ms: i64,
}

/// One commission as the ledger has it.
#[derive(Clone, Debug)]
pub struct Booked<'a> {
    /// `com_…`
    pub id: &'a str,
    pub commission: &'a Commission,
}

impl Chained for PartnerStatement {
    const OWNER: &'static str = "partner";

    fn owner(&self) -> (&str, &str) {
        (&self.workspace, &self.partner)
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn month(&self) -> Date {
        self.month
    }

    fn previous(&self) -> &str {
        &self.previous
    }

    fn adds_up(&self) -> bool {
        let opening: Vec<Total> =
            self.totals.iter().map(|total| opened(total.currency, total.opening_minor)).collect();
        totals(&opening, &self.lines) == self.totals
    }
}

/// The statement of `month` behind those already made, from what is booked now: every entry of the month, and
/// whatever earlier one was not stated. Entries after the month are left to later statements.
pub fn state(
    heading: Heading,
    month: Date,
    made: &[SealedStatement],
    booked: &[Booked<'_>],
) -> SealedStatement {
    let month = month.first_of_month();
    let zone = zone(&heading.timezone);
    let stated: BTreeSet<(&str, u32, LineKind)> = keys(made).collect();
    let mut lines: Vec<Line> = all_lines(booked, &zone)
        .filter(|line| line.day <= month.last_of_month())
        .filter(|line| !stated.contains(&(line.commission.as_str(), line.entry, line.kind)))
        .collect();
    lines.sort_by(|one, other| {
        let key = |line: &Line| (line.at_ms, line.commission.clone(), line.entry, line.kind);
        key(one).cmp(&key(other))
    });
    let before = made.last().map(|last| last.statement.totals.as_slice()).unwrap_or_default();
    let opening: Vec<Total> =
        before.iter().map(|total| opened(total.currency, total.closing_minor)).collect();
    let totals = totals(&opening, &lines);
    let (number, previous) = next_of(made);
    Sealed::of(PartnerStatement {
        version: VERSION,
        workspace: heading.workspace,
        partner: heading.partner,
        timezone: heading.timezone,
        number,
        month,
        made_at_ms: heading.made_at_ms,
        previous,
        lines,
        totals,
    })
}

/// The month in which a partner's first entry was booked.
pub fn first_month(timezone: &str, booked: &[Booked<'_>]) -> Option<Date> {
    let zone = zone(timezone);
    all_lines(booked, &zone).map(|line| line.day.first_of_month()).min()
}

/// What is wrong between the statements and the ledger, a sentence each: an entry that was stated and does not stand
/// so any more, a balance that was not carried over. [`crate::books::faults`] says what is wrong with the chain itself.
pub fn contradictions(made: &[SealedStatement], booked: &[Booked<'_>]) -> Vec<String> {
    let Some(first) = made.first() else { return Vec::new() };
    let zone = zone(&first.statement.timezone);
    let standing: BTreeMap<(String, u32, LineKind), Line> = all_lines(booked, &zone)
        .map(|line| ((line.commission.clone(), line.entry, line.kind), line))
        .collect();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut before: &[Total] = &[];
    for PartnerStatement { number, lines, totals, .. } in made.iter().map(|sealed| &sealed.statement) {
        for line in lines {
            let key = (line.commission.clone(), line.entry, line.kind);
            let name = || format!("statement {number}: entry {} of {}", line.entry, line.commission);
            if standing.get(&key) != Some(line) {
                faults.push(format!("{} is not what the ledger holds", name()));
            }
            if !seen.insert(key) {
                faults.push(format!("{} is stated twice", name()));
            }
        }
        let carried = |total: &Total| {
            let closed = before.iter().find(|before| before.currency == total.currency);
            closed.map_or(0, |closed| closed.closing_minor) == total.opening_minor
        };
        let is_kept = before.iter().all(|old| totals.iter().any(|total| total.currency == old.currency));
        if !is_kept || !totals.iter().all(carried) {
            faults.push(format!("statement {number} does not open with what the one before closed with"));
        }
        before = totals;
    }
    faults
}

/// Entries of stated months that no statement has: the next one will.
pub fn unstated(made: &[SealedStatement], booked: &[Booked<'_>]) -> usize {
    let Some(last) = made.last() else { return 0 };
    let zone = zone(&last.statement.timezone);
    let stated: BTreeSet<(&str, u32, LineKind)> = keys(made).collect();
    let end = last.statement.month.last_of_month();
    let open = all_lines(booked, &zone).filter(|line| line.day <= end);
    open.filter(|line| !stated.contains(&(line.commission.as_str(), line.entry, line.kind))).count()
}

/// The statement as CSV: a row a line, then a total a currency, each with the hashes, so that a single row names its
/// chain. Amounts of lines are signed by what they do to what stands open.
pub fn to_csv(sealed: &SealedStatement) -> String {
    let PartnerStatement { partner, number, month, previous, lines, totals, .. } = &sealed.statement;
    let hash = &sealed.hash;
    let month = month.strftime("%Y-%m").to_string();
    let mut text = String::from(
        "partner,statement,month,kind,day,commission,order,reason,source,currency,amount_minor,opening_minor,\
         earned_minor,reversed_minor,paid_minor,closing_minor,previous,hash\n",
    );
    for line in lines {
        let Line { kind, day, commission, order, reason, source, currency, .. } = line;
        let (kind, effect) = (kind.name(), line.effect());
        text += &format!(
            "{partner},{number},{month},{kind},{day},{commission},{order},{reason},{source},{currency},{effect},\
             ,,,,,{previous},{hash}\n"
        );
    }
    for total in totals {
        let Total { currency, opening_minor, earned_minor, reversed_minor, paid_minor, closing_minor } =
            total;
        text += &format!(
            "{partner},{number},{month},total,,,,,,{currency},,{opening_minor},{earned_minor},{reversed_minor},\
             {paid_minor},{closing_minor},{previous},{hash}\n"
        );
    }
    text
}

impl Line {
    /// What it does to what stands open.
    pub fn effect(&self) -> i64 {
        match self.kind {
            LineKind::Earned => self.amount_minor,
            LineKind::Reversed | LineKind::Paid => -self.amount_minor,
        }
    }
}

fn opened(currency: Currency, opening_minor: i64) -> Total {
    Total {
        currency,
        opening_minor,
        earned_minor: 0,
        reversed_minor: 0,
        paid_minor: 0,
        closing_minor: opening_minor,
    }
}

fn totals(opening: &[Total], lines: &[Line]) -> Vec<Total> {
    let mut sums: BTreeMap<Currency, Total> = opening.iter().map(|total| (total.currency, *total)).collect();
    for line in lines {
        let sum = sums.entry(line.currency).or_insert_with(|| opened(line.currency, 0));
        match line.kind {
            LineKind::Earned => sum.earned_minor += line.amount_minor,
            LineKind::Reversed => sum.reversed_minor += line.amount_minor,
            LineKind::Paid => sum.paid_minor += line.amount_minor,
        }
        sum.closing_minor += line.effect();
    }
    sums.into_values().collect()
}

fn keys(made: &[SealedStatement]) -> impl Iterator<Item = (&str, u32, LineKind)> {
    let lines = made.iter().flat_map(|sealed| &sealed.statement.lines);
    lines.map(|line| (line.commission.as_str(), line.entry, line.kind))
}

fn all_lines<'a>(booked: &'a [Booked<'a>], zone: &'a TimeZone) -> impl Iterator<Item = Line> + 'a {
    booked.iter().flat_map(move |Booked { id, commission }| {
        commission.entries.iter().flat_map(move |entry| {
            meanings(entry).map(move |(kind, amount_minor)| Line {
                kind,
                day: day(entry.at_ms, zone),
                at_ms: entry.at_ms,
                commission: (*id).to_owned(),
                entry: entry.number,
                order: commission.order.to_string(),
                currency: commission.currency,
                amount_minor,
                reason: entry.reason,
                source: entry.source.clone(),
            })
        })
    })
}

/// What an entry does to what stands open; nothing where it moves between accounts that are both open.
fn meanings(entry: &Entry) -> impl Iterator<Item = (LineKind, i64)> {
    let amount = entry.amount_minor;
    [
        (entry.from == Account::Expense).then_some((LineKind::Earned, amount)),
        (entry.to == Account::Expense).then_some((LineKind::Reversed, amount)),
        (entry.to == Account::Paid).then_some((LineKind::Paid, amount)),
        (entry.from == Account::Paid).then_some((LineKind::Paid, -amount)),
    ]
    .into_iter()
    .flatten()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn day(at_ms: i64, zone: &TimeZone) -> Date {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).date()
}

#[cfg(test)]
mod tests;
