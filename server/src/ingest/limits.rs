//! How fast hits may come: from one address to one workspace, and to one workspace from everybody. Both are the
//! same rule, a *steady rate and a burst*, kept as one number each: when the sender will have used nothing.
//!
//! The table of addresses has a fixed size. When a place is needed, the address that is nearest to having used
//! nothing gives up its own, so that a flood of made-up addresses can neither grow the table nor push out those
//! who are being limited. It never keeps an address: only a keyed hash of its network and the workspace.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config;

/// Sets of the table, each with its own lock; with four places a set 262,144 addresses in 4.7 MB.
const SETS: usize = 1 << 16;
const PLACES: usize = 4;

/// A steady rate with a burst. Times are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_hit_ns: u64,
    window_ns: u64,
}

/// Come again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    ns: u64,
}

impl Wait {
    /// Whole seconds, for `Retry-After`.
    pub fn seconds(self) -> u32 {
        u32::try_from(self.ns.div_ceil(1_000_000_000)).unwrap_or(u32::MAX).max(1)
    }
}

impl Rate {
    /// None when either is 0: no limit.
    pub fn new(hits_per_second: u32, burst: u32) -> Option<Rate> {
        let per_hit_ns = 1_000_000_000u64.checked_div(hits_per_second.into())?.max(1);
        (burst > 0).then_some(Rate { per_hit_ns, window_ns: per_hit_ns * u64::from(burst) })
    }

    /// `free_at` is when the sender will have used nothing. Answers that time from now on, and how long to wait.
    fn take(self, free_at_ns: u64, now_ns: u64, hits: u32) -> (u64, Result<(), Wait>) {
        let most = now_ns + self.window_ns;
        // Beyond `most` it was written before the clock was set back, and says nothing about now: refusing
        // anybody for that would lose hits of every visitor at once.
        let free_at_ns = if free_at_ns > most { now_ns } else { free_at_ns.max(now_ns) };
        // A request larger than the burst passes when nothing was used.
        let next = free_at_ns + (self.per_hit_ns * u64::from(hits)).min(self.window_ns);
        if next > most { (free_at_ns, Err(Wait { ns: next - most })) } else { (next, Ok(())) }
    }
}

/// The limits of an installation.
#[derive(Debug)]
pub struct Limits {
    address: Option<Rate>,
    workspace: Option<Rate>,
    limits_private: bool,
    table: Box<[Mutex<[Place; PLACES]>]>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Hash of network and workspace; 0 is nobody.
    who: u64,
    free_at_ns: u64,
}

impl Limits {
    pub fn new(config: &config::Collector) -> Limits {
        let address = Rate::new(config.address_hits_per_second, config.address_hits_burst);
        let sets = if address.is_some() { SETS } else { 0 };
        Limits {
            address,
            workspace: Rate::new(config.workspace_hits_per_second, config.workspace_hits_burst),
            limits_private: config.limit_private_addresses,
            table: (0..sets).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Whether `hits` more may come from an address to the workspace that `salt` stands for.
    pub fn admit(&self, salt: u64, address: IpAddr, now_ms: i64, hits: u32) -> Result<(), Wait> {
        let Some(rate) = self.address else { return Ok(()) };
        let address = address.to_canonical();
        if !self.limits_private && is_private(address) {
            return Ok(());
        }
        let who = self.hasher.hash_one((salt, network(address))).max(1);
        let mut set = self.table[who as usize % SETS].lock().expect("no holder panics");
        let known = set.iter().position(|place| place.who == who);
        let at = known.unwrap_or_else(|| {
            let free = |at: &usize| set[*at].free_at_ns;
            (0..PLACES).min_by_key(free).expect("a set has places")
        });
        let free_at_ns = if known.is_some() { set[at].free_at_ns } else { 0 };
        let (free_at_ns, taken) = rate.take(free_at_ns, ns(now_ms), hits);
        set[at] = Place { who, free_at_ns };
        taken
    }

    /// Whether a workspace takes one more hit; `quota` is its own, wherever it is kept.
    pub fn admit_to_workspace(&self, quota: &Quota, now_ms: i64) -> Result<(), Wait> {
        let Some(rate) = self.workspace else { return Ok(()) };
        let mut taken = Ok(());
        let step = |free_at_ns| {
            let (free_at_ns, answer) = rate.take(free_at_ns, ns(now_ms), 1);
            taken = answer;
            Some(free_at_ns)
        };
        let _ = quota.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        taken
    }
}

/// What a workspace has used of its rate.
#[derive(Debug, Default)]
pub struct Quota(AtomicU64);

fn ns(now_ms: i64) -> u64 {
    now_ms.max(0) as u64 * 1_000_000
}

/// An IPv4 address, or the /64 of an IPv6 one: what one sender can have many of must not be many senders.
fn network(address: IpAddr) -> u64 {
    match address {
        // No IPv6 network begins with 32 zero bits, so the two never meet.
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

/// An address of this machine or of a network that nobody outside has.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || a == 100 && b & 0xc0 == 64
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const NOW_MS: i64 = 1_772_366_400_000;

    fn limits(change: impl FnOnce(&mut config::Collector)) -> Limits {
        let mut config = config::Config::for_data_dir("x".as_ref()).collector;
        (config.address_hits_per_second, config.address_hits_burst) = (10, 20);
        (config.workspace_hits_per_second, config.workspace_hits_burst) = (10, 5);
        change(&mut config);
        Limits::new(&config)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn passes(limits: &Limits, address: &str, now_ms: i64, tries: u32) -> u32 {
        (0..tries).filter(|_| limits.admit(1, ip(address), now_ms, 1).is_ok()).count() as u32
    }

    #[test]
    fn a_burst_then_the_steady_rate() {
        let limits = limits(|_| {});
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS, 50), 20);
        assert_eq!(limits.admit(1, ip("192.0.2.1"), NOW_MS, 1).unwrap_err().seconds(), 1);
        assert_eq!(limits.admit(1, ip("192.0.2.1"), NOW_MS, 20).unwrap_err().seconds(), 2);
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS + 500, 50), 5);
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS + 60_000, 50), 20);
        assert_eq!(passes(&limits, "192.0.2.2", NOW_MS, 50), 20, "another address");
        let other_workspace = (0..50).filter(|_| limits.admit(2, ip("192.0.2.1"), NOW_MS, 1).is_ok());
        assert_eq!(other_workspace.count(), 20);
    }

    #[test]
    fn lists_use_up_as_many_and_a_large_one_passes_when_nothing_was_used() {
        let limits = limits(|_| {});
        assert!(limits.admit(1, ip("192.0.2.1"), NOW_MS, 15).is_ok());
        assert!(limits.admit(1, ip("192.0.2.1"), NOW_MS, 6).is_err());
        assert!(limits.admit(1, ip("192.0.2.1"), NOW_MS, 5).is_ok());
        assert!(limits.admit(1, ip("192.0.2.9"), NOW_MS, 100).is_ok());
        assert!(limits.admit(1, ip("192.0.2.9"), NOW_MS, 1).is_err());
    }

    #[test]
    fn a_whole_ipv6_network_is_one_sender_and_private_ones_are_let_be() {
        let limits = limits(|_| {});
        let sent = (0..100u16).map(|host| Ipv6Addr::new(0x2001, 0xdb8, 0, 1, host, 0, 0, host));
        assert_eq!(sent.filter(|ip| limits.admit(1, (*ip).into(), NOW_MS, 1).is_ok()).count(), 20);
        assert_eq!(passes(&limits, "2001:db8:0:2::1", NOW_MS, 50), 20, "the next network");
        for private in ["127.0.0.1", "10.1.1.1", "::1", "fd00::1", "::ffff:192.168.0.1", "100.64.0.1"] {
            assert_eq!(passes(&limits, private, NOW_MS, 50), 50, "{private}");
        }
        let strict = self::limits(|config| config.limit_private_addresses = true);
        assert_eq!(passes(&strict, "127.0.0.1", NOW_MS, 50), 20);
    }

    #[test]
    fn a_million_addresses_neither_grow_the_table_nor_free_the_one_that_floods() {
        let limits = limits(|_| {});
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS, 50), 20);
        let bytes = size_of_val(&*limits.table);
        for bits in 0..1_000_000u32 {
            let made_up = Ipv4Addr::from_bits(0x2000_0000 + bits);
            assert!(limits.admit(1, made_up.into(), NOW_MS, 1).is_ok());
        }
        assert_eq!(size_of_val(&*limits.table), bytes);
        assert!(bytes < 5 << 20, "{bytes}");
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS, 50), 0, "still limited");
    }

    #[test]
    fn a_clock_set_back_refuses_nobody_and_limits_go_on() {
        let limits = limits(|_| {});
        assert_eq!(passes(&limits, "192.0.2.1", NOW_MS, 50), 20);
        let back = NOW_MS - 3_600_000;
        assert_eq!(passes(&limits, "192.0.2.1", back, 50), 20);
        assert_eq!(passes(&limits, "192.0.2.1", back + 1000, 50), 10);
    }

    #[test]
    fn a_workspace_has_a_rate_of_its_own_and_none_means_none() {
        let (limited, quota) = (limits(|_| {}), Quota::default());
        let passed = (0..50).filter(|_| limited.admit_to_workspace(&quota, NOW_MS).is_ok()).count();
        assert_eq!(passed, 5);
        assert!(limited.admit_to_workspace(&quota, NOW_MS + 100).is_ok());
        let free = limits(|config| {
            config.workspace_hits_per_second = 0;
            config.address_hits_per_second = 0;
        });
        assert!((0..50).all(|_| free.admit_to_workspace(&Quota::default(), NOW_MS).is_ok()));
        assert_eq!(passes(&free, "192.0.2.1", NOW_MS, 50), 50);
    }
}
