//! The page of programmes: their terms in every version, their groups, a form for a first one, and other terms for payments to come.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use domain::affiliate::{Recurring, Terms, Wins};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::terms_form::{hundredths, reward};
use super::{Frame, Said, amount, given, groups, refused, told, zone};
use crate::affiliate::programs::{NewProgram, NewTerms, ProgramDocument, TermsDocument};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;

/// What somebody does: with a programme gives it other terms, else makes one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Doing {
    program: Option<String>,
    /// JSON, for other terms.
    terms: Option<String>,
    /// Whose other terms they are; everybody's when empty.
    group: Option<String>,
    name: Option<String>,
    percent: Option<String>,
    recurring: Option<String>,
    hold_days: Option<String>,
    window_days: Option<String>,
    wins: Option<String>,
}

/// Other terms that were refused.
pub(super) struct Kept {
    program: String,
    terms: String,
    group: String,
}

struct Version {
    number: u32,
    since: String,
    lines: Vec<String>,
    /// Name of the group whose terms they are; empty for everybody's.
    group: String,
}

struct Card {
    id: String,
    name: String,
    made: String,
    versions: Vec<Version>,
    /// The newest terms, to begin from.
    terms: String,
    height: usize,
    /// Whether terms for this programme were refused and stay in the form, and for which group they were.
    is_kept: bool,
    group: String,
    groups: Vec<groups::Card>,
    /// Partners that may be put into a group: id and name.
    partners: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "affiliates/programs.html")]
struct ProgramsPage {
    frame: Frame,
    workspace: String,
    cards: Vec<Card>,
    may_change: bool,
}

/// `GET /affiliates/programs`
pub(super) async fn show(State(app): State<App>, Viewer(reader): Viewer) -> Response {
    page(&app, &reader, None, None).await
}

/// `POST /affiliates/programs`
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(doing): Form<Doing>,
) -> Response {
    if !reader.key.allows(Scope::Write) {
        return page(&app, &reader, None, Some(refused("change programmes", Scope::Write))).await;
    }
    let affiliates = Affiliates::of(&app, &reader.workspace);
    let said = match given(&doing.program) {
        Some(program) => other_terms(&affiliates, &program, &doing).await,
        None => make(&affiliates, &doing).await,
    };
    // What was refused stays in the form.
    let kept = given(&doing.program).filter(|_| said.1).map(|program| Kept {
        program,
        terms: doing.terms.unwrap_or_default(),
        group: given(&doing.group).unwrap_or_default(),
    });
    page(&app, &reader, kept, Some(said)).await
}

async fn make(affiliates: &Affiliates<'_>, doing: &Doing) -> (String, bool) {
    let Some(basis_points) = doing.percent.as_deref().and_then(hundredths) else {
        return ("The share is a percentage such as 30 or 12.5.".to_owned(), true);
    };
    let mut terms = json!({ "reward": { "basis_points": basis_points } });
    for (field, text) in [("hold_days", &doing.hold_days), ("window_days", &doing.window_days)] {
        if let Some(days) = given(text) {
            terms[field] = days.parse::<u16>().map_or(Value::Null, Value::from);
        }
    }
    terms["recurring"] = match given(&doing.recurring).as_deref() {
        Some("once") => json!("once"),
        Some("year") => json!({ "months": 12 }),
        _ => json!("lifetime"),
    };
    terms["wins"] = given(&doing.wins).unwrap_or_else(|| "last".to_owned()).into();
    let Ok(terms) = serde_json::from_value::<Terms>(terms) else {
        return ("Days are whole numbers.".to_owned(), true);
    };
    let new = NewProgram { name: given(&doing.name).unwrap_or_default(), terms, from_ms: None };
    told(affiliates.create_program(new).await, |made| {
        format!("{} is made. Invite partners to it now.", made.name)
    })
}

async fn other_terms(affiliates: &Affiliates<'_>, program: &str, doing: &Doing) -> (String, bool) {
    let terms = match serde_json::from_str::<Terms>(doing.terms.as_deref().unwrap_or_default()) {
        Ok(terms) => terms,
        Err(error) => return (format!("These terms do not read: {error}."), true),
    };
    let new = NewTerms { terms, from_ms: None, group: given(&doing.group) };
    told(affiliates.change_terms(program, new).await, |changed| {
        format!("{} has other terms for payments from now on. What was earned keeps its own.", changed.name)
    })
}

pub(super) async fn page(app: &App, reader: &Reader, kept: Option<Kept>, said: Said) -> Response {
    match build(app, reader, kept, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(
    app: &App,
    reader: &Reader,
    kept: Option<Kept>,
    said: Said,
) -> Result<ProgramsPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let zone = zone(reader);
    let partners = affiliates.partners().await?.rows;
    let mut cards = Vec::new();
    for program in affiliates.programs().await?.rows {
        let groups = groups::cards(&affiliates, &program, &partners).await?;
        let own = partners.iter().filter(|partner| partner.program == program.id);
        let own = own.map(|partner| (partner.id.clone(), partner.name.clone())).collect();
        cards.push(card(program, groups, own, kept.as_ref(), &zone));
    }
    Ok(ProgramsPage {
        frame: Frame::of(&affiliates, "Programmes", said).await?,
        workspace: reader.workspace.name.clone(),
        cards,
        may_change: reader.key.allows(Scope::Write),
    })
}

fn card(
    program: ProgramDocument,
    groups: Vec<groups::Card>,
    partners: Vec<(String, String)>,
    kept: Option<&Kept>,
    zone: &jiff::tz::TimeZone,
) -> Card {
    let newest = program.terms.iter().rev().find(|version| version.group.is_none());
    let newest = newest.and_then(|version| serde_json::to_string_pretty(&version.terms).ok());
    let kept = kept.filter(|kept| kept.program == program.id);
    let terms = kept.map(|kept| kept.terms.clone()).or(newest).unwrap_or_default();
    Card {
        height: terms.lines().count().clamp(4, 20) + 1,
        terms,
        made: show::moment(program.created_at_ms, zone),
        versions: program.terms.iter().rev().map(|version| one(version, &groups, zone)).collect(),
        id: program.id,
        name: program.name,
        is_kept: kept.is_some(),
        group: kept.map(|kept| kept.group.clone()).unwrap_or_default(),
        groups,
        partners,
    }
}

fn one(version: &TermsDocument, groups: &[groups::Card], zone: &jiff::tz::TimeZone) -> Version {
    let group = version.group.as_ref().and_then(|id| groups.iter().find(|group| group.id == *id));
    Version {
        number: version.version,
        since: show::moment(version.from_ms, zone),
        lines: sentences(&version.terms),
        group: group.map(|group| group.name.clone()).unwrap_or_default(),
    }
}

fn sentences(terms: &Terms) -> Vec<String> {
    let mut lines = vec![format!(
        "{} of the amount {}",
        reward(&terms.reward),
        match terms.base {
            domain::order::Basis::Net => "without tax",
            domain::order::Basis::Gross => "with tax",
        }
    )];
    lines.push(match terms.recurring {
        Recurring::Once => "for the first payment".to_owned(),
        Recurring::Payments(most) => format!("for the first {}", show::counted(most.into(), "payment")),
        Recurring::Months(months) => format!("for {}", show::counted(months.into(), "month")),
        Recurring::Lifetime => "for every payment".to_owned(),
    });
    let wins = match terms.wins {
        Wins::Last => "the last click wins",
        Wins::First => "the first click wins",
        Wins::Split => "clicks share alike",
    };
    lines.push(format!("{wins}, within {}", show::counted(terms.window_days.into(), "day")));
    lines.push(format!("may be paid out after {}", show::counted(terms.hold_days.into(), "day")));
    let least = terms.minimum_payout.iter();
    lines.extend(
        least.map(|(currency, &minor)| format!("{} at least a payout", amount(minor, currency.code()))),
    );
    if !terms.rules.is_empty() {
        lines.push(show::counted(terms.rules.len() as u64, "rule"));
    }
    if terms.tiers.is_some() {
        lines.push("tiers by volume".to_owned());
    }
    lines
}
