//! Monthly statements: made once from what is booked, kept for ever, given out again byte for byte. The rules, and the
//! proof of the chain, are `domain::books`.

use clickhouse::Row;
use domain::books::{BookedDay, Heading, Sealed, StatedLine, faults, state, unstated};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use thiserror::Error;

use crate::app::App;
use crate::control::ControlError;
use crate::control::connections::Connection;
use crate::control::workspaces::Workspace;
use crate::sql;
use crate::store::StoreError;

#[derive(Debug, Error)]
pub enum StatementError {
    #[error("{0} is not over yet in the workspace's time zone; a statement is made of whole months")]
    MonthOpen(String),
    #[error("the statements of this connection begin with {first}; {asked} is before it")]
    BeforeFirst { first: String, asked: String },
    #[error("more than {0} months would have to be stated at once; ask for an earlier month first")]
    TooMany(usize),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a stored day does not read: {0}")]
    Damaged(String),
}

/// Months made in one go.
const MONTHS_MAX: usize = 240;

#[derive(Row, Deserialize)]
struct Stored {
    day: String,
    code: String,
    paid_minor: i64,
    refunded_minor: i64,
}

/// What a chain comes to.
pub struct Proof {
    pub made: Vec<Sealed>,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
    /// What the next statement will correct.
    pub unstated: Vec<StatedLine>,
}

/// The statement of a month: as it was made, or made now, with every month before it that was not stated yet.
pub async fn export(
    app: &App,
    workspace: &Workspace,
    connection: &Connection,
    month: Date,
) -> Result<Sealed, StatementError> {
    let month = month.first_of_month();
    let mut made = app.control.statements(&workspace.id, &connection.id).await?;
    if let Some(sealed) = made.iter().find(|sealed| sealed.statement.month == month) {
        return Ok(sealed.clone());
    }
    let zone = zone(workspace);
    let end = month.saturating_add(1.month());
    let end_ms = zone.to_zoned(end.at(0, 0, 0, 0)).map_or(i64::MAX, |end| end.timestamp().as_millisecond());
    if app.clock.now_ms() < end_ms {
        return Err(StatementError::MonthOpen(name(month)));
    }
    if let Some(first) = made.first().filter(|first| month < first.statement.month) {
        return Err(StatementError::BeforeFirst { first: name(first.statement.month), asked: name(month) });
    }
    let booked = booked(app, workspace, connection, end_ms).await?;
    let mut next = match made.last() {
        Some(last) => last.statement.month.saturating_add(1.month()),
        None => booked.first().map_or(month, |first| first.day.first_of_month().min(month)),
    };
    let mut count = 0;
    loop {
        let heading = Heading {
            workspace: workspace.id.clone(),
            connection: connection.id.clone(),
            provider: connection.provider.clone(),
            timezone: workspace.timezone.clone(),
            made_at_ms: app.clock.now_ms(),
        };
        let number = made.len() as u64;
        app.control.keep_statement(&state(heading, next, &made, &booked)).await?;
        // Whoever came first made it: what is kept stands.
        made = app.control.statements(&workspace.id, &connection.id).await?;
        if let Some(sealed) = made.iter().find(|sealed| sealed.statement.month == month) {
            return Ok(sealed.clone());
        }
        count += 1;
        if count > MONTHS_MAX || made.len() as u64 == number {
            return Err(StatementError::TooMany(MONTHS_MAX));
        }
        next = next.saturating_add(1.month());
    }
}

/// Proves a connection's chain, and says what changed since.
pub async fn prove(
    app: &App,
    workspace: &Workspace,
    connection: &Connection,
) -> Result<Proof, StatementError> {
    let made = app.control.statements(&workspace.id, &connection.id).await?;
    let Some(last) = made.last() else {
        return Ok(Proof { made, faults: Vec::new(), unstated: Vec::new() });
    };
    let end = last.statement.month.saturating_add(1.month());
    let end = zone(workspace).to_zoned(end.at(0, 0, 0, 0));
    let end_ms = end.map_or(i64::MAX, |end| end.timestamp().as_millisecond());
    let booked = booked(app, workspace, connection, end_ms).await?;
    let (faults, unstated) = (faults(&made), unstated(&made, &booked));
    Ok(Proof { made, faults, unstated })
}

async fn booked(
    app: &App,
    workspace: &Workspace,
    connection: &Connection,
    end_ms: i64,
) -> Result<Vec<BookedDay>, StatementError> {
    let rows: Vec<Stored> = app
        .store
        .client()
        .query_raw(sql!("books/days.sql"))
        .param("workspace", &workspace.id)
        .param("connection", &connection.id)
        .param("zone", &workspace.timezone)
        .param("to_ms", end_ms.clamp(0, 9_999_999_999_999))
        .fetch_all()
        .await
        .map_err(StoreError::from)?;
    let damaged = |row: &Stored| StatementError::Damaged(format!("{} {}", row.day, row.code));
    rows.into_iter()
        .map(|row| {
            Ok(BookedDay {
                day: row.day.parse().map_err(|_| damaged(&row))?,
                currency: row.code.parse().map_err(|_| damaged(&row))?,
                paid_minor: row.paid_minor,
                refunded_minor: row.refunded_minor,
            })
        })
        .collect()
}

fn zone(workspace: &Workspace) -> TimeZone {
    TimeZone::get(&workspace.timezone).unwrap_or(TimeZone::UTC)
}

fn name(month: Date) -> String {
    month.strftime("%Y-%m").to_string()
}
