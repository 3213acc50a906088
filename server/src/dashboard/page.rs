//! What every page shares: who looks, the headers, and the page that says what went wrong.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::report::Query;

use super::home::asked;
use crate::app::App;
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::http::reports::pairs;
use crate::report::{ReportError, Reports};

/// A person with a session, or with an API key.
pub(super) struct Viewer(pub Reader);

impl FromRequestParts<App> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Viewer, Response> {
        match Reader::from_request_parts(parts, app).await {
            Ok(reader) => Ok(Viewer(reader)),
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => {
                let wanted = parts.uri.path_and_query().map_or("/", |address| address.as_str());
                let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
                let address = if wanted == "/" { "/login".to_owned() } else { format!("/login?next={next}") };
                Err(Redirect::to(&address).into_response())
            }
            Err(problem) => Err(failed(&problem)),
        }
    }
}

/// A question in a page's address.
pub(super) struct Question {
    pub reports: Reports,
    /// As it was asked; links of the page change it.
    pub pairs: Vec<(String, String)>,
    pub query: Result<Query, ReportError>,
}

/// Reads the question in the address of a page of `reader`'s workspace.
pub(super) fn question(app: &App, reader: &Reader, raw: Option<&str>) -> Question {
    let reports = Reports::of(app, &reader.workspace);
    let pairs = asked(pairs(raw));
    let query = reports.parse(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    Question { reports, pairs, query }
}

/// A question that has an answer.
pub(super) struct Answerable {
    pub reports: Reports,
    pub pairs: Vec<(String, String)>,
    pub query: Query,
    /// What was wrong with the question as it was asked.
    pub error: Option<String>,
}

impl Question {
    /// The question, or the one that is asked when nothing is said.
    pub fn or_default(self) -> Result<Answerable, ReportError> {
        let Question { reports, pairs, query } = self;
        let (query, error) = match query {
            Ok(query) => (query, None),
            Err(error) => (reports.parse([])?, Some(error.to_string())),
        };
        Ok(Answerable { reports, pairs, query, error })
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    workspace: &'a str,
    title: &'a str,
    detail: &'a str,
}

/// A problem as a page.
pub(super) fn failed(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut page = shown(&ErrorPage { workspace: "", title: problem.title, detail: &problem.detail });
    *page.status_mut() = status;
    page
}

/// A page with the headers that keep it to itself.
pub(super) fn shown(page: &impl Template) -> Response {
    let Ok(html) = page.render() else {
        return Problem::internal("a page template did not render").into_response();
    };
    let mut response = Html(html).into_response();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "private, no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
