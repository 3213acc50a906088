//! Mail boxes that are thrown away: whether an address is one is decided where it is read, and all that is kept of it.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::visit::referrer::parents;

static DOMAINS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../data/disposable-domains.txt").lines().collect());

/// Whether mail boxes of a domain (lower case, ASCII form) are thrown away.
pub(super) fn is_disposable(domain: &str) -> bool {
    parents(domain).any(|suffix| DOMAINS.contains(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_boxes_for_an_hour_are_known_with_their_subdomains() {
        for domain in ["mailinator.com", "inbox.mailinator.com", "guerrillamail.com"] {
            assert!(is_disposable(domain), "{domain}");
        }
        for domain in ["gmail.com", "example.com", "com", "mailinator.com.example", ""] {
            assert!(!is_disposable(domain), "{domain}");
        }
        assert!(DOMAINS.iter().all(|domain| !domain.is_empty() && *domain == domain.to_lowercase()));
    }
}
