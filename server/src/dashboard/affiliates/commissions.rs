//! The pages of commissions: a list by state and partner, and one with every entry, why it was booked, and what stands.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::affiliate::ledger::{Account, Reason, State as Stands};
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::{Frame, amount, badge, given, partner_names, zone};
use crate::affiliate::commissions::{CommissionDocument, EntryDocument, Wanted};
use crate::affiliate::flags::{FlagState, WantedFlags};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::http::auth::Reader;

const PAGE: usize = 50;

/// Which commissions somebody wants to see.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    state: Option<String>,
    partner: Option<String>,
    after: Option<String>,
}

struct Row {
    id: String,
    partner: String,
    order: String,
    earned: String,
    state: String,
    badge: &'static str,
    paid: String,
    due: String,
    is_held: bool,
}

#[derive(Template)]
#[template(path = "affiliates/commissions.html")]
struct CommissionsPage {
    frame: Frame,
    workspace: String,
    states: Vec<(String, String, bool)>,
    partners: Vec<(String, String, bool)>,
    rows: Vec<Row>,
    is_filtered: bool,
    /// The address of the next page.
    next: Option<String>,
}

struct Line {
    number: u32,
    when: String,
    why: &'static str,
    source: String,
    /// Where it leads to, when it is an order or a flag.
    link: Option<String>,
    way: String,
    amount: String,
    is_less: bool,
}

struct Doubt {
    kind: String,
    sentence: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "affiliates/commission.html")]
struct CommissionPage {
    frame: Frame,
    workspace: String,
    row: Row,
    /// Name and amount of each account that holds something.
    accounts: Vec<(&'static str, String)>,
    /// By which click or coupon.
    brought: String,
    terms: String,
    lines: Vec<Line>,
    doubts: Vec<Doubt>,
}

/// `GET /affiliates/commissions`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    match list(&app, &reader, &picked).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

/// `GET /affiliates/commissions/{id}`
pub(super) async fn one(State(app): State<App>, Viewer(reader): Viewer, Path(id): Path<String>) -> Response {
    match single(&app, &reader, &id).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn list(app: &App, reader: &Reader, picked: &Picked) -> Result<CommissionsPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let state = picked.state.as_deref().and_then(|name| name.parse::<Stands>().ok());
    let partner = given(&picked.partner);
    let wanted = Wanted {
        partner: partner.clone(),
        state,
        after: given(&picked.after),
        limit: Some(PAGE),
        ..Wanted::default()
    };
    let found = affiliates.commissions(&wanted).await?;
    let names = partner_names(&affiliates).await?;
    let held = affiliates.held_commissions().await?;
    let zone = zone(reader);
    let row = |commission: &CommissionDocument| {
        let name = names.get(&commission.partner).cloned().unwrap_or_default();
        row(commission, name, held.contains(&commission.id), &zone)
    };
    let any = ("".to_owned(), "anywhere".to_owned(), state.is_none());
    let states =
        Stands::ALL.iter().map(|&known| (known.to_string(), known.to_string(), state == Some(known)));
    let everybody = ("".to_owned(), "everybody".to_owned(), partner.is_none());
    let partners = names.iter().map(|(id, name)| (id.clone(), name.clone(), partner.as_deref() == Some(id)));
    let next = found.after.as_ref().map(|after| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", after);
        state.iter().for_each(|state| _ = query.append_pair("state", state.name()));
        partner.iter().for_each(|partner| _ = query.append_pair("partner", partner));
        format!("/affiliates/commissions?{}", query.finish())
    });
    Ok(CommissionsPage {
        frame: Frame::of(&affiliates, "Commissions", None).await?,
        workspace: reader.workspace.name.clone(),
        states: std::iter::once(any).chain(states).collect(),
        partners: std::iter::once(everybody).chain(partners).collect(),
        rows: found.rows.iter().map(row).collect(),
        is_filtered: state.is_some() || partner.is_some(),
        next,
    })
}

async fn single(app: &App, reader: &Reader, id: &str) -> Result<CommissionPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let found = affiliates.commission(id).await?;
    let names = partner_names(&affiliates).await?;
    let name = names.get(&found.partner).cloned().unwrap_or_default();
    let wanted = WantedFlags { commission: Some(id.to_owned()), ..WantedFlags::default() };
    let flags = affiliates.flags(&wanted).await?.rows;
    let is_held = flags.iter().any(|flag| flag.holds);
    let zone = zone(reader);
    let balance = &found.balance;
    let accounts = [
        ("Pending", balance.pending),
        ("Due", balance.due),
        ("Processing", balance.processing),
        ("Paid", balance.paid),
    ];
    let accounts = accounts.into_iter().filter(|(_, minor)| *minor != 0);
    let doubts = flags.into_iter().map(|flag| Doubt {
        kind: show::word(flag.kind.name()).replace('-', " "),
        sentence: flag.sentence,
        state: match flag.state {
            FlagState::Open if flag.is_warning => "warning",
            state => state.name(),
        },
    });
    Ok(CommissionPage {
        frame: Frame::of(&affiliates, "Commissions", None).await?,
        workspace: reader.workspace.name.clone(),
        accounts: accounts.map(|(name, minor)| (name, amount(minor, &found.currency))).collect(),
        brought: match (&found.click, &found.coupon) {
            (Some(click), _) => {
                format!("a click at {}, link {}", show::moment(click.at_ms, &zone), click.code)
            }
            (None, Some(coupon)) => format!("the coupon {coupon}"),
            (None, None) => "nothing that is known".to_owned(),
        },
        terms: match found.shared_by {
            0 | 1 => format!("version {}", found.terms_version),
            parts => format!("version {}, shared by {parts}", found.terms_version),
        },
        lines: found.entries.iter().map(|entry| line(entry, &found.currency, &zone)).collect(),
        doubts: doubts.collect(),
        row: row(&found, name, is_held, &zone),
    })
}

fn row(commission: &CommissionDocument, partner: String, is_held: bool, zone: &jiff::tz::TimeZone) -> Row {
    Row {
        id: commission.id.clone(),
        partner,
        order: commission.order.clone(),
        earned: amount(commission.balance.earned, &commission.currency),
        state: commission.state.to_string(),
        badge: badge(commission.state),
        paid: show::moment(commission.paid_at_ms, zone),
        due: show::moment(commission.due_at_ms, zone),
        is_held,
    }
}

fn line(entry: &EntryDocument, currency: &str, zone: &jiff::tz::TimeZone) -> Line {
    let is_less = entry.to == Account::Expense;
    let digits =
        currency.parse().map_or_else(|_| entry.amount.to_string(), |code| show::digits(entry.amount, code));
    let link = match entry.source.split_once('_') {
        Some(("ord", _)) => Some(format!("/orders/{}", entry.source)),
        Some(("flg", _)) => Some(format!("/affiliates/flags?state=all#{}", entry.source)),
        Some(("pay", _)) => Some(format!("/affiliates/payouts#{}", entry.source)),
        _ => None,
    };
    Line {
        number: entry.number,
        when: show::moment(entry.at_ms, zone),
        why: why(entry.reason),
        source: entry.source.clone(),
        link,
        way: format!("{} → {}", entry.from, entry.to),
        amount: if is_less { format!("\u{2212}{digits}") } else { digits },
        is_less,
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Sale => "the order was paid",
        Reason::Imported => "it came over from another programme",
        Reason::Refund => "money was given back",
        Reason::RefundFailed => "a refund did not last",
        Reason::DisputeLost => "a dispute was lost",
        Reason::DisputeWon => "a dispute was won",
        Reason::Void => "the sale is not this partner’s, or no payment any more",
        Reason::Adjusted => "it is shared, or under another rule or tier, by what was learned",
        Reason::FlagRejected => "a flag was rejected",
        Reason::FlagCleared => "a rejected flag was cleared after all",
        Reason::HoldOver => "the hold is over",
        Reason::PayoutApproved => "a payout was approved",
        Reason::PayoutPaid => "the payout was sent",
        Reason::PayoutCanceled => "the payout was called off",
    }
}
