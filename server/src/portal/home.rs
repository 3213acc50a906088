//! A partner's first page: what stands, how often the links were followed, the newest earnings, and the terms. For
//! somebody invited it is the invitation, for an applicant where the application stands.

use askama::Template;
use axum::response::Response;
use domain::affiliate::PartnerStatus;

use super::apply::terms_now;
use super::data::{self, Clicks};
use super::page::{Frame, failed, shown};
use super::session::Member;
use super::show;
use super::words::{self, Line, Sums};
use crate::affiliate::links::LinkDocument;
use crate::app::App;
use crate::http::problem::Problem;

/// Newest earnings on the page.
const NEWEST: usize = 5;

/// A bar of the chart, in its own coordinates.
pub(super) struct Bar {
    pub x: usize,
    pub y: u64,
    pub height: u64,
    pub told: String,
}

/// The chart's height.
const HEIGHT: u64 = 60;

#[derive(Template)]
#[template(path = "portal/home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    /// `approved`, `suspended`, …
    status: &'static str,
    sums: Vec<Sums>,
    link: Option<LinkDocument>,
    has_details: bool,
    /// None when the clicks cannot be read now.
    clicks: Option<Clicks>,
    bars: Vec<Bar>,
    lines: Vec<Line>,
    is_more: bool,
    terms: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "portal/invitation.html")]
struct InvitationPage<'a> {
    frame: &'a Frame,
    status: &'static str,
    terms: Vec<(&'static str, String)>,
    version: u32,
}

pub(super) async fn show(app: &App, member: &Member) -> Response {
    page(app, member).await.unwrap_or_else(|problem| failed(&problem))
}

async fn page(app: &App, member: &Member) -> Result<Response, Problem> {
    let frame = member.frame("");
    let (version, terms) = terms_now(&member.program, member.partner.group.as_deref(), app.clock.now_ms());
    let status = member.partner.status;
    let commissions = data::commissions(app, member).await?;
    let is_waiting =
        matches!(status, PartnerStatus::Invited | PartnerStatus::Applied | PartnerStatus::Rejected);
    if is_waiting && commissions.is_empty() {
        let page = InvitationPage { frame: &frame, status: status.name(), terms, version };
        return Ok(shown(&page, &frame));
    }
    let links = data::links(app, member).await?;
    let clicks = data::clicks(app, member, &links).await.ok();
    let looked_at = data::looked_at(app, member).await?;
    let newest = &commissions[..commissions.len().min(NEWEST)];
    let sold = data::sold(app, member, newest).await.unwrap_or_default();
    let zone = show::zone(&member.workspace.timezone);
    let page = HomePage {
        frame: &frame,
        status: status.name(),
        sums: words::sums(&commissions, &looked_at),
        link: links.into_iter().find(|link| link.active),
        has_details: member.partner.payout.is_some(),
        bars: clicks.as_ref().map(bars).unwrap_or_default(),
        clicks,
        lines: newest.iter().map(|stored| words::line(member, stored, &sold, &looked_at, &zone)).collect(),
        is_more: commissions.len() > NEWEST,
        terms,
    };
    Ok(shown(&page, &frame))
}

/// Bars of ten units each, the highest as high as the chart.
pub(super) fn bars(clicks: &Clicks) -> Vec<Bar> {
    let most = clicks.days.iter().map(|(_, _, clicks)| *clicks).max().unwrap_or(0).max(1);
    let bar = |(at, (_, named, clicks)): (usize, &(String, String, u64))| {
        // A single click among thousands is still seen.
        let height = if *clicks == 0 { 0 } else { (clicks * HEIGHT / most).max(2) };
        let told = format!("{named}: {}", counted(*clicks, "click"));
        Bar { x: at * 10, y: HEIGHT - height, height, told }
    };
    clicks.days.iter().enumerate().map(bar).collect()
}

/// `1 click`, `2,000 clicks`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", domain::report::grouped(count), if count == 1 { "" } else { "s" })
}
