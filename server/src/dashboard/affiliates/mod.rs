//! The merchant's pages of affiliates: partners, programmes, commissions, payouts, flags, the simulator
//! and the overlap with other channels. Each says what stands and
//! takes what a person decides, by the same door as the API; none computes money of its own.

mod commissions;
mod coupons;
mod flags;
mod groups;
mod overlap;
mod partners;
mod payout_cards;
mod payouts;
mod programs;
mod simulator;
mod terms_form;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{get, post};
use domain::affiliate::ledger::State;
use jiff::tz::TimeZone;

use super::show;
use crate::affiliate::flags::{FlagState, WantedFlags};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;
use crate::http::problem::Problem;

/// The pages, below `/affiliates`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/affiliates", get(partners::show).post(partners::change))
        .route("/affiliates/coupons", post(coupons::change))
        .route("/affiliates/groups", post(groups::change))
        .route("/affiliates/programs", get(programs::show).post(programs::change))
        .route("/affiliates/commissions", get(commissions::show))
        .route("/affiliates/commissions/{id}", get(commissions::one))
        .route("/affiliates/payouts", get(payouts::show).post(payouts::change))
        .route("/affiliates/overlap", get(overlap::show))
        .route("/affiliates/simulator", get(simulator::show))
        .route("/affiliates/flags", get(flags::show).post(flags::decide))
}

/// What was done or went wrong, and whether it is bad.
type Said = Option<(String, bool)>;

/// What every page of the area shows.
struct Frame {
    workspace: String,
    /// Name, address, whether it is this one, and how many wait there.
    tabs: Vec<(&'static str, &'static str, bool, usize)>,
    said: Said,
}

const TABS: [(&str, &str); 7] = [
    ("Partners", "/affiliates"),
    ("Programmes", "/affiliates/programs"),
    ("Commissions", "/affiliates/commissions"),
    ("Payouts", "/affiliates/payouts"),
    ("Flags", "/affiliates/flags"),
    ("Simulator", "/affiliates/simulator"),
    ("Overlap", "/affiliates/overlap"),
];

impl Frame {
    async fn of(affiliates: &Affiliates<'_>, tab: &str, said: Said) -> Result<Frame, AffiliateError> {
        let open = WantedFlags { state: Some(FlagState::Open), limit: Some(500), ..WantedFlags::default() };
        let waiting = affiliates.flags(&open).await?.rows.len();
        let tabs = TABS
            .map(|(name, address)| (name, address, name == tab, if name == "Flags" { waiting } else { 0 }));
        Ok(Frame { workspace: affiliates.workspace.name.clone(), tabs: tabs.into(), said })
    }
}

fn zone(reader: &Reader) -> TimeZone {
    TimeZone::get(&reader.workspace.timezone).unwrap_or(TimeZone::UTC)
}

/// The sentence for what a session may not do.
fn refused(what: &str, scope: Scope) -> (String, bool) {
    let scope = scope.as_str();
    (format!("This session may not {what}. Sign in with a key that has the scope {scope}."), true)
}

/// What was done, or the sentence of what went wrong.
fn told<T>(done: Result<T, AffiliateError>, said: impl FnOnce(T) -> String) -> (String, bool) {
    match done {
        Ok(done) => (said(done), false),
        Err(error) => (Problem::from(error).detail, true),
    }
}

/// An amount with its currency behind it.
fn amount(minor: i64, currency: &str) -> String {
    match currency.parse() {
        Ok(code) => format!("{} {currency}", show::digits(minor, code)),
        Err(_) => format!("{minor} {currency}"),
    }
}

/// The badge of a commission's state.
fn badge(state: State) -> &'static str {
    match state {
        State::Paid => "signed",
        State::Pending | State::Processing => "none",
        State::Due => "money",
        State::Reversed | State::Void => "forged",
    }
}

/// Names of partners by their ids.
async fn partner_names(affiliates: &Affiliates<'_>) -> Result<BTreeMap<String, String>, AffiliateError> {
    let all = affiliates.partners().await?.rows.into_iter();
    Ok(all.map(|partner| (partner.id, partner.name)).collect())
}

/// A text that was filled in; none where the field was left empty.
fn given(text: &Option<String>) -> Option<String> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
