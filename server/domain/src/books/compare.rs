//! The comparison of two books, and why they differ.
//!
//! Both sides are lists of orders with dated postings. Sums per day and currency are made of the postings, and an
//! order is named exactly when its own postings differ, so the differences named explain the sums to the cent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// The day money is put on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// All money of an order, refunds included, on the day the order was made: as providers' dashboards count.
    #[default]
    Order,
    /// Payments on the day they are booked, refunds on the day they were given. A provider's lists date an order by
    /// its making only, so that one paid on a later day shows as booked on another day.
    Cash,
}

impl View {
    pub const ALL: [View; 2] = [View::Order, View::Cash];

    pub fn name(self) -> &'static str {
        match self {
            View::Order => "order",
            View::Cash => "cash",
        }
    }
}

impl std::str::FromStr for View {
    type Err = ();

    fn from_str(text: &str) -> Result<View, ()> {
        View::ALL.into_iter().find(|view| view.name() == text).ok_or(())
    }
}

/// Money moved by one order on one day. Minor units; what was given back is above zero, less when it came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    #[serde(with = "super::day_text")]
    pub day: Date,
    pub paid_minor: i64,
    pub refunded_minor: i64,
}

/// One order, as one side has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What the provider calls it.
    pub order_id: String,
    /// In the provider's words.
    pub status: String,
    pub currency: Currency,
    /// Every posting, also those outside the period.
    pub postings: Vec<Posting>,
    /// It changed so lately that its webhook may be on the way.
    pub is_fresh: bool,
}

/// Why an order differs. Of several reasons the first that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It changed minutes ago: what tells it may be on the way.
    OnItsWay,
    /// The provider lists it and we do not have it.
    MissingHere,
    /// We have it and the provider does not list it.
    MissingThere,
    /// Both have it, in other states.
    StatusDiffers,
    /// Both have it in the same state, with other amounts or another currency.
    AmountDiffers,
    /// The same money on other days: nothing is wrong, the day sums differ by it.
    OtherDay,
}

impl Why {
    pub const ALL: [Why; 6] = [
        Why::OnItsWay,
        Why::MissingHere,
        Why::MissingThere,
        Why::StatusDiffers,
        Why::AmountDiffers,
        Why::OtherDay,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Why::OnItsWay => "on_its_way",
            Why::MissingHere => "missing_here",
            Why::MissingThere => "missing_there",
            Why::StatusDiffers => "status_differs",
            Why::AmountDiffers => "amount_differs",
            Why::OtherDay => "other_day",
        }
    }

    /// Whether somebody has to look: not for what is on its way, nor for days that merely are others.
    pub fn is_wrong(self) -> bool {
        !matches!(self, Why::OnItsWay | Why::OtherDay)
    }
}

/// What one side says of an order that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub status: String,
    pub currency: Currency,
    pub postings: Vec<Posting>,
}

/// An order the two sides do not agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub order_id: String,
    pub why: Why,
    pub ours: Option<Side>,
    pub theirs: Option<Side>,
}

/// Sums of postings, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    pub paid: i64,
    pub refunded: i64,
    pub net: i64,
}

impl Sums {
    fn add(&mut self, posting: &Posting) {
        self.paid = self.paid.saturating_add(posting.paid_minor);
        self.refunded = self.refunded.saturating_add(posting.refunded_minor);
        self.net = self.paid.saturating_sub(self.refunded);
    }
}

/// One day in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    #[serde(with = "super::day_text")]
    pub day: Date,
    pub currency: Currency,
    pub ours: Sums,
    pub theirs: Sums,
}

/// The whole period in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub currency: Currency,
    pub ours: Sums,
    pub theirs: Sums,
}

/// Two books side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Days with money on either side, by day and currency.
    pub lines: Vec<Line>,
    pub totals: Vec<Total>,
    /// By order id.
    pub differences: Vec<Difference>,
    /// Orders either side has in the period.
    pub orders: u64,
}

impl Comparison {
    /// Every sum is the same on both sides.
    pub fn is_exact(&self) -> bool {
        self.lines.iter().all(|line| line.ours == line.theirs)
    }

    /// How many orders somebody has to look at.
    pub fn wrong(&self) -> usize {
        self.differences.iter().filter(|difference| difference.why.is_wrong()).count()
    }
}

/// Compares what both sides say about the days `from` to `to`, both included. An order a side names twice counts once,
/// as it says it last.
pub fn compare(from: Date, to: Date, ours: Vec<Entry>, theirs: Vec<Entry>) -> Comparison {
    let by_id = |entries: Vec<Entry>| -> BTreeMap<String, Entry> {
        entries.into_iter().map(|entry| (entry.order_id.clone(), entry)).collect()
    };
    let (mut ours, mut theirs) = (by_id(ours), by_id(theirs));
    let ids: BTreeSet<String> = ours.keys().chain(theirs.keys()).cloned().collect();
    let mut comparison = Comparison { orders: ids.len() as u64, ..Comparison::default() };
    let mut lines: BTreeMap<(Date, Currency), (Sums, Sums)> = BTreeMap::new();
    for order_id in ids {
        let (ours, theirs) = (ours.remove(&order_id), theirs.remove(&order_id));
        for posting in within(from, to, ours.as_ref()) {
            lines.entry((posting.day, currency(ours.as_ref()))).or_default().0.add(posting);
        }
        for posting in within(from, to, theirs.as_ref()) {
            lines.entry((posting.day, currency(theirs.as_ref()))).or_default().1.add(posting);
        }
        if let Some(why) = why(from, to, ours.as_ref(), theirs.as_ref()) {
            let (ours, theirs) = (ours.map(side), theirs.map(side));
            comparison.differences.push(Difference { order_id, why, ours, theirs });
        }
    }
    let mut totals: BTreeMap<Currency, (Sums, Sums)> = BTreeMap::new();
    for ((day, currency), (ours, theirs)) in lines {
        let total = totals.entry(currency).or_default();
        for (sum, part) in [(&mut total.0, ours), (&mut total.1, theirs)] {
            sum.add(&Posting { day, paid_minor: part.paid, refunded_minor: part.refunded });
        }
        comparison.lines.push(Line { day, currency, ours, theirs });
    }
    let totals = totals.into_iter().map(|(currency, (ours, theirs))| Total { currency, ours, theirs });
    comparison.totals = totals.collect();
    comparison
}

fn within(from: Date, to: Date, entry: Option<&Entry>) -> impl Iterator<Item = &Posting> {
    let postings = entry.map_or(&[][..], |entry| &entry.postings);
    postings.iter().filter(move |posting| {
        from <= posting.day && posting.day <= to && (posting.paid_minor, posting.refunded_minor) != (0, 0)
    })
}

/// Only asked for an entry that has a posting.
fn currency(entry: Option<&Entry>) -> Currency {
    entry.map(|entry| entry.currency).expect("a posting belongs to an entry")
}

fn side(entry: Entry) -> Side {
    Side { status: entry.status, currency: entry.currency, postings: entry.postings }
}

/// What each day got of an order.
fn days(from: Date, to: Date, entry: &Entry) -> BTreeMap<Date, Sums> {
    let mut days: BTreeMap<Date, Sums> = BTreeMap::new();
    within(from, to, Some(entry)).for_each(|posting| days.entry(posting.day).or_default().add(posting));
    days.retain(|_, sums| (sums.paid, sums.refunded) != (0, 0));
    days
}

fn why(from: Date, to: Date, ours: Option<&Entry>, theirs: Option<&Entry>) -> Option<Why> {
    let is_fresh = ours.is_some_and(|entry| entry.is_fresh) || theirs.is_some_and(|entry| entry.is_fresh);
    let why = match (ours, theirs) {
        (None, None) => return None,
        (None, Some(_)) => Why::MissingHere,
        (Some(_), None) => Why::MissingThere,
        (Some(ours), Some(theirs)) => {
            let everything = |entry: &Entry| {
                let mut sums = Sums::default();
                entry.postings.iter().for_each(|posting| sums.add(posting));
                sums
            };
            let same_days = days(from, to, ours) == days(from, to, theirs);
            if ours.status != theirs.status {
                Why::StatusDiffers
            } else if ours.currency != theirs.currency || everything(ours) != everything(theirs) {
                Why::AmountDiffers
            } else if same_days {
                return None;
            } else {
                Why::OtherDay
            }
        }
    };
    Some(if is_fresh && why.is_wrong() { Why::OnItsWay } else { why })
}

#[cfg(test)]
mod tests;
