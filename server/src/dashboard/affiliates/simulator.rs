//! The page of the simulator: what the payments of some days would have earned under other terms, partner by partner, before
//! those terms are published. A form that is asked by its address, since it changes nothing: it can be passed on.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::affiliate::Terms;
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::terms_form::{TermsForm, Wrong};
use super::{Frame, given};
use crate::affiliate::Affiliates;
use crate::affiliate::simulator::{SimulationDocument, Supposed, simulation};
use crate::app::App;
use crate::http::auth::Reader;
use crate::http::problem::{Problem, sentence};

/// What is supposed, as the form sends it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    program: Option<String>,
    group: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// `simulate`; without it the form is only shown, begun from the terms in force.
    go: Option<String>,
    #[serde(flatten)]
    terms: TermsForm,
}

/// Value, title, whether it is chosen.
type Choice = (String, String, bool);

struct Row {
    name: String,
    partner: String,
    currency: String,
    now: String,
    then: String,
    difference: String,
    is_less: bool,
    orders: String,
}

struct Found {
    from: String,
    to: String,
    totals: Vec<Row>,
    rows: Vec<Row>,
    unbooked: u64,
    /// The terms that were supposed, to be put in force.
    json: String,
    program: String,
}

#[derive(Template)]
#[template(path = "affiliates/simulator.html")]
struct SimulatorPage {
    frame: Frame,
    workspace: String,
    programs: Vec<Choice>,
    groups: Vec<Choice>,
    from: String,
    to: String,
    form: TermsForm,
    recurring: Vec<Choice>,
    wins: Vec<Choice>,
    per: Vec<Choice>,
    /// The field that was refused.
    wrong: String,
    rules: usize,
    found: Option<Found>,
}

/// `GET /affiliates/simulator`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(asked): Query<Asked>,
) -> Response {
    match page(&app, &reader, asked).await {
        Ok(page) => shown(&page),
        Err(problem) => failed(&problem),
    }
}

async fn page(app: &App, reader: &Reader, asked: Asked) -> Result<SimulatorPage, Problem> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let programs = affiliates.programs().await?.rows;
    let mut page = SimulatorPage {
        frame: Frame::of(&affiliates, "Simulator", None).await?,
        workspace: reader.workspace.name.clone(),
        programs: Vec::new(),
        groups: Vec::new(),
        from: given(&asked.from).unwrap_or_default(),
        to: given(&asked.to).unwrap_or_default(),
        form: asked.terms,
        recurring: Vec::new(),
        wins: Vec::new(),
        per: Vec::new(),
        wrong: String::new(),
        rules: 0,
        found: None,
    };
    let id = given(&asked.program).or_else(|| programs.first().map(|first| first.id.clone()));
    let Some(id) = id else { return Ok(page) };
    let program = affiliates.program(&id).await?;
    let groups = affiliates.groups(&id).await?.rows;
    // A group of another programme, chosen before the programme was changed.
    let group = given(&asked.group).filter(|group| groups.iter().any(|known| known.id == *group));
    let standing = program.terms_at(group.as_deref(), affiliates.now_ms);
    let Some(standing) = standing.map(|version| version.terms.clone()) else { return Ok(page) };
    let is_asked = asked.go.as_deref() == Some("simulate");
    if !is_asked {
        page.form = TermsForm::of(&standing);
    }
    let is = |chosen: Option<&str>, value: &str| chosen == Some(value);
    page.programs = programs
        .into_iter()
        .map(|known| {
            let is_chosen = known.id == id;
            (known.id, known.name, is_chosen)
        })
        .collect();
    let everybody = (String::new(), "everybody".to_owned(), group.is_none());
    let named = groups.into_iter().map(|known| {
        let is_chosen = is(group.as_deref(), &known.id);
        (known.id, known.name, is_chosen)
    });
    page.groups = std::iter::once(everybody).chain(named).collect();
    page.rules = standing.rules.len();
    if is_asked {
        let days = (given(&asked.from), given(&asked.to));
        match simulated(app, reader, &id, group, days, page.form.read(&standing)).await {
            Ok(found) => page.found = Some(found),
            Err(problem) => {
                page.wrong = problem.field.clone().unwrap_or_default();
                page.frame.said = Some((problem.detail, true));
            }
        }
    }
    let chosen = |all: &[(&str, &str)], value: &str| -> Vec<Choice> {
        all.iter().map(|(name, title)| ((*name).to_owned(), (*title).to_owned(), *name == value)).collect()
    };
    page.recurring = chosen(&RECURRING, &page.form.recurring);
    page.wins = chosen(&WINS, &page.form.wins);
    page.per = chosen(&PER, &page.form.per);
    Ok(page)
}

const RECURRING: [(&str, &str); 4] = [
    ("lifetime", "every one"),
    ("once", "the first"),
    ("payments", "the first so many"),
    ("months", "those of so many months"),
];
const WINS: [(&str, &str); 3] =
    [("last", "the last click"), ("first", "the first click"), ("split", "clicks share alike")];
const PER: [(&str, &str); 2] = [("month", "in the month"), ("lifetime", "ever")];

async fn simulated(
    app: &App,
    reader: &Reader,
    program: &str,
    group: Option<String>,
    (from, to): (Option<String>, Option<String>),
    terms: Result<Terms, Wrong>,
) -> Result<Found, Problem> {
    let terms = terms.map_err(|(field, detail)| Problem::invalid(field, sentence(detail)))?;
    let supposed = Supposed { terms: Some(terms), group, from, to };
    let told = simulation(app, &reader.workspace, program, supposed).await.map_err(Problem::from)?;
    let json = told.terms.as_ref().and_then(|terms| serde_json::to_string_pretty(terms).ok());
    let row = |name: &str, partner: &str, currency: &str, [now, then, difference]: [i64; 3], orders| {
        let code = show::currency(currency);
        Row {
            name: name.to_owned(),
            partner: partner.to_owned(),
            currency: currency.to_owned(),
            now: show::digits(now, code),
            then: show::digits(then, code),
            difference: show::signed(difference, code),
            is_less: difference < 0,
            orders,
        }
    };
    let orders =
        |all: u64, changed: u64| format!("{} of {}", show::count(Some(changed)), show::counted(all, "order"));
    let SimulationDocument { from, to, rows, totals, unbooked, .. } = told;
    Ok(Found {
        from,
        to,
        totals: totals
            .iter()
            .map(|total| {
                let sums = [total.now, total.then, total.difference];
                row("Together", "", &total.currency, sums, orders(total.orders, total.changed))
            })
            .collect(),
        rows: rows
            .iter()
            .map(|one| {
                let sums = [one.now, one.then, one.difference];
                row(&one.name, &one.partner, &one.currency, sums, orders(one.orders, one.changed))
            })
            .collect(),
        unbooked,
        json: json.unwrap_or_default(),
        program: program.to_owned(),
    })
}
