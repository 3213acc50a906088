//! Who asks: a bearer API key, or a dashboard session signed by us. The workspace comes from the
//! credential, never from the request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::app::App;
use crate::control::keys::{ApiKey, Scope};
use crate::control::workspaces::Workspace;

/// Name of the dashboard's session cookie over TLS: with this prefix browsers take it from this very host only,
/// over TLS only, so that no neighbouring subdomain can plant one.
pub const SESSION_COOKIE: &str = "__Host-trb_session";
/// Its name on plain http inside a private network, where browsers refuse that prefix.
pub const PLAIN_SESSION_COOKIE: &str = "_trb_session";
/// A caller may name the workspace it means; a key of another one is then refused instead of answering for it.
pub const WORKSPACE_HEADER: &str = "tributary-workspace";
const SESSION_TTL_MS: i64 = 14 * 24 * 3600 * 1000;

/// A caller whose key allows `SCOPE` (0 read, 1 write, 2 admin).
pub struct Caller<const SCOPE: usize> {
    pub key: ApiKey,
    pub workspace: Arc<Workspace>,
    /// Whether it is a person at the dashboard, signed in with the key.
    pub by_session: bool,
}

pub type Reader = Caller<0>;
pub type Writer = Caller<1>;
pub type Admin = Caller<2>;

impl<const SCOPE: usize> FromRequestParts<App> for Caller<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (key, by_session) = match bearer(parts) {
            Some(clear) => (app.control.key_by_clear(clear).await?, false),
            None => (session_key(parts, app).await?, true),
        };
        let key = key.ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send a valid API key as `Authorization: Bearer trb_…`; make one with `tributary key create`.",
            )
        })?;
        let scope = Scope::ALL[SCOPE];
        if !key.allows(scope) {
            let detail = format!("This key lacks the scope {:?}; make a key that has it.", scope.as_str());
            return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
        }
        if by_session && !parts.method.is_safe() && started(&parts.headers, app) != Started::Here {
            let detail = "A session may change things only from the dashboard's own pages.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
        }
        let meant = parts.headers.get(WORKSPACE_HEADER);
        if meant.is_some_and(|meant| meant.as_bytes() != key.workspace_id.as_bytes()) {
            let detail =
                format!("This key is for the workspace {}; use a key of the one you mean.", key.workspace_id);
            return Err(Problem::new(StatusCode::FORBIDDEN, "other_workspace", detail));
        }
        let workspace = app.directory().workspaces.get(&key.workspace_id).cloned();
        let workspace = workspace
            .ok_or_else(|| Problem::not_found("unknown_workspace", "The key's workspace is gone."))?;
        Ok(Caller { key, workspace, by_session })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// On whose page a request started, as browsers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// On one of our own.
    Here,
    /// On a page of somebody else, our subdomains' included.
    Elsewhere,
    /// No browser says: a program, or a very old browser.
    Unsaid,
}

/// Where a request started: `Sec-Fetch-Site` where browsers send it (over TLS and on localhost), else `Origin`.
pub fn started(headers: &HeaderMap, app: &App) -> Started {
    if let Some(site) = headers.get("sec-fetch-site") {
        return if site == "same-origin" { Started::Here } else { Started::Elsewhere };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Started::Unsaid };
    let place = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, place)| place);
    let own = app.config.http.own_url().split_once("://").map(|(_, place)| place.trim_end_matches('/'));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match place {
        Some(place) if Some(place) == host || Some(place) == own => Started::Here,
        _ => Started::Elsewhere,
    }
}

fn is_tls(app: &App) -> bool {
    app.config.http.own_url().starts_with("https:")
}

fn session_name(app: &App) -> &'static str {
    if is_tls(app) { SESSION_COOKIE } else { PLAIN_SESSION_COOKIE }
}

/// The value of one cookie of a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The `Set-Cookie` value that opens a session for a key.
pub fn session_cookie(app: &App, key: &ApiKey) -> String {
    let content = format!("{}.{}", key.id, app.clock.now_ms() + SESSION_TTL_MS);
    let mac = BASE64.encode(app.secrets.session_mac(content.as_bytes()));
    set_session(app, &format!("{content}.{mac}"), SESSION_TTL_MS / 1000)
}

/// The `Set-Cookie` value that ends the session in a browser.
pub fn session_end(app: &App) -> String {
    set_session(app, "", 0)
}

fn set_session(app: &App, value: &str, age_seconds: i64) -> String {
    let secure = if is_tls(app) { "; Secure" } else { "" };
    let name = session_name(app);
    format!("{name}={value}; Path=/; Max-Age={age_seconds}; HttpOnly; SameSite=Lax{secure}")
}

async fn session_key(parts: &Parts, app: &App) -> Result<Option<ApiKey>, Problem> {
    let Some(value) = cookie(&parts.headers, session_name(app)) else { return Ok(None) };
    let Some((content, mac)) = value.rsplit_once('.') else { return Ok(None) };
    let Ok(mac) = BASE64.decode(mac) else { return Ok(None) };
    if !bool::from(app.secrets.session_mac(content.as_bytes()).as_slice().ct_eq(&mac)) {
        return Ok(None);
    }
    let Some((key_id, expires)) = content.split_once('.') else { return Ok(None) };
    if expires.parse::<i64>().is_ok_and(|expires_at_ms| expires_at_ms > app.clock.now_ms()) {
        return Ok(app.control.key_by_id(key_id).await?);
    }
    Ok(None)
}
