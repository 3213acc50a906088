//! The page of payouts: what one would be now, approved exactly as it was shown; those that were approved, with their
//! files, and what a person says became of them.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::affiliate::payout::Method;
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::{Frame, Said, amount, given, refused, told, zone};
use crate::affiliate::payouts::{PayoutDocument, PayoutPreview, Sent};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::control::payouts::PayoutState;
use crate::http::auth::Reader;
use crate::http::problem::Problem;

/// In which currency somebody looks.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    currency: Option<String>,
}

/// What somebody does: with a token approves what was shown, with a payout closes it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Doing {
    currency: Option<String>,
    token: Option<String>,
    payout: Option<String>,
    /// `paid` or `cancel`.
    end: Option<String>,
    reference: Option<String>,
}

struct Owed {
    currency: String,
    address: String,
    is_chosen: bool,
}

struct Line {
    name: String,
    method: &'static str,
    amount: String,
}

struct Held {
    name: String,
    amount: String,
    sentence: String,
    is_flagged: bool,
}

struct Shown {
    currency: String,
    total: String,
    items: Vec<Line>,
    held: Vec<Held>,
    token: Option<String>,
}

struct Item {
    name: String,
    method: &'static str,
    amount: String,
    state: &'static str,
}

struct Payout {
    id: String,
    month: String,
    total: String,
    state: &'static str,
    badge: &'static str,
    reference: String,
    when: String,
    is_open: bool,
    /// Name and address of each file.
    files: Vec<(&'static str, String)>,
    items: Vec<Item>,
    count: String,
}

#[derive(Template)]
#[template(path = "affiliates/payouts.html")]
struct PayoutsPage {
    frame: Frame,
    workspace: String,
    owed: Vec<Owed>,
    preview: Option<Shown>,
    payouts: Vec<Payout>,
    may_pay: bool,
}

/// `GET /affiliates/payouts`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    page(&app, &reader, given(&picked.currency), None).await
}

/// `POST /affiliates/payouts`: approves, or says what became of a payout.
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(doing): Form<Doing>,
) -> Response {
    if !reader.key.allows(Scope::Admin) {
        return page(&app, &reader, given(&doing.currency), Some(refused("pay out", Scope::Admin))).await;
    }
    // A task of its own: a browser that hangs up does not stop it half-way.
    let (of, workspace) = (app.clone(), reader.workspace.clone());
    let currency = given(&doing.currency);
    let done = tokio::spawn(async move { act(&Affiliates::of(&of, &workspace), &doing).await }).await;
    match done {
        Ok(said) => page(&app, &reader, currency, Some(said)).await,
        Err(error) => failed(&Problem::internal(error)),
    }
}

async fn act(affiliates: &Affiliates<'_>, doing: &Doing) -> (String, bool) {
    let (currency, token) = (given(&doing.currency), given(&doing.token));
    if let (Some(currency), Some(token)) = (currency, token) {
        let done = affiliates.approve_payout(&currency, &token).await;
        return told(done, |payout| {
            let total = amount(payout.total, &payout.currency);
            format!("Approved: {total} is on its way. Take the files below, and say here when it was sent.")
        });
    }
    let id = given(&doing.payout).unwrap_or_default();
    match doing.end.as_deref() {
        Some("paid") => {
            let sent = Sent { reference: given(&doing.reference).unwrap_or_default(), ..Sent::default() };
            let done = affiliates.payout_paid(&id, &sent).await;
            told(done, |payout| format!("{} was paid.", amount(payout.total, &payout.currency)))
        }
        Some("cancel") => told(affiliates.cancel_payout(&id).await, |_| {
            "Called off: everything in it is due again.".to_owned()
        }),
        _ => ("Say whether the payout was sent or is called off.".to_owned(), true),
    }
}

async fn page(app: &App, reader: &Reader, currency: Option<String>, said: Said) -> Response {
    match build(app, reader, currency, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(
    app: &App,
    reader: &Reader,
    currency: Option<String>,
    said: Said,
) -> Result<PayoutsPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let balances = affiliates.balances().await?.rows;
    let due: BTreeSet<String> =
        balances.iter().filter(|row| row.balance.due != 0).map(|row| row.currency.clone()).collect();
    let chosen = currency.map(|code| code.to_uppercase()).or_else(|| due.first().cloned());
    let (preview, said) = match &chosen {
        None => (None, said),
        Some(code) => match affiliates.preview_payout(code).await {
            Ok(preview) => (Some(looked_at(preview)), said),
            Err(error) => (None, said.or(Some((Problem::from(error).detail, true)))),
        },
    };
    let owed = due.iter().map(|code| Owed {
        address: format!("/affiliates/payouts?currency={code}"),
        is_chosen: chosen.as_ref() == Some(code),
        currency: code.clone(),
    });
    let zone = zone(reader);
    let payouts = affiliates.payouts().await?.rows;
    Ok(PayoutsPage {
        frame: Frame::of(&affiliates, "Payouts", said).await?,
        workspace: reader.workspace.name.clone(),
        owed: owed.collect(),
        preview,
        payouts: payouts.iter().map(|payout| row(payout, &zone)).collect(),
        may_pay: reader.key.allows(Scope::Admin),
    })
}

fn looked_at(preview: PayoutPreview) -> Shown {
    let PayoutPreview { currency, total, items, held, token, .. } = preview;
    let items = items.into_iter().map(|item| Line {
        method: method(item.method),
        amount: amount(item.amount, &currency),
        name: item.name,
    });
    let held = held.into_iter().map(|held| Held {
        amount: amount(held.amount, &currency),
        is_flagged: held.why == domain::affiliate::payout::Withheld::Flagged,
        sentence: held.sentence,
        name: held.name,
    });
    Shown {
        total: amount(total, &currency),
        items: items.collect(),
        held: held.collect(),
        token,
        currency: currency.clone(),
    }
}

fn row(payout: &PayoutDocument, zone: &jiff::tz::TimeZone) -> Payout {
    let is_open = payout.state == PayoutState::Processing;
    let uses = |method: Method| payout.items.iter().any(|item| item.method == method);
    let file = |format: &str| format!("/v1/payouts/{}/file?format={format}", payout.id);
    let mut files = vec![("CSV of all", file("csv"))];
    if uses(Method::Paypal) {
        files.push(("PayPal", file("paypal")));
    }
    if uses(Method::Wise) {
        files.push(("Wise", file("wise")));
    }
    let items = payout.items.iter().map(|item| Item {
        name: item.name.clone(),
        method: method(item.method),
        amount: amount(item.amount, &payout.currency),
        state: item.state.map_or("", PayoutState::name),
    });
    Payout {
        id: payout.id.clone(),
        month: payout.month.clone(),
        total: amount(payout.total, &payout.currency),
        state: payout.state.name(),
        badge: match payout.state.name() {
            "paid" => "signed",
            "canceled" => "forged",
            _ => "none",
        },
        reference: payout.reference.clone(),
        when: show::moment(payout.approved_at_ms, zone),
        is_open,
        files,
        items: items.collect(),
        count: show::counted(payout.items.len() as u64, "partner"),
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Paypal => "PayPal",
        Method::Wise => "Wise",
        Method::Other => "by hand",
    }
}
