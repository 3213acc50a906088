//! `/v1/statements`: monthly statements of a connection, made once and given out again byte for byte, and the proof of
//! their chain.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::books::{Sealed, to_csv};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::statements::PartnerChain;
use crate::app::App;
use crate::control::connections::Connection;
use crate::control::workspaces::Workspace;
use crate::statements::{self, StatementError};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(file)).routes(routes!(verify))
}

/// One statement, without its lines.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementRow {
    pub connection: String,
    #[schema(example = "2026-10")]
    pub month: String,
    pub number: u64,
    /// Lines, corrections among them.
    pub lines: usize,
    pub corrections: usize,
    pub made_at_ms: i64,
    /// Hash of the one before; empty for the first.
    pub previous: String,
    pub hash: String,
}

/// Statements of every connection, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementList {
    pub rows: Vec<StatementRow>,
}

/// The chain of one connection.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChainDocument {
    pub connection: String,
    pub statements: usize,
    /// Every statement is as it was made, and none is missing.
    pub whole: bool,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
    /// Days of stated months that are otherwise now: the next statement corrects them.
    pub changed_since: usize,
    /// Hash of the newest statement.
    pub hash: Option<String>,
}

/// The chain of every connection and of every partner.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChainsDocument {
    pub passed: bool,
    pub chains: Vec<ChainDocument>,
    /// Of every partner that has statements.
    #[serde(default)]
    pub partners: Vec<PartnerChain>,
}

/// Which month of which connection.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    connection: String,
    #[param(example = "2026-10")]
    month: String,
    /// `json` (default) or `csv`.
    format: Option<String>,
}

/// Statements that were made.
#[utoipa::path(get, path = "/v1/statements", tag = "Operation",
    responses((status = 200, body = StatementList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<App>, caller: Reader) -> Result<Json<StatementList>, Problem> {
    Ok(Json(StatementList { rows: rows(&app, &caller.workspace).await? }))
}

/// Every statement of a workspace, by connection, oldest first.
pub async fn rows(app: &App, workspace: &Workspace) -> Result<Vec<StatementRow>, Problem> {
    let mut rows = Vec::new();
    for connection in own(app, workspace).await? {
        let made = app.control.statements(&workspace.id, &connection.id).await?;
        rows.extend(made.iter().map(StatementRow::of));
    }
    Ok(rows)
}

/// Make the statement of a month that is over, with every month before it that has none; made once, it is only given out.
#[utoipa::path(post, path = "/v1/statements", tag = "Operation", params(Which),
    responses((status = 200, description = "The statement with its hash, as JSON or CSV."),
        (status = "4XX", body = Problem)))]
async fn make(
    State(app): State<App>,
    caller: Writer,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let (connection, month, format) = read(&app, &caller.workspace, which).await?;
    let sealed = statements::export(&app, &caller.workspace, &connection, month).await?;
    Ok(written(&sealed, &format))
}

/// A statement that was made, byte for byte as it was made.
#[utoipa::path(get, path = "/v1/statements/file", tag = "Operation", params(Which),
    responses((status = 200, description = "The statement with its hash, as JSON or CSV."),
        (status = "4XX", body = Problem)))]
async fn file(
    State(app): State<App>,
    caller: Reader,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let (connection, month, format) = read(&app, &caller.workspace, which).await?;
    let made = app.control.statements(&caller.workspace.id, &connection.id).await?;
    let sealed = made.iter().find(|sealed| sealed.statement.month == month);
    let sealed = sealed.ok_or_else(|| {
        let detail = "No statement of that month was made yet; `POST /v1/statements` makes it.";
        Problem::not_found("unknown_statement", detail)
    })?;
    Ok(written(sealed, &format))
}

/// Prove that no statement was changed and none is missing.
#[utoipa::path(get, path = "/v1/statements/verify", tag = "Operation",
    responses((status = 200, body = ChainsDocument), (status = "4XX", body = Problem)))]
async fn verify(State(app): State<App>, caller: Reader) -> Result<Json<ChainsDocument>, Problem> {
    Ok(Json(chains(&app, &caller.workspace).await?))
}

/// The proof of every chain of a workspace.
pub async fn chains(app: &App, workspace: &Workspace) -> Result<ChainsDocument, Problem> {
    let mut chains = Vec::new();
    for connection in own(app, workspace).await? {
        let proof = statements::prove(app, workspace, &connection).await?;
        chains.push(ChainDocument {
            connection: connection.id.clone(),
            statements: proof.made.len(),
            whole: proof.faults.is_empty(),
            changed_since: proof.unstated.len(),
            hash: proof.made.last().map(|last| last.hash.clone()),
            faults: proof.faults,
        });
    }
    let partners = Affiliates::of(app, workspace).prove_all_partner_statements().await?;
    let passed = chains.iter().all(|chain| chain.whole) && partners.iter().all(|chain| chain.whole);
    Ok(ChainsDocument { passed, chains, partners })
}

async fn own(app: &App, workspace: &Workspace) -> Result<Vec<Connection>, Problem> {
    let all = app.control.connections(&app.secrets).await?;
    Ok(all.into_iter().filter(|connection| connection.workspace_id == workspace.id).collect())
}

async fn read(
    app: &App,
    workspace: &Workspace,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<(Connection, Date, String), Problem> {
    let refused =
        |_| Problem::invalid("query", "Say connection and month, such as 2026-10, and format if you want.");
    let Query(which) = which.map_err(refused)?;
    let month = month(&which.month)
        .ok_or_else(|| Problem::invalid("month", format!("month {:?}: use such as 2026-10", which.month)))?;
    let format = which.format.unwrap_or_else(|| "json".to_owned());
    if !matches!(format.as_str(), "json" | "csv") {
        return Err(Problem::invalid("format", format!("format {format:?}: use json or csv")));
    }
    let mut own = own(app, workspace).await?.into_iter();
    let connection = own.find(|connection| connection.id == which.connection).ok_or_else(|| {
        let detail = format!("This workspace has no connection {:?}.", which.connection);
        Problem::not_found("unknown_connection", detail)
    })?;
    Ok((connection, month, format))
}

/// The first day of `2026-10`.
pub fn month(text: &str) -> Option<Date> {
    if text.len() != 7 {
        return None;
    }
    format!("{text}-01").parse().ok()
}

fn written(sealed: &Sealed, format: &str) -> Response {
    let (kind, body) = match format {
        "csv" => ("text/csv; charset=utf-8", to_csv(sealed)),
        _ => ("application/json", serde_json::to_string(sealed).expect("plain values")),
    };
    let (connection, month) = (&sealed.statement.connection, sealed.statement.month.strftime("%Y-%m"));
    let name = format!("attachment; filename=\"statement-{connection}-{month}.{format}\"");
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let name = HeaderValue::try_from(name).expect("ids and months are plain ASCII");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

impl StatementRow {
    fn of(sealed: &Sealed) -> StatementRow {
        let statement = &sealed.statement;
        let is_correction = |line: &&domain::books::StatedLine| line.day < statement.month;
        StatementRow {
            connection: statement.connection.clone(),
            month: statement.month.strftime("%Y-%m").to_string(),
            number: statement.number,
            lines: statement.lines.len(),
            corrections: statement.lines.iter().filter(is_correction).count(),
            made_at_ms: statement.made_at_ms,
            previous: statement.previous.clone(),
            hash: sealed.hash.clone(),
        }
    }
}

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Problem {
        let sentence = format!("{error}.");
        match error {
            StatementError::MonthOpen(_) => Problem::new(StatusCode::CONFLICT, "month_open", sentence),
            StatementError::BeforeFirst { .. } => Problem::not_found("unknown_statement", sentence),
            StatementError::TooMany(_) => Problem::invalid("month", sentence),
            StatementError::Control(error) => error.into(),
            StatementError::Store(error) => error.into(),
            damaged @ StatementError::Damaged(_) => Problem::internal(damaged),
        }
    }
}
