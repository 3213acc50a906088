//! The session: what ends it, which of its hits are touches, and how it is kept between pages.
//!
//! It ends after 30 idle minutes and at no other time, midnight included. Stored as one short line of text in
//! first-party storage, so that tabs share it; where storage is refused it lives in memory.

use alloc::string::String;
use alloc::vec::Vec;

use wire::{Touch, Ulid};

use crate::address::{Address, push_param};
use crate::consent::ASKED;
use crate::text::{number, words};
use crate::touch::{Identity, is_utm};

/// Idle time that ends a session, and the time within which the same campaign is the same visit.
pub const IDLE_MS: u64 = 30 * 60 * 1000;

/// Identities remembered; the oldest is forgotten first.
const SEEN_MAX: usize = 20;

/// A running session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Ulid,
    /// Time of its latest hit, milliseconds since the epoch.
    pub last_ms: u64,
    /// The utm parameters of its latest touch as they stood in the address, for the checkout.
    pub utm: String,
    /// Hash of each campaign identity met and when it was met last.
    seen: Vec<(u32, u64)>,
}

impl Session {
    /// A session without a hit yet.
    #[must_use]
    pub fn new(id: Ulid, now_ms: u64) -> Self {
        Self { id, last_ms: now_ms, utm: String::new(), seen: Vec::new() }
    }

    /// Whether it is over. A clock that jumped back does not end it, unless by more than the idle time.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.last_ms.abs_diff(now_ms) > IDLE_MS
    }

    /// Notes an identity; true when it makes a new touch: not met in the last 30 minutes, a click id never.
    pub fn meet(&mut self, identity: Identity, now_ms: u64) -> bool {
        let is_full = self.seen.len() >= SEEN_MAX;
        if let Some((_, last_ms)) = self.seen.iter_mut().find(|(hash, _)| *hash == identity.hash) {
            let is_new = !identity.is_click && last_ms.abs_diff(now_ms) > IDLE_MS;
            *last_ms = now_ms;
            return is_new;
        }
        let new = (identity.hash, now_ms);
        match self.seen.iter_mut().min_by_key(|(_, last_ms)| *last_ms).filter(|_| is_full) {
            Some(oldest) => *oldest = new,
            None => self.seen.push(new),
        }
        true
    }

    /// One line: `<g when the visitor agreed, else d> <id> <last_ms> <utm or -> <hash> <ms> …`.
    #[must_use]
    pub fn write(&self, is_asked: bool) -> String {
        let mut line = String::new();
        line.push(if is_asked { char::from(ASKED) } else { 'd' });
        line.push(' ');
        self.id.push_to(&mut line);
        push_number(&mut line, self.last_ms);
        line.push(' ');
        line.push_str(if self.utm.is_empty() { "-" } else { &self.utm });
        for (hash, last_ms) in &self.seen {
            push_number(&mut line, u64::from(*hash));
            push_number(&mut line, *last_ms);
        }
        line
    }

    /// Reads a line; `None` for anything else. Damaged identities at its end are left out.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let mut words = words(line, b' ');
        words.next()?;
        let id = Ulid::parse(words.next()?)?;
        let last_ms = number(words.next()?)?;
        let utm = words.next().filter(|utm| *utm != "-").unwrap_or_default().into();
        let mut seen = Vec::new();
        while let (Some(hash), Some(last_ms)) = (words.next().and_then(number), words.next().and_then(number))
        {
            if seen.len() < SEEN_MAX {
                seen.push((hash as u32, last_ms));
            }
        }
        Some(Self { id, last_ms, utm, seen })
    }
}

fn push_number(line: &mut String, number: u64) {
    line.push(' ');
    wire::push_digits(number, line);
}

/// What a hit does to the session it belongs to, the touch it is among it.
///
/// `is_return` says that the browser reloaded the page or went back to it: what stands in the address was met
/// when the page was first shown, so inside a session it is no touch.
pub fn enter(
    session: &mut Option<Session>,
    fresh: Ulid,
    now_ms: u64,
    page: &Address<'_>,
    is_return: bool,
    each_identity: impl FnOnce(&mut dyn FnMut(Identity)),
) -> Option<Touch> {
    let is_first = session.as_ref().is_none_or(|session| session.is_over(now_ms));
    if is_first {
        *session = None;
    }
    let session = session.get_or_insert_with(|| Session::new(fresh, now_ms));
    session.last_ms = now_ms;
    let mut is_campaign = false;
    each_identity(&mut |identity| is_campaign |= session.meet(identity, now_ms));
    let touch = match (is_first, is_campaign && !is_return) {
        (true, _) => Touch::Session,
        (_, true) => Touch::Campaign,
        _ => return None,
    };
    session.utm.clear();
    for (name, value) in page.params().filter(|(name, _)| is_utm(name)) {
        push_param(&mut session.utm, name, value);
    }
    Some(touch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    struct Visit {
        session: Option<Session>,
        minted: u8,
    }

    impl Visit {
        fn new() -> Self {
            Self { session: None, minted: 0 }
        }

        fn hit(&mut self, minute: u64, hashes: &[u32], is_return: bool) -> Option<Touch> {
            self.minted += 1;
            let fresh = Ulid::new(0, [self.minted; 10]);
            enter(&mut self.session, fresh, minute * MINUTE, &Address::parse(""), is_return, |found| {
                for hash in hashes {
                    found(Identity { hash: *hash, is_click: *hash > 100 });
                }
            })
        }

        fn id(&self) -> Ulid {
            self.session.as_ref().unwrap().id
        }
    }

    #[test]
    fn thirty_idle_minutes_end_a_session_and_midnight_does_not() {
        let mut visit = Visit::new();
        let before_midnight = 24 * 60 - 10;
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
        assert_eq!(visit.hit(0, &[1], false), Some(Touch::Session));
        assert_eq!(visit.hit(1, &[1], false), None);
        assert_eq!(visit.hit(2, &[2], false), Some(Touch::Campaign));
        assert_eq!(visit.hit(3, &[1], false), None, "back to the first within thirty minutes");
        assert_eq!(visit.hit(20, &[], false), None);
        assert_eq!(visit.hit(40, &[1], false), Some(Touch::Campaign), "37 minutes later it is a new visit");
    }

    #[test]
    fn a_click_id_met_before_is_never_new_in_the_session() {
        let mut visit = Visit::new();
        visit.hit(0, &[101], false);
        visit.hit(25, &[], false);
        assert_eq!(visit.hit(50, &[101], false), None);
        assert_eq!(visit.hit(51, &[102], false), Some(Touch::Campaign));
    }

    #[test]
    fn a_reload_or_the_back_button_is_no_touch() {
        let mut visit = Visit::new();
        visit.hit(0, &[1], false);
        visit.hit(25, &[], false);
        assert_eq!(visit.hit(50, &[1], true), None);
        assert_eq!(visit.hit(90, &[1], true), Some(Touch::Session), "but a session over is over");
    }

    #[test]
    fn a_clock_that_jumps_back_years_starts_anew() {
        let mut visit = Visit::new();
        visit.hit(1_000_000, &[], false);
        assert_eq!(visit.hit(999_990, &[], false), None);
        assert_eq!(visit.hit(10, &[], false), Some(Touch::Session));
    }

    #[test]
    fn damaged_lines_are_no_session() {
        for bad in
            ["", "g", "g x 1 -", "off", "g 01arz3ndektsv4rrffq69g5fav", "g 01arz3ndektsv4rrffq69g5fav -1 -"]
        {
            assert_eq!(Session::read(bad), None, "{bad}");
        }
        let short = Session::read("d 01arz3ndektsv4rrffq69g5fav 5 utm_source=a 7 x 8").unwrap();
        assert_eq!((&*short.utm, short.seen.len()), ("utm_source=a", 0));
    }

    proptest! {
        #[test]
        fn a_line_is_read_back(
            time in any::<u64>(), utm in "[a-z_=&%0-9]{0,30}", met in proptest::collection::vec(any::<(u32, u64)>(), 0..40)
        ) {
            prop_assume!(utm != "-");
            let mut session = Session::new(Ulid::new(time, [3; 10]), time);
            session.utm = utm;
            for (hash, now_ms) in met {
                session.meet(Identity { hash, is_click: false }, now_ms);
            }
            prop_assert!(session.seen.len() <= SEEN_MAX);
            prop_assert_eq!(Session::read(&session.write(false)), Some(session));
        }

        #[test]
        fn any_line_has_an_answer(line in any::<String>()) {
            let _ = Session::read(&line);
        }
    }
}
