//! Signing in: an API key pasted into a form, or a link with a short-lived token printed by the server.
//! The key is exchanged for a session cookie and never stays in an address.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::page::{failed, shown};
use crate::app::App;
use crate::control::keys::{ApiKey, Scope};
use crate::http::auth::{Started, session_cookie, session_end, started};
use crate::http::problem::Problem;
use crate::secrets::Secrets;

/// How long a printed link opens a session.
const LINK_TTL_MS: i64 = 10 * 60 * 1000;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    workspace: &'a str,
    next: &'a str,
    error: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    next: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Given {
    key: String,
    next: Option<String>,
}

/// The address that opens the dashboard without typing a key, for ten minutes.
pub fn login_link(own_url: &str, secrets: &Secrets, key: &ApiKey, now_ms: i64) -> String {
    let content = format!("{}.{}", key.id, now_ms + LINK_TTL_MS);
    let mac = BASE64.encode(secrets.session_mac(signed(&content).as_bytes()));
    format!("{}/login?token={content}.{mac}", own_url.trim_end_matches('/'))
}

/// What a link's token signs: never the same bytes as a session's.
fn signed(content: &str) -> String {
    format!("login link {content}")
}

/// `GET /login`: the form, or the way in for a printed link.
pub(super) async fn form(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let next = local(asked.next.as_deref());
    let Some(token) = asked.token else {
        return shown(&LoginPage { workspace: "", next, error: None });
    };
    match key_of(&app, &token).await {
        Some(key) => opened(&app, &key, next),
        None => {
            let error = "That link is used up or too old. Ask the server for a new one, or paste a key.";
            shown(&LoginPage { workspace: "", next, error: Some(error) })
        }
    }
}

/// `POST /login`: a key for a session.
pub(super) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    if started(&headers, &app) == Started::Elsewhere {
        return elsewhere();
    }
    let next = local(given.next.as_deref());
    let refuse = |error| {
        let mut page = shown(&LoginPage { workspace: "", next, error: Some(error) });
        *page.status_mut() = StatusCode::UNAUTHORIZED;
        page
    };
    match app.control.key_by_clear(given.key.trim()).await {
        Err(error) => failed(&error.into()),
        Ok(None) => refuse("That key is not valid. Make one with `tributary key create --workspace …`."),
        Ok(Some(key)) if !key.allows(Scope::Read) => refuse("That key lacks the scope `read`."),
        Ok(Some(key)) => opened(&app, &key, next),
    }
}

/// `POST /logout`: ends the session in this browser.
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if started(&headers, &app) != Started::Here {
        return elsewhere();
    }
    let mut response = Redirect::to("/login").into_response();
    let gone = HeaderValue::try_from(session_end(&app)).expect("plain ASCII");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    response
}

/// Nobody else's page may sign a browser in, which would show its owner another's numbers, or out.
fn elsewhere() -> Response {
    let detail = "Sign in and out on the dashboard's own pages.";
    failed(&Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

async fn key_of(app: &App, token: &str) -> Option<ApiKey> {
    let (content, mac) = token.rsplit_once('.')?;
    let mac = BASE64.decode(mac).ok()?;
    if !bool::from(app.secrets.session_mac(signed(content).as_bytes()).as_slice().ct_eq(&mac)) {
        return None;
    }
    let (key_id, expires) = content.split_once('.')?;
    if expires.parse::<i64>().ok()? <= app.clock.now_ms() {
        return None;
    }
    app.control.key_by_id(key_id).await.ok().flatten()
}

fn opened(app: &App, key: &ApiKey, next: &str) -> Response {
    let mut response = Redirect::to(next).into_response();
    let cookie = HeaderValue::try_from(session_cookie(app, key)).expect("ids and base64 are plain ASCII");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

/// An address of ours, or the first page: never a way to another site.
fn local(next: Option<&str>) -> &str {
    let plain = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains('\\')
            && next.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    next.filter(plain).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for (next, goes) in [
            ("/?model=linear", "/?model=linear"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\r\nSet-Cookie: x=1", "/"),
        ] {
            assert_eq!(local(Some(next)), goes);
        }
        assert_eq!(local(None), "/");
    }
}
