//! A partner's links: made and ended by the partner, within the merchant's own hosts, each with a QR code.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::affiliate::PartnerStatus;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;

use super::data::{self, Clicks};
use super::home::{Bar, bars, counted};
use super::page::{Frame, failed, missing, shown};
use super::session::Member;
use crate::affiliate::AffiliateError;
use crate::affiliate::links::{LinkDocument, NewLink};
use crate::app::App;
use crate::http::problem::Problem;

/// Links of one partner that are not archived: a campaign each, and no store of codes.
const LINKS_MAX: usize = 50;
/// Side of a QR code, in pixels of its own.
const QR_SIDE: u32 = 240;

/// A link to be made.
#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    code: String,
    #[serde(default)]
    destination: String,
}

struct Shown {
    link: LinkDocument,
    clicks: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/links.html")]
struct LinksPage<'a> {
    frame: &'a Frame,
    may_make: bool,
    links: Vec<Shown>,
    ended: Vec<Shown>,
    clicks: Option<Clicks>,
    bars: Vec<Bar>,
    /// Where links may lead.
    domains: Vec<String>,
    wanted: &'a Wanted,
    error: Option<String>,
}

/// `GET /partners/links`
pub(super) async fn list(State(app): State<App>, member: Member) -> Response {
    page(&app, &member, &Wanted::default(), None).await.unwrap_or_else(|problem| failed(&problem))
}

async fn page(
    app: &App,
    member: &Member,
    wanted: &Wanted,
    error: Option<String>,
) -> Result<Response, Problem> {
    let frame = member.frame("links");
    let links = data::links(app, member).await?;
    let clicks = data::clicks(app, member, &links).await.ok();
    let is_bad = error.is_some();
    let count = |code: &str| {
        let clicks = clicks.as_ref()?;
        Some(counted(clicks.by_code.get(code).copied().unwrap_or(0), "click"))
    };
    let shown_as = |link: LinkDocument| Shown { clicks: count(&link.code), link };
    let (ended, open): (Vec<_>, Vec<_>) =
        links.into_iter().rev().map(shown_as).partition(|shown| shown.link.archived_at_ms.is_some());
    let page = LinksPage {
        frame: &frame,
        may_make: member.partner.status == PartnerStatus::Approved && open.len() < LINKS_MAX,
        links: open,
        ended,
        bars: clicks.as_ref().map(bars).unwrap_or_default(),
        clicks,
        domains: member.workspace.settings.domains.clone(),
        wanted,
        error,
    };
    let mut response = shown(&page, &frame);
    if is_bad {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// `POST /partners/links`
pub(super) async fn create(
    State(app): State<App>,
    member: Member,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Response> {
    match make(&app, &member, &wanted).await {
        Ok(()) => Ok(Redirect::to("/partners/links").into_response()),
        Err(problem) if problem.status < 500 => {
            page(&app, &member, &wanted, Some(problem.detail)).await.map_err(|problem| failed(&problem))
        }
        Err(problem) => Err(failed(&problem)),
    }
}

async fn make(app: &App, member: &Member, wanted: &Wanted) -> Result<(), Problem> {
    if member.partner.status != PartnerStatus::Approved {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_approved",
            "Only approved partners make links.",
        ));
    }
    let own = data::links(app, member).await?;
    if own.iter().filter(|link| link.archived_at_ms.is_none()).count() >= LINKS_MAX {
        let detail = format!("You have {LINKS_MAX} links; end one you do not use any more.");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_links", detail));
    }
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    // `/pricing` is a page of the merchant's first domain, as people write it.
    let destination = filled(&wanted.destination).map(|text| match text.starts_with('/') {
        true => own_page(member, &text),
        false => text,
    });
    let new = NewLink { partner: member.partner.id.clone(), code: filled(&wanted.code), destination };
    member.affiliates(app).create_link(new).await?;
    app.reload_directory().await?;
    Ok(())
}

fn own_page(member: &Member, path: &str) -> String {
    member
        .workspace
        .settings
        .domains
        .first()
        .map_or_else(|| path.to_owned(), |domain| format!("https://{domain}{path}"))
}

/// `POST /partners/links/{code}/end`
pub(super) async fn end(
    State(app): State<App>,
    member: Member,
    Path(code): Path<String>,
) -> Result<Response, Response> {
    let done = async {
        let link = own(&app, &member, &code).await?;
        member.affiliates(&app).archive_link(&link.code).await?;
        app.reload_directory().await?;
        Ok::<_, Problem>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to("/partners/links").into_response()),
        Err(problem) if problem.status == StatusCode::NOT_FOUND.as_u16() => Err(missing()),
        Err(problem) => Err(failed(&problem)),
    }
}

/// `GET /partners/links/{code}/qr.svg`: black on white, with the quiet zone scanners need.
pub(super) async fn qr(
    State(app): State<App>,
    member: Member,
    Path(code): Path<String>,
) -> Result<Response, Response> {
    let link = own(&app, &member, &code).await.map_err(|_| missing())?;
    let drawn = QrCode::with_error_correction_level(link.url.as_bytes(), EcLevel::M);
    let drawn = drawn.map_err(|error| failed(&Problem::internal(error)))?;
    let image = drawn.render::<svg::Color<'_>>().min_dimensions(QR_SIDE, QR_SIDE).quiet_zone(true).build();
    let mut response = image.into_response();
    let name = format!("inline; filename=\"{}.svg\"", link.code);
    for (header, value) in [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
        (
            HeaderName::from_static("content-disposition"),
            HeaderValue::try_from(name).expect("a code is letters, digits, - and _"),
        ),
    ] {
        response.headers_mut().insert(header, value);
    }
    Ok(response)
}

/// The link of this code, when it is the partner's own.
async fn own(app: &App, member: &Member, code: &str) -> Result<LinkDocument, Problem> {
    let code = code.to_ascii_lowercase();
    let found = data::links(app, member).await?.into_iter().find(|link| link.code == code);
    found.ok_or_else(|| AffiliateError::UnknownLink(code).into())
}
