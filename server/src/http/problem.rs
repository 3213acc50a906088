//! Problem documents (RFC 9457): what every refused request is answered with.
//! The caller learns a stable code and what to do; the cause goes to the log, once.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// One refused request.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `about:blank`, as RFC 9457 asks when `title` says it all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    /// HTTP status, repeated in the body.
    pub status: u16,
    /// Stable and meant for programs: `unknown_workspace`, `invalid_parameter`, …
    pub code: &'static str,
    /// A sentence for the person: what is wrong and what to do.
    pub detail: String,
    /// The parameter or field the problem is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which trying again makes sense.
    #[serde(skip)]
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            field: None,
            retry_after_seconds: None,
        }
    }

    /// 400 for one named parameter or field.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail);
        problem.field = Some(field.to_owned());
        problem
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after_seconds: u32) -> Problem {
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after_seconds = Some(retry_after_seconds);
        problem
    }

    /// 500: logs the cause (which must hold no personal data) and tells the caller nothing of it.
    pub fn internal(cause: impl std::fmt::Display) -> Problem {
        tracing::error!(cause = %cause, "request failed: {cause}");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something failed on our side; the server's log says what.",
        )
    }
}

/// What an error says, as a sentence of its own: with a capital and a full stop.
pub fn sentence(error: impl std::fmt::Display) -> String {
    let said = error.to_string();
    let mut letters = said.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// What the framework answers by itself, before any handler (a body too long or cut off, an address that does not
/// decode), is plain text: the same as a problem document.
pub async fn documents(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let status = response.status();
    if !status.is_client_error() || !is_plain {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("body.too_long", "The body is longer than this address takes; send less at once.")
        }
        _ => (
            "malformed",
            "The address or the body does not read: percent signs must begin a code of UTF-8, and the body must come whole.",
        ),
    };
    Problem::new(status, code, detail).into_response()
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Problem {
        tracing::error!(cause = %error, "store failed: {error}");
        Problem::unavailable("store_unavailable", "The store did not answer; try again shortly.", 5)
    }
}

impl From<clickhouse::error::Error> for Problem {
    fn from(error: clickhouse::error::Error) -> Problem {
        crate::store::StoreError::from(error).into()
    }
}

impl From<crate::control::ControlError> for Problem {
    fn from(error: crate::control::ControlError) -> Problem {
        match error {
            crate::control::ControlError::Exists(id) => Problem::new(
                StatusCode::CONFLICT,
                "exists",
                format!("{id} exists already; choose another id."),
            ),
            other => Problem::internal(other),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("built from a StatusCode");
        let retry_after = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
