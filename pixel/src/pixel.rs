//! The whole behaviour: what each call does, as a function from the call and the moment to effects.
//!
//! Nothing here touches the browser. What a call needs (the time, randomness, the cookie, what is stored)
//! comes in as a [`Moment`]; what it wants done goes out as [`Effects`]. While consent is off there is no
//! effect but forgetting.

use alloc::borrow::Cow;
use alloc::string::String;

use wire::limits::{ADDRESS_BYTES_MAX, EMAIL_BYTES_MAX, NAME_BYTES_MAX, USER_BYTES_MAX, WIDTH_MAX, cut};
use wire::{Consent, Hit, Kind, Props, Ulid};

use crate::address::Address;
use crate::checkout;
use crate::config::{Config, Mode};
use crate::consent::{self, State};
use crate::session::Session;
use crate::spa;
use crate::touch;
use crate::visitor;

/// The pixel of one page.
pub struct Pixel<'a> {
    config: Config<'a>,
    state: State,
    /// The visitor said so on this or an earlier page; a default is not a choice.
    is_asked: bool,
    /// Empty without consent.
    visitor: String,
    session: Session,
    /// The page that was opened, until it is counted: consent may come long after.
    landing: Option<Landing<'a>>,
    /// Address of the page counted last.
    page: String,
}

/// How the document was opened.
pub struct Landing<'a> {
    /// Its address before any script changed it.
    pub url: &'a str,
    /// `document.referrer`.
    pub referrer: &'a str,
    /// Reloaded, or come back to through the history.
    pub is_return: bool,
}

/// What the browser says at the time of a call.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Its clock, milliseconds since the epoch.
    pub now_ms: u64,
    /// 48 random ASCII characters, five bits of each count: sixteen each for a hit, a session and a visitor.
    pub random: &'a str,
    /// `document.cookie`.
    pub cookies: &'a str,
    /// What storage holds, empty when nothing or when storage is refused.
    pub stored: &'a str,
    /// Width of the viewport, CSS pixels.
    pub width: u32,
    /// The page's address now.
    pub url: &'a str,
}

/// A call from the page. JSON texts are objects, or empty for none.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// Count the opened page, if it is not counted yet.
    Land,
    /// `page()`.
    Page,
    /// The history moved; true when its entry was rewritten in place.
    Moved(bool),
    /// `track(name, props as JSON)`.
    Track(&'a str, &'a str),
    /// `identify(email, user id, traits as JSON)`.
    Identify(&'a str, &'a str, &'a str),
    /// `consent(word)`.
    Consent(&'a str),
    /// The collector answered with this visitor id.
    Answer(&'a str),
}

/// Takes what a call wants done, in order: a letter and its text.
///
/// `f` forget cookie and storage · `k` keep this visitor id in the cookie · `s` store · `p` send to the collector ·
/// `P` send with credentials, so that it may set its cookie · `v` the answer to the caller.
pub type Effects<'a> = dyn FnMut(char, &str) + 'a;

impl<'a> Pixel<'a> {
    /// The pixel of a page just opened. Nothing is counted before [`Call::Land`], so that a refusal that was
    /// called early comes first.
    #[must_use]
    pub fn new(config: Config<'a>, landing: Landing<'a>, has_gpc: bool, stored: &str) -> Self {
        let state = consent::at_start(config.mode(), has_gpc && config.respects_gpc(), stored);
        let page = landing.url.into();
        let is_asked = stored.as_bytes().first() == Some(&consent::ASKED);
        Self {
            config,
            state,
            is_asked,
            visitor: String::new(),
            session: Session::none(),
            landing: Some(landing),
            page,
        }
    }

    /// The visitor's id, empty without consent or before the first call.
    #[must_use]
    pub fn visitor(&self) -> &str {
        &self.visitor
    }

    /// The tag's cookie domain, empty for a cookie of this host only.
    #[must_use]
    pub fn cookie_domain(&self) -> &'a str {
        self.config.cookie_domain()
    }

    /// A checkout link with the visitor on it; `None` when there is nothing to add. `is_asked`: by the site
    /// itself, which counts even where the tag turned the rewriting of links off.
    #[must_use]
    pub fn decorate(&self, link: &str, is_asked: bool) -> Option<String> {
        if self.visitor.is_empty() || !is_asked && !self.config.has_checkout() {
            return None;
        }
        checkout::rewrite(link, self.config.checkout_hosts(), &self.visitor, &self.session.utm)
    }

    /// Carries a call out.
    pub fn call(&mut self, call: Call<'_>, moment: &Moment<'_>, effects: &mut Effects<'_>) {
        let mut json = "";
        let kind = match call {
            Call::Consent(word) => {
                self.consent(word, moment, effects);
                return self.land(moment, effects);
            }
            Call::Land => return self.land(moment, effects),
            Call::Answer(id) => return self.answer(id, moment, effects),
            Call::Moved(is_replaced) => {
                if !self.config.has_spa() || !spa::is_new_page(&self.page, moment.url, is_replaced) {
                    return;
                }
                Kind::Page
            }
            Call::Page => Kind::Page,
            Call::Track(name, props) => {
                json = props;
                Kind::Event { name: Cow::Borrowed(cut(name, NAME_BYTES_MAX)), props: Props::new() }
            }
            Call::Identify(email, user, traits) => {
                json = traits;
                Kind::Identify {
                    email: Some(Cow::Borrowed(cut(email, EMAIL_BYTES_MAX))),
                    user: Some(Cow::Borrowed(cut(user, USER_BYTES_MAX))),
                    traits: Props::new(),
                }
            }
        };
        // A page that was not opened as a document has no referrer: our own page before it says nothing.
        self.hit(kind, json, "", false, moment, effects);
    }

    fn land(&mut self, moment: &Moment<'_>, effects: &mut Effects<'_>) {
        if self.state == State::Off {
            return;
        }
        if let Some(landing) = self.landing.take() {
            let moment = Moment { url: landing.url, ..*moment };
            self.hit(Kind::Page, "", landing.referrer, landing.is_return, &moment, effects);
        }
    }

    fn hit(
        &mut self,
        kind: Kind<'_>,
        json: &str,
        referrer: &str,
        is_return: bool,
        moment: &Moment<'_>,
        effects: &mut Effects<'_>,
    ) {
        let (consent, letter) = match self.state {
            State::Off => return,
            State::Session => (Consent::Session, 'p'),
            State::Granted => (Consent::Granted, 'P'),
        };
        let url = moment.url;
        if let Kind::Page = kind {
            self.page = url.into();
        }
        self.recognise(moment, effects);
        if self.state == State::Granted {
            // Another tab may have carried the session on, or it is the one from the page before.
            let stored = Session::read(moment.stored);
            if stored.last_ms() > self.session.last_ms() {
                self.session = stored;
            }
        }
        let address = Address::parse(url);
        let config = &self.config;
        let touch = self.session.enter(fresh(moment, 16), moment.now_ms, &address, is_return, |found| {
            touch::identities(config, &address, referrer, found);
        });
        if self.state == State::Granted {
            effects('s', &self.session.write(self.is_asked));
        }

        let hit = Hit {
            ws: Cow::Borrowed(self.config.ws()),
            kind,
            id: fresh(moment, 0),
            visitor: Some(Cow::Borrowed(&self.visitor)),
            session: self.session.id,
            touch,
            url: Cow::Borrowed(cut(url, ADDRESS_BYTES_MAX)),
            referrer: Cow::Borrowed(cut(referrer, ADDRESS_BYTES_MAX)),
            at_ms: moment.now_ms,
            sent_ms: None,
            width: Some(moment.width.min(WIDTH_MAX)),
            cookie_domain: Some(Cow::Borrowed(self.config.cookie_domain())),
            consent,
            engaged_ms: None,
            handover: None,
        };
        let mut body = String::new();
        wire::encode_with(&hit, json, &mut body);
        effects(letter, &body);
        // Everything in it is borrowed or empty: the code that would free it is saved.
        core::mem::forget(hit);
    }

    /// Finds the visitor: the cookie's, else the one of this page, else a new one.
    fn recognise(&mut self, moment: &Moment<'_>, effects: &mut Effects<'_>) {
        let id = visitor::in_cookies(moment.cookies);
        if self.state == State::Granted && !id.is_empty() {
            self.visitor = id.into();
            return;
        }
        if self.visitor.is_empty() {
            self.visitor = visitor::minted(fresh(moment, 32));
        }
        self.keep(effects);
    }

    fn keep(&self, effects: &mut Effects<'_>) {
        if self.state == State::Granted {
            effects('k', &self.visitor);
        }
    }

    fn answer(&mut self, id: &str, moment: &Moment<'_>, effects: &mut Effects<'_>) {
        if !visitor::is_id(id) {
            return;
        }
        if self.state == State::Off {
            // The answer to a hit from before the refusal: its header may have set the cookie again.
            return effects('f', "");
        }
        self.visitor = id.into();
        // The response header has set it, unless the collector stands on another site.
        if visitor::in_cookies(moment.cookies) != id {
            self.keep(effects);
        }
    }

    fn consent(&mut self, word: &str, moment: &Moment<'_>, effects: &mut Effects<'_>) {
        let Some(state) = consent::asked_for(word) else { return };
        self.is_asked = state == State::Granted;
        self.state = state;
        if !self.is_asked {
            effects('f', "");
        }
        if state == State::Off {
            self.visitor.clear();
            self.session = Session::none();
            if self.config.mode() != Mode::Required {
                effects('s', consent::REFUSED);
            }
        } else if self.landing.is_none() {
            // The page is counted already: what was in memory only is kept from here on, at once.
            self.recognise(moment, effects);
            if self.is_asked {
                effects('s', &self.session.write(true));
            }
        }
    }
}

/// A new id from the randomness after the first `at` characters.
fn fresh(moment: &Moment<'_>, at: usize) -> Ulid {
    Ulid::from_digits(moment.now_ms, moment.random.get(at..).unwrap_or_default())
}
