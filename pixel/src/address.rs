//! Which hosts belong together.
//!
//! Taking an address apart is the loader's: the browser has regular expressions. What an address means is decided
//! elsewhere.

use crate::text::{Pairs, ends, starts, take};

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
        assert!(is_of_sites("docs.b.example", "a.example, b.example") && !is_of_sites("b.example", ""));
    }
}
