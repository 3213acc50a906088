//! Cookies and visitor ids: nothing but what we signed reads as signed, and every reading is steady.
#![no_main]

use domain::visitor_token::{Evidence, VisitorKeys};
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use tributary::http::auth::cookie;

fuzz_target!(|line: &[u8]| {
    let keys = VisitorKeys::new([("k1", &[7_u8; 32][..])]).expect("a key of 32 bytes");
    let Ok(value) = HeaderValue::from_bytes(line) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, value);
    for name in ["_trb", "_trb_session"] {
        let Some(text) = cookie(&headers, name) else { continue };
        if let Ok((visitor, evidence)) = keys.read(text, "ws_fuzz") {
            if evidence == Evidence::Signed {
                assert_eq!(keys.sign(visitor, "ws_fuzz"), text, "signed ids have one form");
            }
            assert!(wire::VisitorId::parse(text).is_some(), "both readers know the same shapes");
        }
    }
});
