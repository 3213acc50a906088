//! Trouble with the API, wanted by a test: refusals, outages, answers cut in half, pages that shift.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use crate::Standin;
use crate::ids::Dice;

/// The mark of a call whose list has a new row in front.
pub(super) const SHIFTED: &str = "standin_shifted";

/// Most bytes of an answer that is to be cut.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What goes wrong how often, in percent of calls under `path`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApiFaults {
    /// Dice seed: the same seed and the same calls give the same trouble.
    pub seed: u64,
    /// Only calls whose path begins so.
    pub path: String,
    /// 401 as for a token that expired.
    pub unauthorized_percent: u8,
    /// 403 without a word of scopes, as for an organization that is blocked.
    pub forbidden_percent: u8,
    /// 404 as for a version that is no longer served.
    pub not_found_percent: u8,
    /// 429, to be tried again after `retry_after` seconds.
    pub too_many_percent: u8,
    pub retry_after: i64,
    /// 503.
    pub away_percent: u8,
    /// The connection ends in the middle of the body.
    pub half_percent: u8,
    /// The body is whole and not JSON.
    pub garbled_percent: u8,
    /// A new row stands in front of a list: everything moves back by one.
    pub shift_percent: u8,
    /// Fields of every row of a list that say something else: an unknown word, an amount as text, one beyond reason.
    pub rewrite: serde_json::Map<String, Value>,
}

/// The trouble in effect, and the chance it follows.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub faults: ApiFaults,
    pub dice: Dice,
}

impl Default for Trouble {
    fn default() -> Trouble {
        Trouble { faults: ApiFaults::default(), dice: Dice::new(0) }
    }
}

enum Fate {
    Refused(Error),
    Away,
    Cut,
    Garbled,
    Shifted,
    Whole,
}

pub(super) async fn trouble(State(standin): State<Arc<Standin>>, request: Request, next: Next) -> Response {
    let mut rewrite = serde_json::Map::new();
    let fate = {
        let mut state = standin.state();
        let Trouble { faults, dice } = &mut state.trouble;
        if request.uri().path().starts_with(&faults.path) {
            rewrite.clone_from(&faults.rewrite);
        }
        if !request.uri().path().starts_with(&faults.path) {
            Fate::Whole
        } else if dice.hits(faults.unauthorized_percent) {
            Fate::Refused(Error::Unauthorized)
        } else if dice.hits(faults.forbidden_percent) {
            Fate::Refused(Error::NotPermitted("The organization is blocked."))
        } else if dice.hits(faults.not_found_percent) {
            Fate::Refused(Error::NotFound)
        } else if dice.hits(faults.too_many_percent) {
            Fate::Refused(Error::TooMany(faults.retry_after))
        } else if dice.hits(faults.away_percent) {
            Fate::Away
        } else if dice.hits(faults.half_percent) {
            Fate::Cut
        } else if dice.hits(faults.garbled_percent) {
            Fate::Garbled
        } else if dice.hits(faults.shift_percent) {
            Fate::Shifted
        } else {
            Fate::Whole
        }
    };
    match fate {
        Fate::Refused(error) => error.into_response(),
        Fate::Away => (StatusCode::SERVICE_UNAVAILABLE, "upstream connect error").into_response(),
        Fate::Whole if !rewrite.is_empty() => rewritten(next.run(request).await, &rewrite).await,
        Fate::Whole => next.run(request).await,
        Fate::Shifted => next.run(shifted(request)).await,
        Fate::Garbled => "<html>maintenance</html>".into_response(),
        Fate::Cut => {
            let (mut parts, body) = next.run(request).await.into_parts();
            let Ok(bytes) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            // Half of it, then the connection breaks: a length that was promised is not kept.
            parts.headers.remove(CONTENT_LENGTH);
            let half = Ok(bytes.slice(..bytes.len() / 2));
            let broken = Err(std::io::Error::other("cut on purpose"));
            Response::from_parts(parts, Body::from_stream(futures::stream::iter([half, broken])))
        }
    }
}

/// A list whose rows say something else.
async fn rewritten(answer: Response, rewrite: &serde_json::Map<String, Value>) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    for item in value["items"].as_array_mut().into_iter().flatten() {
        rewrite.iter().for_each(|(field, other)| item[field] = other.clone());
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

/// The same call, marked for [`super::Query::page`].
fn shifted(mut request: Request) -> Request {
    let mark = if request.uri().query().is_some() { '&' } else { '?' };
    if let Ok(uri) = format!("{}{mark}{SHIFTED}=1", request.uri()).parse() {
        *request.uri_mut() = uri;
    }
    request
}
