//! One line of a file: what it says about a partner, or which of its fields does not read and why.

use super::amount::{self, AmountError};
use super::columns::{Columns, Field};
use super::csv::Record;
use super::{Line, OpenBalance, Reading, Row, Tool};
use crate::affiliate::payout::Method;
use crate::affiliate::{LinkCode, PartnerStatus};
use crate::money::Currency;

/// A field that does not read.
struct Wrong {
    field: &'static str,
    reason: String,
}

/// A line of the file, read or refused.
pub(super) fn line(tool: Tool, columns: &Columns, width: usize, record: &Record, reading: Reading) -> Line {
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
    let unit = reading.unit.or_else(|| tool.unit());
    let read = amount::read(columns.text(record, Field::Amount), currency, unit);
    let wrong = |error: AmountError| Wrong { field: "amount", reason: error.to_string() };
    let Some((amount_minor, currency)) = read.map_err(wrong)? else { return Ok(None) };
    let id = columns.text(record, Field::Id);
    let id = Some(id).filter(|id| columns.is_earnings() && !id.is_empty()).map(str::to_owned);
    Ok(Some(OpenBalance { amount_minor, currency, is_held, id }))
}
