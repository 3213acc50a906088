//! Coming from another tool: partners, links and open balances out of a CSV file that Rewardful, FirstPromoter or Dub
//! exported. Says what stands on each line, or why a line says nothing; never what is there already, and never guesses
//! an amount, a currency or an encoding.

mod amount;
mod columns;
mod csv;
mod line;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use self::columns::Columns;
use super::payout::Method;
use super::{LinkCode, PartnerStatus};
use crate::money::Currency;

pub use self::amount::AmountError;

/// Most rows of one file.
pub const ROWS_MAX: usize = 50_000;

/// Whose export it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Rewardful,
    Firstpromoter,
    Dub,
}

/// The text is no tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("files are read of rewardful, firstpromoter and dub")]
pub struct ToolError;

impl Tool {
    pub const ALL: [Tool; 3] = [Tool::Rewardful, Tool::Firstpromoter, Tool::Dub];

    pub fn name(self) -> &'static str {
        match self {
            Tool::Rewardful => "rewardful",
            Tool::Firstpromoter => "firstpromoter",
            Tool::Dub => "dub",
        }
    }

    /// What a number without sign of a currency and without a point is, where that is known. Dub wrote cents so, and
    /// writes `$12.00` now. The other two write cents in their APIs (`"amount": 3000` of $30.00) and do not publish what
    /// their files hold.
    fn unit(self) -> Option<Unit> {
        match self {
            Tool::Rewardful | Tool::Firstpromoter => None,
            Tool::Dub => Some(Unit::Minor),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tool {
    type Err = ToolError;

    fn from_str(text: &str) -> Result<Tool, ToolError> {
        Tool::ALL.into_iter().find(|tool| tool.name() == text).ok_or(ToolError)
    }
}

/// What a plain whole number in a column of amounts means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 1250 is 1250 dollars.
    Major,
    /// 1250 is 12.50 dollars.
    Minor,
}

impl FromStr for Unit {
    type Err = ();

    fn from_str(text: &str) -> Result<Unit, ()> {
        match text {
            "major" => Ok(Unit::Major),
            "minor" => Ok(Unit::Minor),
            _ => Err(()),
        }
    }
}

/// What the file does not say itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Of amounts that have neither a column nor a sign of their own.
    pub currency: Option<Currency>,
    /// As the tool writes it when not said; where that is not known, what is no clear amount is refused.
    pub unit: Option<Unit>,
}

/// Why a file as a whole is not read. Nothing of it was looked at further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("the file has no rows; export it again with a header and at least one row")]
    Empty,
    #[error(
        "line {line} is not UTF-8 text; save the file as \"CSV UTF-8\" and send that, or names would be spoiled"
    )]
    Encoding { line: usize },
    #[error("a quotation mark that begins on line {line} is not closed as CSV wants; export the file again")]
    Quote { line: usize },
    #[error("the file has more than {ROWS_MAX} rows; split it")]
    TooLong,
    #[error("the header has no column for {what}; {tool} calls it {names}. It has: {found}")]
    MissingColumn { what: &'static str, tool: Tool, names: String, found: String },
    #[error("the header has the column {0:?} twice; leave one of them out")]
    TwiceColumn(String),
}

/// What a line says about a partner.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Of the file, the header being on line 1.
    pub line: usize,
    /// Personal data, as the address is: never logged.
    pub name: String,
    pub email: String,
    pub status: PartnerStatus,
    /// Of a link.
    pub code: Option<LinkCode>,
    /// Where the partner is paid.
    pub payout: Option<(Method, String)>,
    pub balance: Option<OpenBalance>,
}

/// What is owed to a partner and was not paid out there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBalance {
    /// Above zero.
    pub amount_minor: i64,
    pub currency: Currency,
    /// Whether it was still held there: it stays held for the programme's hold days.
    pub is_held: bool,
    /// The commission's id there, or one made of its place, where a line is one commission and not a partner's sum.
    pub id: Option<String>,
}

/// One column of the file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the file heads it.
    pub heading: String,
    /// What it is read as; none when nothing of it is brought over.
    pub read_as: Option<&'static str>,
}

/// A file, read.
#[derive(Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Every column, so that nobody takes one for read that is not.
    pub columns: Vec<Column>,
    /// Every line that is no blank one, once, in its order.
    pub lines: Vec<Line>,
}

/// A line, read.
#[derive(Clone, PartialEq, Eq)]
pub enum Line {
    Row(Row),
    /// Understood, and nothing to be brought over.
    Nothing {
        line: usize,
        reason: String,
    },
    /// Not understood.
    Wrong {
        line: usize,
        field: &'static str,
        reason: String,
    },
}

/// Reads a file.
pub fn read(tool: Tool, bytes: &[u8], reading: Reading) -> Result<Sheet, FileError> {
    let mut records = csv::records(bytes)?;
    if records.len() < 2 {
        return Err(FileError::Empty);
    }
    if records.len() - 1 > ROWS_MAX {
        return Err(FileError::TooLong);
    }
    let header = records.remove(0);
    let columns = Columns::of(tool, &header.fields)?;
    let width = header.fields.len();
    let mut lines: Vec<Line> =
        records.iter().map(|record| line::line(tool, &columns, width, record, reading)).collect();
    if columns.is_earnings() {
        tell_apart(&mut lines);
    }
    Ok(Sheet { columns: columns.told(&header.fields), lines })
}

/// Gives commissions without an id of their own one that is the same when the file is read again: which of those of the
/// same partner and amount it is.
fn tell_apart(lines: &mut [Line]) {
    let mut seen: HashMap<(String, i64, Currency), u32> = HashMap::new();
    for line in lines {
        let Line::Row(Row { email, balance: Some(owed), .. }) = line else { continue };
        if owed.id.is_none() {
            let count = seen.entry((email.to_lowercase(), owed.amount_minor, owed.currency)).or_default();
            *count += 1;
            owed.id = Some(format!("{} {count}", owed.amount_minor));
        }
    }
}

#[cfg(test)]
mod tests;
