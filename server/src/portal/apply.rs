//! Becoming a partner: the application page of an open programme, and the answer to an invitation. Whether an address
//! applied before is not told.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::affiliate::PartnerStatus;
use serde::Deserialize;

use super::door::{Peer, admit};
use super::page::{Frame, failed, message, missing, shown};
use super::session::{Member, is_own_page};
use super::show;
use crate::affiliate::partners::{NewPartner, PartnerChange};
use crate::affiliate::programs::ProgramDocument;
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::ControlError;
use crate::http::problem::Problem;

#[derive(Template)]
#[template(path = "portal/apply.html")]
struct ApplyPage<'a> {
    frame: &'a Frame,
    id: &'a str,
    about: &'a str,
    terms: Vec<(&'static str, String)>,
    version: u32,
    given: &'a Applied,
    error: Option<&'a str>,
}

/// What an applicant writes.
#[derive(Default, Deserialize)]
pub(super) struct Applied {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    /// The version of the terms that was read and agreed to.
    #[serde(default)]
    agree: String,
}

/// The answer to an invitation.
#[derive(Deserialize)]
pub(super) struct Answered {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    agree: String,
}

/// A programme's terms for payments of now, with their version: those of the group, when it has its own.
pub(super) fn terms_now(
    program: &ProgramDocument,
    group: Option<&str>,
    now_ms: i64,
) -> (u32, Vec<(&'static str, String)>) {
    program
        .terms_at(group, now_ms)
        .map_or((0, Vec::new()), |terms| (terms.version, show::terms(&terms.terms)))
}

/// An open programme: where it is, what it says.
struct Open {
    workspace: std::sync::Arc<crate::control::workspaces::Workspace>,
    program: ProgramDocument,
    about: String,
}

async fn find(app: &App, program: &str) -> Result<Option<Open>, Problem> {
    let Some((workspace_id, about)) = app.control.open_program(program).await? else { return Ok(None) };
    let Some(workspace) = app.directory().workspaces.get(&workspace_id).cloned() else { return Ok(None) };
    let program = Affiliates::of(app, &workspace).program(program).await?;
    Ok(Some(Open { workspace, program, about }))
}

impl Open {
    fn frame(&self) -> Frame {
        Frame {
            merchant: self.workspace.name.clone(),
            program: self.program.name.clone(),
            frames: self.workspace.settings.portal_frames.clone(),
            ..Frame::nobody()
        }
    }

    fn page(&self, app: &App, given: &Applied, error: Option<&str>) -> Response {
        let frame = self.frame();
        let (version, terms) = terms_now(&self.program, None, app.clock.now_ms());
        let page = ApplyPage {
            frame: &frame,
            id: &self.program.id,
            about: &self.about,
            terms,
            version,
            given,
            error,
        };
        let mut response = shown(&page, &frame);
        if error.is_some() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    }
}

/// `GET /partners/apply/{program}`
pub(super) async fn form(State(app): State<App>, Path(program): Path<String>) -> Response {
    match find(&app, &program).await {
        Ok(Some(open)) => open.page(&app, &Applied::default(), None),
        Ok(None) => missing(),
        Err(problem) => failed(&problem),
    }
}

/// `POST /partners/apply/{program}`
pub(super) async fn apply(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Path(program): Path<String>,
    Form(given): Form<Applied>,
) -> Result<Response, Response> {
    is_own_page(&headers, &app)
        .and_then(|()| admit(&app, &peer, &headers))
        .map_err(|problem| failed(&problem))?;
    let open = find(&app, &program).await.map_err(|problem| failed(&problem))?;
    let Some(open) = open else { return Err(missing()) };
    let (version, _) = terms_now(&open.program, None, app.clock.now_ms());
    if given.agree != version.to_string() {
        return Ok(open.page(&app, &given, Some("Agree to the terms to apply.")));
    }
    let affiliates = Affiliates::of(&app, &open.workspace);
    let new = NewPartner {
        program: open.program.id.clone(),
        name: given.name.clone(),
        email: given.email.clone(),
        status: Some(PartnerStatus::Applied),
        payout: None,
        since_ms: None,
    };
    match affiliates.create_partner(new).await {
        Ok(partner) => {
            let agreed = app.control.agree(&partner.id, version, app.clock.now_ms()).await;
            agreed.map_err(|error| failed(&error.into()))?;
            affiliates.confirm_application(&partner.id).await.map_err(|error| failed(&error.into()))?;
        }
        // Somebody with this address is there: they are not told here, where anybody may ask.
        Err(AffiliateError::Control(ControlError::Exists(_))) => {}
        Err(AffiliateError::Invalid { field: "email", .. }) => {
            return Ok(open.page(&app, &given, Some("That is no e-mail address we can use.")));
        }
        Err(AffiliateError::Invalid { .. }) => {
            return Ok(open.page(&app, &given, Some("Tell us your name, in up to 100 characters.")));
        }
        Err(error) => return Err(failed(&error.into())),
    }
    let detail = format!("{} looks at your application and writes to you by mail.", open.workspace.name);
    Ok(message(&open.frame(), "Thank you", &detail, ("/partners", "Sign in")))
}

/// `POST /partners/invitation`: yes to the terms as they were shown, or no.
pub(super) async fn answer(
    State(app): State<App>,
    member: Member,
    Form(answered): Form<Answered>,
) -> Result<Response, Response> {
    let affiliates = member.affiliates(&app);
    let (version, _) = terms_now(&member.program, member.partner.group.as_deref(), app.clock.now_ms());
    let is_yes = answered.answer == "yes";
    let is_current = answered.agree == version.to_string();
    if member.partner.status == PartnerStatus::Invited && (!is_yes || is_current) {
        let status = if is_yes { PartnerStatus::Approved } else { PartnerStatus::Rejected };
        let done = async {
            if is_yes {
                app.control.agree(&member.partner.id, version, app.clock.now_ms()).await?;
            }
            let change = PartnerChange { status: Some(status), ..PartnerChange::default() };
            affiliates.change_partner(&member.partner.id, change).await?;
            app.reload_directory().await?;
            Ok::<_, Problem>(())
        };
        done.await.map_err(|problem| failed(&problem))?;
    }
    Ok(Redirect::to("/partners").into_response())
}
