//! Which history changes of a single-page app are a new page.
//!
//! Counted: another path; another hash route (`#/…` or `#!…`); another query after `pushState` or a step
//! through the history. Not counted: jumps to an anchor, and `replaceState` that only rewrites the query, which
//! is how sites tidy the address after reading it. `data-spa="hash"` makes every fragment a route.

use crate::address::Address;
use crate::text::{is, starts};

/// Whether going from `before` to `now` shows a new page; `is_replaced` when the entry was rewritten in place.
/// `spa` is the tag's word.
#[must_use]
pub fn is_new_page(before: &str, now: &str, is_replaced: bool, spa: &str) -> bool {
    let (before, now) = (Address::parse(before), Address::parse(now));
    !is(spa, "off")
        && !(is(before.front, now.front)
            && is(route(before.fragment, spa), route(now.fragment, spa))
            && (is_replaced || is(before.query, now.query)))
}

/// A fragment that is a route; an anchor is none.
fn route<'a>(fragment: &'a str, spa: &str) -> &'a str {
    if starts(fragment, "/") || starts(fragment, "!") || is(spa, "hash") { fragment } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let check = |before: &str, now: &str, is_replaced, want| {
            let url = |path: &str| format!("https://shop.example{path}");
            assert_eq!(is_new_page(&url(before), &url(now), is_replaced, ""), want, "{before} {now}");
            assert!(!is_new_page(&url(before), &url(now), is_replaced, "off"));
        };
        check("/a", "/b", false, true);
        check("/a", "/b", true, true);
        check("/a", "/a", false, false);
        check("/a?p=1", "/a?p=2", false, true);
        check("/a?utm_source=x", "/a", true, false);
        check("/a", "/a#prices", false, false);
        check("/a#/one", "/a#/two", false, true);
        check("/a#!one", "/a#!two", true, true);
        check("/a#/one", "/a", false, true);
        assert!(is_new_page("https://shop.example/a", "https://shop.example/a#prices", false, "hash"));
    }
}
