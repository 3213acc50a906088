//! The visitor's id: found in the cookie, minted when there is none, written back for the next page.
//!
//! The cookie written here is the quick one, so that a second page opened before the collector has answered
//! knows its visitor; browsers cap it at days. The collector's response header replaces it by the signed,
//! long-lived one, which is therefore never overwritten here.

use wire::limits::VISITOR_BYTES_MAX;
use wire::{Ulid, VisitorId};

use crate::text::{Pairs, Text};

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
    let mut cookies = Pairs::of(cookies, b';');
    while cookies.step() {
        let name = cookies.name.strip_prefix(' ').unwrap_or(cookies.name);
        if name == NAME && is_id(cookies.value) && cookies.value.len() > found.len() {
            found = cookies.value;
        }
    }
    found
}

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Appends a new ULID: the time, then the randomness in sixteen characters from `at` on, of which the low five
/// bits count. Missing characters count as zero.
#[inline(never)]
pub fn mint(now_ms: u64, random: &str, at: usize, out: &mut Text) {
    // Ten characters hold 50 bits, and a ULID's time is 48.
    let mut shift = 50;
    while shift > 0 {
        shift -= 5;
        out.push_byte(ALPHABET[((now_ms & 0xffff_ffff_ffff) >> shift & 31) as usize]);
    }
    for place in at..at + 16 {
        let byte = random.as_bytes().get(place).copied().unwrap_or_default();
        out.push_byte(ALPHABET[usize::from(byte & 31)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINTED: &str = "vis_01arz3ndektsv4rrffq69g5fav";
    const SIGNED: &str = "vis_01arz3ndektsv4rrffq69g5fav_1mac";

    #[test]
    fn what_is_minted_is_a_ulid() {
        for now_ms in [0, 1_763_718_000_000, (1 << 48) - 1, u64::MAX] {
            let mut text = Text::new();
            mint(now_ms, "xx@ABCDEFGHIJKLMNO", 2, &mut text);
            let ulid = Ulid::parse(text.as_str()).expect("a ULID");
            assert_eq!(ulid.time_ms(), now_ms & ((1 << 48) - 1));
            assert_eq!(&text.as_str()[10..], "0123456789abcdef");
        }
    }

    #[test]
    fn the_signed_cookie_counts() {
        assert_eq!(in_cookies(&format!("a=b; _trb={MINTED}")), MINTED);
        assert_eq!(in_cookies(&format!("_trb={MINTED}; _trb={SIGNED}; _trb={MINTED}")), SIGNED);
        assert_eq!(in_cookies(&format!("x_trb={MINTED}")), "");
        assert_eq!(in_cookies("_trb=vis_nonsense; a=b"), "");
        assert_eq!(in_cookies(""), "");
    }
}
