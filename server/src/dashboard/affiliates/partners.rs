//! The page of partners: who they are, what stands for them, their links and coupons; invited and approved here.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use domain::affiliate::PartnerStatus;
use serde::Deserialize;

use super::super::page::{Viewer, failed, shown};
use super::super::show;
use super::{Frame, Said, amount, coupons, given, refused, told, zone};
use crate::affiliate::links::NewLink;
use crate::affiliate::partners::{PartnerChange, PartnerDocument};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;

/// What somebody does: with a partner changes where they stand, else invites somebody.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Doing {
    partner: Option<String>,
    status: Option<String>,
    program: Option<String>,
    name: Option<String>,
    email: Option<String>,
    code: Option<String>,
    /// Of a coupon that was refused, to stay in its form.
    #[serde(skip)]
    coupon: String,
}

impl Doing {
    /// Nothing, but for the code of a coupon that stays in its form.
    pub(super) fn with_coupon(coupon: String) -> Doing {
        Doing { coupon, ..Doing::default() }
    }
}

struct Stands {
    what: &'static str,
    amount: String,
}

struct Row {
    id: String,
    name: String,
    email: String,
    status: &'static str,
    badge: &'static str,
    program: String,
    group: String,
    paid_by: &'static str,
    sums: Vec<Stands>,
    /// Addresses of links; to be copied, not followed, since following one counts as a click.
    links: Vec<String>,
    /// Where the partner can go: status, and the word on the button.
    steps: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "affiliates/partners.html")]
struct PartnersPage {
    frame: Frame,
    workspace: String,
    programs: Vec<(String, String)>,
    rows: Vec<Row>,
    count: String,
    may_change: bool,
    name: String,
    email: String,
    coupons: Vec<coupons::Row>,
    coupon: String,
}

/// `GET /affiliates`
pub(super) async fn show(State(app): State<App>, Viewer(reader): Viewer) -> Response {
    page(&app, &reader, Doing::default(), None).await
}

/// `POST /affiliates`: invites somebody, or changes where a partner stands.
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(doing): Form<Doing>,
) -> Response {
    if !reader.key.allows(Scope::Write) {
        return page(&app, &reader, doing, Some(refused("change partners", Scope::Write))).await;
    }
    let affiliates = Affiliates::of(&app, &reader.workspace);
    let said = match given(&doing.partner) {
        Some(partner) => step(&affiliates, &partner, doing.status.as_deref()).await,
        None => invite(&affiliates, &doing).await,
    };
    // What was refused stays in the form.
    let kept = if said.1 { doing } else { Doing::default() };
    page(&app, &reader, kept, Some(said)).await
}

async fn step(affiliates: &Affiliates<'_>, partner: &str, status: Option<&str>) -> (String, bool) {
    let Some(status) = status.and_then(|name| name.parse::<PartnerStatus>().ok()) else {
        return ("Say what the partner becomes.".to_owned(), true);
    };
    let change = PartnerChange { status: Some(status), ..PartnerChange::default() };
    told(affiliates.change_partner(partner, change).await, |partner| {
        format!("{} is {} now.", partner.name, partner.status)
    })
}

async fn invite(affiliates: &Affiliates<'_>, doing: &Doing) -> (String, bool) {
    let text = |field: &Option<String>| given(field).unwrap_or_default();
    let new = serde_json::json!({
        "program": text(&doing.program), "name": text(&doing.name), "email": text(&doing.email),
        "status": given(&doing.status).unwrap_or_else(|| "invited".to_owned()),
    });
    let Ok(new) = serde_json::from_value(new) else {
        return ("Say whether the partner is invited or approved.".to_owned(), true);
    };
    let made = match affiliates.create_partner(new).await {
        Ok(made) => made,
        failed => return told(failed, |_| String::new()),
    };
    let link = NewLink { partner: made.id.clone(), code: given(&doing.code), destination: None };
    let name = made.name;
    match affiliates.create_link(link).await {
        Ok(link) => (format!("{name} is {}. Their link: {}", made.status, link.url), false),
        Err(error) => {
            let why = crate::http::problem::Problem::from(error).detail;
            (format!("{name} is {}, and has no link yet: {why}", made.status), true)
        }
    }
}

pub(super) async fn page(app: &App, reader: &Reader, doing: Doing, said: Said) -> Response {
    match build(app, reader, doing, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(app: &App, reader: &Reader, doing: Doing, said: Said) -> Result<PartnersPage, AffiliateError> {
    let affiliates = Affiliates::of(app, &reader.workspace);
    let programs: BTreeMap<String, String> =
        affiliates.programs().await?.rows.into_iter().map(|program| (program.id, program.name)).collect();
    let mut sums: BTreeMap<String, Vec<Stands>> = BTreeMap::new();
    for row in affiliates.balances().await?.rows {
        let balance = &row.balance;
        let each = [
            ("pending", balance.pending),
            ("due", balance.due),
            ("processing", balance.processing),
            ("paid", balance.paid),
        ];
        let own = sums.entry(row.partner).or_default();
        own.extend(
            each.into_iter()
                .filter(|(_, minor)| *minor != 0)
                .map(|(what, minor)| Stands { what, amount: amount(minor, &row.currency) }),
        );
    }
    let mut links: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for link in affiliates.links().await?.rows.into_iter().filter(|link| link.archived_at_ms.is_none()) {
        links.entry(link.partner).or_default().push(link.url);
    }
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    for program in programs.keys() {
        groups.extend(affiliates.groups(program).await?.rows.into_iter().map(|group| (group.id, group.name)));
    }
    let may_change = reader.key.allows(Scope::Write);
    let partners = affiliates.partners().await?.rows;
    let count = show::counted(partners.len() as u64, "partner");
    let rows = partners.into_iter().rev().map(|partner| {
        let own = sums.remove(&partner.id).unwrap_or_default();
        let links = links.remove(&partner.id).unwrap_or_default();
        let program = programs.get(&partner.program).cloned().unwrap_or_default();
        let group = partner.group.as_ref().and_then(|group| groups.get(group)).cloned().unwrap_or_default();
        Row { group, ..row(partner, own, links, program, may_change) }
    });
    Ok(PartnersPage {
        frame: Frame::of(&affiliates, "Partners", said).await?,
        workspace: reader.workspace.name.clone(),
        rows: rows.collect(),
        count,
        programs: programs.into_iter().collect(),
        may_change,
        name: doing.name.unwrap_or_default(),
        email: doing.email.unwrap_or_default(),
        coupons: coupons::rows(&affiliates, &zone(reader)).await?,
        coupon: doing.coupon,
    })
}

fn row(
    partner: PartnerDocument,
    sums: Vec<Stands>,
    links: Vec<String>,
    program: String,
    may_change: bool,
) -> Row {
    let status = partner.status;
    let steps = [
        (PartnerStatus::Approved, "Approve"),
        (PartnerStatus::Rejected, "Turn down"),
        (PartnerStatus::Suspended, "Suspend"),
    ];
    let steps = steps.into_iter().filter(|(to, _)| *to != status && status.may_become(*to));
    Row {
        id: partner.id,
        name: partner.name,
        // An address is for who may write, as with the API.
        email: if may_change { partner.email } else { String::new() },
        status: status.name(),
        badge: match status {
            PartnerStatus::Approved => "signed",
            PartnerStatus::Invited | PartnerStatus::Applied => "none",
            PartnerStatus::Rejected | PartnerStatus::Suspended => "forged",
        },
        program,
        group: String::new(),
        paid_by: partner.payout.map_or("", |payout| payout.method.name()),
        sums,
        links,
        steps: steps.map(|(to, word)| (to.name(), word)).collect(),
    }
}
