//! The page of payouts: what one would be now, approved exactly as it was shown; those that were approved, with their
//! files, what a person says became of them, and what PayPal says.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::payout_cards::{Payout, method};
use super::{Frame, Said, amount, given, refused, told, zone};
use crate::affiliate::payouts::{PayoutPreview, Sent};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::control::workspaces::Workspace;
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::jobs::paypal::cancel_unclaimed;

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
    /// `paid` or `cancel`; `send` gives to PayPal what goes by it.
    end: Option<String>,
    reference: Option<String>,
    /// Of a part that nobody claimed at PayPal: it is called back.
    unclaimed: Option<String>,
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

#[derive(Template)]
#[template(path = "affiliates/payouts.html")]
struct PayoutsPage {
    frame: Frame,
    workspace: String,
    owed: Vec<Owed>,
    preview: Option<Shown>,
    payouts: Vec<Payout>,
    /// Where payouts by PayPal are sent from: `production`, `sandbox` or an address; none where none is connected.
    paypal: Option<String>,
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
    let done = tokio::spawn(async move { act(&of, &workspace, &doing).await }).await;
    match done {
        Ok(said) => page(&app, &reader, currency, Some(said)).await,
        Err(error) => failed(&Problem::internal(error)),
    }
}

async fn act(app: &App, workspace: &Workspace, doing: &Doing) -> (String, bool) {
    let affiliates = Affiliates::of(app, workspace);
    let (currency, token) = (given(&doing.currency), given(&doing.token));
    if let (Some(currency), Some(token)) = (currency, token) {
        let done = affiliates.approve_payout(&currency, &token).await;
        return told(done, |payout| {
            let total = amount(payout.total, &payout.currency);
            format!("Approved: {total} is on its way. Take the files below, and say here when it was sent.")
        });
    }
    let id = given(&doing.payout).unwrap_or_default();
    if let Some(partner) = given(&doing.unclaimed) {
        return told(cancel_unclaimed(app, workspace, &id, &partner).await, |()| {
            "Called back from PayPal: as soon as PayPal says so it is due again.".to_owned()
        });
    }
    match doing.end.as_deref() {
        Some("send") => told(affiliates.send_payout(&id).await, |payout| {
            let by_paypal = payout.items.iter().filter(|item| item.sender_batch_id.is_some()).count();
            let partners = show::counted(by_paypal as u64, "partner");
            format!(
                "Given to PayPal for {partners}. How each part ends is taken from PayPal; load this page again."
            )
        }),
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
    let mut payouts = Vec::new();
    for payout in affiliates.payouts().await?.rows {
        // Its calls to PayPal are told of one payout only.
        let by_paypal = payout.items.iter().any(|item| item.sender_batch_id.is_some());
        let payout = if by_paypal { affiliates.payout(&payout.id).await? } else { payout };
        payouts.push(Payout::of(&payout, &zone));
    }
    let paypal = match affiliates.paypal_account().await {
        Ok(account) => Some(account.environment),
        Err(AffiliateError::NoPaypalAccount) => None,
        Err(error) => return Err(error),
    };
    Ok(PayoutsPage {
        frame: Frame::of(&affiliates, "Payouts", said).await?,
        workspace: reader.workspace.name.clone(),
        owed: owed.collect(),
        preview,
        payouts,
        paypal,
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
