//! The visitor's id: found in the cookie, minted when there is none, written back for the next page.
//!
//! The cookie written here is the quick one, so that a second page opened before the collector has answered
//! knows its visitor; browsers cap it at days. The collector's response header replaces it by the signed,
//! long-lived one, which is therefore never overwritten here.

use wire::limits::VISITOR_BYTES_MAX;
use wire::{Ulid, VisitorId};

use crate::text::{Pairs, is, starts};

/// The cookie's name, with the space that stands before it.
const NAME: &str = " _trb";

/// Characters of an id without its signature.
const MINTED_LEN: usize = VisitorId::PREFIX.len() + Ulid::LEN;

/// Whether a text may be a visitor id, signed or not. The collector looks closer; this keeps out what is plainly
/// something else.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    starts(text, VisitorId::PREFIX)
        && text.len() >= MINTED_LEN
        && text.len() <= VISITOR_BYTES_MAX
        && text.bytes().all(is_plain)
}

/// Whether `value` is `visitor` as it was before it was signed.
#[must_use]
pub fn is_unsigned_form(value: &str, visitor: &str) -> bool {
    value.len() == MINTED_LEN && starts(visitor, value)
}

/// The visitor id among `document.cookie`'s pairs, a space before each, empty when there is none. Two cookies of the name can exist,
/// for host and domain; the signed one counts.
#[inline(never)]
#[must_use]
pub fn in_cookies(cookies: &str) -> &str {
    let mut found = "";
    let mut cookies = Pairs::of(cookies, b';');
    while cookies.step() {
        if is(cookies.name, NAME) && is_id(cookies.value) && cookies.value.len() > found.len() {
            found = cookies.value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";

    #[test]
    fn the_signed_cookie_counts() {
        assert_eq!(in_cookies(&format!(" a=b; _trb={MINTED}")), MINTED);
        assert_eq!(in_cookies(&format!(" _trb={MINTED}; _trb={SIGNED}; _trb={MINTED}")), SIGNED);
        assert_eq!(in_cookies(&format!(" x_trb={MINTED}")), "");
        assert_eq!(in_cookies(" _trb=vis_nonsense; a=b"), "");
        assert_eq!(in_cookies(""), "");
    }
}
