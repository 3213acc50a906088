//! Monthly statements of one connection: what each day came to, chained by hashes.
//!
//! A statement is never edited. What is learned later about a day that was stated already is a correction in the next
//! statement, so that all statements together always say what was true when the newest was made.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::chain::{Chained, Sealed, next_of};
use crate::money::Currency;

/// What a reader of the file must understand.
const VERSION: u32 = 1;

/// One day in one currency, as the books have it. Cash dates: payments and refunds on the days they were booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookedDay {
    pub day: Date,
    pub currency: Currency,
    pub paid_minor: i64,
    pub refunded_minor: i64,
}

/// Whether a line belongs to the statement's month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A day of the month.
    Booked,
    /// What was learned since about a day of an earlier statement.
    Correction,
}

impl LineKind {
    pub fn name(self) -> &'static str {
        match self {
            LineKind::Booked => "booked",
            LineKind::Correction => "correction",
        }
    }
}

/// One line; a correction says what is added to what was stated, below zero when less was true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedLine {
    pub kind: LineKind,
    #[serde(with = "super::day_text")]
    pub day: Date,
    pub currency: Currency,
    pub paid_minor: i64,
    pub refunded_minor: i64,
}

/// All lines of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedTotal {
    pub currency: Currency,
    pub paid_minor: i64,
    pub refunded_minor: i64,
    pub net_minor: i64,
}

/// What is hashed, field by field in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub version: u32,
    pub workspace: String,
    pub connection: String,
    pub provider: String,
    pub timezone: String,
    /// 1 for the first of the connection.
    pub number: u64,
    /// First day of the month.
    #[serde(with = "super::day_text")]
    pub month: Date,
    pub made_at_ms: i64,
    /// Hash of the statement before; empty for the first.
    pub previous: String,
    pub lines: Vec<StatedLine>,
    pub totals: Vec<StatedTotal>,
}

/// Whose statement it is, and when it is made.
#[derive(Clone, Debug)]
pub struct Heading {
    pub workspace: String,
    pub connection: String,
    pub provider: String,
    pub timezone: String,
    pub made_at_ms: i64,
}

type Key = (Date, Currency);

impl Chained for Statement {
    const OWNER: &'static str = "connection";

    fn owner(&self) -> (&str, &str) {
        (&self.workspace, &self.connection)
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
        totals(&self.lines) == self.totals
    }
}

/// The statement of `month` behind those already made, from what is booked now: days of the month, and whatever else
/// is no longer as it was stated. Days after the month are left to later statements.
pub fn state(heading: Heading, month: Date, made: &[Sealed], booked: &[BookedDay]) -> Sealed {
    let month = month.first_of_month();
    let mut open: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
    for line in made.iter().flat_map(|sealed| &sealed.statement.lines) {
        let stated = open.entry((line.day, line.currency)).or_default();
        *stated = (stated.0 - line.paid_minor, stated.1 - line.refunded_minor);
    }
    for day in booked.iter().filter(|day| day.day <= month.last_of_month()) {
        let true_now = open.entry((day.day, day.currency)).or_default();
        *true_now = (true_now.0 + day.paid_minor, true_now.1 + day.refunded_minor);
    }
    let lines = open.into_iter().filter(|(_, amounts)| *amounts != (0, 0)).map(
        |((day, currency), (paid_minor, refunded_minor))| {
            let kind = if day < month { LineKind::Correction } else { LineKind::Booked };
            StatedLine { kind, day, currency, paid_minor, refunded_minor }
        },
    );
    let mut lines: Vec<StatedLine> = lines.collect();
    lines.sort_by_key(|line| (line.kind, line.day, line.currency));
    let totals = totals(&lines);
    let (number, previous) = next_of(made);
    Sealed::of(Statement {
        version: VERSION,
        workspace: heading.workspace,
        connection: heading.connection,
        provider: heading.provider,
        timezone: heading.timezone,
        number,
        month,
        made_at_ms: heading.made_at_ms,
        previous,
        lines,
        totals,
    })
}

fn totals(lines: &[StatedLine]) -> Vec<StatedTotal> {
    let mut sums: BTreeMap<Currency, (i64, i64)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.currency).or_default();
        *sum = (sum.0 + line.paid_minor, sum.1 + line.refunded_minor);
    }
    let total = |(currency, (paid_minor, refunded_minor))| StatedTotal {
        currency,
        paid_minor,
        refunded_minor,
        net_minor: paid_minor - refunded_minor,
    };
    sums.into_iter().map(total).collect()
}

/// What the statements say all together, less what is booked now, of days they cover: what the next one will correct.
pub fn unstated(made: &[Sealed], booked: &[BookedDay]) -> Vec<StatedLine> {
    let Some(last) = made.last() else { return Vec::new() };
    let heading = Heading {
        workspace: String::new(),
        connection: String::new(),
        provider: String::new(),
        timezone: String::new(),
        made_at_ms: 0,
    };
    state(heading, last.statement.month, made, booked).statement.lines
}

/// The statement as CSV: a line each, then the totals, each with the hashes, so that a single row names its chain.
pub fn to_csv(sealed: &Sealed) -> String {
    let Statement { connection, number, month, previous, lines, totals, .. } = &sealed.statement;
    let mut text = String::from(
        "connection,statement,month,kind,day,currency,paid_minor,refunded_minor,net_minor,previous,hash\n",
    );
    let month = month.strftime("%Y-%m").to_string();
    let mut row = |kind: &str, day: &str, currency: &str, paid: i64, refunded: i64| {
        let net = paid - refunded;
        let hash = &sealed.hash;
        text.push_str(&format!(
            "{connection},{number},{month},{kind},{day},{currency},{paid},{refunded},{net},{previous},{hash}\n"
        ));
    };
    for line in lines {
        let day = line.day.to_string();
        row(line.kind.name(), &day, line.currency.code(), line.paid_minor, line.refunded_minor);
    }
    for total in totals {
        row("total", "", total.currency.code(), total.paid_minor, total.refunded_minor);
    }
    if totals.is_empty() {
        row("empty", "", "", 0, 0);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::books::faults;

    fn heading() -> Heading {
        Heading {
            workspace: "ws_shop".into(),
            connection: "con_shop".into(),
            provider: "polar".into(),
            timezone: "UTC".into(),
            made_at_ms: 1,
        }
    }

    fn booked(month: i8, day: i8, paid_minor: i64, refunded_minor: i64) -> BookedDay {
        let day = Date::constant(2026, month, day);
        BookedDay { day, currency: "USD".parse().unwrap(), paid_minor, refunded_minor }
    }

    fn month(of: i8) -> Date {
        Date::constant(2026, of, 1)
    }

    #[test]
    fn later_truth_is_a_new_line_and_never_an_edited_one() {
        let september = state(heading(), month(9), &[], &[booked(9, 3, 1000, 0), booked(10, 2, 500, 0)]);
        assert_eq!(september.statement.lines.len(), 1, "October is left to its own statement");
        let later = [booked(9, 3, 1000, 300), booked(9, 4, 200, 0), booked(10, 2, 500, 0)];
        let october = state(heading(), month(10), std::slice::from_ref(&september), &later);
        let said: Vec<_> = october
            .statement
            .lines
            .iter()
            .map(|line| (line.kind, line.day.day(), line.paid_minor, line.refunded_minor))
            .collect();
        let (booked, correction) = (LineKind::Booked, LineKind::Correction);
        assert_eq!(said, [(booked, 2, 500, 0), (correction, 3, 0, 300), (correction, 4, 200, 0)]);
        assert_eq!((october.statement.number, &october.statement.previous), (2, &september.hash));
        assert_eq!(faults(&[september, october]), [""; 0]);
    }

    #[test]
    fn an_edited_a_missing_and_a_foreign_statement_are_found() {
        let mut made: Vec<Sealed> = Vec::new();
        for of in 7..=10 {
            made.push(state(heading(), month(of), &made, &[booked(of, 3, 1000, 0)]));
        }
        assert_eq!(faults(&made), [""; 0]);
        let mut edited = made.clone();
        edited[1].statement.lines[0].paid_minor += 1;
        assert_eq!(faults(&edited).len(), 2, "changed, and it does not add up");
        edited[1] = {
            edited[1].statement.totals = totals(&edited[1].statement.lines);
            Sealed::of(edited[1].statement.clone())
        };
        let found = faults(&edited);
        assert!(found[0].contains("does not carry the hash"), "hashed anew, its follower tells: {found:?}");
        let missing = [made[0].clone(), made[2].clone()];
        assert_eq!(faults(&missing).len(), 2);
        let read: Sealed = serde_json::from_str(&serde_json::to_string(&made[2]).unwrap()).unwrap();
        assert_eq!(faults(&[read]), [""; 0], "what was exported proves itself");
    }

    proptest! {
        /// Whatever changes between two statements, all of them together say what is true when the newest is made.
        #[test]
        fn all_statements_together_say_what_is_true(
            truths in prop::collection::vec(
                prop::collection::btree_map((1_i8..=6, 1_i8..=28), (0_i64..9000, 0_i64..900), 0..12), 1..6)
        ) {
            let mut made: Vec<Sealed> = Vec::new();
            for (at, truth) in truths.iter().enumerate() {
                let of = at as i8 + 1;
                let days: Vec<BookedDay> =
                    truth.iter().map(|(&(m, d), &(paid, refunded))| booked(m, d, paid, refunded)).collect();
                made.push(state(heading(), month(of), &made, &days));
                prop_assert!(unstated(&made, &days).is_empty());
                let stated: i64 = made.iter().flat_map(|sealed| &sealed.statement.lines)
                    .map(|line| line.paid_minor - line.refunded_minor).sum();
                let known: i64 = days.iter().filter(|day| day.day < month(of + 1))
                    .map(|day| day.paid_minor - day.refunded_minor).sum();
                prop_assert_eq!(stated, known);
            }
            prop_assert!(faults(&made).is_empty());
        }
    }
}
