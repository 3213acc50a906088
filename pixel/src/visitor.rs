//! The visitor's id: found in the cookie, minted when there is none, written back for the next page.
//!
//! The cookie written here is the quick one, so that a second page opened before the collector has answered
//! knows its visitor; browsers cap it at days. The collector's response header replaces it by the signed,
//! long-lived one, which is therefore never overwritten here.

use alloc::string::String;

use wire::{Ulid, VisitorId};

use crate::text::{pair, words};

/// The cookie's name; the key in storage is the same.
pub const NAME: &str = "_trb";

/// The visitor id among `document.cookie`'s pairs. Two cookies of the name can exist, for host and domain;
/// the signed one counts. One of another shape is not an id.
#[must_use]
pub fn in_cookies(cookies: &str) -> Option<&str> {
    let mut found = None;
    for cookie in words(cookies, b';') {
        let (NAME, value) = pair(cookie.strip_prefix(' ').unwrap_or(cookie)) else { continue };
        match VisitorId::parse(value) {
            Some(id) if id.signature.is_some() => return Some(value),
            Some(_) => found = Some(value),
            None => {}
        }
    }
    found
}

/// `vis_` and the ULID, the form the browser mints.
#[must_use]
pub fn minted(ulid: Ulid) -> String {
    let mut id = String::from(VisitorId::PREFIX);
    ulid.push_to(&mut id);
    id
}

/// What to assign to `document.cookie`; an empty `value` deletes.
#[must_use]
pub fn cookie(value: &str, domain: &str, is_secure: bool) -> String {
    let mut text = String::from(NAME);
    // 400 days, the most a browser keeps.
    let age = if value.is_empty() { "; max-age=0" } else { "; max-age=34560000" };
    for part in ["=", value, "; path=/; samesite=lax", age] {
        text.push_str(part);
    }
    if is_secure {
        text.push_str("; secure");
    }
    if !domain.is_empty() {
        text.push_str("; domain=");
        text.push_str(domain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";

    #[test]
    fn the_signed_cookie_counts() {
        assert_eq!(in_cookies(&format!("a=b; _trb={MINTED}")), Some(MINTED));
        assert_eq!(in_cookies(&format!("_trb={MINTED}; _trb={SIGNED}; _trb={MINTED}")), Some(SIGNED));
        assert_eq!(in_cookies(&format!("x_trb={MINTED}")), None);
        assert_eq!(in_cookies("_trb=vis_nonsense; a=b"), None);
        assert_eq!(in_cookies(""), None);
    }

    #[test]
    fn cookies() {
        assert_eq!(
            cookie(MINTED, ".shop.example", true),
            format!("_trb={MINTED}; path=/; samesite=lax; max-age=34560000; secure; domain=.shop.example")
        );
        assert_eq!(cookie("", "", false), "_trb=; path=/; samesite=lax; max-age=0");
    }
}
