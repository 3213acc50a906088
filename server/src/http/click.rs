//! `GET /r/{code}`: somebody follows a partner's link. The click is recorded here, so that it counts where no script
//! runs; the visitor cookie is set; and the way leads to the workspace's own hosts, never elsewhere. Whatever becomes
//! of the recording, who follows a link gets to the page.

use std::borrow::Cow;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use domain::affiliate::destination;
use domain::ids::VisitorId;
use domain::visit::address::registrable;
use domain::visit::click_id::kind;
use domain::visit::network::Country;
use url::Url;
use url::form_urlencoded::parse;
use wire::{Consent, Hit, Kind, Props, Touch, Ulid};

use super::collect::{VISITOR_COOKIE, request, set_cookie};
use super::problem::Problem;
use crate::affiliate::links::is_own;
use crate::app::{App, Directory};
use crate::control::partners::Link;
use crate::control::workspaces::Workspace;
use crate::effects::random_bytes;
use crate::ingest::collector::Taken;
use crate::ingest::pipeline::Request;
use crate::ingest::site::without_port;

/// The event a click is recorded as.
const EVENT: &str = "partner_click";
/// Under which the partner's code goes along to the page, unless the workspace reads codes under other names only.
const CODE_PARAM: &str = "via";
/// How campaign tags begin that a partner may put on a link.
const TAG: &str = "utm_";

pub fn routes() -> Router<App> {
    Router::new().route("/r/{code}", get(follow))
}

async fn follow(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let directory = app.directory();
    let link = directory.links.get(&code.to_lowercase()).ok_or_else(|| {
        Problem::not_found("unknown_link", "There is no such link; ask whoever gave it to you.")
    })?;
    let workspace = directory.workspaces.get(&link.workspace_id);
    let workspace =
        workspace.ok_or_else(|| Problem::not_found("unknown_workspace", "The link's workspace is gone."))?;
    let query = query.unwrap_or_default();
    let wanted = parse(query.as_bytes()).find(|(name, _)| name == "to").map(|(_, value)| value);
    let landing = Url::parse(&link.destination).map_err(Problem::internal)?;
    let mut target = destination(Some(&landing), wanted.as_deref(), |place| is_own(workspace, place))
        .map_err(|refused| {
            Problem::new(StatusCode::BAD_REQUEST, "foreign_destination", format!("to: {refused}."))
        })?;
    pass_on(&query, &mut target);
    let mut taken = Taken::default();
    if link.is_active() {
        name_partner(&directory, workspace, link, &mut target);
        let peer = peer.as_ref().map(|Extension(ConnectInfo(peer))| peer);
        let (request, country) = request(&app, &headers, peer);
        taken = record(&app, link, &headers, request, country, &target).await;
        if let Some(token) = handed_over(&app, link, &headers, &taken, &target) {
            target.query_pairs_mut().append_pair(VISITOR_COOKIE, &token);
        }
    }
    let location = HeaderValue::try_from(target.as_str()).map_err(Problem::internal)?;
    let mut response = StatusCode::FOUND.into_response();
    let answer = response.headers_mut();
    answer.insert(header::LOCATION, location);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The page may know the site it came from, as if the link had led there itself.
    answer.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    set_cookie(answer, &taken, &headers);
    Ok(response)
}

/// Campaign tags and advertisers' click ids go along, so that the page knows of them as if the link had led there itself.
/// What the page's address says already stays as it is, and what names a person (a mailing's reader) stays behind.
fn pass_on(query: &str, target: &mut Url) {
    for (name, value) in parse(query.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        let is_click_id = kind(&lower).is_some_and(|kind| !kind.is_partner_code && !kind.is_person);
        let is_there = target.query_pairs().any(|(known, _)| known.eq_ignore_ascii_case(&name));
        if (is_click_id || lower.starts_with(TAG)) && !is_there {
            target.query_pairs_mut().append_pair(&name, &value);
        }
    }
}

/// Puts the partner's code on the page's address, in the place of any other partner's.
fn name_partner(directory: &Directory, workspace: &Workspace, link: &Link, target: &mut Url) {
    let params = &workspace.settings.ref_params;
    let is_param = |name: &str| params.iter().any(|param| param.eq_ignore_ascii_case(name));
    let is_code = |value: &str| {
        let known = directory.links.get(&value.to_lowercase());
        known.is_some_and(|known| known.workspace_id == workspace.id)
    };
    let pairs: Vec<(String, String)> = target.query_pairs().into_owned().collect();
    let is_other = |(name, value): &&(String, String)| {
        name.eq_ignore_ascii_case(CODE_PARAM) || (is_param(name) && is_code(value))
    };
    if pairs.iter().any(|pair| is_other(&pair)) {
        target.query_pairs_mut().clear().extend_pairs(pairs.iter().filter(|pair| !is_other(pair)));
    }
    // A merchant may have given up the usual parameter for others.
    let first = params.first().filter(|_| !is_param(CODE_PARAM));
    target.query_pairs_mut().append_pair(first.map_or(CODE_PARAM, String::as_str), link.code.as_str());
}

/// Records the click as an event that starts a touch. A browser that asks not to be followed is not: it gets no id,
/// and no cookie.
async fn record(
    app: &App,
    link: &Link,
    headers: &HeaderMap,
    request: Request<'_>,
    country: Option<Country>,
    target: &Url,
) -> Taken {
    // The partner's page is where the click came from, and no page of the workspace's.
    let referrer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or("");
    let country = country.as_ref().map_or("", Country::as_str);
    let request = Request { country, from: None, ..request };
    let now_ms = request.received_at_ms.max(0) as u64;
    let fresh = || Ulid::new(now_ms, random_bytes());
    let refuses = ["sec-gpc", "dnt"].iter().any(|name| headers.get(*name).is_some_and(|value| value == "1"));
    let visitor = format!("{}{}", VisitorId::PREFIX, fresh());
    let hit = Hit {
        ws: Cow::Borrowed(&link.workspace_id),
        kind: Kind::Event { name: EVENT.into(), props: Props::default() },
        id: fresh(),
        visitor: (!refuses).then_some(visitor.into()),
        session: fresh(),
        touch: Some(Touch::Session),
        url: Cow::Borrowed(wire::limits::cut(target.as_str(), wire::limits::ADDRESS_BYTES_MAX)),
        referrer: Cow::Borrowed(wire::limits::cut(referrer, wire::limits::ADDRESS_BYTES_MAX)),
        at_ms: now_ms,
        sent_ms: None,
        width: None,
        cookie_domain: shared_domain(headers, target).map(Cow::Owned),
        consent: if refuses { Consent::Session } else { Consent::Granted },
        engaged_ms: None,
        handover: None,
    };
    let sites = app.collector.sites(&app.directory());
    match app.collector.take(&app.inbox, &sites, &request, &[Ok(hit)]).await {
        Ok(taken) => {
            if let (Some(visitor), Some(site)) = (&taken.visitor, sites.get(&link.workspace_id)) {
                app.collector.followed(site, visitor, link.code.as_str(), request.received_at_ms);
            }
            taken
        }
        // The page's own pixel sees the code in the address.
        Err(error) => {
            tracing::warn!(cause = %error, "a click on a partner's link was not recorded: {error}");
            Taken::default()
        }
    }
}

/// The domain that collector and page have in common, for the cookie.
fn shared_domain(headers: &HeaderMap, target: &Url) -> Option<String> {
    let host = without_port(headers.get(header::HOST)?.to_str().ok()?).to_ascii_lowercase();
    let domain = registrable(&host);
    (domain.contains('.') && registrable(target.host_str()?) == domain).then(|| domain.to_owned())
}

/// Where no cookie of ours reaches the page, a token tells its pixel who came.
fn handed_over(app: &App, link: &Link, headers: &HeaderMap, taken: &Taken, target: &Url) -> Option<String> {
    let host = without_port(headers.get(header::HOST)?.to_str().ok()?).to_ascii_lowercase();
    let is_same = target.host_str().is_some_and(|page| registrable(page) == registrable(&host));
    let visitor = taken.visitor.as_deref().filter(|_| !is_same)?;
    app.collector.token_of(visitor, &link.workspace_id, app.clock.now_ms())
}
