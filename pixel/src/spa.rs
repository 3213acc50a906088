//! Which history changes of a single-page app are a new page.
//!
//! Counted: another path; another hash route (`#/…` or `#!…`); another query after `pushState` or a step
//! through the history. Not counted: jumps to an anchor, and `replaceState` that only rewrites the query, which
//! is how sites tidy the address after reading it. `data-spa="hash"` makes every fragment a route.

use crate::config::Call;
use crate::text::{Text, is, starts};

/// The page shown last: its address.
pub struct Page {
    front: Text,
    query: Text,
    fragment: Text,
}

impl Page {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { front: Text::new(), query: Text::new(), fragment: Text::new() }
    }

    /// Now it is the call's.
    pub fn set(&mut self, call: &Call<'_>) {
        self.front.set(call.front());
        self.query.set(call.query());
        self.fragment.set(call.fragment());
    }

    /// Whether going to the call's address shows a new page; `is_replaced` when the entry was rewritten in place.
    #[must_use]
    pub fn is_left(&self, call: &Call<'_>, is_replaced: bool) -> bool {
        let spa = call.spa();
        !is(spa, "off")
            && !(is(self.front.as_str(), call.front())
                && is(route(self.fragment.as_str(), spa), route(call.fragment(), spa))
                && (is_replaced || is(self.query.as_str(), call.query())))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

/// A fragment that is a route; an anchor is none.
fn route<'a>(fragment: &'a str, spa: &str) -> &'a str {
    if starts(fragment, "/") || starts(fragment, "!") || is(spa, "hash") { fragment } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    fn is_new_page(before: &str, now: &str, is_replaced: bool, spa: &str) -> bool {
        let draft = |path: &str| {
            let url = format!("https://shop.example{path}");
            Draft { url: &url, tag: ["", "", "", "", "", "", "", spa], ..Draft::default() }.write()
        };
        let mut page = Box::new(Page::new());
        page.set(&Call::read(&draft(before)));
        page.is_left(&Call::read(&draft(now)), is_replaced)
    }

    #[test]
    fn pages() {
        let check = |before: &str, now: &str, is_replaced, want| {
            assert_eq!(is_new_page(before, now, is_replaced, ""), want, "{before} {now}");
            assert!(!is_new_page(before, now, is_replaced, "off"));
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
        assert!(is_new_page("/a", "/a#prices", false, "hash"));
    }
}
