//! Just enough of an address: its host, its path, its query, all borrowed and as the browser wrote them.
//!
//! The browser has already made the address absolute and escaped it; nothing is decoded here, and what an address
//! means is decided elsewhere.

use crate::text::{Pairs, ends, starts, take};

/// The parts of an absolute address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Everything before the query and the fragment.
    pub front: &'a str,
    /// Host and port, as written.
    pub host: &'a str,
    /// The path without its first `/`.
    pub path: &'a str,
    /// The query without its `?`.
    pub query: &'a str,
    /// The fragment without its `#`.
    pub fragment: &'a str,
}

impl<'a> Address<'a> {
    /// Takes an address apart; one that is not of the web has an empty host.
    #[inline(never)]
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut fragment = text;
        let mut query = take(&mut fragment, b'#');
        let front = take(&mut query, b'?');
        let mut path = front;
        let scheme = take(&mut path, b'/');
        let nothing = take(&mut path, b'/');
        // `user@host` is not the host `user`.
        let mut host = take(&mut path, b'/');
        let user = take(&mut host, b'@');
        if host.is_empty() {
            host = user;
        }
        if !nothing.is_empty() || !scheme.is_empty() && !starts(scheme, "http") {
            host = "";
        }
        Self { front, host, path, query, fragment }
    }
}

/// Whether `host` is `site`, above it or below it, with or without `www.`: not another site to come from.
///
/// Public suffixes are not known here: `shop.example` and `blog.example` are different sites unless the tag
/// names them in `data-domains`. The collector, which knows the suffixes, has the last word.
#[inline(never)]
#[must_use]
pub fn is_same_site(host: &str, site: &str) -> bool {
    let (host, site) = (bare(host), bare(site));
    is_below(host, site) || is_below(site, host)
}

/// Whether `host` is of one of the sites of a comma list.
#[must_use]
pub fn is_of_sites(host: &str, sites: &str) -> bool {
    let mut sites = Pairs::of(sites, b',');
    while sites.step() {
        if is_same_site(host, sites.name) {
            return true;
        }
    }
    false
}

fn bare(mut host: &str) -> &str {
    let host = take(&mut host, b':');
    if starts(host, "www.") { host.get(4..).unwrap_or_default() } else { host }
}

/// Whether `host` is `site` or below it.
#[inline(never)]
#[must_use]
pub fn is_below(host: &str, site: &str) -> bool {
    // The byte before the site is a dot, or there is none.
    let before = host.len().wrapping_sub(site.len()).wrapping_sub(1);
    !site.is_empty() && ends(host, site) && host.as_bytes().get(before).is_none_or(|byte| *byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_apart() {
        let address = Address::parse("https://me@shop.example:8443/a/b?utm_source=x&empty=&y=1#/r?z=2");
        assert_eq!(address.host, "shop.example:8443");
        assert_eq!(
            (address.path, address.query, address.fragment),
            ("a/b", "utm_source=x&empty=&y=1", "/r?z=2")
        );
    }

    #[test]
    fn odd_addresses_have_no_host() {
        for odd in
            ["", "/a?b=c", "mailto:a@b", "android-app://com.google", "a?b=https://x.example/", "about:blank"]
        {
            assert_eq!(Address::parse(odd).host, "", "{odd}");
        }
        assert_eq!(Address::parse("//buy.polar.sh/x").host, "buy.polar.sh");
        assert_eq!(Address::parse("https://x.example").path, "");
    }

    #[test]
    fn sites() {
        for (host, site) in
            [("a.example", "a.example"), ("www.a.example", "a.example"), ("app.a.example", "a.example")]
        {
            assert!(is_same_site(host, site) && is_same_site(site, host), "{host} {site}");
        }
        assert!(is_same_site("localhost:4601", "localhost:4700"));
        for (host, site) in
            [("b.example", "a.example"), ("nota.example", "a.example"), ("", "a.example"), ("a", "")]
        {
            assert!(!is_same_site(host, site), "{host} {site}");
        }
        assert!(is_of_sites("docs.b.example", "a.example,b.example") && !is_of_sites("b.example", ""));
    }
}
