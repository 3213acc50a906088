//! Coming from another tool: partners, links and open balances out of a CSV file that Rewardful, FirstPromoter or Dub
//! exported. Says what stands on each line, or why a line says nothing; never what is there already, and never guesses
//! an amount, a currency or an encoding.

mod amount;
mod columns;
mod csv;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use self::columns::{Columns, Field};
use self::csv::Record;
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

    /// What a number without sign of a currency and without a point is. Dub wrote cents so, and writes `$12.00` now.
    fn unit(self) -> Unit {
        match self {
            Tool::Rewardful | Tool::Firstpromoter => Unit::Major,
            Tool::Dub => Unit::Minor,
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
    /// As the tool writes it when not said.
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

/// Reads a file: every line that is no blank one is told once, in its order.
pub fn read(tool: Tool, bytes: &[u8], reading: Reading) -> Result<Vec<Line>, FileError> {
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
        records.iter().map(|record| line(tool, &columns, width, record, reading)).collect();
    if columns.is_earnings() {
        tell_apart(&mut lines);
    }
    Ok(lines)
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

/// A field that does not read.
struct Wrong {
    field: &'static str,
    reason: String,
}

fn line(tool: Tool, columns: &Columns, width: usize, record: &Record, reading: Reading) -> Line {
    let line = record.line;
    if record.fields.len() != width {
        let reason = format!(
            "the line has {} fields and the header {width}; a comma or a quotation mark is missing or too many",
            record.fields.len()
        );
        return Line::Wrong { line, field: "line", reason };
    }
    if columns.is_earnings() && !is_open(columns.text(record, Field::Status)) {
        let state = columns.text(record, Field::Status);
        return Line::Nothing { line, reason: format!("is {state:?} there: nothing is owed by it") };
    }
    match row(tool, columns, record, reading) {
        Ok(row) if columns.is_earnings() && row.balance.is_none() => {
            Line::Nothing { line, reason: "the amount is zero".to_owned() }
        }
        Ok(row) => Line::Row(row),
        Err(Wrong { field, reason }) => Line::Wrong { line, field, reason },
    }
}

fn row(tool: Tool, columns: &Columns, record: &Record, reading: Reading) -> Result<Row, Wrong> {
    let text = |field| columns.text(record, field);
    let email = text(Field::Email);
    if email.is_empty() {
        return Err(Wrong { field: "email", reason: "there is no address on this line".to_owned() });
    }
    let parts = [text(Field::FirstName), text(Field::LastName)].join(" ");
    let named = [text(Field::Name), parts.trim(), email.split('@').next().unwrap_or_default()];
    let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned();
    let held = columns.is_earnings() && text(Field::Status).eq_ignore_ascii_case("pending");
    let status = if columns.is_earnings() { PartnerStatus::Approved } else { status(text(Field::Status))? };
    Ok(Row {
        line: record.line,
        name,
        email: email.to_owned(),
        status,
        code: code(text(Field::Code), text(Field::Url))?,
        payout: payout(text(Field::Paypal), text(Field::Wise)),
        balance: balance(tool, columns, record, reading, held)?,
    })
}

/// The words the three tools have for where a partner stands: Rewardful's API `active`, `disabled`, `suspicious`;
/// FirstPromoter's `approved`, `active`, `pending`, `denied`, `rejected`, `blocked`, `inactive`; Dub's `approved`,
/// `pending`, `invited`, `declined`, `rejected`, `archived`, `banned`, `deactivated`. Somebody without one is running.
fn status(word: &str) -> Result<PartnerStatus, Wrong> {
    match word.to_ascii_lowercase().as_str() {
        "" | "approved" | "active" | "accepted" | "confirmed" => Ok(PartnerStatus::Approved),
        "pending" | "applied" | "unconfirmed" => Ok(PartnerStatus::Applied),
        "invited" => Ok(PartnerStatus::Invited),
        "rejected" | "denied" | "declined" => Ok(PartnerStatus::Rejected),
        "disabled" | "inactive" | "suspended" | "blocked" | "banned" | "archived" | "deactivated"
        | "suspicious" => Ok(PartnerStatus::Suspended),
        _ => {
            let reason =
                format!("{word:?} is no status; write approved, pending, invited, denied or disabled");
            Err(Wrong { field: "status", reason })
        }
    }
}

/// Whether a commission in this state is owed and not paid: Rewardful `pending`, `due`; Dub `pending`, `processed`;
/// FirstPromoter `pending`, `approved`. Paid, voided, refunded, canceled, denied, duplicate and fraud are not.
fn is_open(state: &str) -> bool {
    ["", "pending", "due", "processed", "approved", "unpaid", "open"]
        .iter()
        .any(|open| open.eq_ignore_ascii_case(state))
}

/// The code in a column of its own, or the one in the address of a link: behind `?via=`, `?fpr=` and the like, or its
/// last part.
fn code(own: &str, address: &str) -> Result<Option<LinkCode>, Wrong> {
    let wanted = if own.is_empty() { code_of(address) } else { Some(own.to_owned()) };
    let read = |text: String| {
        let wrong =
            |error| Wrong { field: "code", reason: format!("{text:?} cannot be a link's code: {error}") };
        text.parse::<LinkCode>().map_err(wrong)
    };
    wanted.map(read).transpose()
}

fn code_of(address: &str) -> Option<String> {
    const PARAMETERS: [&str; 4] = ["via", "fpr", "ref", "aff"];
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let address = url::Url::parse(&whole).ok().filter(|_| !address.is_empty())?;
    let given = address.query_pairs().find(|(key, _)| PARAMETERS.contains(&key.as_ref()));
    let last = || address.path_segments()?.rfind(|part| !part.is_empty()).map(str::to_owned);
    given.map(|(_, value)| value.into_owned()).or_else(last)
}

fn payout(paypal: &str, wise: &str) -> Option<(Method, String)> {
    let given = [(Method::Paypal, paypal), (Method::Wise, wise)];
    given.into_iter().find(|(_, to)| !to.is_empty()).map(|(method, to)| (method, to.to_owned()))
}

fn balance(
    tool: Tool,
    columns: &Columns,
    record: &Record,
    reading: Reading,
    is_held: bool,
) -> Result<Option<OpenBalance>, Wrong> {
    let own = columns.text(record, Field::Currency);
    let wrong = |reason: String| Wrong { field: "currency", reason };
    let currency: Option<Currency> = match own {
        "" => reading.currency,
        own => Some(own.parse().map_err(|error| wrong(format!("{own:?}: {error}")))?),
    };
    let unit = reading.unit.unwrap_or_else(|| tool.unit());
    let read = amount::read(columns.text(record, Field::Amount), currency, unit);
    let wrong = |error: AmountError| Wrong { field: "amount", reason: error.to_string() };
    let Some((amount_minor, currency)) = read.map_err(wrong)? else { return Ok(None) };
    let id = columns.text(record, Field::Id);
    let id = Some(id).filter(|id| columns.is_earnings() && !id.is_empty()).map(str::to_owned);
    Ok(Some(OpenBalance { amount_minor, currency, is_held, id }))
}

#[cfg(test)]
mod tests;
