//! ULIDs in lower case: 48 bits of milliseconds and 80 bits of randomness in 26 characters.
//!
//! Sortable as text. Takes its time and randomness from the caller; never reads a clock.

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

use alloc::string::String;

/// A ULID, kept as its 26 lower-case characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid([u8; Ulid::LEN]);

impl Ulid {
    /// Characters of a ULID.
    pub const LEN: usize = 26;

    /// The ULID of a time (milliseconds since the epoch, the low 48 bits count) and ten random bytes.
    #[must_use]
    pub fn new(time_ms: u64, random: [u8; 10]) -> Self {
        let low = random.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        let mut bits = u128::from(time_ms) << 80 | low;
        let mut text = [0; Self::LEN];
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        Self(text)
    }

    /// The same from sixteen random characters, of which the low five bits count. Smaller than [`Ulid::new`]:
    /// no 128-bit arithmetic. Missing characters count as zero.
    #[must_use]
    pub fn from_digits(time_ms: u64, random: &str) -> Self {
        let mut text = [ALPHABET[0]; Self::LEN];
        // Ten characters hold 50 bits, and a ULID's time is 48.
        let mut bits = time_ms & 0xffff_ffff_ffff;
        for slot in text[..10].iter_mut().rev() {
            *slot = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        for (slot, byte) in text[10..].iter_mut().zip(random.bytes()) {
            *slot = ALPHABET[usize::from(byte & 31)];
        }
        Self(text)
    }

    /// Reads 26 lower-case characters; `None` for anything else, also for what overflows 128 bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        // A bit for each letter from a on: all but i, l, o and u.
        let is_letter = |byte: u8| byte.is_ascii_lowercase() && 0x03ef_b6ff >> (byte - b'a') & 1 == 1;
        let is_known = |byte: &u8| byte.is_ascii_digit() || is_letter(*byte);
        (text.iter().all(is_known) && text[0] <= b'7').then_some(Self(text))
    }

    /// Appends the 26 characters. In the pixel this is smaller than [`Ulid::as_str`], which checks UTF-8.
    pub fn push_to(&self, out: &mut String) {
        out.extend(self.0.iter().map(|byte| char::from(*byte)));
    }

    /// The 26 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only characters of the alphabet ever get in.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same 128 bits as a number.
    #[must_use]
    pub fn to_u128(&self) -> u128 {
        self.0.iter().fold(0, |sum, byte| sum << 5 | digit(*byte))
    }

    /// The milliseconds since the epoch in its first ten characters.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        (self.to_u128() >> 80) as u64
    }
}

fn digit(byte: u8) -> u128 {
    ALPHABET.iter().position(|known| *known == byte).unwrap_or(0) as u128
}

impl core::fmt::Display for Ulid {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl core::fmt::Debug for Ulid {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn known_value_of_the_ulid_specification() {
        // 01ARZ3NDEKTSV4RRFFQ69G5FAV, the example of the specification.
        let ulid = Ulid::parse("01arz3ndektsv4rrffq69g5fav").unwrap();
        assert_eq!(ulid.time_ms(), 1_469_922_850_259);
        let random = (ulid.to_u128() & ((1 << 80) - 1)).to_be_bytes();
        let rebuilt = Ulid::new(ulid.time_ms(), random[6..].try_into().unwrap());
        assert_eq!(rebuilt, ulid);
        assert_eq!(rebuilt.to_string(), "01arz3ndektsv4rrffq69g5fav");
    }

    #[test]
    fn refuses_other_shapes() {
        for bad in
            ["", "01arz3ndektsv4rrffq69g5fa", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "81arz3ndektsv4rrffq69g5fav"]
        {
            assert_eq!(Ulid::parse(bad), None, "{bad}");
        }
        assert_eq!(Ulid::parse("01arz3ndektsv4rrffq69g5fai"), None);
    }

    #[test]
    fn digits_and_bytes_make_the_same_time() {
        for time_ms in [0, 1_763_718_000_000, (1 << 48) - 1, u64::MAX] {
            let ulid = Ulid::from_digits(time_ms, "@ABCDEFGHIJKLMNO");
            assert_eq!(ulid.time_ms(), time_ms & ((1 << 48) - 1));
            assert_eq!(&ulid.as_str()[10..], "0123456789abcdef");
            assert_eq!(Ulid::parse(ulid.as_str()), Some(ulid));
        }
    }

    #[test]
    fn sorts_by_time() {
        assert!(Ulid::new(1, [255; 10]) < Ulid::new(2, [0; 10]));
    }
}
