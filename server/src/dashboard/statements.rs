//! The page of the monthly statements: which were made, whether each chain is whole, and a link to every file. A statement
//! once made is given out as it is; the page makes the next one and changes none.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use jiff::ToSpan;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::http::statements::{ChainDocument, StatementRow, chains, month, rows};
use crate::statements;

/// The month somebody wants stated.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    connection: String,
    month: String,
}

struct Line {
    month: String,
    number: u64,
    lines: usize,
    corrections: usize,
    made: String,
    hash: String,
    json: String,
    csv: String,
}

struct Chain {
    connection: String,
    name: String,
    is_whole: bool,
    faults: Vec<String>,
    changed_since: usize,
    lines: Vec<Line>,
    /// The month that is over and not stated yet.
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "statements.html")]
struct StatementsPage {
    workspace: String,
    workspace_id: String,
    zone: String,
    may_make: bool,
    said: Option<(String, bool)>,
    chains: Vec<Chain>,
}

/// `GET /statements`
pub(super) async fn show(State(app): State<App>, Viewer(reader): Viewer) -> Response {
    page(&app, &reader, None).await
}

/// `POST /statements`: makes the statement of a month that is over.
pub(super) async fn make(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(wanted): Form<Wanted>,
) -> Response {
    if !reader.key.allows(Scope::Write) {
        let said = "This session may only read. Sign in with a key that has the scope write, or run tributary statement export.";
        return page(&app, &reader, Some((said.to_owned(), true))).await;
    }
    let said = match make_one(&app, &reader, &wanted).await {
        Ok(()) => (format!("The statement of {} is made, and stays as it is.", wanted.month), false),
        Err(problem) => (problem.detail, true),
    };
    page(&app, &reader, Some(said)).await
}

async fn make_one(app: &App, reader: &Reader, wanted: &Wanted) -> Result<(), Problem> {
    let month = month(&wanted.month)
        .ok_or_else(|| Problem::invalid("month", format!("month {:?}: use such as 2026-10", wanted.month)))?;
    let known = app.control.connections(&app.secrets).await?;
    let is_meant = |connection: &crate::control::connections::Connection| {
        connection.workspace_id == reader.workspace.id && connection.id == wanted.connection
    };
    let connection = known.into_iter().find(is_meant).ok_or_else(|| {
        Problem::not_found(
            "unknown_connection",
            format!("This workspace has no connection {:?}.", wanted.connection),
        )
    })?;
    statements::export(app, &reader.workspace, &connection, month).await?;
    Ok(())
}

async fn page(app: &App, reader: &Reader, said: Option<(String, bool)>) -> Response {
    let workspace = &reader.workspace;
    let found = async {
        let names = app.control.connections(&app.secrets).await?;
        Ok::<_, Problem>((chains(app, workspace).await?, rows(app, workspace).await?, names))
    };
    let (proved, made, connections) = match found.await {
        Ok(found) => found,
        Err(problem) => return failed(&problem),
    };
    let zone = TimeZone::get(&workspace.timezone).unwrap_or(TimeZone::UTC);
    let now = jiff::Timestamp::from_millisecond(app.clock.now_ms()).unwrap_or_default();
    let over = now.to_zoned(zone.clone()).date().first_of_month().saturating_sub(1.month());
    let over = over.strftime("%Y-%m").to_string();
    let chains = proved.chains.into_iter().map(|proof| {
        let name = connections.iter().find(|known| known.id == proof.connection);
        let name = name.map_or_else(|| proof.connection.clone(), |known| known.name.clone());
        chain(proof, name, &made, &over, &zone)
    });
    shown(&StatementsPage {
        workspace: workspace.name.clone(),
        workspace_id: workspace.id.clone(),
        zone: workspace.timezone.clone(),
        may_make: reader.key.allows(Scope::Write),
        said,
        chains: chains.collect(),
    })
}

fn chain(proof: ChainDocument, name: String, made: &[StatementRow], over: &str, zone: &TimeZone) -> Chain {
    let own = made.iter().rev().filter(|row| row.connection == proof.connection);
    let lines: Vec<Line> = own.map(|row| line(row, zone)).collect();
    let is_stated = lines.first().is_some_and(|line| line.month.as_str() >= over);
    Chain {
        is_whole: proof.whole,
        faults: proof.faults,
        changed_since: proof.changed_since,
        lines,
        next: (!is_stated).then(|| over.to_owned()),
        connection: proof.connection,
        name,
    }
}

fn line(row: &StatementRow, zone: &TimeZone) -> Line {
    let file = |format: &str| {
        format!("/v1/statements/file?connection={}&month={}&format={format}", row.connection, row.month)
    };
    Line {
        month: row.month.clone(),
        number: row.number,
        lines: row.lines,
        corrections: row.corrections,
        made: show::moment(row.made_at_ms, zone),
        hash: row.hash.clone(),
        json: file("json"),
        csv: file("csv"),
    }
}
