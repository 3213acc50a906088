//! The page of programmes: their terms in every version, a form for a first one, and other terms for payments to come.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use domain::affiliate::{Recurring, Reward, Terms, Wins};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::{Frame, Said, amount, given, refused, told, zone};
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
    name: Option<String>,
    percent: Option<String>,
    recurring: Option<String>,
    hold_days: Option<String>,
    window_days: Option<String>,
    wins: Option<String>,
}

struct Version {
    number: u32,
    since: String,
    lines: Vec<String>,
    is_group: bool,
}

struct Card {
    id: String,
    name: String,
    made: String,
    versions: Vec<Version>,
    /// The newest terms, to begin from.
    terms: String,
    height: usize,
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
        Some(program) => other_terms(&affiliates, &program, doing.terms.as_deref().unwrap_or("")).await,
        None => make(&affiliates, &doing).await,
    };
    // What was refused stays in the form.
    let kept = given(&doing.program).zip(doing.terms).filter(|_| said.1);
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

async fn other_terms(affiliates: &Affiliates<'_>, program: &str, text: &str) -> (String, bool) {
    let terms = match serde_json::from_str::<Terms>(text) {
        Ok(terms) => terms,
        Err(error) => return (format!("These terms do not read: {error}."), true),
    };
    let new = NewTerms { terms, from_ms: None, group: None };
    told(affiliates.change_terms(program, new).await, |changed| {
        format!("{} has other terms for payments from now on. What was earned keeps its own.", changed.name)
    })
}

/// Hundredths of a percent, of a percentage as people write it.
fn hundredths(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches('%').trim_end().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let is_plain = !whole.is_empty() && part.len() <= 2 && whole.len() <= 3;
    let digits = format!("{whole}{part:0<2}");
    (is_plain && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

async fn page(app: &App, reader: &Reader, kept: Option<(String, String)>, said: Said) -> Response {
    match build(app, reader, kept, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(
    app: &App,
    reader: &Reader,
    kept: Option<(String, String)>,
    said: Said,
) -> Result<ProgramsPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let zone = zone(reader);
    let programs = affiliates.programs().await?.rows.into_iter();
    Ok(ProgramsPage {
        frame: Frame::of(&affiliates, "Programmes", said).await?,
        workspace: reader.workspace.name.clone(),
        cards: programs.map(|program| card(program, kept.as_ref(), &zone)).collect(),
        may_change: reader.key.allows(Scope::Write),
    })
}

fn card(program: ProgramDocument, kept: Option<&(String, String)>, zone: &jiff::tz::TimeZone) -> Card {
    let newest = program.terms.iter().rev().find(|version| version.group.is_none());
    let newest = newest.and_then(|version| serde_json::to_string_pretty(&version.terms).ok());
    let kept = kept.filter(|(id, _)| *id == program.id).map(|(_, text)| text.clone());
    let terms = kept.or(newest).unwrap_or_default();
    Card {
        height: terms.lines().count().clamp(4, 20) + 1,
        terms,
        made: show::moment(program.created_at_ms, zone),
        versions: program.terms.iter().rev().map(|version| one(version, zone)).collect(),
        id: program.id,
        name: program.name,
    }
}

fn one(version: &TermsDocument, zone: &jiff::tz::TimeZone) -> Version {
    Version {
        number: version.version,
        since: show::moment(version.from_ms, zone),
        lines: sentences(&version.terms),
        is_group: version.group.is_some(),
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

fn reward(reward: &Reward) -> String {
    match reward {
        Reward::BasisPoints(points) => match points % 100 {
            0 => format!("{} %", points / 100),
            rest => format!("{}.{rest:02} %", points / 100),
        },
        Reward::Flat(amounts) => {
            let each: Vec<String> =
                amounts.iter().map(|(currency, &minor)| amount(minor, currency.code())).collect();
            each.join(" or ")
        }
        Reward::Nothing => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn percentages_read_as_people_write_them() {
        assert_eq!(
            ["30", "12.5", "12,5 %", "0.25", "100"].map(hundredths),
            [3000, 1250, 1250, 25, 10_000].map(Some)
        );
        assert_eq!(["", "a", "1.234", "-3", "1e2", "3.x"].map(hundredths), [None; 6]);
    }
}
