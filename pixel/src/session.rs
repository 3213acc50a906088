//! The session: what ends it, which of its hits are touches, and how it is kept between pages.
//!
//! It ends after 30 idle minutes and at no other time, midnight included. Stored as one short line of text in
//! first-party storage, so that tabs share it; where storage is refused it lives in memory.

use wire::{Touch, Ulid};

use crate::config::Call;
use crate::text::{Text, number, take};
use crate::touch::{self, Identity};

/// Idle time that ends a session, and the time within which the same campaign is the same visit.
pub const IDLE_MS: u64 = 30 * 60 * 1000;

/// Identities remembered; the first one met is the first forgotten.
const SEEN_MAX: usize = 8;

/// A session; before its first hit one that was over long ago.
pub struct Session {
    /// Its id, a ULID.
    pub id: Text,
    /// The utm parameters of its latest touch as they stand in [`Call::utm`], for the checkout.
    pub utm: Text,
    /// Time of its latest hit, milliseconds since the epoch.
    pub last_ms: u64,
    seen: [Seen; SEEN_MAX],
}

/// A campaign identity that was met; zeros for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    hash: u64,
    met_ms: u64,
}

const NONE: Seen = Seen { hash: 0, met_ms: 0 };

impl Session {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { id: Text::new(), utm: Text::new(), last_ms: 0, seen: [NONE; SEEN_MAX] }
    }

    /// Ends it.
    pub fn forget(&mut self) {
        self.utm.clear();
        self.last_ms = 0;
        self.seen.fill(NONE);
    }

    /// Notes an identity; true when it makes a new touch: not met in the last 30 minutes, a click id never.
    #[inline(never)]
    fn meet(&mut self, identity: Identity, now_ms: u64) -> bool {
        for seen in &mut self.seen {
            if seen.hash == u64::from(identity.hash) {
                let met_ms = core::mem::replace(&mut seen.met_ms, now_ms);
                return !identity.is_click && met_ms.abs_diff(now_ms) > IDLE_MS;
            }
        }
        self.seen.copy_within(..SEEN_MAX - 1, 1);
        self.seen[0] = Seen { hash: identity.hash.into(), met_ms: now_ms };
        true
    }

    /// One line: `<g when the visitor agreed, else d> <last_ms> <hash> <ms> … <id> <utm>`.
    pub fn write(&self, is_asked: bool, line: &mut Text) {
        line.set(if is_asked { "g" } else { "d" });
        let mut number = |value| {
            line.push_byte(b' ');
            line.push_digits(value);
        };
        number(self.last_ms);
        for seen in &self.seen {
            number(seen.hash);
            number(seen.met_ms);
        }
        for text in [&self.id, &self.utm] {
            line.push_byte(b' ');
            line.push(text.as_str());
        }
    }

    /// Takes over the session of a line, when that is the later one. A damaged line is no session; damaged numbers
    /// count as zero.
    pub fn read(&mut self, mut line: &str) {
        take(&mut line, b' ');
        let mut next = || number(take(&mut line, b' '));
        let last_ms = next();
        if last_ms <= self.last_ms {
            return;
        }
        self.last_ms = last_ms;
        for seen in &mut self.seen {
            seen.hash = next();
            seen.met_ms = next();
        }
        self.id.set(take(&mut line, b' '));
        self.utm.set(line);
        if self.id.len() != Ulid::LEN {
            self.forget();
        }
    }

    /// What a hit of this moment does to the session, the touch it is among it. The referrer counts when the page
    /// was opened with it (`has_referrer`). A clock that jumped back ends the session only by more than the idle time.
    ///
    /// `is_return` says that the browser reloaded the page or went back to it: what stands in the address was met
    /// when the page was first shown, so inside a session it is no touch.
    pub fn enter(&mut self, call: &Call<'_>, has_referrer: bool, is_return: bool) -> Option<Touch> {
        let now_ms = number(call.now_ms());
        let is_first = self.last_ms.abs_diff(now_ms) > IDLE_MS;
        if is_first {
            self.forget();
            self.id.set(call.fresh());
        }
        self.last_ms = now_ms;
        let mut is_campaign = false;
        touch::identities(call, has_referrer, |identity| is_campaign |= self.meet(identity, now_ms));
        if !is_first && (is_return || !is_campaign) {
            return None;
        }
        self.utm.set(call.utm());
        Some(if is_first { Touch::Session } else { Touch::Campaign })
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;
    /// Some minute of 2025.
    const NOON: u64 = 29_395_000;

    struct Visit {
        session: Box<Session>,
        minted: u8,
    }

    impl Visit {
        fn new() -> Self {
            Self { session: Box::new(Session::new()), minted: 0 }
        }

        fn hit(&mut self, minute: u64, query: &str, is_return: bool) -> Option<Touch> {
            self.minted += 1;
            let fresh = self.minted.to_string();
            let url = format!("https://shop.example/?{query}");
            let draft =
                Draft { now_ms: minute * MINUTE, fresh: &fresh, url: &url, ..Draft::default() }.write();
            self.session.enter(&Call::read(&draft), true, is_return)
        }

        fn id(&self) -> String {
            self.session.id.as_str().to_owned()
        }
    }

    #[test]
    fn thirty_idle_minutes_end_a_session_and_midnight_does_not() {
        let mut visit = Visit::new();
        let before_midnight = 20_413 * 24 * 60 - 10;
        assert_eq!(visit.hit(before_midnight, "", false), Some(Touch::Session));
        let first = visit.id();
        assert_eq!(visit.hit(before_midnight + 20, "", false), None);
        assert_eq!(visit.hit(before_midnight + 50, "", false), None, "thirty minutes are not over thirty");
        assert_eq!(visit.id(), first);
        assert_eq!(visit.hit(before_midnight + 81, "", false), Some(Touch::Session));
        assert_ne!(visit.id(), first);
    }

    #[test]
    fn a_new_campaign_is_a_touch_and_the_same_is_not() {
        let mut visit = Visit::new();
        assert_eq!(visit.hit(NOON, "utm_source=1", false), Some(Touch::Session));
        assert_eq!(visit.hit(NOON + 1, "utm_source=1", false), None);
        assert_eq!(visit.hit(NOON + 2, "utm_source=2", false), Some(Touch::Campaign));
        assert_eq!(
            visit.hit(NOON + 3, "utm_source=1", false),
            None,
            "back to the first within thirty minutes"
        );
        assert_eq!(visit.hit(NOON + 20, "", false), None);
        assert_eq!(
            visit.hit(NOON + 40, "utm_source=1", false),
            Some(Touch::Campaign),
            "37 minutes later it is a new visit"
        );
    }

    #[test]
    fn a_click_id_met_before_is_never_new_in_the_session() {
        let mut visit = Visit::new();
        visit.hit(NOON, "gclid=101", false);
        visit.hit(NOON + 25, "", false);
        assert_eq!(visit.hit(NOON + 50, "gclid=101", false), None);
        assert_eq!(visit.hit(NOON + 51, "gclid=102", false), Some(Touch::Campaign));
    }

    #[test]
    fn a_reload_or_the_back_button_is_no_touch() {
        let mut visit = Visit::new();
        visit.hit(NOON, "utm_source=1", false);
        visit.hit(NOON + 25, "", false);
        assert_eq!(visit.hit(NOON + 50, "utm_source=1", true), None);
        assert_eq!(
            visit.hit(NOON + 90, "utm_source=1", true),
            Some(Touch::Session),
            "but a session over is over"
        );
    }

    #[test]
    fn a_clock_that_jumps_back_years_starts_anew() {
        let mut visit = Visit::new();
        visit.hit(NOON, "", false);
        assert_eq!(visit.hit(NOON - 10, "", false), None);
        assert_eq!(visit.hit(10, "", false), Some(Touch::Session));
    }

    #[test]
    fn more_identities_than_places_forget_the_oldest() {
        let mut visit = Visit::new();
        for minute in 0..10 {
            visit.hit(NOON + minute, &format!("utm_source={}", minute + 1), false);
        }
        assert_eq!(visit.hit(NOON + 11, "utm_source=10", false), None, "met lately");
        assert_eq!(visit.hit(NOON + 12, "utm_source=1", false), Some(Touch::Campaign), "forgotten");
    }

    fn read(line: &str) -> Box<Session> {
        let mut session = Box::new(Session::new());
        session.read(line);
        session
    }

    fn same(one: &Session, other: &Session) -> bool {
        one.id.as_str() == other.id.as_str()
            && one.utm.as_str() == other.utm.as_str()
            && (one.last_ms, one.seen) == (other.last_ms, other.seen)
    }

    const NUMBERS: &str = "1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 x";

    #[test]
    fn damaged_lines_are_no_session() {
        for bad in [
            "",
            "g",
            "g x 1 -",
            "off",
            "g 5",
            &format!("g 5 {NUMBERS} 01arz3ndektsv4rrffq69g5fa utm_source=a"),
        ] {
            assert_eq!(read(bad).last_ms, 0, "{bad}");
        }
        let session = read(&format!("g 5 {NUMBERS} 01arz3ndektsv4rrffq69g5fav utm_source=a"));
        assert_eq!((session.utm.as_str(), session.last_ms), ("utm_source=a", 5));
        assert_eq!((session.seen[6].met_ms, session.seen[7].met_ms), (7, 0));
    }

    #[test]
    fn of_two_sessions_the_later_counts() {
        let mut session = read(&format!("d 9 {NUMBERS} 01arz3ndektsv4rrffq69g5fav utm_source=a"));
        session.read(&format!("d 8 {NUMBERS} 01brz3ndektsv4rrffq69g5fav utm_source=b"));
        assert_eq!(session.utm.as_str(), "utm_source=a");
        session.read(&format!("d 10 {NUMBERS} 01brz3ndektsv4rrffq69g5fav utm_source=b"));
        assert_eq!(session.id.as_str(), "01brz3ndektsv4rrffq69g5fav");
    }

    proptest! {
        #[test]
        fn a_line_is_read_back(
            utm in "[a-z_=&%0-9]{0,30}", last_ms in 1u64.., numbers in any::<[(u64, u64); SEEN_MAX]>()
        ) {
            let mut session = Box::new(Session::new());
            session.id.set("01arz3ndektsv4rrffq69g5fav");
            session.utm.set(&utm);
            session.last_ms = last_ms;
            session.seen = numbers.map(|(hash, met_ms)| Seen { hash, met_ms });
            let mut line = Text::new();
            session.write(false, &mut line);
            prop_assert!(same(&read(line.as_str()), &session));
        }

        #[test]
        fn any_line_has_an_answer(line in any::<String>()) {
            let _ = read(&line);
        }
    }
}
