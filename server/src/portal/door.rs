//! The way in and out: an address is typed, a link is mailed, the link is opened and confirmed. Whether an address is
//! known cannot be told from the answer nor from how long it takes: what depends on it happens after the answer.
//! Opening a link alone uses nothing up, since mail scanners do that.

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::home;
use super::page::{Frame, failed, message, shown};
use super::session::{LINK_TTL_MS, Member, enter, enter_url, is_own_page, leave, link_of, mint};
use crate::affiliate::mails;
use crate::app::App;
use crate::http::problem::Problem;
use crate::person_keys::PersonKeys;

/// Links mailed to one partner within the time one works.
const LINKS_MAX: u64 = 3;
/// Addresses longer than this are none.
const EMAIL_BYTES_MAX: usize = 254;

/// Who connects, for [`admit`].
pub type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame,
    /// Whether mails go out at all.
    has_mail: bool,
    /// Goes along with the form.
    program: &'a str,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "portal/enter.html")]
struct EnterPage<'a> {
    frame: &'a Frame,
    name: &'a str,
    token: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    email: String,
    #[serde(default)]
    program: String,
}

/// Which programme's merchant the page is of, where it is shown within theirs.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    program: String,
}

#[derive(Deserialize)]
pub(super) struct Opened {
    #[serde(default)]
    token: String,
}

/// `GET /partners`: the partner's first page, or the way in.
pub(super) async fn front(
    State(app): State<App>,
    headers: HeaderMap,
    Query(Asked { program }): Query<Asked>,
) -> Response {
    let found = async {
        match Member::of(&app, &headers).await? {
            Some(member) => Ok(home::show(&app, &member).await),
            None => Ok::<_, Problem>(sign_in_page(&around(&app, &program).await?, &app, &program, None)),
        }
    };
    found.await.unwrap_or_else(|problem| failed(&problem))
}

fn sign_in_page(frame: &Frame, app: &App, program: &str, error: Option<&str>) -> Response {
    let program = if frame.merchant.is_empty() { "" } else { program };
    shown(&SignInPage { frame, has_mail: app.mail.is_configured(), program, error }, frame)
}

/// What stands around a page for nobody known yet: the merchant of the programme it was opened with, if any.
async fn around(app: &App, program: &str) -> Result<Frame, Problem> {
    let workspace_id = match program {
        "" => None,
        id => app.control.workspace_of_program(id).await?,
    };
    let workspace = workspace_id.and_then(|id| app.directory().workspaces.get(&id).cloned());
    Ok(workspace.map_or_else(Frame::nobody, |workspace| Frame {
        merchant: workspace.name.clone(),
        frames: workspace.settings.portal_frames.clone(),
        ..Frame::nobody()
    }))
}

/// Whether who asks has not asked too often.
pub(super) fn admit(app: &App, peer: &Peer, headers: &HeaderMap) -> Result<(), Problem> {
    let peer = peer.as_ref().map(|Extension(ConnectInfo(peer))| peer);
    let from = app.trusted_proxies.client(peer, headers);
    app.portal_asks.admit(from, app.clock.now_ms()).map_err(|seconds| {
        let detail = "That was asked too often from your network. Wait a quarter of an hour, then try again.";
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_asks", detail);
        problem.retry_after_seconds = Some(seconds);
        problem
    })
}

/// `POST /partners/sign-in`: mails a way in, if somebody is there to get one.
pub(super) async fn sign_in(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Response> {
    is_own_page(&headers, &app)
        .and_then(|()| admit(&app, &peer, &headers))
        .map_err(|problem| failed(&problem))?;
    let email = typed.email.trim().to_owned();
    let frame = around(&app, &typed.program).await.map_err(|problem| failed(&problem))?;
    if email.len() > EMAIL_BYTES_MAX || !email.contains('@') {
        let mut page = sign_in_page(&frame, &app, &typed.program, Some("That is no e-mail address."));
        *page.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(page);
    }
    let mailing = app.clone();
    tokio::spawn(async move {
        if let Err(problem) = mail_ways_in(&mailing, &email).await {
            tracing::warn!(code = problem.code, "a sign-in link was not made: {}", problem.code);
        }
    });
    let detail = "If a partner has this address, a mail with a link is on its way. The link works once, within \
                  15 minutes. Nothing there? Look among the unwanted mails, or ask the shop.";
    Ok(message(&frame, "Look into your mail", detail, ("/partners", "Use another address")))
}

/// One link for each programme this address is a partner of.
async fn mail_ways_in(app: &App, email: &str) -> Result<(), Problem> {
    if !app.mail.is_configured() {
        return Ok(());
    }
    let directory = app.directory();
    for workspace in directory.workspaces.values() {
        let Some(hashed) = PersonKeys::new(&app.secrets, &workspace.id).email(email) else { return Ok(()) };
        for place in app.control.partners_by_email(&workspace.id, &hashed.strong.to_string()).await? {
            let now_ms = app.clock.now_ms();
            let lately = app.control.portal_links_since(&place.partner_id, now_ms - LINK_TTL_MS).await?;
            let member = Member::named(app, &place.partner_id).await?.filter(|_| lately < LINKS_MAX);
            let Some(member) = member else { continue };
            let (link, token) = mint("lnk_", &place.partner_id, now_ms, LINK_TTL_MS);
            app.control.add_portal_link(&link).await?;
            let url = enter_url(app.config.http.own_url(), &token);
            app.mail
                .send_or_log(
                    "sign-in link",
                    mails::sign_in(&member.addressee(app.config.http.own_url()), &url),
                )
                .await;
        }
    }
    Ok(())
}

/// `GET /partners/enter?token=…`: who comes by a link confirms it, which a mail scanner does not.
pub(super) async fn confirm(State(app): State<App>, Query(opened): Query<Opened>) -> Response {
    let found = async {
        let Some(link) = link_of(&app, &opened.token).await? else { return Ok(None) };
        Member::named(&app, &link.partner_id).await
    };
    match found.await {
        Ok(Some(member)) => {
            let frame = Frame { partner: String::new(), ..member.frame("") };
            shown(&EnterPage { frame: &frame, name: &member.partner.name, token: &opened.token }, &frame)
        }
        Ok(None) => used_up(),
        Err(problem) => failed(&problem),
    }
}

/// `POST /partners/enter`: the link is used up, the browser signed in.
pub(super) async fn open(
    State(app): State<App>,
    headers: HeaderMap,
    Form(opened): Form<Opened>,
) -> Result<Response, Response> {
    is_own_page(&headers, &app).map_err(|problem| failed(&problem))?;
    match enter(&app, &opened.token).await {
        Ok(Some(cookie)) => Ok(with_cookie(Redirect::to("/partners").into_response(), &cookie)),
        Ok(None) => Ok(used_up()),
        Err(error) => Err(failed(&error.into())),
    }
}

/// `POST /partners/sign-out`
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Response> {
    is_own_page(&headers, &app).map_err(|problem| failed(&problem))?;
    let cookie = leave(&app, &headers).await.map_err(|error| failed(&error.into()))?;
    Ok(with_cookie(Redirect::to("/partners").into_response(), &cookie))
}

fn used_up() -> Response {
    let detail = "This link was used before, or is older than 15 minutes. Ask for a new one.";
    let on = ("/partners", "Get a new link");
    let mut page = message(&Frame::nobody(), "This link does not work any more", detail, on);
    *page.status_mut() = StatusCode::GONE;
    page
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::try_from(cookie).expect("ids and their alphabet are plain ASCII");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
