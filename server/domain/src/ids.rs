//! Identifiers: their bits, their one text form, and how ids are derived from what a sender calls a thing.
//!
//! Ids are 128 bits. Browser-minted ones (visitor, hit, session) are ULIDs written in lower case; derived
//! ones (order, person, fact) are the front of a SHA-256 and are written in hex. Each id has exactly one text
//! form: upper case or ambiguous letters do not parse, so equal ids are equal texts. Nothing here mints an id:
//! that takes chance, which lives at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use ulid::{ULID_LEN, Ulid};
use uuid::Uuid;

/// The text is not an id of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix that names the kind is missing.
    #[error("expected an id that begins with `{0}`")]
    Prefix(&'static str),
    /// The part after the prefix is not a lower-case ULID.
    #[error("expected a ULID of 26 lower-case characters")]
    Ulid,
    /// The part after the prefix is not 32 lower-case hex digits.
    #[error("expected 32 lower-case hex digits")]
    Hex,
}

/// Length of a ULID as text.
pub const ULID_CHARS: usize = ULID_LEN;

/// Writes a ULID in lower case into `out` without allocating.
pub fn write_ulid(id: u128, out: &mut [u8; ULID_CHARS]) {
    Ulid(id).array_to_str(out);
    out.make_ascii_lowercase();
}

/// Reads a lower-case ULID; `None` for anything that [`write_ulid`] would not have written.
pub fn read_ulid(text: &str) -> Option<u128> {
    if text.len() != ULID_CHARS {
        return None;
    }
    let id = Ulid::from_string(text).ok()?.0;
    let mut canonical = [0; ULID_CHARS];
    write_ulid(id, &mut canonical);
    (canonical == text.as_bytes()).then_some(id)
}

/// Reads 32 lower-case hex digits.
fn read_hex(text: &str) -> Option<u128> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == 32 && text.bytes().all(lower_hex)).then(|| u128::from_str_radix(text, 16).ok())?
}

/// An id from what the sender calls the thing: the first 16 bytes of SHA-256 over the parts, each preceded by
/// its length, so that `["ab", "c"]` and `["a", "bc"]` differ. The same parts give the same id for ever.
pub fn derive_id(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut front = [0; 16];
    front.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(front)
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $write:ident, $read:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                $write(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).ok_or(IdError::Prefix($prefix))?;
                $read(rest).map(Self).ok_or(IdError::$error)
            }
        }

        impl From<$name> for Uuid {
            /// The same 128 bits; the version bits of a UUID are not set.
            fn from(id: $name) -> Uuid {
                Uuid::from_u128(id.0)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid.as_u128())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

fn fmt_ulid(id: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0; ULID_CHARS];
    write_ulid(id, &mut text);
    f.write_str(std::str::from_utf8(&text).expect("a ULID is written in ASCII"))
}

fn fmt_hex(id: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{id:032x}")
}

id_type! {
    /// A first-party visitor: `vis_` and a ULID, minted in the browser.
    VisitorId, "vis_", fmt_ulid, read_ulid, Ulid
}
id_type! {
    /// One hit, minted in the browser; sent twice it is the same hit.
    HitId, "", fmt_ulid, read_ulid, Ulid
}
id_type! {
    /// One session of a visitor, minted in the browser.
    SessionId, "", fmt_ulid, read_ulid, Ulid
}
id_type! {
    /// One order: `ord_` and 32 hex digits, derived from the provider's own id.
    OrderId, "ord_", fmt_hex, read_hex, Hex
}
id_type! {
    /// One person: `per_` and 32 hex digits, derived from the smallest key that names the person.
    PersonId, "per_", fmt_hex, read_hex, Hex
}
id_type! {
    /// One fact, that is one version of one object as one delivery told it: `fact_` and 32 hex digits.
    FactId, "fact_", fmt_hex, read_hex, Hex
}
id_type! {
    /// One refund of an order: `ref_` and 32 hex digits, derived from the provider's own id.
    RefundId, "ref_", fmt_hex, read_hex, Hex
}

impl OrderId {
    /// The id of the order that `connection` calls `object_id`.
    pub fn derive(workspace: &str, connection: &str, object_id: &str) -> OrderId {
        OrderId(derive_id(&["order", workspace, connection, object_id]))
    }
}

impl FactId {
    /// The id of what one delivery (`delivery_id`: the provider's event id, or one made of the poll's object
    /// and version) said about one object.
    pub fn derive(connection: &str, delivery_id: &str, object_kind: &str, object_id: &str) -> FactId {
        FactId(derive_id(&["fact", connection, delivery_id, object_kind, object_id]))
    }
}

impl VisitorId {
    /// When the browser says it minted the id, in milliseconds since the epoch: a hint, never evidence.
    pub fn minted_ms(self) -> u64 {
        Ulid(self.0).timestamp_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text_form() {
        let text = "vis_01jd3m8q5x0000000000000abc";
        let id: VisitorId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        for other in [
            "vis_01JD3M8Q5X0000000000000ABC",
            "vis_o1jd3m8q5x0000000000000abc",
            "vis_81jd3m8q5x0000000000000abc",
            "vis_01jd3m8q5x0000000000000ab",
            "vis_01jd3m8q5x0000000000000abcd",
            "01jd3m8q5x0000000000000abc",
            "vis_01jd3m8q5x0000000000000aé",
        ] {
            assert!(other.parse::<VisitorId>().is_err(), "{other}");
        }
    }

    #[test]
    fn derived_ids_are_fixed_and_parts_do_not_run_together() {
        assert_eq!(derive_id(&["ab", "c"]), derive_id(&["ab", "c"]));
        assert_ne!(derive_id(&["ab", "c"]), derive_id(&["a", "bc"]));
        assert_ne!(derive_id(&["ab"]), derive_id(&["ab", ""]));
        assert_eq!(derive_id(&["order"]), 0x193c_6946_bbf9_b390_90f2_74b5_bfb5_ef55);
    }

    #[test]
    fn derived_ids_go_through_text_json_and_uuid() {
        let id = OrderId::derive("ws_demo", "polar", "0195");
        assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        assert_eq!(serde_json::from_str::<OrderId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        assert_eq!(OrderId::from(Uuid::from(id)), id);
        assert_eq!("ord_+0000000000000000000000000000000".parse::<OrderId>(), Err(IdError::Hex));
        assert_eq!("per_0".parse::<OrderId>(), Err(IdError::Prefix("ord_")));
    }
}
