//! Ids, tokens and chance, all from one seed, so that a fixed seed gives the same run again.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Hands out ids. Saved with the state: after a restart it goes on where it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ids {
    seed: u64,
    used: u64,
}

impl Ids {
    /// Ids of this seed; of a random one when there is none.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Ids {
        Ids { seed: seed.unwrap_or_else(|| getrandom::u64().expect("the system has randomness")), used: 0 }
    }

    fn bytes(&mut self) -> [u8; 32] {
        self.used += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.used.to_le_bytes());
        hash.finalize().into()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> Uuid {
        let mut half = [0; 16];
        half.copy_from_slice(&self.bytes()[..16]);
        uuid::Builder::from_random_bytes(half).into_uuid()
    }

    /// `prefix` and 43 hexadecimal digits, the look of Polar's client secrets.
    pub fn secret(&mut self, prefix: &str) -> String {
        let mut text = prefix.to_owned();
        for byte in self.bytes() {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        text.truncate(prefix.len() + 43);
        text
    }

    /// 32 bytes for a webhook key.
    pub fn key(&mut self) -> [u8; 32] {
        self.bytes()
    }
}

/// A small generator (SplitMix64) for faults: which delivery is dropped, repeated, late.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number from 0 to `limit` - 1; 0 when `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if limit == 0 { 0 } else { z % limit }
    }

    /// True in `percent` of 100 cases.
    pub fn hits(&mut self, percent: u8) -> bool {
        percent > 0 && self.below(100) < u64::from(percent)
    }
}
