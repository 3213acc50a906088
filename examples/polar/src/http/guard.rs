//! What every API call passes: the version it is pinned to, its token with scopes, the rate limit.

use std::sync::{Arc, PoisonError};

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Error;
use crate::Standin;
use crate::clock::Time;

/// Served versions: deprecated, current, next.
pub(crate) const VERSIONS: [&str; 3] = ["2026-04", "2026-10", "2027-01"];

/// Meant when a call names none.
pub(crate) const CURRENT_VERSION: &str = "2026-10";

/// `Polar-Version`: echoed when served, 404 otherwise — which looks just like a missing object.
pub(super) async fn version(State(_): State<Arc<Standin>>, request: Request, next: Next) -> Response {
    let asked =
        request.headers().get("polar-version").map(|value| value.to_str().unwrap_or_default().to_owned());
    let Some(version) = VERSIONS.iter().find(|&&known| asked.as_deref().unwrap_or(CURRENT_VERSION) == known)
    else {
        return Error::NotFound.into_response();
    };
    let mut answer = next.run(request).await;
    answer.headers_mut().insert("polar-version", HeaderValue::from_static(version));
    answer
}

/// Token, rate and scope, in that order.
pub(super) async fn token(
    State(standin): State<Arc<Standin>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Error::Unauthorized)?.to_owned();
    let known = standin.state().tokens.iter().find(|known| known.token == given).cloned();
    let known = known.ok_or(Error::Unauthorized)?;
    note(&standin, &request);
    count(&standin, given)?;
    let wanted = scopes(request.method(), request.uri().path());
    let is_allowed = known.scopes.iter().any(|scope| scope == "*" || wanted.contains(scope));
    if !is_allowed {
        return Err(Error::InsufficientScope(wanted.join(" ")));
    }
    Ok(next.run(request).await)
}

/// Calls that are remembered.
const ASKED_MAX: usize = 10_000;

fn note(standin: &Standin, request: &Request) {
    let mut asked = standin.asked.lock().unwrap_or_else(PoisonError::into_inner);
    if asked.len() == ASKED_MAX {
        asked.pop_front();
    }
    asked.push_back(format!("{} {}", request.method(), request.uri()));
}

/// A fixed window of one minute for each token.
fn count(standin: &Standin, token: String) -> Result<(), Error> {
    let seconds = Time::wall().seconds();
    let minute = seconds.div_euclid(60);
    let mut calls = standin.calls.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = calls.entry(token).or_insert((minute, 0));
    if entry.0 != minute {
        *entry = (minute, 0);
    }
    entry.1 += 1;
    if entry.1 > standin.options.rate_limit_per_minute {
        return Err(Error::TooMany(60 - seconds.rem_euclid(60)));
    }
    Ok(())
}

/// The scopes that allow a call, any of them: writing also allows reading, but for orders.
fn scopes(method: &Method, path: &str) -> Vec<String> {
    let noun = path.split('/').nth(2).unwrap_or_default().replace('-', "_");
    let mut scopes = vec![format!("{noun}:write")];
    if method == Method::GET {
        scopes.push(format!("{noun}:read"));
    }
    if noun == "orders" {
        scopes.remove(0);
    }
    scopes
}
