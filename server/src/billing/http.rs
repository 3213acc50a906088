//! Calls to a provider's API: to addresses that may be called ([`Outbound`]), answers of bounded size, and every
//! failure told apart by what has to be done about it. Never logs a token or a body, never waits and never tries
//! again: the caller does.

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use secrecy::ExposeSecret;
use serde_json::Value;
use thiserror::Error;

use super::Provider;
use crate::control::connections::Connection;
use crate::outbound::{self, Outbound, Refused};

/// A hundred orders are less than one megabyte.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Why a call did not give what was asked for. Shown to people: each says what to do next.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ApiError {
    #[error("this connection has no access token; enter one with `tributary connection token`")]
    NoToken,
    #[error(
        "the provider refuses the token: it expired, was revoked or belongs to the other environment; enter a new one"
    )]
    Unauthorized,
    #[error("the token lacks the scope {0}; make one that has it and enter it")]
    Scope(String),
    #[error("the provider does not allow this; is the organization still active?")]
    Forbidden,
    #[error(
        "the provider does not know {0}: it no longer serves the API version of this Tributary, or the address is not the provider's; update Tributary"
    )]
    Version(String),
    #[error("the provider rejects the question ({0}); update Tributary")]
    Rejected(u16),
    #[error("too many calls; the provider asks to wait {} seconds", .0.unwrap_or(60))]
    TooMany(Option<u64>),
    #[error("the provider answers {0}; it is tried again")]
    Away(u16),
    #[error("the connection's address is not called: {0}")]
    Address(Refused),
    #[error("the provider cannot be reached: {0}; it is tried again")]
    Unreachable(String),
    #[error("the provider's answer is not whole: {0}; it is tried again")]
    Broken(&'static str),
}

impl ApiError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::NoToken => "no_token",
            ApiError::Unauthorized => "token_refused",
            ApiError::Scope(_) => "missing_scope",
            ApiError::Forbidden => "forbidden",
            ApiError::Version(_) => "api_version",
            ApiError::Rejected(_) => "rejected",
            ApiError::TooMany(_) => "rate_limited",
            ApiError::Away(_) => "provider_error",
            ApiError::Address(_) => "address_refused",
            ApiError::Unreachable(_) => "unreachable",
            ApiError::Broken(_) => "incomplete_answer",
        }
    }
}

/// One GET of `path` with the connection's token. `scope` is what it needs, for the message.
pub async fn get(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
    path: &str,
    query: &[(&str, String)],
    scope: &str,
) -> Result<Value, ApiError> {
    let mut address = address(provider, connection, path)?;
    address.query_pairs_mut().extend_pairs(query);
    let request = outbound.get(address).map_err(ApiError::Address)?;
    send(provider, connection, path, request, scope).await
}

/// One call of `path` that changes something there.
pub async fn change(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
    method: reqwest::Method,
    path: &str,
    body: &Value,
    scope: &str,
) -> Result<Value, ApiError> {
    let request =
        outbound.request(method, address(provider, connection, path)?).map_err(ApiError::Address)?;
    let request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_string());
    send(provider, connection, path, request, scope).await
}

fn address(provider: &dyn Provider, connection: &Connection, path: &str) -> Result<url::Url, ApiError> {
    url::Url::parse(&format!("{}{path}", provider.api_base(&connection.environment)))
        .map_err(|_| ApiError::Unreachable("the address is none".to_owned()))
}

async fn send(
    provider: &dyn Provider,
    connection: &Connection,
    path: &str,
    request: reqwest::RequestBuilder,
    scope: &str,
) -> Result<Value, ApiError> {
    let token = connection.token.as_ref().ok_or(ApiError::NoToken)?;
    let mut request = request.bearer_auth(token.expose_secret());
    for (name, value) in provider.api_headers() {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    if !status.is_success() {
        let wait =
            answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let lacks_scope = status == StatusCode::FORBIDDEN
            && bounded(answer).await.is_ok_and(|body| body.windows(5).any(|part| part == b"scope"));
        return Err(if lacks_scope {
            ApiError::Scope(scope.to_owned())
        } else {
            refusal(status, wait, path)
        });
    }
    let body = bounded(answer).await?;
    serde_json::from_slice(&body).map_err(|_| ApiError::Broken("it is not JSON"))
}

/// The scopes a token lacks for what a poll reads, each named; empty when it has all.
pub async fn missing_scopes(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
) -> Result<Vec<&'static str>, ApiError> {
    let lists = provider.lists().iter().map(|list| (list.path, list.scope));
    let mut missing = Vec::new();
    for (path, scope) in lists.chain([provider.endpoints()]) {
        match get(outbound, provider, connection, path, &[("limit", "1".to_owned())], scope).await {
            Ok(_) => {}
            Err(ApiError::Scope(_)) => missing.push(scope),
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

fn unreachable(error: reqwest::Error) -> ApiError {
    if let Some(refused) = outbound::refusal(&error) {
        return ApiError::Address(refused);
    }
    let why = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer in time".to_owned(),
        (false, true) => "no connection".to_owned(),
        (false, false) => error.without_url().to_string(),
    };
    ApiError::Unreachable(why)
}

fn refusal(status: StatusCode, wait: Option<u64>, path: &str) -> ApiError {
    match status {
        StatusCode::UNAUTHORIZED => ApiError::Unauthorized,
        StatusCode::FORBIDDEN => ApiError::Forbidden,
        StatusCode::NOT_FOUND => ApiError::Version(path.to_owned()),
        StatusCode::TOO_MANY_REQUESTS => ApiError::TooMany(wait),
        status if status.is_server_error() => ApiError::Away(status.as_u16()),
        status => ApiError::Rejected(status.as_u16()),
    }
}

async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(ApiError::Broken("it is too large")),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(unreachable(error)),
            Err(_) => return Err(ApiError::Broken("it ended early")),
        }
    }
}

/// The objects of one page, and how many pages and objects the list has.
#[derive(Debug)]
pub struct Page {
    pub items: Vec<Value>,
    pub total: u64,
    pub pages: u64,
}

impl Page {
    /// Reads `{"items": […], "pagination": {"total_count", "max_page"}}`; Polar's journal may answer
    /// `{"has_next_page"}` instead, which counts nothing.
    pub fn read(mut answer: Value) -> Result<Page, ApiError> {
        let Value::Array(items) = answer["items"].take() else {
            return Err(ApiError::Broken("it holds no list"));
        };
        let pagination = &answer["pagination"];
        let has_next = pagination["has_next_page"].as_bool();
        match (pagination["total_count"].as_u64(), pagination["max_page"].as_u64(), has_next) {
            (Some(total), Some(pages), _) => Ok(Page { items, total, pages }),
            (_, _, Some(has_next)) => {
                Ok(Page { items, total: 0, pages: if has_next { u64::MAX } else { 0 } })
            }
            _ => Err(ApiError::Broken("it does not say how long the list is")),
        }
    }
}
