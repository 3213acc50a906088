//! Webhooks: header lines, a blank line, a body. Signatures are judged without panic and never accepted (nobody here
//! knows the secret); bodies become facts or a typed refusal, and facts survive being stored.
#![no_main]

use domain::identity::EmailHasher;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use tributary::billing::{Context, Normalised, PROVIDERS};

const NOW_MS: i64 = 1_790_000_000_000;

fuzz_target!(|data: &[u8]| {
    let cut = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = cut.map_or((&b""[..], data), |at| (&data[..at], &data[at + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(&line[colon + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let secrets = [SecretString::from("whsec_bm9ib2R5IGtub3dzIHRoaXMgc2VjcmV0IGtleSE=")];
    let emails = EmailHasher::new(b"a key of the fuzzer", "ws_fuzz");
    let context =
        Context { connection_id: "con_fuzz", delivery_id: "evt", observed_ms: NOW_MS, emails: &emails };
    for provider in PROVIDERS {
        assert!(provider.verify(&headers, body, &secrets, NOW_MS).is_err(), "a forged delivery was accepted");
        let _ = provider.event_type(body);
        if let Ok(Normalised::Facts(facts)) = provider.normalise(body, &context) {
            for fact in facts {
                let stored = serde_json::to_string(&fact).expect("facts are JSON");
                let read: domain::order::Fact = serde_json::from_str(&stored).expect("stored facts read");
                assert_eq!(read, fact);
                let anonymous = domain::erasure::anonymous(fact, None);
                assert_eq!(
                    anonymous.clone().and_then(|fact| domain::erasure::anonymous(fact, None)),
                    anonymous
                );
            }
        }
    }
});
