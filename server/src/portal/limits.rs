//! How often somebody may ask for a mail or apply: so many times in a quarter of an hour by address of the network.
//! What is kept is a keyed hash, in memory, and goes with the quarter.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Mutex;

const WINDOW_MS: i64 = 15 * 60 * 1000;
/// Asks of one network in a window; people who share one are few who sign in at once.
const ASKS_MAX: u32 = 20;
/// Networks remembered in a window: some megabytes. Beyond it only the limit by recipient holds.
const NETWORKS_MAX: usize = 100_000;

/// Who asked in the window that runs.
#[derive(Debug, Default)]
pub struct Asks {
    window: Mutex<Window>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Window {
    number: i64,
    asks: HashMap<u64, u32>,
}

impl Asks {
    /// Counts one ask; the seconds to wait when there were too many.
    pub fn admit(&self, from: Option<IpAddr>, now_ms: i64) -> Result<(), u32> {
        let number = now_ms.div_euclid(WINDOW_MS);
        let who = self.hasher.hash_one(from.map(network));
        let mut window = self.window.lock().expect("no holder panics");
        if window.number != number {
            *window = Window { number, asks: HashMap::new() };
        }
        if !window.asks.contains_key(&who) && window.asks.len() >= NETWORKS_MAX {
            return Ok(());
        }
        let asks = window.asks.entry(who).or_default();
        *asks += 1;
        if *asks <= ASKS_MAX {
            return Ok(());
        }
        let left_ms = (number + 1) * WINDOW_MS - now_ms;
        Err(u32::try_from(left_ms.div_euclid(1000)).unwrap_or(0).max(1))
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: what one sender can have many of must not be many senders.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_a_number_of_asks_in_a_window_and_others_have_their_own() {
        let asks = Asks::default();
        let one = |text: &str| Some(text.parse().unwrap());
        for _ in 0..ASKS_MAX {
            assert_eq!(asks.admit(one("2001:db8::1"), 60_000), Ok(()));
        }
        assert_eq!(asks.admit(one("2001:db8::2"), 60_000), Err(840), "the same /64");
        assert_eq!(asks.admit(one("2001:db9::1"), 60_000), Ok(()));
        assert_eq!(asks.admit(one("192.0.2.1"), 60_000), Ok(()));
        assert_eq!(asks.admit(one("2001:db8::1"), WINDOW_MS), Ok(()), "the next window");
    }
}
