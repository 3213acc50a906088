//! The answer to a question: typed columns and cells, and what is said about them.
//!
//! A cell knows what it is (an amount, a count, parts of an order, a ratio), never how it looks; the
//! renderings decide that. A column's name may have dots, which JSON turns into nested objects.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Conversions, Query, Reconciliation};
use crate::attribution::MODELS;
use crate::money::{Currency, Money};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that came from outside: a source, a campaign, a page. Never trusted by a rendering.
    Dimension,
    /// A word of ours: a currency, a day.
    Word,
    /// A whole number of things.
    Count,
    /// Millionths of an order.
    Parts,
    /// Minor units in the row's currency.
    Money,
    /// Millionths of one: 0.25 is 250,000.
    Ratio,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `revenue.net`; nested in JSON, `revenue_net_minor` in CSV.
    pub name: String,
    /// For people.
    pub title: String,
    pub kind: Kind,
}

impl Column {
    pub fn new(name: impl Into<String>, title: impl Into<String>, kind: Kind) -> Column {
        Column { name: name.into(), title: title.into(), kind }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Count(u64),
    Parts(i64),
    Money(Money),
    Ratio(i64),
    /// There is no such value: the visitors of a product, the change from nothing.
    Empty,
}

impl Cell {
    pub fn money(minor: i64, currency: Currency) -> Cell {
        Cell::Money(Money::new(minor, currency))
    }

    pub fn count(count: Option<u64>) -> Cell {
        count.map_or(Cell::Empty, Cell::Count)
    }

    pub fn ratio(ppm: Option<i64>) -> Cell {
        ppm.map_or(Cell::Empty, Cell::Ratio)
    }
}

/// Rows under typed columns; every row has one cell per column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Puts a column of names behind the column called `of`; empty where there is no name. Nothing without that
    /// column.
    pub fn name_beside(&mut self, of: &str, name: &str, title: &str, names: &BTreeMap<String, String>) {
        let Some(at) = self.columns.iter().position(|column| column.name == of) else { return };
        self.columns.insert(at + 1, Column::new(name, title, Kind::Dimension));
        for row in &mut self.rows {
            let known = match &row[at] {
                Cell::Text(value) => names.get(value).cloned().unwrap_or_default(),
                _ => String::new(),
            };
            row.insert(at + 1, Cell::Text(known));
        }
    }
}

/// What the question was, as it was understood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Meta {
    pub report: &'static str,
    /// The question in words.
    pub sentence: String,
    pub from: String,
    pub to: String,
    pub timezone: String,
    pub model: &'static str,
    pub basis: &'static str,
    pub date: &'static str,
    /// `native`, `report`, or the one currency asked for.
    pub currency: String,
    pub group_by: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<MetaDays>,
    /// Rows there are; fewer are shown when `limit` says so.
    pub rows_total: usize,
    /// Where visitors are counted: whether one by one, or within half a percent because there are so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitors_exact: Option<bool>,
    /// In a report in the report currency: how amounts came into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversions: Option<Conversions>,
}

/// Two days, both included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetaDays {
    pub from: String,
    pub to: String,
}

impl Meta {
    /// The question of `report`, answered with `rows_total` rows.
    pub fn new(report: &'static str, query: &Query, rows_total: usize) -> Meta {
        Meta {
            report,
            sentence: query.sentence(),
            from: query.period.from.to_string(),
            to: query.period.to.to_string(),
            timezone: query.period.zone_name(),
            model: MODELS[query.model].name(),
            basis: query.basis.name(),
            date: query.date.name(),
            currency: query.currency.map_or_else(|| query.money.name().to_owned(), |code| code.to_string()),
            group_by: query.group_by.iter().map(|dimension| dimension.name()).collect(),
            interval: None,
            compare: query
                .compare_period()
                .map(|period| MetaDays { from: period.from.to_string(), to: period.to.to_string() }),
            rows_total,
            visitors_exact: None,
            conversions: None,
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub meta: Meta,
    pub rows: Table,
    /// One row per currency, over every row and not only those shown. Empty where a total says nothing.
    pub totals: Table,
    /// One per currency; empty where no money is shown.
    pub reconciliation: Vec<Reconciliation>,
}

/// `part` of `whole` in millionths, rounded half away from zero; nothing when there is no whole.
pub fn ratio_ppm(part: i64, whole: i64) -> Option<i64> {
    if whole == 0 {
        return None;
    }
    let (part, whole) = (i128::from(part) * 1_000_000, i128::from(whole));
    let half = whole.abs() / 2;
    let rounded = (part.abs() + half) / whole.abs();
    let signed = if (part < 0) == (whole < 0) { rounded } else { -rounded };
    i64::try_from(signed).ok()
}

#[cfg(test)]
mod tests {
    use super::ratio_ppm;

    #[test]
    fn ratios_round_half_away_from_zero_and_keep_their_sign() {
        assert_eq!(ratio_ppm(1, 3), Some(333_333));
        assert_eq!(ratio_ppm(2, 3), Some(666_667));
        assert_eq!(ratio_ppm(-2, 3), Some(-666_667));
        assert_eq!(ratio_ppm(2, -3), Some(-666_667));
        assert_eq!(ratio_ppm(1, 0), None);
        assert_eq!(ratio_ppm(i64::MAX, i64::MAX), Some(1_000_000));
    }
}
