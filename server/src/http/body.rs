//! Reading a request's body: bounded in bytes, before anything looks at it. Its time is bounded by the
//! connection (`timed.rs`).

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::problem::Problem;
use super::serve::BodyTooSlow;

/// The whole body; 413 when it is longer than `bytes_max`, 408 when it does not come, 400 when it breaks off.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body.too_long",
            format!("The body is longer than {bytes_max} bytes; send less at once."),
        )),
        Err(error) => Err(match too_slow(&*error) {
            Some(BodyTooSlow(limit)) => Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body.too_slow",
                format!("The body did not arrive within {} seconds.", limit.as_secs()),
            ),
            None => Problem::new(
                StatusCode::BAD_REQUEST,
                "body.cut_off",
                "The body broke off before its end; send it again.",
            ),
        }),
    }
}

fn too_slow<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a BodyTooSlow> {
    error.downcast_ref().or_else(|| too_slow(error.source()?))
}
