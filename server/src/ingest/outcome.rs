//! What became of a hit: exactly one outcome each, with a stable code, an HTTP status and a sentence.
//! Codes are stored and counted; they never change their meaning.

use axum::http::StatusCode;

/// Code of the one good outcome.
pub const ACCEPTED: &str = "accepted";

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident, $code:expr, $status:ident, $sentence:literal;)*) => {
        /// What became of one hit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Outcome {
            $($(#[$doc])* $name,)*
        }

        impl Outcome {
            /// Every outcome there is.
            pub const ALL: &[Outcome] = &[$(Outcome::$name,)*];

            /// The stable code, as stored, counted and answered.
            pub fn code(self) -> &'static str {
                match self {
                    $(Outcome::$name => $code,)*
                }
            }

            /// Status of an answer in which nothing was accepted.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Outcome::$name => StatusCode::$status,)*
                }
            }

            /// What is wrong and what to do, for the person who reads the answer.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Outcome::$name => $sentence,)*
                }
            }
        }
    };
}

outcomes! {
    /// Stored, or stored before under the same id.
    Accepted, ACCEPTED, ACCEPTED, "The hit is stored.";
    UnknownWorkspace, "unknown_workspace", NOT_FOUND,
        "There is no such workspace; check data-workspace in the script tag.";
    ForeignOrigin, "foreign_origin", FORBIDDEN,
        "This origin is not one of the workspace's domains; add it to the workspace's settings.";
    Bot, "bot", FORBIDDEN, "The user agent is a crawler or a tool; its visits are not counted.";
    Prefetch, "prefetch", FORBIDDEN, "The page was fetched ahead of a visit that may never happen; it is not counted.";
    /// The client hints name a browser without a window.
    Headless, "headless", FORBIDDEN, "The browser runs without a window, as programs do; its visits are not counted.";
    NoLanguage, "no_language", FORBIDDEN,
        "There is no Accept-Language, which every browser sends; from a server use POST /v1/import/hits.";
    NoFetchMetadata, "no_fetch_metadata", FORBIDDEN,
        "There is no Sec-Fetch-Site, which this browser sends; from a server use POST /v1/import/hits.";
    ImpossibleAgent, "impossible_agent", FORBIDDEN,
        "The user agent and the client hints cannot be of one browser; the visit is not counted.";
    /// The address is in `collector.data_center_networks` or the file beside it.
    DataCenter, "data_center", FORBIDDEN, "The address belongs to a data centre; its visits are not counted.";
    SpamReferrer, "spam_referrer", FORBIDDEN, "The referrer is known for made-up visits; it is not counted.";
    /// One address sends faster than `collector.address_hits_per_second`.
    RateLimited, "rate_limited", TOO_MANY_REQUESTS, "Too many hits from this address; send again after Retry-After.";
    /// A workspace gets more than `collector.workspace_hits_per_second`.
    OverQuota, "over_quota", TOO_MANY_REQUESTS,
        "The workspace gets more hits than it may have; send again after Retry-After.";
    /// A field does not read, or is missing.
    Malformed, "malformed", BAD_REQUEST, "The hit does not read; the field named is missing or wrong.";
    /// A hit or one of its fields is longer than allowed.
    TooLong, "too_long", BAD_REQUEST, "The hit or one of its fields is longer than allowed.";
    /// Not refused for good: the browser is asked to send it again.
    InboxFull, "inbox_full", SERVICE_UNAVAILABLE, "The collector holds all it can; send again shortly.";
    InboxUnavailable, "inbox_unavailable", SERVICE_UNAVAILABLE, "The collector cannot write; send again shortly.";
}

impl Outcome {
    /// Position in [`Outcome::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_indexes_name_them() {
        let codes: std::collections::HashSet<&str> = Outcome::ALL.iter().map(|o| o.code()).collect();
        assert_eq!(codes.len(), Outcome::ALL.len());
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::ALL[outcome.index()], *outcome);
            assert_eq!(outcome.status().is_success(), *outcome == Outcome::Accepted);
        }
    }
}
