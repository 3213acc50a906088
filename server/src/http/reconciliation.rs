//! `/v1/reconciliation`: our books beside each provider's own lists, per day and currency, with every order that
//! differs and why. Comparisons are made by the jobs, since lists are long; here they are asked for and read.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::books::{Comparison, Sums, View};
use domain::report::Period;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::app::App;
use crate::control::comparisons::{Compared, Question, Standing};
use crate::control::connections::Connection;
use crate::control::workspaces::Workspace;
use crate::jobs::poll::{Problem as Obstacle, books};

/// Days compared when nobody says which.
const DAYS_DEFAULT: i32 = 35;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, begin))
}

/// What is compared.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// First day, in the workspace's time zone. `GET` without days: the newest comparison of any.
    #[param(value_type = Option<String>, example = "2026-10-01")]
    pub from: Option<String>,
    /// Last day, included.
    #[param(value_type = Option<String>, example = "2026-10-31")]
    pub to: Option<String>,
    /// `order` (default): all money of an order on the day it was made, as the provider's dashboard counts. `cash`:
    /// payments and refunds on the days they moved.
    pub date: Option<String>,
    /// Only this connection.
    pub connection: Option<String>,
}

/// Paid, given back, and what is left. Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SumsDocument {
    pub paid: i64,
    pub refunded: i64,
    pub net: i64,
}

/// One day in one currency, or all days of it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineDocument {
    /// Absent in totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    #[schema(example = "USD")]
    pub currency: String,
    pub ours: SumsDocument,
    pub theirs: SumsDocument,
    /// Ours less theirs, net.
    pub difference: i64,
}

/// Money of one order on one day.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PostingDocument {
    pub day: String,
    pub paid: i64,
    pub refunded: i64,
}

/// What one side says of an order.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SideDocument {
    pub status: String,
    pub currency: String,
    pub postings: Vec<PostingDocument>,
}

/// An order the two sides do not agree on.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferenceDocument {
    /// What the provider calls it.
    pub order_id: String,
    /// `on_its_way`, `missing_here`, `missing_there`, `status_differs`, `amount_differs` or `other_day`.
    pub why: String,
    /// Whether somebody has to look.
    pub wrong: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<SideDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<SideDocument>,
}

/// One connection's comparison.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComparisonDocument {
    pub connection: String,
    pub name: String,
    pub provider: String,
    /// `never`, or where the newest comparison stands: `waiting`, `reading`, `done`, `failed`.
    pub state: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub date: Option<String>,
    /// Objects read from the provider's lists.
    pub objects: u64,
    pub asked_at_ms: Option<i64>,
    pub done_at_ms: Option<i64>,
    /// What stands in the way, and what to do.
    pub problem: Option<Obstacle>,
    /// Orders of either side; absent until it is done.
    pub orders: Option<u64>,
    /// Every sum is the same on both sides.
    pub exact: Option<bool>,
    /// Orders somebody has to look at.
    pub wrong: Option<u64>,
    pub totals: Vec<LineDocument>,
    pub lines: Vec<LineDocument>,
    pub differences: Vec<DifferenceDocument>,
}

/// Each connection apart, and all together.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReconciliationDocument {
    pub workspace: String,
    pub timezone: String,
    /// Of the comparisons that are done, per currency.
    pub totals: Vec<LineDocument>,
    pub connections: Vec<ComparisonDocument>,
}

/// Our paid, refunded and net against the provider's own lists, per day and currency, with the orders that differ.
///
/// Answers with the newest comparison of these days; `POST` makes one, and every connection with a token makes one a
/// day of the last five weeks by itself. What differs on single days only because it is `other_day` adds up to the same.
#[utoipa::path(get, path = "/v1/reconciliation", tag = "Operation", params(Asked),
    responses((status = 200, body = ReconciliationDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Reader,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<ReconciliationDocument>, Problem> {
    let asked = read(asked)?;
    let question = match (&asked.from, &asked.to) {
        (None, None) => None,
        _ => Some(question(&app, &caller.workspace, &asked)?),
    };
    Ok(Json(document(&app, &caller.workspace, &asked, question.as_ref()).await?))
}

/// Read the provider's lists and compare; `GET` with the same days tells how far it is. Changes nothing.
#[utoipa::path(post, path = "/v1/reconciliation", tag = "Operation", params(Asked),
    responses((status = 202, body = ReconciliationDocument), (status = "4XX", body = Problem)))]
async fn begin(
    State(app): State<App>,
    caller: Writer,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<(StatusCode, Json<ReconciliationDocument>), Problem> {
    let asked = read(asked)?;
    let question = start(&app, &caller.workspace, &asked).await?;
    let document = document(&app, &caller.workspace, &asked, Some(&question)).await?;
    Ok((StatusCode::ACCEPTED, Json(document)))
}

fn read(asked: Result<Query<Asked>, QueryRejection>) -> Result<Asked, Problem> {
    let refused =
        |_| Problem::invalid("query", "Use from, to (days), date (order or cash) and connection only.");
    asked.map(|Query(asked)| asked).map_err(refused)
}

/// Asks for a comparison of every connection that is meant and has a token.
pub async fn start(app: &App, workspace: &Workspace, asked: &Asked) -> Result<Question, Problem> {
    let question = question(app, workspace, asked)?;
    let connections = connections(app, workspace, asked).await?;
    let with_token: Vec<&Connection> =
        connections.iter().filter(|connection| connection.token.is_some()).collect();
    if with_token.is_empty() {
        let detail = "No connection has an access token to read the provider's lists with; enter one with \
                      `tributary connection token`.";
        return Err(Problem::new(StatusCode::CONFLICT, "no_token", detail));
    }
    for connection in with_token {
        let open = app.control.comparison(&workspace.id, &connection.id, Some(&question)).await?;
        let is_open = open.is_some_and(|open| matches!(open.standing, Standing::Waiting | Standing::Reading));
        if !is_open {
            books::ask(app, connection, question.clone()).await?;
        }
    }
    Ok(question)
}

/// The days and the view that are asked for.
pub fn question(app: &App, workspace: &Workspace, asked: &Asked) -> Result<Question, Problem> {
    let zone = jiff::tz::TimeZone::get(&workspace.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = |field: &str, text: &Option<String>, other: Date| match text.as_deref() {
        None | Some("") => Ok(other),
        Some(text) => text
            .parse::<Date>()
            .map_err(|_| Problem::invalid(field, format!("{field} {text:?}: use a day such as 2026-10-31"))),
    };
    let default = Period::last_days(DAYS_DEFAULT, app.clock.now_ms(), zone.clone());
    let (from, to) = (day("from", &asked.from, default.from)?, day("to", &asked.to, default.to)?);
    Period::new(from, to, zone).map_err(|error| Problem::invalid("from", error.to_string()))?;
    let view = match asked.date.as_deref() {
        None | Some("") => View::default(),
        Some(text) => text
            .parse()
            .map_err(|()| Problem::invalid("date", format!("date {text:?}: use order or cash")))?,
    };
    Ok(Question { from, to, view })
}

async fn connections(app: &App, workspace: &Workspace, asked: &Asked) -> Result<Vec<Connection>, Problem> {
    let wanted = asked.connection.as_deref().filter(|id| !id.is_empty());
    let own = app.control.connections_of(&workspace.id, &app.secrets).await?.into_iter();
    let own: Vec<Connection> = own.filter(|own| wanted.is_none_or(|wanted| wanted == own.id)).collect();
    match wanted {
        Some(wanted) if own.is_empty() => Err(Problem::not_found(
            "unknown_connection",
            format!("This workspace has no connection {wanted:?}."),
        )),
        _ => Ok(own),
    }
}

/// What is known about a question, or about the newest one of each connection.
pub async fn document(
    app: &App,
    workspace: &Workspace,
    asked: &Asked,
    question: Option<&Question>,
) -> Result<ReconciliationDocument, Problem> {
    let mut rows = Vec::new();
    for connection in connections(app, workspace, asked).await? {
        let compared = app.control.comparison(&workspace.id, &connection.id, question).await?;
        rows.push(ComparisonDocument::of(&connection, compared.as_ref()));
    }
    // Sums over different days would say nothing.
    let days = |row: &ComparisonDocument| (row.from.clone(), row.to.clone(), row.date.clone());
    let done = || rows.iter().filter(|row| row.orders.is_some());
    let first = done().next().map(days);
    let mut together: BTreeMap<&str, LineDocument> = BTreeMap::new();
    for total in done().filter(|row| Some(days(row)) == first).flat_map(|row| &row.totals) {
        together.entry(&total.currency).or_insert_with(|| LineDocument::empty(&total.currency)).add(total);
    }
    let totals = together.into_values().collect();
    let (workspace, timezone) = (workspace.id.clone(), workspace.timezone.clone());
    Ok(ReconciliationDocument { workspace, timezone, totals, connections: rows })
}

impl LineDocument {
    fn empty(currency: &str) -> LineDocument {
        let nothing = SumsDocument { paid: 0, refunded: 0, net: 0 };
        LineDocument {
            day: None,
            currency: currency.to_owned(),
            ours: nothing,
            theirs: nothing,
            difference: 0,
        }
    }

    fn of(day: Option<Date>, currency: &str, ours: Sums, theirs: Sums) -> LineDocument {
        let document = |sums: Sums| SumsDocument { paid: sums.paid, refunded: sums.refunded, net: sums.net };
        LineDocument {
            day: day.map(|day| day.to_string()),
            currency: currency.to_owned(),
            ours: document(ours),
            theirs: document(theirs),
            difference: ours.net.saturating_sub(theirs.net),
        }
    }

    fn add(&mut self, other: &LineDocument) {
        for (sum, part) in [(&mut self.ours, other.ours), (&mut self.theirs, other.theirs)] {
            sum.paid = sum.paid.saturating_add(part.paid);
            sum.refunded = sum.refunded.saturating_add(part.refunded);
            sum.net = sum.net.saturating_add(part.net);
        }
        self.difference = self.difference.saturating_add(other.difference);
    }
}

impl ComparisonDocument {
    fn of(connection: &Connection, compared: Option<&Compared>) -> ComparisonDocument {
        let result = compared.and_then(|compared| compared.result.as_ref());
        let nothing = Comparison::default();
        let shown = result.unwrap_or(&nothing);
        let lines = shown.lines.iter();
        let totals = shown.totals.iter();
        ComparisonDocument {
            connection: connection.id.clone(),
            name: connection.name.clone(),
            provider: connection.provider.clone(),
            state: compared.map_or("never", |compared| compared.standing.name()).to_owned(),
            from: compared.map(|compared| compared.question.from.to_string()),
            to: compared.map(|compared| compared.question.to.to_string()),
            date: compared.map(|compared| compared.question.view.name().to_owned()),
            objects: compared.map_or(0, |compared| compared.objects),
            asked_at_ms: compared.map(|compared| compared.asked_at_ms),
            done_at_ms: compared.and_then(|compared| compared.done_at_ms),
            problem: compared.and_then(|compared| compared.problem.clone()),
            orders: result.map(|result| result.orders),
            exact: result.map(Comparison::is_exact),
            wrong: result.map(|result| result.wrong() as u64),
            totals: totals
                .map(|line| LineDocument::of(None, line.currency.code(), line.ours, line.theirs))
                .collect(),
            lines: lines
                .map(|line| LineDocument::of(Some(line.day), line.currency.code(), line.ours, line.theirs))
                .collect(),
            differences: shown.differences.iter().map(DifferenceDocument::of).collect(),
        }
    }
}

impl DifferenceDocument {
    fn of(difference: &domain::books::Difference) -> DifferenceDocument {
        let side = |side: &domain::books::Side| SideDocument {
            status: side.status.clone(),
            currency: side.currency.code().to_owned(),
            postings: side
                .postings
                .iter()
                .map(|posting| PostingDocument {
                    day: posting.day.to_string(),
                    paid: posting.paid_minor,
                    refunded: posting.refunded_minor,
                })
                .collect(),
        };
        DifferenceDocument {
            order_id: difference.order_id.clone(),
            why: difference.why.name().to_owned(),
            wrong: difference.why.is_wrong(),
            ours: difference.ours.as_ref().map(side),
            theirs: difference.theirs.as_ref().map(side),
        }
    }
}
