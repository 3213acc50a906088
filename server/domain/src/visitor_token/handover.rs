//! The token by which one site of a merchant hands its visitor to a sister site in a link:
//! `<signed visitor id>.<end, seconds in base 36>.<MAC>`, all `[A-Za-z0-9_.-]`.
//!
//! It says that this installation was asked, by a page of the workspace's own sites, to let this visitor go on
//! at another of them, a short while ago. It is no credential: whoever has it is taken for the visitor's browser
//! and nothing more. Reading one never repairs it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::{Evidence, Key, MAC_BYTES, VisitorKeys};
use crate::ids::VisitorId;

/// How long a token is good for: a link is followed at once, and one kept or passed on must not work.
pub const HANDOVER_SECONDS: i64 = 600;

/// Why a token hands nobody over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    #[error(
        "not a hand-over token: expected a signed visitor id, an end and a signature with dots between them"
    )]
    Shape,
    #[error("the hand-over token was not made by this installation for this workspace")]
    Forged,
    #[error("the hand-over token has ended: it is good for ten minutes")]
    Expired,
}

impl VisitorKeys {
    /// A token for `visitor` in `workspace`, good for [`HANDOVER_SECONDS`] from `now_ms`.
    pub fn hand_over(&self, visitor: VisitorId, workspace: &str, now_ms: i64) -> String {
        let mut text = self.sign(visitor, workspace);
        text.push('.');
        push_base36(now_ms.div_euclid(1000).max(0).saturating_add(HANDOVER_SECONDS) as u64, &mut text);
        let mac = self.keys[0].mac_of_handover(&text, workspace);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(mac, &mut text);
        text
    }

    /// Whom a token hands over.
    pub fn receive(&self, token: &str, workspace: &str, now_ms: i64) -> Result<VisitorId, HandoverError> {
        let (said, mac) = token.rsplit_once('.').ok_or(HandoverError::Shape)?;
        let (signed, end) = said.split_once('.').ok_or(HandoverError::Shape)?;
        let end_s = read_base36(end).ok_or(HandoverError::Shape)?;
        let (visitor, evidence) = self.read(signed, workspace).map_err(|_| HandoverError::Shape)?;
        if evidence != Evidence::Signed {
            return Err(HandoverError::Forged);
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| HandoverError::Shape)?;
        // Any key: the one that signed the visitor may have been replaced since.
        let is_ours = |key: &Key| bool::from(key.mac_of_handover(said, workspace).ct_eq(&mac));
        if !self.keys.iter().any(is_ours) {
            return Err(HandoverError::Forged);
        }
        if end_s as i128 * 1000 < i128::from(now_ms) { Err(HandoverError::Expired) } else { Ok(visitor) }
    }
}

impl Key {
    fn mac_of_handover(&self, said: &str, workspace: &str) -> [u8; MAC_BYTES] {
        self.mac_of_parts(&[b"tributary handover\0", workspace.as_bytes(), b"\0", said.as_bytes()])
    }
}

fn push_base36(value: u64, text: &mut String) {
    if value >= 36 {
        push_base36(value / 36, text);
    }
    text.push(char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[(value % 36) as usize]));
}

fn read_base36(text: &str) -> Option<u64> {
    let is_canonical = !text.is_empty()
        && (text == "0" || !text.starts_with('0'))
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    is_canonical.then(|| u64::from_str_radix(text, 36).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: i64 = 1_772_366_400_000;

    fn keys() -> VisitorKeys {
        VisitorKeys::new([("b2", &b"a new secret of enough bytes."[..])]).unwrap()
    }

    fn visitor() -> VisitorId {
        "vis_01jd3m8q5x0000000000000abc".parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_in_its_workspace() {
        let token = keys().hand_over(visitor(), "ws_demo", NOW_MS);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        assert!(token.len() <= 100 && token.bytes().all(plain), "{token}");
        for later_ms in [0, 1, 600_000] {
            assert_eq!(keys().receive(&token, "ws_demo", NOW_MS + later_ms), Ok(visitor()), "{later_ms}");
        }
        assert_eq!(keys().receive(&token, "ws_demo", NOW_MS + 600_001), Err(HandoverError::Expired));
        assert_eq!(keys().receive(&token, "ws_other", NOW_MS), Err(HandoverError::Forged));
    }

    #[test]
    fn an_older_key_still_hands_over_and_a_strange_one_does_not() {
        let token = keys().hand_over(visitor(), "ws_demo", NOW_MS);
        let (new, old) = (&b"another secret of enough bytes."[..], &b"a new secret of enough bytes."[..]);
        let both = VisitorKeys::new([("c3", new), ("b2", old)]).unwrap();
        assert_eq!(both.receive(&token, "ws_demo", NOW_MS), Ok(visitor()));
        let strange = VisitorKeys::new([("b2", new)]).unwrap();
        assert_eq!(strange.receive(&token, "ws_demo", NOW_MS), Err(HandoverError::Forged));
    }

    #[test]
    fn other_texts_hand_over_nobody() {
        let signed = keys().sign(visitor(), "ws_demo");
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            &signed,
            &format!("{signed}.1"),
            &format!("{visitor}.1a.x", visitor = visitor()),
        ] {
            assert!(keys().receive(text, "ws_demo", NOW_MS).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_altered_token_is_taken(at in any::<prop::sample::Index>(), byte in 0x21u8..0x7f) {
            let token = keys().hand_over(visitor(), "ws_demo", NOW_MS);
            let mut altered = token.clone().into_bytes();
            let at = at.index(altered.len());
            altered[at] = byte;
            let altered = String::from_utf8(altered).unwrap();
            let taken = keys().receive(&altered, "ws_demo", NOW_MS);
            prop_assert_eq!(taken.is_ok(), altered == token, "{}", altered);
        }
    }
}
