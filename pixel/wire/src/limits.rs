//! Every limit of the wire, in one place. Lengths are bytes of UTF-8 unless named `CHARS`, after JSON unescaping
//! where a single value is meant, before it where a body or a hit is meant.
//!
//! The pixel cuts what it sends to these limits ([`cut`]), so that a long address costs its tail and not the
//! hit; the collector refuses what is longer.

/// A whole body of `POST /c`. Also what browsers allow in flight for `keepalive` requests of a page group.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// One hit, as JSON text.
pub const HIT_BYTES_MAX: usize = 16 * 1024;
/// Hits in a list.
pub const LIST_MAX: usize = 100;
/// A workspace id, `[A-Za-z0-9_-]`.
pub const WORKSPACE_BYTES_MAX: usize = 64;
/// A visitor id, signed or not.
pub const VISITOR_BYTES_MAX: usize = 99;
/// `url` and `ref`.
pub const ADDRESS_BYTES_MAX: usize = 2000;
/// `cookie_domain`: a DNS name with a leading dot.
pub const COOKIE_DOMAIN_BYTES_MAX: usize = 254;
/// An event's `name`.
pub const NAME_BYTES_MAX: usize = 100;
/// Entries of `props` or `traits`.
pub const PROPS_MAX: usize = 30;
/// The name of a property or trait, in characters, as JavaScript and people count.
pub const PROP_NAME_CHARS_MAX: usize = 100;
/// The text of a property or trait, in characters.
pub const PROP_VALUE_CHARS_MAX: usize = 500;
/// The digits of a property or trait that is a number. JavaScript writes at most 24.
pub const NUMBER_BYTES_MAX: usize = 40;
/// `email`, the most an SMTP path can carry.
pub const EMAIL_BYTES_MAX: usize = 254;
/// `user`: the merchant's own id of a person.
pub const USER_BYTES_MAX: usize = 200;
/// `width` in CSS pixels.
pub const WIDTH_MAX: u32 = 100_000;
/// `engaged`: a day, in milliseconds.
pub const ENGAGED_MS_MAX: u64 = 86_400_000;
/// `handover`: a signed visitor id, when it ends, a MAC.
pub const HANDOVER_BYTES_MAX: usize = 128;
/// `at` and `sent`: the last millisecond JavaScript's `Date` knows.
pub const AT_MS_MAX: u64 = 8_640_000_000_000_000;

/// The limits of a body, which an installation may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of a whole body.
    pub body_bytes_max: usize,
    /// Bytes of one hit.
    pub hit_bytes_max: usize,
    /// Hits in a list.
    pub list_max: usize,
}

impl Default for BodyLimits {
    /// What the pixel keeps to.
    fn default() -> BodyLimits {
        BodyLimits { body_bytes_max: BODY_BYTES_MAX, hit_bytes_max: HIT_BYTES_MAX, list_max: LIST_MAX }
    }
}

/// The longest start of `text` that has at most `bytes_max` bytes and ends between two characters.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    loop {
        // The end of the text and 0 are always boundaries, so this ends.
        if let Some(start) = text.get(..end) {
            return start;
        }
        end -= 1;
    }
}
