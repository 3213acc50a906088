//! Reading a request's body: bounded in bytes, before anything looks at it. Its time is bounded by the
//! connection (`timed.rs`).

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;

use super::problem::Problem;
use super::serve::BodyTooSlow;

/// As [`read`], but answers at once what its headers already tell: 413 for a length that is too great, 415 for
/// a compressed body. Nothing here decompresses, so nothing can be sent that grows.
pub async fn read_plain(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "body.compressed",
            "Send the body as it is, without Content-Encoding.",
        ));
    }
    // Known from Content-Length before a byte of it was read.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_long(bytes_max));
    }
    read(body, bytes_max).await
}

fn too_long(bytes_max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body.too_long",
        format!("The body is longer than {bytes_max} bytes; send less at once."),
    )
}

/// The whole body; 413 when it is longer than `bytes_max`, 408 when it does not come, 400 when it breaks off.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_long(bytes_max)),
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
