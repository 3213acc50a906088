//! ULIDs in lower case: 48 bits of milliseconds and 80 bits of randomness in 26 characters.
//!
//! Sortable as text. Takes its time and randomness from the caller; never reads a clock.

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A ULID, kept as its 26 lower-case characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid([u8; Ulid::LEN]);

impl Ulid {
    /// Characters of a ULID.
    pub const LEN: usize = 26;

    /// The ULID of a time (milliseconds since the epoch, the low 48 bits count) and ten random bytes.
    #[must_use]
    pub fn new(time_ms: u64, random: [u8; 10]) -> Self {
        let mut text = [0; Self::LEN];
        for (i, slot) in text.iter_mut().take(10).enumerate() {
            *slot = ALPHABET[(((time_ms & 0xffff_ffff_ffff) >> (45 - 5 * i)) & 31) as usize];
        }
        // Ten bytes are exactly sixteen groups of five bits.
        let (mut bits, mut held, mut at) = (0u32, 0, 10);
        for byte in random {
            bits = bits << 8 | u32::from(byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                text[at] = ALPHABET[(bits >> held & 31) as usize];
                at += 1;
            }
        }
        Self(text)
    }

    /// Reads 26 lower-case characters; `None` for anything else, also for what overflows 128 bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        let known = text.iter().all(|byte| ALPHABET.contains(byte));
        (known && text[0] <= b'7').then_some(Self(text))
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
    fn sorts_by_time() {
        assert!(Ulid::new(1, [255; 10]) < Ulid::new(2, [0; 10]));
    }
}
