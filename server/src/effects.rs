//! The two effects everything else takes as arguments: the clock and random ids.
//! Never read the wall clock elsewhere: tests move this one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since the epoch, from the system or from a test's hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Clock(None)
    }

    /// A clock that stands at `now_ms` until it is moved.
    pub fn manual(now_ms: i64) -> Self {
        Clock(Some(Arc::new(AtomicI64::new(now_ms))))
    }

    /// Milliseconds since the epoch, UTC.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Some(hand) => hand.load(Ordering::SeqCst),
            None => system_now_ms(),
        }
    }

    /// Moves a manual clock to `now_ms`; the system's clock does not move.
    pub fn set(&self, now_ms: i64) {
        if let Some(hand) = &self.0 {
            hand.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Moves a manual clock forward by `by_ms`.
    pub fn advance(&self, by_ms: i64) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|d| d.as_millis() as i64).unwrap_or(0)
}

/// Fills an array from the operating system's random source.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// A random id with a prefix, e.g. `con_` and 20 characters of base 32.
pub fn random_id(prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let body: String = random_bytes::<20>().iter().map(|b| ALPHABET[(b & 31) as usize] as char).collect();
    format!("{prefix}{body}")
}
