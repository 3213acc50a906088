//! The whole behaviour: what each call does to the page's pixel, as a function from the call to what is done.
//!
//! Nothing here touches the browser. What a call needs (the time, randomness, the cookie, what is stored)
//! comes in with it; what it wants done goes out as bits of an [`Outcome`] and texts of the [`Pixel`]. While
//! consent is off nothing is done but forgetting.

use wire::{Consent, Touch, VisitorId};

use crate::checkout;
use crate::config::{Call, Mode};
use crate::consent::{self, State};
use crate::session::Session;
use crate::spa::Page;
use crate::text::{Text, is};
use crate::visitor;

/// What a call wants done with the browser, in this order: bits.
pub type Outcome = u32;
/// Forget cookie and storage.
pub const FORGET: Outcome = 1;
/// Keep [`Pixel::visitor`] in the cookie.
pub const KEEP: Outcome = 2;
/// Store [`Pixel::line`].
pub const STORE: Outcome = 4;

/// The pixel of one page.
pub struct Pixel {
    is_started: bool,
    state: State,
    /// The visitor said so on this or an earlier page; a default is not a choice.
    is_asked: bool,
    /// The page that was opened is counted: consent may come long after.
    has_landed: bool,
    /// The visitor's id, empty without consent or before the first hit.
    pub visitor: Text,
    session: Session,
    /// Address of the page counted last.
    page: Page,
    /// What [`STORE`] stores.
    pub line: Text,
    /// What the call answers; empty when it is refused or there is nothing to say.
    pub answer: Text,
}

impl Pixel {
    /// The pixel of a page just opened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            is_started: false,
            state: State::Off,
            is_asked: false,
            has_landed: false,
            visitor: Text::new(),
            session: Session::new(),
            page: Page::new(),
            line: Text::new(),
            answer: Text::new(),
        }
    }

    /// Carries a call out. Its letter says what it is:
    ///
    /// - `l` count the opened page, unless it is counted already; `p` count the page as it is; `b` the same, come
    ///   back to; `m` the history moved, `r` its entry was rewritten in place: count if that is a new page.
    /// - `t` an event or a person is reported, `e` a built-in event: the session goes on, but none begins.
    ///   All of these answer `<visitor> <session> <consent> <touch>`.
    /// - `v` answers the visitor's id; `d` the link with the visitor on it, asked for by the site, `D` unasked.
    /// - `c` consent is as the word says; `a` the collector answered with this visitor id.
    pub fn call(&mut self, call: &Call<'_>) -> Outcome {
        self.answer.clear();
        if !self.is_started {
            self.is_started = true;
            self.is_asked = call.stored().as_bytes().first() == Some(&consent::ASKED);
            self.state = consent::at_start(call.mode(), call.has_gpc(), call.stored());
        }
        match call.letter() {
            b'c' => self.consent(call),
            b'a' => self.adopt(call),
            _ if self.state == State::Off => 0,
            b'v' => {
                self.answer.set(self.visitor.as_str());
                0
            }
            b'd' | b'D' => {
                let is_wanted = call.has_checkout() || call.letter() == b'd';
                let Self { visitor, session, answer, .. } = self;
                if visitor.is_empty()
                    || !is_wanted
                    || !checkout::rewrite(call, visitor.as_str(), session.utm.as_str(), answer)
                {
                    answer.clear();
                }
                0
            }
            _ => self.hit(call),
        }
    }

    fn hit(&mut self, call: &Call<'_>) -> Outcome {
        let letter = call.letter();
        let is_landing = letter == b'l';
        let is_moved = letter == b'm' || letter == b'r';
        if is_landing && self.has_landed || is_moved && !self.page.is_left(call, letter == b'r') {
            return 0;
        }
        if letter != b't' && letter != b'e' {
            self.has_landed = true;
            self.page.set(call);
        }
        let is_granted = self.state == State::Granted;
        let mut outcome = self.recognise(call);
        if is_granted {
            // Another tab may have carried the session on, or it is the one from the page before.
            self.session.read(call.stored());
        }
        let mut touch = None;
        if letter != b'e' {
            // A page that was not opened as a document has no referrer: our own page before it says nothing.
            touch = self.session.enter(call, is_landing, letter == b'b' || is_landing && call.is_return());
            if is_granted {
                outcome |= self.store();
            }
        } else if self.session.last_ms == 0 {
            return 0;
        }
        let consent = if is_granted { Consent::Granted } else { Consent::Session };
        let texts =
            [self.visitor.as_str(), self.session.id.as_str(), consent.name(), touch.map_or("", Touch::name)];
        for text in texts {
            self.answer.push(text);
            self.answer.push_byte(b' ');
        }
        outcome
    }

    fn store(&mut self) -> Outcome {
        self.session.write(self.is_asked, &mut self.line);
        STORE
    }

    /// Finds the visitor: the cookie's, else the one of this page, else a new one.
    fn recognise(&mut self, call: &Call<'_>) -> Outcome {
        let id = visitor::in_cookies(call.cookies());
        let is_granted = self.state == State::Granted;
        if is_granted && !id.is_empty() {
            self.visitor.set(id);
            return 0;
        }
        if self.visitor.is_empty() {
            self.visitor.set(VisitorId::PREFIX);
            self.visitor.push(call.fresh());
        }
        if is_granted { KEEP } else { 0 }
    }

    fn adopt(&mut self, call: &Call<'_>) -> Outcome {
        let id = call.about();
        if !visitor::is_id(id) {
            return 0;
        }
        if self.state == State::Off {
            // The answer to a hit from before the refusal: its header may have set the cookie again.
            return FORGET | self.refuse(call);
        }
        self.visitor.set(id);
        // The response header has set it, unless the collector stands on another site.
        if self.state == State::Granted && !is(visitor::in_cookies(call.cookies()), id) { KEEP } else { 0 }
    }

    fn consent(&mut self, call: &Call<'_>) -> Outcome {
        let Some(state) = consent::asked_for(call.about()) else { return 0 };
        self.is_asked = state == State::Granted;
        self.state = state;
        if state == State::Off {
            self.visitor.clear();
            self.session.forget();
            return FORGET | self.refuse(call);
        }
        // The page is counted already: what was in memory only is kept from here on, at once.
        let mut outcome = if self.has_landed { self.recognise(call) } else { 0 };
        if !self.is_asked {
            outcome |= FORGET;
        } else if self.has_landed {
            outcome |= self.store();
        }
        outcome
    }

    /// A refusal is remembered where counting is the default: without that it would last one page.
    fn refuse(&mut self, call: &Call<'_>) -> Outcome {
        self.line.set(consent::REFUSED);
        if call.mode() == Mode::Required { 0 } else { STORE }
    }
}

impl Default for Pixel {
    fn default() -> Self {
        Self::new()
    }
}
