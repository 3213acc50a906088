//! The session: what ends it, which of its hits are touches, and how it is kept between pages.
//!
//! It ends after 30 idle minutes and at no other time, midnight included. Stored as one short line of text in
//! first-party storage, so that tabs share it; where storage is refused it lives in memory.

use alloc::string::String;

use wire::{Touch, Ulid};

use crate::address::{Address, push_param};
use crate::text::{next_param, number, words};
use crate::touch::{Identity, is_utm};

/// Idle time that ends a session, and the time within which the same campaign is the same visit.
pub const IDLE_MS: u64 = 30 * 60 * 1000;

/// Identities remembered; the one met longest ago is forgotten first.
const SEEN_MAX: usize = 8;

/// A session; before its first hit one that was over long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Ulid,
    /// The utm parameters of its latest touch as they stood in the address, for the checkout.
    pub utm: String,
    /// The time of its latest hit, then each campaign identity met: its hash and when it was met last, zeros
    /// where there is none yet. One array, because reading and writing it is one loop.
    numbers: [u64; 1 + 2 * SEEN_MAX],
}

impl Session {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self { id: Ulid::from_digits(0, ""), utm: String::new(), numbers: [0; 1 + 2 * SEEN_MAX] }
    }

    /// Time of its latest hit, milliseconds since the epoch.
    #[must_use]
    pub fn last_ms(&self) -> u64 {
        self.numbers[0]
    }

    /// Notes an identity; true when it makes a new touch: not met in the last 30 minutes, a click id never.
    fn meet(&mut self, identity: Identity, now_ms: u64) -> bool {
        let mut oldest = 1;
        for at in (1..self.numbers.len() - 1).step_by(2) {
            let met_ms = self.numbers[at + 1];
            if self.numbers[at] == u64::from(identity.hash) {
                self.numbers[at + 1] = now_ms;
                return !identity.is_click && met_ms.abs_diff(now_ms) > IDLE_MS;
            }
            if met_ms < self.numbers[oldest + 1] {
                oldest = at;
            }
        }
        self.numbers[oldest] = identity.hash.into();
        self.numbers[oldest + 1] = now_ms;
        true
    }

    /// One line: `<g when the visitor agreed, else d> <id> <utm> <last_ms> <hash> <ms> …`.
    #[must_use]
    pub fn write(&self, is_asked: bool) -> String {
        let mut line = String::from(if is_asked { "g " } else { "d " });
        self.id.push_to(&mut line);
        line.push(' ');
        line.push_str(&self.utm);
        for number in self.numbers {
            line.push(' ');
            wire::push_digits(number, &mut line);
        }
        line
    }

    /// Reads a line; [`Session::none`] for anything else. Damaged numbers count as zero.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let mut session = Self::none();
        let mut words = words(line, b' ');
        words.next();
        if let Some(id) = Ulid::parse(words.next().unwrap_or_default()) {
            session.id = id;
            session.utm = words.next().unwrap_or_default().into();
            for slot in &mut session.numbers {
                *slot = number(words.next().unwrap_or_default()).unwrap_or_default();
            }
        }
        session
    }

    /// What a hit of this moment does to the session, the touch it is among it. `fresh` is the id of the next
    /// session. A clock that jumped back ends it only by more than the idle time.
    ///
    /// `is_return` says that the browser reloaded the page or went back to it: what stands in the address was met
    /// when the page was first shown, so inside a session it is no touch.
    pub fn enter(
        &mut self,
        fresh: Ulid,
        now_ms: u64,
        page: &Address<'_>,
        is_return: bool,
        each_identity: impl FnOnce(&mut dyn FnMut(Identity)),
    ) -> Option<Touch> {
        let is_first = self.last_ms().abs_diff(now_ms) > IDLE_MS;
        if is_first {
            self.id = fresh;
            self.numbers = [0; 1 + 2 * SEEN_MAX];
        }
        self.numbers[0] = now_ms;
        let mut is_campaign = false;
        each_identity(&mut |identity| is_campaign |= self.meet(identity, now_ms));
        if !is_first && (is_return || !is_campaign) {
            return None;
        }
        self.utm.clear();
        let mut query = words(page.query, b'&');
        while let Some((name, value)) = next_param(&mut query) {
            if is_utm(name) {
                push_param(&mut self.utm, name, value);
            }
        }
        Some(if is_first { Touch::Session } else { Touch::Campaign })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;
    /// Some minute of 2025.
    const NOON: u64 = 29_395_000;

    struct Visit {
        session: Session,
        minted: u8,
    }

    impl Visit {
        fn new() -> Self {
            Self { session: Session::none(), minted: 0 }
        }

        fn hit(&mut self, minute: u64, hashes: &[u32], is_return: bool) -> Option<Touch> {
            self.minted += 1;
            let fresh = Ulid::new(0, [self.minted; 10]);
            self.session.enter(fresh, minute * MINUTE, &Address::parse(""), is_return, |found| {
                for hash in hashes {
                    found(Identity { hash: *hash, is_click: *hash > 100 });
                }
            })
        }

        fn id(&self) -> Ulid {
            self.session.id
        }
    }

    #[test]
    fn thirty_idle_minutes_end_a_session_and_midnight_does_not() {
        let mut visit = Visit::new();
        let before_midnight = 20_413 * 24 * 60 - 10;
        assert_eq!(visit.hit(before_midnight, &[], false), Some(Touch::Session));
        let first = visit.id();
        assert_eq!(visit.hit(before_midnight + 20, &[], false), None);
        assert_eq!(visit.hit(before_midnight + 50, &[], false), None, "thirty minutes are not over thirty");
        assert_eq!(visit.id(), first);
        assert_eq!(visit.hit(before_midnight + 81, &[], false), Some(Touch::Session));
        assert_ne!(visit.id(), first);
    }

    #[test]
    fn a_new_campaign_is_a_touch_and_the_same_is_not() {
        let mut visit = Visit::new();
        assert_eq!(visit.hit(NOON, &[1], false), Some(Touch::Session));
        assert_eq!(visit.hit(NOON + 1, &[1], false), None);
        assert_eq!(visit.hit(NOON + 2, &[2], false), Some(Touch::Campaign));
        assert_eq!(visit.hit(NOON + 3, &[1], false), None, "back to the first within thirty minutes");
        assert_eq!(visit.hit(NOON + 20, &[], false), None);
        assert_eq!(
            visit.hit(NOON + 40, &[1], false),
            Some(Touch::Campaign),
            "37 minutes later it is a new visit"
        );
    }

    #[test]
    fn a_click_id_met_before_is_never_new_in_the_session() {
        let mut visit = Visit::new();
        visit.hit(NOON, &[101], false);
        visit.hit(NOON + 25, &[], false);
        assert_eq!(visit.hit(NOON + 50, &[101], false), None);
        assert_eq!(visit.hit(NOON + 51, &[102], false), Some(Touch::Campaign));
    }

    #[test]
    fn a_reload_or_the_back_button_is_no_touch() {
        let mut visit = Visit::new();
        visit.hit(NOON, &[1], false);
        visit.hit(NOON + 25, &[], false);
        assert_eq!(visit.hit(NOON + 50, &[1], true), None);
        assert_eq!(visit.hit(NOON + 90, &[1], true), Some(Touch::Session), "but a session over is over");
    }

    #[test]
    fn a_clock_that_jumps_back_years_starts_anew() {
        let mut visit = Visit::new();
        visit.hit(NOON, &[], false);
        assert_eq!(visit.hit(NOON - 10, &[], false), None);
        assert_eq!(visit.hit(10, &[], false), Some(Touch::Session));
    }

    #[test]
    fn more_identities_than_places_forget_the_oldest() {
        let mut visit = Visit::new();
        for minute in 0..10 {
            visit.hit(NOON + minute, &[minute as u32 + 1], false);
        }
        assert_eq!(visit.hit(NOON + 11, &[10], false), None, "met lately");
        assert_eq!(visit.hit(NOON + 12, &[1], false), Some(Touch::Campaign), "forgotten");
    }

    #[test]
    fn damaged_lines_are_no_session() {
        for bad in ["", "g", "g x 1 -", "off", "g 01arz3ndektsv4rrffq69g5fa utm_source=a 5"] {
            assert_eq!(Session::read(bad), Session::none(), "{bad}");
        }
        let short = Session::read("d 01arz3ndektsv4rrffq69g5fav utm_source=a 5 7 x");
        assert_eq!((&*short.utm, short.last_ms(), short.numbers[1]), ("utm_source=a", 5, 7));
        assert_eq!(Session::read("d 01arz3ndektsv4rrffq69g5fav utm_source=a").last_ms(), 0, "over long ago");
    }

    proptest! {
        #[test]
        fn a_line_is_read_back(
            time in any::<u64>(), utm in "[a-z_=&%0-9]{0,30}", numbers in any::<[u64; 1 + 2 * SEEN_MAX]>()
        ) {
            let session = Session { id: Ulid::new(time, [3; 10]), utm, numbers };
            prop_assert_eq!(Session::read(&session.write(false)), session);
        }

        #[test]
        fn any_line_has_an_answer(line in any::<String>()) {
            let _ = Session::read(&line);
        }
    }
}
