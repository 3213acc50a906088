//! The signed form of a visitor id: `vis_<26>_<key id><MAC>`, and what reading one is worth as evidence.
//!
//! The signature says that this installation has met the visitor in this workspace; it does not hide the id
//! and it does not expire. A forged one is reported, not repaired: callers treat it as no visitor.

mod handover;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use handover::{HANDOVER_SECONDS, HandoverError};

use crate::ids::{ULID_CHARS, VisitorId, read_ulid, write_ulid};

/// Characters of a key id.
pub const KEY_ID_CHARS: usize = 2;
/// Bytes of the MAC that are kept; 22 characters as base64url without padding.
const MAC_BYTES: usize = 16;
const MAC_CHARS: usize = 22;
/// Shortest secret that is accepted.
pub const SECRET_BYTES_MIN: usize = 16;
const PLAIN_CHARS: usize = VisitorId::PREFIX.len() + ULID_CHARS;
const SIGNED_CHARS: usize = PLAIN_CHARS + 1 + KEY_ID_CHARS + MAC_CHARS;

/// What a visitor id that arrived in a text is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Signed by one of our keys for this workspace.
    Signed,
    /// The bare form, as the browser minted it.
    Unsigned,
    /// It carries a signature that none of our keys made for this workspace. Treat it as no visitor.
    Forged,
}

impl Evidence {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Signed => "signed",
            Evidence::Unsigned => "unsigned",
            Evidence::Forged => "forged",
        }
    }
}

/// The text is not a visitor id in either form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a visitor id: expected `vis_` and 26 lower-case characters, with or without a signature")]
pub struct TokenError;

/// Why a set of keys is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("no visitor key: give at least one")]
    None,
    #[error("visitor key id {0:?}: use exactly two characters out of A-Z, a-z, 0-9")]
    Id(String),
    #[error("visitor key id {0:?} is given twice: give each key its own id")]
    Twice(String),
    #[error("the secret of visitor key {0:?} is shorter than 16 bytes: generate a longer one")]
    Short(String),
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID_CHARS],
    /// The MAC after the key was absorbed; cloned for each message.
    mac: Hmac<Sha256>,
}

/// The keys of this installation. The first signs, all verify: to change the key put the new one first and
/// keep the old one, since visitors return with ids signed long ago.
#[derive(Clone)]
pub struct VisitorKeys {
    keys: Vec<Key>,
}

impl VisitorKeys {
    /// Keys as (id, secret), the signing key first.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<VisitorKeys, KeyError> {
        let mut known: Vec<Key> = Vec::new();
        for (id, secret) in keys {
            let bytes: [u8; KEY_ID_CHARS] = match id.as_bytes().try_into() {
                Ok(bytes) if id.bytes().all(|b| b.is_ascii_alphanumeric()) => bytes,
                _ => return Err(KeyError::Id(id.to_owned())),
            };
            if known.iter().any(|key| key.id == bytes) {
                return Err(KeyError::Twice(id.to_owned()));
            }
            if secret.len() < SECRET_BYTES_MIN {
                return Err(KeyError::Short(id.to_owned()));
            }
            let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
            known.push(Key { id: bytes, mac });
        }
        if known.is_empty() { Err(KeyError::None) } else { Ok(VisitorKeys { keys: known }) }
    }

    /// The signed form of `visitor`, valid in `workspace` only: 55 characters out of `[A-Za-z0-9_-]`.
    pub fn sign(&self, visitor: VisitorId, workspace: &str) -> String {
        let key = &self.keys[0];
        let mut text = String::with_capacity(SIGNED_CHARS);
        let mut id = [0; ULID_CHARS];
        write_ulid(visitor.0, &mut id);
        text.push_str(VisitorId::PREFIX);
        text.extend(id.iter().map(|&byte| byte as char));
        text.push('_');
        text.extend(key.id.iter().map(|&byte| byte as char));
        URL_SAFE_NO_PAD.encode_string(key.mac_of(visitor, workspace), &mut text);
        text
    }

    /// Reads either form. `Ok` with [`Evidence::Forged`] says that the text has the shape of a signed id but
    /// no key of ours made it for this workspace (a wrong MAC, another workspace, a key we do not hold).
    pub fn read(&self, text: &str, workspace: &str) -> Result<(VisitorId, Evidence), TokenError> {
        if !text.is_ascii() || text.len() < PLAIN_CHARS || !text.starts_with(VisitorId::PREFIX) {
            return Err(TokenError);
        }
        let (plain, signature) = text.split_at(PLAIN_CHARS);
        let visitor = read_ulid(&plain[VisitorId::PREFIX.len()..]).map(VisitorId).ok_or(TokenError)?;
        if signature.is_empty() {
            return Ok((visitor, Evidence::Unsigned));
        }
        let signature = signature.strip_prefix('_').ok_or(TokenError)?;
        let wanted = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.len() > 100 || signature.is_empty() || !signature.bytes().all(wanted) {
            return Err(TokenError);
        }
        let evidence =
            if self.verifies(visitor, workspace, signature) { Evidence::Signed } else { Evidence::Forged };
        Ok((visitor, evidence))
    }

    fn verifies(&self, visitor: VisitorId, workspace: &str, signature: &str) -> bool {
        if signature.len() != KEY_ID_CHARS + MAC_CHARS {
            return false;
        }
        let (key_id, mac) = signature.split_at(KEY_ID_CHARS);
        let Some(key) = self.keys.iter().find(|key| key.id == key_id.as_bytes()) else { return false };
        let Ok(mac) = URL_SAFE_NO_PAD.decode(mac) else { return false };
        key.mac_of(visitor, workspace).ct_eq(&mac).into()
    }
}

impl Key {
    fn mac_of(&self, visitor: VisitorId, workspace: &str) -> [u8; MAC_BYTES] {
        let id = visitor.0.to_be_bytes();
        self.mac_of_parts(&[b"tributary visitor\0", workspace.as_bytes(), b"\0", &id])
    }

    fn mac_of_parts(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut front = [0; MAC_BYTES];
        front.copy_from_slice(&full[..MAC_BYTES]);
        front
    }
}

impl std::fmt::Debug for VisitorKeys {
    /// Key ids only: secrets never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.keys.iter().map(|key| String::from_utf8_lossy(&key.id));
        f.debug_struct("VisitorKeys").field("ids", &ids.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: (&str, &[u8]) = ("a1", b"an old secret of enough bytes");
    const NEW: (&str, &[u8]) = ("b2", b"a new secret of enough bytes.");

    fn visitor() -> VisitorId {
        "vis_01jd3m8q5x0000000000000abc".parse().unwrap()
    }

    #[test]
    fn a_signed_id_reads_back_as_signed_and_stays_short() {
        let keys = VisitorKeys::new([NEW]).unwrap();
        let token = keys.sign(visitor(), "ws_demo");
        assert_eq!(keys.read(&token, "ws_demo"), Ok((visitor(), Evidence::Signed)));
        assert_eq!(token.len(), SIGNED_CHARS);
        assert!(token.starts_with("vis_01jd3m8q5x0000000000000abc_b2"), "{token}");
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    }

    #[test]
    fn a_key_that_no_longer_signs_still_verifies() {
        let token = VisitorKeys::new([OLD]).unwrap().sign(visitor(), "ws_demo");
        let keys = VisitorKeys::new([NEW, OLD]).unwrap();
        assert_eq!(keys.read(&token, "ws_demo"), Ok((visitor(), Evidence::Signed)));
    }

    #[test]
    fn a_bare_id_is_unsigned() {
        let keys = VisitorKeys::new([NEW]).unwrap();
        assert_eq!(keys.read(&visitor().to_string(), "ws_demo"), Ok((visitor(), Evidence::Unsigned)));
    }

    #[test]
    fn every_altered_character_of_the_signature_is_noticed() {
        let keys = VisitorKeys::new([NEW, OLD]).unwrap();
        let token = keys.sign(visitor(), "ws_demo");
        for at in PLAIN_CHARS + 1..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(keys.read(&altered, "ws_demo"), Ok((visitor(), Evidence::Forged)), "{altered}");
        }
    }

    #[test]
    fn signatures_of_other_workspaces_ids_and_installations_are_forged() {
        let keys = VisitorKeys::new([NEW]).unwrap();
        let token = keys.sign(visitor(), "ws_demo");
        assert_eq!(keys.read(&token, "ws_other").unwrap().1, Evidence::Forged);
        let other = VisitorKeys::new([OLD]).unwrap();
        assert_eq!(other.read(&token, "ws_demo").unwrap().1, Evidence::Forged);
        let neighbour = token.replace("abc_", "abd_");
        assert_eq!(keys.read(&neighbour, "ws_demo").unwrap().1, Evidence::Forged);
    }

    #[test]
    fn what_has_neither_form_is_an_error() {
        let keys = VisitorKeys::new([NEW]).unwrap();
        let long = format!("{}_{}", visitor(), "a".repeat(80));
        for text in
            ["", "vis_", "42", "vis_01JD3M8Q5X0000000000000ABC", "vis_01jd3m8q5x0000000000000abcd", &long]
        {
            assert_eq!(keys.read(text, "ws_demo"), Err(TokenError), "{text}");
        }
        assert_eq!(keys.read(&format!("{}_b2 =/+", visitor()), "ws_demo"), Err(TokenError));
        // Found by fuzzing: a signature announced and not there. The pixel's reader refuses it too.
        assert_eq!(keys.read(&format!("{}_", visitor()), "ws_demo"), Err(TokenError));
    }

    #[test]
    fn unusable_keys_are_refused_and_secrets_are_not_shown() {
        assert_eq!(VisitorKeys::new([]).unwrap_err(), KeyError::None);
        assert_eq!(VisitorKeys::new([("abc", NEW.1)]).unwrap_err(), KeyError::Id("abc".into()));
        assert_eq!(VisitorKeys::new([NEW, NEW]).unwrap_err(), KeyError::Twice("b2".into()));
        assert_eq!(VisitorKeys::new([("b2", &b"short"[..])]).unwrap_err(), KeyError::Short("b2".into()));
        assert!(!format!("{:?}", VisitorKeys::new([NEW]).unwrap()).contains("secret"));
    }
}
