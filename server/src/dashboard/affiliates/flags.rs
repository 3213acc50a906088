//! The page of flags: what is doubtful about a commission, what was seen, and two buttons. Every decision stays on the page.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::affiliate::flag::Decision;
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::{Frame, Said, amount, given, refused, told, zone};
use crate::affiliate::flags::{Deciding, FlagDocument, FlagState, WantedFlags};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;
use crate::http::flags::decider;

/// Which flags somebody wants to see.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    state: Option<String>,
    after: Option<String>,
}

/// What somebody decides.
#[derive(Debug, Deserialize)]
pub(super) struct Decided {
    flag: String,
    decision: String,
    note: Option<String>,
    state: Option<String>,
}

struct Past {
    decision: &'static str,
    by: String,
    when: String,
    note: String,
}

struct Card {
    id: String,
    title: String,
    sentence: String,
    partner: String,
    commission: String,
    order: String,
    earned: String,
    stands: String,
    raised: String,
    /// What it does to the money.
    effect: &'static str,
    is_open: bool,
    may_clear: bool,
    may_reject: bool,
    past: Vec<Past>,
}

#[derive(Template)]
#[template(path = "affiliates/flags.html")]
struct FlagsPage {
    frame: Frame,
    workspace: String,
    /// Value, title, whether it is chosen.
    states: Vec<(&'static str, &'static str, bool)>,
    state: String,
    may_decide: bool,
    cards: Vec<Card>,
    after: Option<String>,
}

/// `GET /affiliates/flags`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    page(&app, &reader, &picked, None).await
}

/// `POST /affiliates/flags`: decides about one.
pub(super) async fn decide(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(decided): Form<Decided>,
) -> Response {
    let picked = Picked { state: decided.state.clone(), after: None };
    if !reader.key.allows(Scope::Admin) {
        return page(&app, &reader, &picked, Some(refused("decide about flags", Scope::Admin))).await;
    }
    let Ok(decision) = decided.decision.parse::<Decision>() else {
        let said = ("Clear the flag or reject the commission.".to_owned(), true);
        return page(&app, &reader, &picked, Some(said)).await;
    };
    let deciding = Deciding { decision, note: given(&decided.note).unwrap_or_default() };
    let affiliates = Affiliates::of(&app, &reader.workspace);
    let done = affiliates.decide_flag(&decided.flag, &deciding, &decider(&reader)).await;
    let said = told(done, |flag| match decision {
        Decision::Cleared => {
            format!("Cleared: {} flows on to {}.", amount(flag.earned, &flag.currency), flag.partner_name)
        }
        Decision::Rejected => format!("Rejected: {} earns nothing by this order.", flag.partner_name),
    });
    page(&app, &reader, &picked, Some(said)).await
}

async fn page(app: &App, reader: &Reader, picked: &Picked, said: Said) -> Response {
    match build(app, reader, picked, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(app: &App, reader: &Reader, picked: &Picked, said: Said) -> Result<FlagsPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let chosen = match picked.state.as_deref() {
        Some("all") => None,
        Some(name) => FlagState::ALL.into_iter().find(|state| state.name() == name).or(Some(FlagState::Open)),
        None => Some(FlagState::Open),
    };
    let wanted =
        WantedFlags { state: chosen, after: given(&picked.after), limit: Some(50), ..WantedFlags::default() };
    let found = affiliates.flags(&wanted).await?;
    let zone = zone(reader);
    let name = chosen.map_or("all", FlagState::name);
    let states = [
        ("open", "that wait"),
        ("cleared", "that were cleared"),
        ("rejected", "that were rejected"),
        ("all", "of every kind"),
    ];
    Ok(FlagsPage {
        frame: Frame::of(&affiliates, "Flags", said).await?,
        workspace: reader.workspace.name.clone(),
        states: states.map(|(value, title)| (value, title, value == name)).into(),
        state: name.to_owned(),
        may_decide: reader.key.allows(Scope::Admin),
        cards: found.rows.into_iter().map(|flag| card(flag, &zone)).collect(),
        after: found.after,
    })
}

fn card(flag: FlagDocument, zone: &jiff::tz::TimeZone) -> Card {
    let effect = match (flag.state, flag.holds, flag.is_warning) {
        (FlagState::Rejected, ..) => "earns nothing",
        (FlagState::Cleared, ..) => "flows on",
        (_, true, _) => "held",
        (_, _, true) => "paid out already: rejected, it is owed back",
        _ => "nothing to hold now",
    };
    let past = flag.decisions.into_iter().rev().map(|made| Past {
        decision: made.decision.name(),
        by: made.by,
        when: show::moment(made.at_ms, zone),
        note: made.note,
    });
    let title = show::word(flag.kind.name()).replace('-', " ");
    Card {
        title: title[..1].to_uppercase() + &title[1..],
        sentence: flag.sentence[..1].to_uppercase() + &flag.sentence[1..],
        partner: flag.partner_name,
        commission: flag.commission,
        order: flag.order,
        earned: amount(flag.earned, &flag.currency),
        stands: flag.commission_state.to_string(),
        raised: show::moment(flag.raised_at_ms, zone),
        effect,
        is_open: flag.state == FlagState::Open,
        may_clear: flag.state != FlagState::Cleared,
        may_reject: flag.state != FlagState::Rejected,
        past: past.collect(),
        id: flag.id,
    }
}
