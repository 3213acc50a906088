//! What the pixel may do: from the tag, the browser's privacy signal and what the visitor chose before.
//!
//! The choice itself is the site's to ask for. A grant or, where counting is the default, a refusal is
//! remembered in storage; nothing else is stored without consent.

use crate::config::Mode;
use crate::text::is;

/// What is allowed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: no cookie, no storage, no id, no request.
    Off,
    /// An id in memory only.
    Session,
    /// Cookie and storage.
    Granted,
}

/// Stored text of a visitor who refused. It holds no id; without it a refusal would last one page.
pub const REFUSED: &str = "off";

/// First letter of the stored text of a visitor who was asked and agreed.
pub const ASKED: u8 = b'g';

/// The state a page starts in. `stored` is what storage holds, empty when nothing.
///
/// Global Privacy Control counts as a refusal until the visitor tells this very site otherwise, which is what
/// an explicit grant is.
#[must_use]
pub fn at_start(mode: Mode, has_gpc: bool, stored: &str) -> State {
    if is(stored, REFUSED) {
        State::Off
    } else if stored.as_bytes().first() == Some(&ASKED) {
        State::Granted
    } else if has_gpc {
        State::Off
    } else {
        match mode {
            Mode::Granted => State::Granted,
            Mode::Required => State::Off,
            Mode::Session => State::Session,
        }
    }
}

/// The state a call of `consent(word)` asks for; `None` for a word that means nothing.
#[must_use]
pub fn asked_for(word: &str) -> Option<State> {
    if is(word, "granted") {
        Some(State::Granted)
    } else if is(word, "session") {
        Some(State::Session)
    } else if is(word, "denied") {
        Some(State::Off)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts() {
        let check = |mode, has_gpc, stored, state| assert_eq!(at_start(mode, has_gpc, stored), state);
        check(Mode::Granted, false, "", State::Granted);
        check(Mode::Required, false, "", State::Off);
        check(Mode::Session, false, "", State::Session);
        check(Mode::Granted, true, "", State::Off);
        check(Mode::Session, true, "", State::Off);
        check(Mode::Granted, false, REFUSED, State::Off);
        check(Mode::Required, false, "g 01", State::Granted);
        check(Mode::Required, true, "g 01", State::Granted);
        // A session stored while counting was the default is no consent once the site starts asking.
        check(Mode::Required, false, "d 01", State::Off);
    }
}
