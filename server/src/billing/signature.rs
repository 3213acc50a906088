//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`, as Polar and others send them.
//! Works on raw bytes in constant time; never parses a body and never logs a secret.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::Verified;

/// How far the signing time may lie from now, both ways.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Longest event id that is kept.
const ID_BYTES_MAX: usize = 200;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Secrets are copied by people: padding is optional.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a webhook is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("the header {0} is missing; only the provider's own deliveries have it")]
    MissingHeader(&'static str),
    #[error("the header {0} does not have the form the provider writes")]
    MalformedHeader(&'static str),
    #[error(
        "the delivery was signed more than {TOLERANCE_SECONDS} seconds from now; check this server's clock"
    )]
    StaleTimestamp,
    #[error("no webhook secret of this workspace made the signature; copy the endpoint's secret again")]
    BadSignature,
}

impl SignatureError {
    /// The stable code of the problem document.
    pub fn code(&self) -> &'static str {
        match self {
            SignatureError::MissingHeader(_) => "missing_header",
            SignatureError::MalformedHeader(_) => "malformed_header",
            SignatureError::StaleTimestamp => "stale_timestamp",
            SignatureError::BadSignature => "bad_signature",
        }
    }
}

/// Checks a delivery against every secret, each by both ways its key may have been made. The signature is
/// looked at before the time, so that only the provider learns that a delivery is stale.
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[SecretString],
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let id = header(headers, ID)?;
    let timestamp = header(headers, TIMESTAMP)?;
    let signatures = header(headers, SIGNATURE)?;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(SignatureError::MalformedHeader(ID));
    }
    let plain = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at: i64 =
        timestamp.parse().ok().filter(|_| plain).ok_or(SignatureError::MalformedHeader(TIMESTAMP))?;
    let given: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| BASE64.decode(encoded).ok())
        .collect();
    let mut matches = false;
    for key in secrets.iter().flat_map(|secret| keys(secret.expose_secret())) {
        let made = mac(&key, id, timestamp, body);
        for given in &given {
            matches |= bool::from(made.as_slice().ct_eq(given));
        }
    }
    if !matches {
        return Err(SignatureError::BadSignature);
    }
    if (now_ms.div_euclid(1000)).abs_diff(signed_at) > TOLERANCE_SECONDS as u64 {
        return Err(SignatureError::StaleTimestamp);
    }
    Ok(Verified { event_id: id.to_owned(), signed_at_ms: signed_at.saturating_mul(1000) })
}

/// The header value that signs a delivery: what stand-ins and tests send. `secret` is taken as the
/// provider's newer endpoints do: base64 after `whsec_`, else the bytes of the whole text.
pub fn sign(secret: &str, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let key = keys(secret).pop().unwrap_or_default();
    format!("v1,{}", BASE64.encode(mac(&key, id, &timestamp_s.to_string(), body)))
}

/// Both keys a secret may stand for: the bytes of the whole text (older endpoints, and secrets merchants
/// chose), and the base64 after `whsec_` (endpoints made since 2026-09-08). The prefix does not tell which.
fn keys(secret: &str) -> Vec<Vec<u8>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let decoded = BASE64.decode(encoded).ok().filter(|key| !key.is_empty());
    [Some(secret.as_bytes().to_vec()), decoded].into_iter().flatten().collect()
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The one value of a header; a header sent twice is malformed, since two readers might choose differently.
fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(SignatureError::MissingHeader(name))?;
    let text = value.to_str().map_err(|_| SignatureError::MalformedHeader(name))?;
    match values.next() {
        None => Ok(text),
        Some(_) => Err(SignatureError::MalformedHeader(name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    const VECTORS: &str = include_str!("../../../tests/fixtures/polar/signature-vectors.json");
    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NOW_S: i64 = 1_790_000_000;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        secret: String,
        headers: std::collections::BTreeMap<String, String>,
        body: String,
        valid: bool,
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn signed(secret: &str, id: &str, at_s: i64, body: &[u8]) -> HeaderMap {
        headers(&[(ID, id), (TIMESTAMP, &at_s.to_string()), (SIGNATURE, &sign(secret, id, at_s, body))])
    }

    fn check(
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[&str],
        now_s: i64,
    ) -> Result<Verified, SignatureError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|&secret| SecretString::from(secret)).collect();
        verify(headers, body, &secrets, now_s * 1000)
    }

    #[test]
    fn every_vector_is_judged_as_it_says() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.vectors.len(), 9);
        for vector in vectors.vectors {
            let headers: HeaderMap = vector
                .headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let judged = check(&headers, vector.body.as_bytes(), &[&vector.secret], NOW_S);
            assert_eq!(judged.is_ok(), vector.valid, "{}", vector.name);
        }
    }

    #[test]
    fn any_of_several_secrets_may_sign() {
        let headers = signed("polar_whs_old", "evt", NOW_S, b"{}");
        assert!(check(&headers, b"{}", &[SECRET, "polar_whs_old"], NOW_S).is_ok());
        assert_eq!(check(&headers, b"{}", &[SECRET], NOW_S), Err(SignatureError::BadSignature));
        assert_eq!(check(&headers, b"{}", &[], NOW_S), Err(SignatureError::BadSignature));
        let none = signed("", "evt", NOW_S, b"{}");
        assert_eq!(check(&none, b"{}", &[""], NOW_S), Err(SignatureError::BadSignature));
    }

    #[test]
    fn tolerance_is_300_seconds_both_ways() {
        let headers = signed(SECRET, "evt", NOW_S, b"{}");
        for (now_s, ok) in [(300, true), (-300, true), (301, false), (-301, false)] {
            let judged = check(&headers, b"{}", &[SECRET], NOW_S + now_s);
            assert_eq!(judged.is_ok(), ok, "{now_s}");
            if !ok {
                assert_eq!(judged, Err(SignatureError::StaleTimestamp));
            }
        }
    }

    #[test]
    fn missing_doubled_and_malformed_headers_are_named() {
        let whole = signed(SECRET, "evt", NOW_S, b"{}");
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut headers = whole.clone();
            headers.remove(name);
            assert_eq!(check(&headers, b"{}", &[SECRET], NOW_S), Err(SignatureError::MissingHeader(name)));
            let mut headers = whole.clone();
            headers.append(name, whole[name].clone());
            assert_eq!(check(&headers, b"{}", &[SECRET], NOW_S), Err(SignatureError::MalformedHeader(name)));
        }
        for bad in ["", "soon", "-1790000000", "1790000000.0", "+1790000000", "99999999999999999999"] {
            let mut headers = whole.clone();
            headers.insert(TIMESTAMP, bad.parse().unwrap());
            let judged = check(&headers, b"{}", &[SECRET], NOW_S);
            assert_eq!(judged, Err(SignatureError::MalformedHeader(TIMESTAMP)), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_public_library(id in "[a-zA-Z0-9-]{1,40}", key in prop::collection::vec(any::<u8>(), 1..64), body in ".{0,200}") {
            let secret = format!("whsec_{}", BASE64.encode(&key));
            let oracle = standardwebhooks::Webhook::new(&secret).unwrap();
            let theirs = oracle.sign(&id, NOW_S, body.as_bytes()).unwrap();
            prop_assert_eq!(&theirs, &sign(&secret, &id, NOW_S, body.as_bytes()));
            prop_assert!(check(&signed(&secret, &id, NOW_S, body.as_bytes()), body.as_bytes(), &[&secret], NOW_S).is_ok());
        }

        #[test]
        fn a_changed_delivery_is_never_accepted(body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), flip in 1u8.., part in 0..4) {
            let mut headers = signed(SECRET, "evt_1", NOW_S, &body);
            let mut changed = body.clone();
            match part {
                0 => changed[at.index(body.len())] ^= flip,
                1 => { headers.insert(ID, "evt_2".parse().unwrap()); }
                2 => { headers.insert(TIMESTAMP, (NOW_S + i64::from(flip % 200) + 1).to_string().parse().unwrap()); }
                _ => {
                    let mut mac = BASE64.decode(&headers[SIGNATURE].to_str().unwrap()[3..]).unwrap();
                    let at = at.index(mac.len());
                    mac[at] ^= flip;
                    headers.insert(SIGNATURE, format!("v1,{}", BASE64.encode(mac)).parse().unwrap());
                }
            }
            prop_assert_eq!(check(&headers, &changed, &[SECRET], NOW_S), Err(SignatureError::BadSignature));
        }
    }
}
