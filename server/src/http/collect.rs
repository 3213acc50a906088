//! The collector's door: `POST /c` for hits, `GET /c.gif` for browsers without script.
//! Answers 202 only when what it accepted is on disk. Never decides about a hit: that is `ingest::pipeline`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use domain::visit::address::registrable;
use domain::visit::network::{Country, country_from_headers};
use domain::visit::prefetch::is_prefetch;
use domain::visit::signals::BrowserHeaders;
use wire::limits::BodyLimits;
use wire::{BodyError, Consent, Hit, Kind, Ulid};

use super::auth::cookie;
use super::body;
use super::problem::{Problem, sentence};
use crate::app::App;
use crate::effects::random_bytes;
use crate::ingest::collector::{CookieWish, Rejected, Taken, outcome_of};
use crate::ingest::inbox::InboxError;
use crate::ingest::limits::Wait;
use crate::ingest::outcome::Outcome;
use crate::ingest::pipeline::Request;
use crate::ingest::site::without_port;
use crate::metrics::METRICS;

/// The visitor cookie.
pub const VISITOR_COOKIE: &str = "_trb";
/// 400 days: the longest browsers keep a cookie.
const COOKIE_AGE_SECONDS: u32 = 400 * 24 * 3600;
/// After this many seconds a refused hit may fit again.
const RETRY_SECONDS: u32 = 2;
/// One transparent pixel.
const GIF: &[u8; 43] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00\
    ,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

pub fn routes() -> Router<App> {
    Router::new().route("/c", post(collect).options(preflight)).route("/c.gif", get(image))
}

/// What a request says about itself, with the trusted parts of its headers only.
pub(super) fn request<'a>(
    app: &App,
    headers: &'a HeaderMap,
    peer: Option<&SocketAddr>,
) -> (Request<'a>, Option<Country>) {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_proxied = peer.is_some_and(|peer| app.trusted_proxies.contains(peer.ip()));
    let request = Request {
        received_at_ms: app.clock.now_ms(),
        from: text(header::ORIGIN).or_else(|| text(header::REFERER)),
        user_agent: text(header::USER_AGENT).unwrap_or(""),
        cookie: cookie(headers, VISITOR_COOKIE),
        is_prefetch: is_prefetch(named),
        browser: Some(BrowserHeaders {
            language: text(header::ACCEPT_LANGUAGE),
            fetch_site: named("sec-fetch-site"),
            brands: named("sec-ch-ua"),
            platform: named("sec-ch-ua-platform"),
            is_secure: false,
        }),
        address: app.trusted_proxies.client(peer, headers),
        country: "",
        is_image: false,
        trusts_clock: false,
    };
    (request, if is_proxied { country_from_headers(named) } else { None })
}

async fn collect(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limits = &app.config.collector;
    let body = match body::read_plain(&headers, body, limits.body_bytes_max).await {
        Ok(body) => body,
        Err(problem) => {
            let is_long = problem.status == StatusCode::PAYLOAD_TOO_LARGE.as_u16();
            let outcome = if is_long { Outcome::TooLong } else { Outcome::Malformed };
            app.collector.count_unreadable(&app.inbox, app.clock.now_ms(), outcome);
            return problem.into_response();
        }
    };
    let peer = peer.as_ref().map(|Extension(ConnectInfo(peer))| peer);
    let (mut request, country) = request(&app, &headers, peer);
    request.country = country.as_ref().map_or("", Country::as_str);
    let sites = app.collector.sites(&app.directory());
    let limits = BodyLimits {
        body_bytes_max: limits.body_bytes_max,
        hit_bytes_max: limits.hit_bytes_max,
        list_max: limits.list_hits_max,
    };
    let hits = match wire::decode_within(&body, &limits) {
        Ok(hits) => hits,
        Err(error) => {
            let outcome = match error {
                BodyError::TooLong | BodyError::ListTooLong => Outcome::TooLong,
                _ => Outcome::Malformed,
            };
            app.collector.count_unreadable(&app.inbox, request.received_at_ms, outcome);
            return unreadable(error).into_response();
        }
    };
    let site = hits.iter().flatten().find_map(|hit| sites.get(&hit.ws));
    let taken = app.collector.take(&app.inbox, &sites, &request, &hits).await;
    let mut response = match taken {
        Ok(taken) if taken.accepted > 0 => accepted(&taken, &headers),
        Ok(taken) => refused(&taken.rejected).into_response(),
        Err(error) => unavailable(&error).into_response(),
    };
    allow_origin(response.headers_mut(), &headers, |origin| site.is_some_and(|site| site.allows(origin)));
    response
}

/// A preflight names no workspace: it may go on when any workspace takes hits from there; the hit itself
/// is checked against its own.
pub(super) async fn preflight(State(app): State<App>, headers: HeaderMap) -> Response {
    let sites = app.collector.sites(&app.directory());
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    if allow_origin(answer, &headers, |origin| sites.anyone_allows(origin)) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
    response
}

/// A hit by query parameters: `ws`, `url` (else the page that shows the image), `ref`. A visitor is known by the
/// cookie alone; without one the hit counts and nobody is followed. The answer is always an image; its status
/// says what became of the hit.
async fn image(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let peer = peer.as_ref().map(|Extension(ConnectInfo(peer))| peer);
    let (mut request, country) = request(&app, &headers, peer);
    request.country = country.as_ref().map_or("", Country::as_str);
    request.is_image = true;
    let query = query.unwrap_or_default();
    let param = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let value = |name: &str| param(name).map(|(_, value)| value);
    let id = Ulid::new(request.received_at_ms.max(0) as u64, random_bytes());
    let cut = |text: Cow<'_, str>| wire::limits::cut(&text, wire::limits::ADDRESS_BYTES_MAX).to_owned();
    let hit = Hit {
        ws: value("ws").unwrap_or_default(),
        kind: Kind::Page,
        id,
        visitor: None,
        session: id,
        touch: None,
        url: cut(value("url").or(request.from.map(Cow::Borrowed)).unwrap_or_default()).into(),
        referrer: cut(value("ref").unwrap_or_default()).into(),
        at_ms: request.received_at_ms.max(0) as u64,
        sent_ms: None,
        width: None,
        cookie_domain: value("cookie_domain"),
        consent: Consent::Granted,
        engaged_ms: None,
        handover: None,
    };
    let sites = app.collector.sites(&app.directory());
    let (status, taken) = match app.collector.take(&app.inbox, &sites, &request, &[Ok(hit)]).await {
        Ok(taken) if taken.accepted > 0 => (StatusCode::OK, taken),
        Ok(taken) => (taken.rejected.first().map_or(StatusCode::BAD_REQUEST, |r| r.outcome.status()), taken),
        Err(error) => (outcome_of(&error).status(), Taken::default()),
    };
    let mut response = (status, &GIF[..]).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set_cookie(answer, &taken, &headers);
    response
}

fn accepted(taken: &Taken, headers: &HeaderMap) -> Response {
    let mut text = String::with_capacity(128);
    let _ = write!(text, "{{\"accepted\":{},\"rejected\":[", taken.accepted);
    for (at, rejected) in taken.rejected.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{{\"index\":{},\"code\":\"{}\"}}", rejected.index, rejected.code);
    }
    text.push(']');
    if let Some(visitor) = &taken.visitor {
        let _ = write!(text, ",\"visitor\":\"{visitor}\"");
    }
    text.push('}');
    let mut response = (StatusCode::ACCEPTED, text).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set_cookie(answer, taken, headers);
    response
}

pub(super) fn set_cookie(answer: &mut HeaderMap, taken: &Taken, headers: &HeaderMap) {
    let (Some(visitor), Some(wish)) = (&taken.visitor, &taken.cookie) else { return };
    let mut value =
        format!("{VISITOR_COOKIE}={visitor}; Max-Age={COOKIE_AGE_SECONDS}; Path=/; Secure; SameSite=Lax");
    if let Some(domain) = cookie_domain(wish, headers) {
        let _ = write!(value, "; Domain={domain}");
    }
    if let Ok(value) = HeaderValue::try_from(value) {
        answer.insert(header::SET_COOKIE, value);
    }
}

/// The wanted domain, when the host the request came to is it or below it and somebody can own it: browsers
/// refuse the cookie otherwise, and a hit must not choose a cookie for other people's sites.
pub(super) fn cookie_domain(wish: &CookieWish, headers: &HeaderMap) -> Option<String> {
    let domain = wish.domain.as_deref()?.trim_start_matches('.').to_ascii_lowercase();
    let host = without_port(headers.get(header::HOST)?.to_str().ok()?).to_ascii_lowercase();
    let is_parent = host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_ownable = domain.contains('.') && {
        let owned = registrable(&domain);
        owned.contains('.') && domain.ends_with(owned) && registrable(&host).len() <= domain.len()
    };
    (is_parent && is_ownable).then_some(domain)
}

/// Nothing was accepted: the problem of the first hit speaks for all.
fn refused(rejected: &[Rejected]) -> Problem {
    let Some(first) = rejected.first() else {
        return Problem::new(StatusCode::BAD_REQUEST, "body.empty", "The body holds no hit.");
    };
    let detail = match first.field {
        Some(field) if first.code != first.outcome.code() => {
            format!("{} ({field}: {})", first.outcome.sentence(), first.code)
        }
        _ => first.outcome.sentence().to_owned(),
    };
    let mut problem = Problem::new(first.outcome.status(), first.outcome.code(), detail);
    problem.field = first.field.map(str::to_owned);
    problem.retry_after_seconds = first.wait.map(Wait::seconds);
    problem
}

fn unreadable(error: BodyError) -> Problem {
    let status = match error {
        BodyError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.code(), sentence(error))
}

pub(super) fn unavailable(error: &InboxError) -> Problem {
    if matches!(error, InboxError::Full) {
        METRICS.inbox_full.increment(1);
    }
    let outcome = outcome_of(error);
    Problem::unavailable(outcome.code(), outcome.sentence(), RETRY_SECONDS)
}

/// Echoes the origin when `allows` says so; says in any case that the answer depends on it.
pub(super) fn allow_origin(
    answer: &mut HeaderMap,
    headers: &HeaderMap,
    allows: impl Fn(&str) -> bool,
) -> bool {
    answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let allowed = origin.to_str().is_ok_and(allows);
    if allowed {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain_for(host: &str, wanted: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        cookie_domain(&CookieWish { domain: Some(wanted.to_owned()) }, &headers)
    }

    #[test]
    fn cookies_are_set_only_on_parents_of_the_host() {
        assert_eq!(domain_for("t.example.com:443", ".example.com").as_deref(), Some("example.com"));
        assert_eq!(domain_for("example.com", "example.com").as_deref(), Some("example.com"));
        assert_eq!(
            domain_for("a.shop.example.co.uk", ".shop.example.co.uk").as_deref(),
            Some("shop.example.co.uk")
        );
        for (host, wanted) in [
            ("t.example.com", ".com"),
            ("t.example.co.uk", ".co.uk"),
            ("t.example.com", ".other.com"),
            ("notexample.com", ".example.com"),
            ("example.com", ".t.example.com"),
            ("localhost:4600", "localhost"),
        ] {
            assert_eq!(domain_for(host, wanted), None, "{host} {wanted}");
        }
    }

    #[test]
    fn the_gif_is_one() {
        assert!(GIF.starts_with(b"GIF89a") && GIF.ends_with(b";"));
    }
}
