//! Query strings: questions of reports, and the no-script image's, as strangers write them. What reads as a question
//! stays within its bounds, whatever was asked for.
#![no_main]

use std::borrow::Cow;

use domain::order::Basis;
use domain::report::{DIMENSIONS, Defaults, Query};
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

const NOW_MS: i64 = 1_790_000_000_000;

fuzz_target!(|query: &[u8]| {
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = url::form_urlencoded::parse(query).collect();
    for (_, value) in &pairs {
        let cut = wire::limits::cut(value, wire::limits::ADDRESS_BYTES_MAX);
        assert!(cut.len() <= wire::limits::ADDRESS_BYTES_MAX && value.starts_with(cut));
    }
    for zone in [TimeZone::UTC, TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)] {
        let defaults =
            Defaults { zone, now_ms: NOW_MS, group_by: DIMENSIONS[..1].to_vec(), basis: Basis::Net };
        let asked = pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
        match Query::parse(asked, &defaults) {
            Ok(query) => {
                assert!(query.limit <= 10_000, "{}", query.limit);
                assert!(query.period.from <= query.period.to);
                let _ = (query.compare_period(), query.sentence(), query.groups_orders());
            }
            Err(error) => assert!(!error.to_string().is_empty(), "a refusal has words"),
        }
    }
});
