//! The two written forms of a visitor id: as minted in the browser, and as signed by the collector.
//!
//! Only the shape is judged here. Whether a signature is true needs the workspace's keys, which never
//! reach this crate.

use crate::Ulid;
use crate::limits::VISITOR_BYTES_MAX;

/// A visitor id of the right shape: `vis_<26>` or `vis_<26>_<key id><MAC>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitorId<'a> {
    /// The part both forms share: who it is.
    pub ulid: Ulid,
    /// Key id and MAC, not yet checked; absent in the form the browser mints.
    pub signature: Option<&'a str>,
}

impl<'a> VisitorId<'a> {
    /// Both forms begin with this.
    pub const PREFIX: &'static str = "vis_";

    /// Reads either form; `None` when the text is neither.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX).filter(|_| text.len() <= VISITOR_BYTES_MAX)?;
        let (ulid, tail) = rest.split_at_checked(Ulid::LEN)?;
        let ulid = Ulid::parse(ulid)?;
        let signature = match tail {
            "" => None,
            tail => Some(tail.strip_prefix('_').filter(|signature| is_plain(signature))?),
        };
        Some(Self { ulid, signature })
    }
}

/// One or more of `[A-Za-z0-9_-]`: nothing that a cookie, an address or a log would have to quote.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const ULID: &str = "01arz3ndektsv4rrffq69g5fav";

    #[test]
    fn reads_both_forms() {
        let minted = format!("vis_{ULID}");
        assert_eq!(VisitorId::parse(&minted).unwrap().signature, None);
        let signed = format!("vis_{ULID}_1AbC-_9");
        let parsed = VisitorId::parse(&signed).unwrap();
        assert_eq!(parsed.signature, Some("1AbC-_9"));
        assert_eq!(parsed.ulid.as_str(), ULID);
    }

    #[test]
    fn refuses_other_shapes() {
        let long = format!("vis_{ULID}_{}", "a".repeat(70));
        for bad in ["", "vis_", "vis_01ARZ3NDEKTSV4RRFFQ69G5FAV", &format!("vis_{ULID}_"), &long] {
            assert_eq!(VisitorId::parse(bad), None, "{bad}");
        }
        for tail in ["x", "_a b", "_a;b", "_é", "é"] {
            assert_eq!(VisitorId::parse(&format!("vis_{ULID}{tail}")), None, "{tail}");
        }
    }
}
