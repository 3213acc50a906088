//! The visitor's id: found in the cookie, minted when there is none, written back for the next page.
//!
//! The cookie written here is the quick one, so that a second page opened before the collector has answered
//! knows its visitor; browsers cap it at days. The collector's response header replaces it by the signed,
//! long-lived one, which is therefore never overwritten here.

use alloc::string::String;

use wire::limits::VISITOR_BYTES_MAX;
use wire::{Ulid, VisitorId};

use crate::text::{pair, words};

/// The cookie's name; the key in storage is the same.
pub const NAME: &str = "_trb";

/// Characters of an id without its signature.
const MINTED_LEN: usize = VisitorId::PREFIX.len() + Ulid::LEN;

/// Whether a text may be a visitor id, signed or not. The collector looks closer; this keeps out what is plainly
/// something else.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.starts_with(VisitorId::PREFIX)
        && text.len() >= MINTED_LEN
        && text.len() <= VISITOR_BYTES_MAX
        && text.bytes().all(is_plain)
}

/// Whether `value` is `visitor` as it was before it was signed.
#[must_use]
pub fn is_unsigned_form(value: &str, visitor: &str) -> bool {
    value.len() == MINTED_LEN && visitor.starts_with(value)
}

/// The visitor id among `document.cookie`'s pairs, empty when there is none. Two cookies of the name can exist,
/// for host and domain; the signed one counts.
#[inline(never)]
#[must_use]
pub fn in_cookies(cookies: &str) -> &str {
    let mut found = "";
    let cookies = words(cookies, b';');
    for cookie in cookies {
        let (name, value) = pair(cookie.strip_prefix(' ').unwrap_or(cookie));
        if name == NAME && is_id(value) && value.len() > found.len() {
            found = value;
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

#[cfg(test)]
mod tests {
    use super::*;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";

    #[test]
    fn the_signed_cookie_counts() {
        assert_eq!(in_cookies(&format!("a=b; _trb={MINTED}")), MINTED);
        assert_eq!(in_cookies(&format!("_trb={MINTED}; _trb={SIGNED}; _trb={MINTED}")), SIGNED);
        assert_eq!(in_cookies(&format!("x_trb={MINTED}")), "");
        assert_eq!(in_cookies("_trb=vis_nonsense; a=b"), "");
        assert_eq!(in_cookies(""), "");
    }
}
