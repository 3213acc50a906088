//! Reading a request's body: bounded in bytes and in time, before anything looks at it.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::problem::Problem;

/// A whole body must be here within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole body; 413 when it is longer than `bytes_max`, 408 when it does not come, 400 when it breaks off.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body.too_long",
            format!("The body is longer than {bytes_max} bytes; send less at once."),
        )),
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body.cut_off",
            "The body broke off before its end; send it again.",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body.too_slow",
            format!("The body did not arrive within {} seconds.", BODY_TIMEOUT.as_secs()),
        )),
    }
}
