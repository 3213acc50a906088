//! Polar's error answers.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::scenes::Refusal;

/// What goes wrong, in Polar's terms.
#[derive(Debug)]
pub(crate) enum Error {
    /// No such path, or a version Polar does not serve: the framework's own 404.
    NotFound,
    /// No such object.
    ResourceNotFound,
    /// No token, or one nobody knows.
    Unauthorized,
    /// The token lacks these scopes.
    InsufficientScope(String),
    /// Fields that are wrong: where, what, of which type.
    Invalid(Vec<(Vec<Value>, String, &'static str)>),
    /// Not in this state.
    NotPermitted(&'static str),
    /// Seconds until the next call is welcome.
    TooMany(i64),
}

impl Error {
    /// One wrong field of the body.
    pub fn body(field: &str, message: &str) -> Error {
        Error::Invalid(vec![(vec![json!("body"), json!(field)], message.into(), "value_error")])
    }

    /// One wrong parameter.
    pub fn query(field: &str, message: &str) -> Error {
        Error::Invalid(vec![(vec![json!("query"), json!(field)], message.into(), "value_error")])
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::NotFound => Error::ResourceNotFound,
            Refusal::NotNow(why) => Error::NotPermitted(why),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Error::NotFound => (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })),
            Error::ResourceNotFound => {
                (StatusCode::NOT_FOUND, json!({ "error": "ResourceNotFound", "detail": "Not found" }))
            }
            Error::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                json!({ "error": "invalid_token", "error_description":
                    "The access token provided is expired, revoked, malformed, or invalid for other reasons." }),
            ),
            Error::InsufficientScope(scopes) => (
                StatusCode::FORBIDDEN,
                json!({ "error": "insufficient_scope", "error_description":
                    "The request requires higher privileges than provided by the access token.",
                    "scope": scopes }),
            ),
            Error::Invalid(fields) => {
                let detail: Vec<Value> = fields
                    .into_iter()
                    .map(|(loc, msg, kind)| json!({ "loc": loc, "msg": msg, "type": kind }))
                    .collect();
                let body = json!({ "error": "RequestValidationError", "detail": detail });
                (StatusCode::UNPROCESSABLE_ENTITY, body)
            }
            Error::NotPermitted(why) => {
                (StatusCode::FORBIDDEN, json!({ "error": "NotPermitted", "detail": why }))
            }
            Error::TooMany(seconds) => {
                let body = Json(json!({ "detail": "Too many requests" }));
                let headers = [(RETRY_AFTER, seconds.to_string())];
                return (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response();
            }
        };
        (status, Json(body)).into_response()
    }
}
