//! Who looks at the partners' pages: tokens of links and sessions, and the signed-in partner of a request. Of a token
//! only its first half and a hash of the other are kept. Never the merchant's session: neither opens the other's pages.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use super::page::{Frame, failed};
use crate::affiliate::Affiliates;
use crate::affiliate::mails::Addressee;
use crate::affiliate::partners::PartnerDocument;
use crate::affiliate::programs::ProgramDocument;
use crate::app::App;
use crate::control::ControlError;
use crate::control::portal::Pass;
use crate::control::workspaces::Workspace;
use crate::effects::random_id;
use crate::http::auth::{Started, cookie, started};
use crate::http::problem::Problem;
use crate::secrets::sha256_hex;

/// How long a link opens a session.
pub const LINK_TTL_MS: i64 = 15 * 60 * 1000;
/// How long a browser stays signed in.
pub const SESSION_TTL_MS: i64 = 14 * 24 * 3600 * 1000;

/// A new token for a partner, and what of it is kept.
pub fn mint(prefix: &str, partner_id: &str, now_ms: i64, ttl_ms: i64) -> (Pass, String) {
    let (id, secret) = (random_id(prefix), random_id("") + &random_id(""));
    let token = format!("{id}.{secret}");
    let secret_hash = sha256_hex(secret.as_bytes());
    let partner_id = partner_id.to_owned();
    (Pass { id, partner_id, secret_hash, created_at_ms: now_ms, expires_at_ms: now_ms + ttl_ms }, token)
}

/// The address a link's token is in.
pub fn enter_url(own_url: &str, token: &str) -> String {
    format!("{}/partners/enter?token={token}", own_url.trim_end_matches('/'))
}

/// Whether the kept half belongs to a token's secret, and is not too old.
fn fits(pass: &Pass, secret: &str, now_ms: i64) -> bool {
    let is_same = pass.secret_hash.as_bytes().ct_eq(sha256_hex(secret.as_bytes()).as_bytes());
    bool::from(is_same) && now_ms < pass.expires_at_ms
}

/// The link a token is of, when it still works.
pub async fn link_of(app: &App, token: &str) -> Result<Option<Pass>, ControlError> {
    let Some((id, secret)) = token.split_once('.') else { return Ok(None) };
    let link = app.control.unused_portal_link(id).await?;
    Ok(link.filter(|link| fits(link, secret, app.clock.now_ms())))
}

/// Uses a link up and opens a session. The answer is the session's cookie; none when the link does not work (any more).
pub async fn enter(app: &App, token: &str) -> Result<Option<String>, ControlError> {
    let now_ms = app.clock.now_ms();
    let Some(link) = link_of(app, token).await? else { return Ok(None) };
    if !app.control.use_portal_link(&link.id, now_ms).await? {
        return Ok(None);
    }
    let (session, token) = mint("ses_", &link.partner_id, now_ms, SESSION_TTL_MS);
    app.control.open_portal_session(&session, now_ms - LINK_TTL_MS).await?;
    Ok(Some(set_cookie(app, &token, SESSION_TTL_MS / 1000)))
}

/// Ends the session of a request.
pub async fn leave(app: &App, headers: &HeaderMap) -> Result<String, ControlError> {
    if let Some(session) = session_of(app, headers).await? {
        app.control.end_portal_session(&session.id).await?;
    }
    Ok(set_cookie(app, "", 0))
}

async fn session_of(app: &App, headers: &HeaderMap) -> Result<Option<Pass>, ControlError> {
    let Some((id, secret)) = cookie(headers, name(app)).and_then(|token| token.split_once('.')) else {
        return Ok(None);
    };
    let session = app.control.portal_session(id).await?;
    Ok(session.filter(|session| fits(session, secret, app.clock.now_ms())))
}

fn is_tls(app: &App) -> bool {
    app.config.http.own_url().starts_with("https:")
}

/// With this prefix browsers take the cookie from this very host only, over TLS only.
fn name(app: &App) -> &'static str {
    if is_tls(app) { "__Host-trb_partner" } else { "_trb_partner" }
}

/// Lax: the merchant's own site may show the pages in a frame, being of the same site; no other one can.
fn set_cookie(app: &App, value: &str, age_seconds: i64) -> String {
    let secure = if is_tls(app) { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={age_seconds}; HttpOnly; SameSite=Lax{secure}", name(app))
}

/// The signed-in partner of a request.
pub struct Member {
    pub workspace: Arc<Workspace>,
    pub partner: PartnerDocument,
    pub program: ProgramDocument,
}

impl Member {
    pub fn affiliates<'a>(&'a self, app: &'a App) -> Affiliates<'a> {
        Affiliates::of(app, &self.workspace)
    }

    /// Whom a mail to them is for.
    pub fn addressee<'a>(&'a self, own_url: &'a str) -> Addressee<'a> {
        Addressee {
            email: &self.partner.email,
            partner: &self.partner.name,
            merchant: &self.workspace.name,
            program: &self.program.name,
            own_url,
        }
    }

    /// What every page of theirs has around it.
    pub fn frame(&self, here: &'static str) -> Frame {
        Frame {
            merchant: self.workspace.name.clone(),
            program: self.program.name.clone(),
            partner: self.partner.name.clone(),
            here,
            frames: self.workspace.settings.portal_frames.clone(),
            images: Vec::new(),
        }
    }

    /// The partner of a session, as of now; none when nobody is signed in.
    pub async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Member>, Problem> {
        let Some(session) = session_of(app, headers).await? else { return Ok(None) };
        Member::named(app, &session.partner_id).await
    }

    /// A partner by id, whoever asks.
    pub async fn named(app: &App, partner_id: &str) -> Result<Option<Member>, Problem> {
        let Some(place) = app.control.partner_place(partner_id).await? else { return Ok(None) };
        let Some(workspace) = app.directory().workspaces.get(&place.workspace_id).cloned() else {
            return Ok(None);
        };
        let affiliates = Affiliates::of(app, &workspace);
        let partner = affiliates.partner(&place.partner_id).await?;
        let program = affiliates.program(&partner.program).await?;
        Ok(Some(Member { workspace, partner, program }))
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Member, Response> {
        if !parts.method.is_safe() {
            is_own_page(&parts.headers, app).map_err(|problem| failed(&problem))?;
        }
        match Member::of(app, &parts.headers).await {
            Ok(Some(member)) => Ok(member),
            Ok(None) => Err(Redirect::to("/partners").into_response()),
            Err(problem) => Err(failed(&problem)),
        }
    }
}

/// Refuses a form that another site's page sent.
pub fn is_own_page(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    match started(headers, app) {
        Started::Here => Ok(()),
        Started::Elsewhere | Started::Unsaid => {
            let detail = "Open the page itself and try again: this form was sent from somewhere else.";
            Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_pass_only_and_not_for_ever() {
        let (pass, token) = mint("lnk_", "prt_a", 1_000, LINK_TTL_MS);
        let (other, _) = mint("lnk_", "prt_a", 1_000, LINK_TTL_MS);
        let (id, secret) = token.split_once('.').unwrap();
        assert_eq!((id, secret.len()), (pass.id.as_str(), 40));
        assert!(fits(&pass, secret, 1_000) && fits(&pass, secret, 1_000 + LINK_TTL_MS - 1));
        assert!(!fits(&pass, secret, 1_000 + LINK_TTL_MS), "too old");
        assert!(
            !fits(&other, secret, 1_000) && !fits(&pass, "", 1_000) && !fits(&pass, &pass.secret_hash, 1_000)
        );
    }
}
