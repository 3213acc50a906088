//! What every page of the partners shares: what stands around it, its headers, and the page that says what went wrong.
//! Nothing inline is allowed, and no page is shown in a frame but by those the merchant named.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::http::problem::Problem;

/// What stands around a page.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Whose partners these are; empty where nobody is known yet.
    pub merchant: String,
    pub program: String,
    /// Who is signed in; empty for nobody.
    pub partner: String,
    /// The part of the pages that is open.
    pub here: &'static str,
    /// Origins that may show the page in a frame.
    pub frames: Vec<String>,
    /// Origins whose images the page shows.
    pub images: Vec<String>,
}

impl Frame {
    /// Around a page for nobody known yet.
    pub fn nobody() -> Frame {
        Frame::default()
    }

    /// The part of the pages there are, with their names.
    pub fn parts(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("", "Home"),
            ("links", "Links"),
            ("commissions", "Earnings"),
            ("customers", "Customers"),
            ("payouts", "Payouts"),
            ("assets", "Assets"),
        ]
    }

    fn policy(&self) -> String {
        let frames = if self.frames.is_empty() { "'none'".to_owned() } else { self.frames.join(" ") };
        let images: String = self.images.iter().map(|origin| format!(" {origin}")).collect();
        format!(
            "default-src 'self'; img-src 'self'{images}; base-uri 'none'; form-action 'self'; frame-ancestors {frames}; \
             object-src 'none'"
        )
    }
}

/// A page with the headers that keep it to itself.
pub fn shown(page: &impl Template, frame: &Frame) -> Response {
    let Ok(html) = page.render() else {
        return Problem::internal("a page template did not render").into_response();
    };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    match HeaderValue::try_from(frame.policy()) {
        Ok(policy) => _ = headers.insert(header::CONTENT_SECURITY_POLICY, policy),
        Err(_) => return Problem::internal("a frame ancestor is no origin").into_response(),
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "private, no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Template)]
#[template(path = "portal/message.html")]
struct MessagePage<'a> {
    frame: &'a Frame,
    title: &'a str,
    detail: &'a str,
    /// Where to go on, and what that is called.
    on: (&'a str, &'a str),
}

/// A page that says one thing.
pub fn message(frame: &Frame, title: &str, detail: &str, on: (&str, &str)) -> Response {
    shown(&MessagePage { frame, title, detail, on }, frame)
}

/// A problem as a page.
pub fn failed(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN => "Not from there",
        StatusCode::TOO_MANY_REQUESTS => "A moment, please",
        _ if status.is_client_error() => "That did not work",
        _ => "Something failed on our side",
    };
    let mut page = message(&Frame::nobody(), title, &problem.detail, ("/partners", "Back to the first page"));
    *page.status_mut() = status;
    if let Some(seconds) = problem.retry_after_seconds {
        page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}

/// A page that is not there, or is somebody else's: the same answer for both.
pub fn missing() -> Response {
    failed(&Problem::not_found("no_such_page", "There is no such page, or it is not yours."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_refused_unless_they_were_named() {
        assert!(Frame::nobody().policy().contains("frame-ancestors 'none'"));
        let named = Frame { frames: vec!["https://shop.example".into()], ..Frame::nobody() };
        assert!(named.policy().contains("frame-ancestors https://shop.example; "));
        assert!(!named.policy().contains("unsafe"));
    }
}
