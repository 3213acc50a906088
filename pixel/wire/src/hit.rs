//! What one hit is made of. Text is borrowed from the body or the page where it can be.
//!
//! Only plain values; how they are written and read is in `encode` and `decode`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::Ulid;

/// One thing a browser reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// Workspace id, `ws_…`. On the wire: `ws`.
    pub ws: Cow<'a, str>,
    /// What happened, with the fields that only that kind has. On the wire: `kind` and those fields.
    pub kind: Kind<'a>,
    /// Minted in the browser; the same hit sent twice has the same id.
    pub id: Ulid,
    /// Visitor id of the right shape ([`crate::VisitorId`]), its signature not checked. Absent without consent.
    pub visitor: Option<Cow<'a, str>>,
    /// The session: 30 idle minutes end it.
    pub session: Ulid,
    /// Why this hit starts a visit that can earn credit; absent for all others.
    pub touch: Option<Touch>,
    /// Full address of the page, at most [`crate::limits::ADDRESS_BYTES_MAX`] bytes.
    pub url: Cow<'a, str>,
    /// The document's referrer, empty when there is none. On the wire: `ref`.
    pub referrer: Cow<'a, str>,
    /// The browser's clock, milliseconds since the epoch; may be years off. On the wire: `at`.
    pub at_ms: u64,
    /// The same clock at the moment of sending, when that was more than a second later: a hit kept while offline.
    /// On the wire: `sent`.
    pub sent_ms: Option<u64>,
    /// Width of the viewport in CSS pixels, from who still sends it: nothing of it is stored.
    pub width: Option<u32>,
    /// The domain the visitor cookie is wanted on, as the script tag says it.
    pub cookie_domain: Option<Cow<'a, str>>,
    /// What the visitor agreed to. Absent on the wire means granted.
    pub consent: Consent,
    /// How long the page had the visitor's attention, in milliseconds; on the event `engaged`. On the wire: `engaged`.
    pub engaged_ms: Option<u64>,
    /// The token by which a sister site hands its visitor over, as found in the page's address.
    pub handover: Option<Cow<'a, str>>,
}

/// What a hit reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A page was shown.
    Page,
    /// Something the site named happened.
    Event {
        /// The site's name for it, never empty.
        name: Cow<'a, str>,
        /// What the site says about it.
        props: Props<'a>,
    },
    /// The visitor told the site who they are; e-mail or user id is present.
    Identify {
        /// E-mail as typed. Personal data: never log it, keep only its keyed hash.
        email: Option<Cow<'a, str>>,
        /// The site's own id of the person.
        user: Option<Cow<'a, str>>,
        /// What the site says about the person.
        traits: Props<'a>,
    },
}

impl Kind<'_> {
    /// Its name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Event { .. } => "event",
            Self::Identify { .. } => "identify",
        }
    }
}

/// Why a hit is a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// The first hit of a session.
    Session,
    /// A new campaign identity inside a session.
    Campaign,
}

impl Touch {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Campaign => "campaign",
        }
    }
}

/// What the visitor agreed to. Without either, the pixel sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Cookie and storage.
    Granted,
    /// An id in memory only: the collector must not set a cookie.
    Session,
}

impl Consent {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Session => "session",
        }
    }
}

/// Names and values, in the order they were given; names are unique.
pub type Props<'a> = Vec<(Cow<'a, str>, PropValue<'a>)>;

/// The value of a property or trait. Flat: no lists, no objects, no null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropValue<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number, with its digits as they were written.
    Number(Number<'a>),
    /// Yes or no.
    Flag(bool),
}

/// A JSON number kept as its own text, so that no digit is lost and no float is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number<'a>(Cow<'a, str>);

impl<'a> Number<'a> {
    /// Takes text that is a JSON number: `-1`, `2.50`, `1e+21`; not `NaN`, `.5`, `01` or `+1`.
    #[must_use]
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        is_number(text.as_bytes()).then_some(Self(text))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 8259, section 6, as one pass.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = digits(text);
    if whole == 0 || whole > 1 && text[0] == b'0' {
        return false;
    }
    let rest = match rest.strip_prefix(b".").map(digits) {
        Some((0, _)) => return false,
        Some((_, rest)) => rest,
        None => rest,
    };
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', power @ ..] | [b'e' | b'E', power @ ..] => {
            matches!(digits(power), (1.., []))
        }
        _ => false,
    }
}

/// How many digits it starts with, and what follows them.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &text[count..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for good in ["0", "-0", "12", "2.50", "1e+21", "1E9", "-1.5e-7", "0.1"] {
            assert!(Number::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "-", "01", "+1", ".5", "1.", "1e", "1e+", "NaN", "Infinity", "1 ", "1,2", "0x1", "1e1.5"]
        {
            assert!(Number::parse(bad).is_none(), "{bad}");
        }
    }
}
