//! The page that lays our books beside each provider's own. Shows what `/v1/reconciliation` answers and has a new
//! comparison made; while one is read the page looks again by itself, by a refresh and not by a script.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::control::comparisons::Question;
use crate::control::keys::Scope;
use crate::control::workspaces::Workspace;
use crate::http::problem::Problem;
use crate::http::reconciliation::{
    Asked, ComparisonDocument, DifferenceDocument, LineDocument, SideDocument, document, question, start,
};

/// Orders named on the page; the JSON has all.
const DIFFERENCES_SHOWN: usize = 100;

struct Total {
    currency: String,
    ours: String,
    theirs: String,
    paid: String,
    refunded: String,
    difference: String,
    exact: bool,
}

struct Day {
    day: String,
    currency: String,
    /// Paid, refunded, net.
    ours: (String, String, String),
    theirs: (String, String, String),
    difference: String,
    exact: bool,
}

struct Difference {
    order_id: String,
    why: &'static str,
    next: &'static str,
    wrong: bool,
    ours: String,
    theirs: String,
}

struct Book {
    connection: String,
    name: String,
    provider: String,
    state: String,
    has_token: bool,
    reading: bool,
    done: bool,
    days: String,
    when: Option<String>,
    json: String,
    objects: String,
    problem: Option<String>,
    totals: Vec<Total>,
    lines: Vec<Day>,
    unlike: usize,
    summary: String,
    differences: Vec<Difference>,
    more: usize,
}

#[derive(Template)]
#[template(path = "reconciliation.html")]
struct ReconciliationPage {
    workspace: String,
    zone: String,
    from: String,
    to: String,
    /// Value, title, whether it is chosen.
    views: [(&'static str, &'static str, bool); 2],
    explained: &'static str,
    error: Option<String>,
    is_reading: bool,
    is_empty: bool,
    books: Vec<Book>,
}

/// The days somebody picked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    from: Option<String>,
    to: Option<String>,
    date: Option<String>,
}

impl Picked {
    fn asked(self) -> Asked {
        Asked { from: self.from, to: self.to, date: self.date, connection: None }
    }
}

/// `GET /reconciliation`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    let is_newest = picked.from.is_none() && picked.to.is_none();
    page(&app, &reader.workspace, picked.asked(), is_newest, None).await
}

/// `POST /reconciliation`: begins a comparison, with a key that may change things, and leads to where it is shown.
pub(super) async fn begin(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(picked): Form<Picked>,
) -> Response {
    let asked = picked.asked();
    if !reader.key.allows(Scope::Write) {
        let said = "This session may only read. Sign in with a key that has the scope write.";
        let problem = Problem::new(StatusCode::FORBIDDEN, "missing_scope", said);
        return page(&app, &reader.workspace, asked, false, Some(problem)).await;
    }
    match start(&app, &reader.workspace, &asked).await {
        Ok(question) => Redirect::to(&address("/reconciliation", &question, None)).into_response(),
        Err(problem) => page(&app, &reader.workspace, asked, false, Some(problem)).await,
    }
}

fn address(path: &str, question: &Question, connection: Option<&str>) -> String {
    let (from, to, view) = (question.from, question.to, question.view.name());
    let connection = connection.map(|id| format!("&connection={id}")).unwrap_or_default();
    format!("{path}?from={from}&to={to}&date={view}{connection}")
}

async fn page(
    app: &App,
    workspace: &Workspace,
    asked: Asked,
    is_newest: bool,
    problem: Option<Problem>,
) -> Response {
    let (asked, question, problem) = match question(app, workspace, &asked) {
        Ok(question) => (asked, question, problem),
        Err(refused) => match question(app, workspace, &Asked::default()) {
            Ok(question) => (Asked::default(), question, problem.or(Some(refused))),
            Err(problem) => return failed(&problem),
        },
    };
    let of = if is_newest { None } else { Some(&question) };
    let (found, connections) =
        match (document(app, workspace, &asked, of).await, app.control.connections(&app.secrets).await) {
            (Ok(found), Ok(connections)) => (found, connections),
            (Err(problem), _) => return failed(&problem),
            (_, Err(error)) => return failed(&error.into()),
        };
    let has_token = |id: &str| connections.iter().any(|known| known.id == id && known.token.is_some());
    let zone = jiff::tz::TimeZone::get(&workspace.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let question = newest(&found.connections, is_newest).unwrap_or(question);
    let books: Vec<Book> =
        found.connections.iter().map(|row| book(row, &question, has_token(&row.connection), &zone)).collect();
    let is_cash = question.view == domain::books::View::Cash;
    shown(&ReconciliationPage {
        workspace: workspace.name.clone(),
        zone: workspace.timezone.clone(),
        from: question.from.to_string(),
        to: question.to.to_string(),
        views: [("order", "the day of the order", !is_cash), ("cash", "the day money moved", is_cash)],
        explained: match is_cash {
            true => {
                "payments and refunds on the days they moved; an order the provider dates otherwise shows as another day"
            }
            false => "refunds on the day of their order, as the provider’s dashboard counts",
        },
        error: problem.map(|problem| problem.detail),
        is_reading: books.iter().any(|book| book.reading),
        is_empty: !found.connections.iter().any(|row| has_token(&row.connection)),
        books,
    })
}

/// The days of the newest comparison shown, when none were picked.
fn newest(rows: &[ComparisonDocument], is_newest: bool) -> Option<Question> {
    let row = rows.iter().filter(|_| is_newest).max_by_key(|row| row.asked_at_ms)?;
    let day = |text: &Option<String>| text.as_deref()?.parse().ok();
    Some(Question { from: day(&row.from)?, to: day(&row.to)?, view: row.date.as_deref()?.parse().ok()? })
}

fn book(row: &ComparisonDocument, question: &Question, has_token: bool, zone: &jiff::tz::TimeZone) -> Book {
    let wrong = row.wrong.unwrap_or(0);
    let harmless = row.differences.len() as u64 - wrong.min(row.differences.len() as u64);
    let of = Question {
        from: row.from.as_deref().and_then(|day| day.parse().ok()).unwrap_or(question.from),
        to: row.to.as_deref().and_then(|day| day.parse().ok()).unwrap_or(question.to),
        view: row.date.as_deref().and_then(|view| view.parse().ok()).unwrap_or(question.view),
    };
    let mut differences: Vec<&DifferenceDocument> = row.differences.iter().collect();
    differences.sort_by_key(|difference| !difference.wrong);
    Book {
        connection: row.connection.clone(),
        name: row.name.clone(),
        provider: title(&row.provider),
        state: row.state.clone(),
        has_token,
        reading: matches!(row.state.as_str(), "waiting" | "reading"),
        done: row.orders.is_some(),
        days: format!("{} – {}", of.from.strftime("%-d %b"), of.to.strftime("%-d %b %Y")),
        when: row.done_at_ms.map(|at_ms| show::moment(at_ms, zone)),
        json: address("/v1/reconciliation", &of, Some(&row.connection)),
        objects: show::count(Some(row.objects)),
        problem: row.problem.as_ref().map(|problem| problem.message.clone()),
        totals: row.totals.iter().map(total).collect(),
        lines: row.lines.iter().map(day).collect(),
        unlike: row.lines.iter().filter(|line| !is_exact(line)).count(),
        summary: match (wrong, harmless) {
            (0, harmless) => format!("{harmless} on their way or booked on another day; the sums are right"),
            (1, _) => "1 order to look at".to_owned(),
            (wrong, _) => format!("{wrong} orders to look at"),
        },
        differences: differences.iter().take(DIFFERENCES_SHOWN).map(|found| difference(found)).collect(),
        more: differences.len().saturating_sub(DIFFERENCES_SHOWN),
    }
}

fn title(provider: &str) -> String {
    let mut letters = provider.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn is_exact(line: &LineDocument) -> bool {
    line.ours == line.theirs
}

fn total(line: &LineDocument) -> Total {
    let amount = |minor| show::digits(minor, show::currency(&line.currency));
    Total {
        currency: line.currency.clone(),
        ours: amount(line.ours.net),
        theirs: amount(line.theirs.net),
        paid: amount(line.ours.paid),
        refunded: amount(line.ours.refunded),
        difference: show::signed(line.difference, show::currency(&line.currency)),
        exact: is_exact(line),
    }
}

fn day(line: &LineDocument) -> Day {
    let amount = |minor| show::digits(minor, show::currency(&line.currency));
    Day {
        day: line.day.clone().unwrap_or_default(),
        currency: line.currency.clone(),
        ours: (amount(line.ours.paid), amount(line.ours.refunded), amount(line.ours.net)),
        theirs: (amount(line.theirs.paid), amount(line.theirs.refunded), amount(line.theirs.net)),
        difference: show::signed(line.difference, show::currency(&line.currency)),
        exact: is_exact(line),
    }
}

fn difference(found: &DifferenceDocument) -> Difference {
    let (why, next) = match found.why.as_str() {
        "missing_here" => ("missing here", "A full sync reads it: tributary connection sync con_… --full"),
        "missing_there" => ("missing there", "The provider no longer lists it; ask there."),
        "status_differs" => ("status differs", "A full sync reads its newest state."),
        "amount_differs" => ("amount differs", "A full sync reads its newest amounts."),
        "on_its_way" => ("on its way", "It changed minutes ago."),
        _ => ("another day", "The same money, booked on another day."),
    };
    Difference {
        order_id: found.order_id.clone(),
        why,
        next,
        wrong: found.wrong,
        ours: found.ours.as_ref().map_or_else(|| "–".to_owned(), side),
        theirs: found.theirs.as_ref().map_or_else(|| "–".to_owned(), side),
    }
}

/// `19.00 USD, paid on 2026-10-01`.
fn side(side: &SideDocument) -> String {
    let currency = show::currency(&side.currency);
    let net: i64 = side.postings.iter().map(|posting| posting.paid - posting.refunded).sum();
    let days: std::collections::BTreeSet<&str> =
        side.postings.iter().map(|posting| posting.day.as_str()).collect();
    let days: Vec<&str> = days.into_iter().collect();
    let on = if days.is_empty() { String::new() } else { format!(", {}", days.join(" and ")) };
    format!("{} {} {}{on}", show::digits(net, currency), side.currency, show::word(&side.status))
}
