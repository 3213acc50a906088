//! The whole behaviour: what each call does, as a function from the call and the moment to effects.
//!
//! Nothing here touches the browser. What a call needs (the time, randomness, the cookie, what is stored)
//! comes in as a [`Moment`]; what it wants done comes out as [`Effects`]. While consent is off there is no
//! effect but forgetting.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use wire::limits::{ADDRESS_BYTES_MAX, EMAIL_BYTES_MAX, NAME_BYTES_MAX, USER_BYTES_MAX, WIDTH_MAX, cut};
use wire::{Consent, Hit, Kind, Ulid, VisitorId};

use crate::address::Address;
use crate::checkout;
use crate::config::{Config, Mode};
use crate::consent::{self, State};
use crate::props;
use crate::session::{self, Session};
use crate::spa;
use crate::touch;
use crate::visitor;

/// The pixel of one page.
pub struct Pixel {
    config: Config,
    state: State,
    /// The visitor said so on this or an earlier page; a default is not a choice.
    is_asked: bool,
    /// Empty without consent.
    visitor: String,
    session: Option<Session>,
    /// The page that was opened, until it is counted: consent may come long after.
    landing: Option<Landing>,
    /// Address of the page counted last.
    page: String,
}

/// How the document was opened.
pub struct Landing {
    /// Its address before any script changed it.
    pub url: String,
    /// `document.referrer`.
    pub referrer: String,
    /// Reloaded, or come back to through the history.
    pub is_return: bool,
}

/// What the browser says at the time of a call.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Its clock, milliseconds since the epoch.
    pub now_ms: u64,
    /// Fresh randomness: ten bytes each for a visitor, a session and a hit.
    pub random: [u8; 30],
    /// `document.cookie`.
    pub cookies: &'a str,
    /// What storage holds, empty when nothing or when storage is refused.
    pub stored: &'a str,
    /// Width of the viewport, CSS pixels.
    pub width: u32,
}

/// A call from the page.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// Count the opened page, if it is not counted yet.
    Land,
    /// `page()`.
    Page(&'a str),
    /// The history moved to this address; rewritten in place or not.
    Moved(&'a str, bool),
    /// `track(name, props)` on the page of this address.
    Track(&'a str, &'a str, &'a str),
    /// `identify(email, user id, traits)` on the page of this address.
    Identify(&'a str, &'a str, &'a str, &'a str),
    /// `consent(word)`.
    Consent(&'a str),
    /// The collector answered with this visitor id.
    Answer(&'a str),
}

/// What a call wants done, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Delete cookie and storage.
    pub forget: bool,
    /// Texts to assign to `document.cookie`.
    pub cookies: Vec<String>,
    /// Text to store.
    pub store: Option<String>,
    /// Body to send to the collector.
    pub post: Option<String>,
}

impl Pixel {
    /// The pixel of a page just opened. Nothing is counted before [`Call::Land`], so that a refusal that was
    /// called early comes first.
    #[must_use]
    pub fn new(config: Config, landing: Landing, has_gpc: bool, stored: &str) -> Self {
        let state = consent::at_start(config.mode, has_gpc && config.respect_gpc, stored);
        let page = landing.url.clone();
        let is_asked = stored.starts_with(consent::ASKED);
        Self { config, state, is_asked, visitor: String::new(), session: None, landing: Some(landing), page }
    }

    /// The visitor's id, empty without consent or before the first call.
    #[must_use]
    pub fn visitor(&self) -> &str {
        &self.visitor
    }

    /// Whether the collector may set its cookie.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.state == State::Granted
    }

    /// A checkout link with the visitor on it; `None` when there is nothing to add.
    #[must_use]
    pub fn decorate(&self, link: &str) -> Option<String> {
        if self.visitor.is_empty() {
            return None;
        }
        let utm = self.session.as_ref().map_or("", |session| &session.utm);
        checkout::rewrite(link, &self.config.checkout_hosts, &self.visitor, utm)
    }

    /// Carries a call out.
    pub fn call(&mut self, call: Call<'_>, moment: &Moment<'_>) -> Effects {
        let mut effects = Effects::default();
        match call {
            Call::Consent(word) => self.consent(word, moment, &mut effects),
            Call::Answer(id) => self.answer(id, moment, &mut effects),
            Call::Moved(url, is_replaced) => {
                if spa::is_new_page(&self.page, url, is_replaced) {
                    self.show(url, moment, &mut effects);
                }
            }
            Call::Page(url) => self.show(url, moment, &mut effects),
            Call::Land => {}
            Call::Track("", ..) => {}
            Call::Track(name, props, url) => {
                let kind = Kind::Event { name: cut(name, NAME_BYTES_MAX).into(), props: props::read(props) };
                self.hit(kind, url, "", false, moment, &mut effects);
            }
            Call::Identify(email, user, traits, url) => {
                let some =
                    |text, max| Some(cut(text, max)).filter(|text| !text.is_empty()).map(Cow::Borrowed);
                let kind = Kind::Identify {
                    email: some(email, EMAIL_BYTES_MAX),
                    user: some(user, USER_BYTES_MAX),
                    traits: props::read(traits),
                };
                self.hit(kind, url, "", false, moment, &mut effects);
            }
        }
        if matches!(call, Call::Land | Call::Consent(_)) {
            self.land(moment, &mut effects);
        }
        effects
    }

    fn land(&mut self, moment: &Moment<'_>, effects: &mut Effects) {
        if self.state == State::Off {
            return;
        }
        if let Some(landing) = self.landing.take() {
            self.hit(Kind::Page, &landing.url, &landing.referrer, landing.is_return, moment, effects);
        }
    }

    /// A page that was not opened as a document. Its referrer is our own page before it, which says nothing.
    fn show(&mut self, url: &str, moment: &Moment<'_>, effects: &mut Effects) {
        self.page = url.into();
        self.hit(Kind::Page, url, "", false, moment, effects);
    }

    fn hit(
        &mut self,
        kind: Kind<'_>,
        url: &str,
        referrer: &str,
        is_return: bool,
        moment: &Moment<'_>,
        effects: &mut Effects,
    ) {
        let consent = match self.state {
            State::Off => return,
            State::Session => Consent::Session,
            State::Granted => Consent::Granted,
        };
        let [for_visitor, for_session, for_hit] = ulids(moment);
        self.recognise(for_visitor, url, moment, effects);

        if self.state == State::Granted {
            // Another tab may have carried the session on, or it may be the one from before this page.
            let stored = Session::read(moment.stored);
            if stored.as_ref().map(|session| session.last_ms)
                > self.session.as_ref().map(|session| session.last_ms)
            {
                self.session = stored;
            }
        }
        let address = Address::parse(url);
        let utm = utm_of(&address);
        let config = &self.config;
        let touch = session::enter(&mut self.session, for_session, moment.now_ms, &utm, is_return, |found| {
            touch::identities(config, &address, referrer, found);
        });
        let Some(session) = &self.session else { return };
        if self.state == State::Granted {
            effects.store = Some(session.write(if self.is_asked { consent::ASKED } else { 'd' }));
        }

        let hit = Hit {
            ws: Cow::Borrowed(&self.config.ws),
            kind,
            id: for_hit,
            visitor: Some(Cow::Borrowed(&self.visitor)),
            session: session.id,
            touch,
            url: Cow::Borrowed(cut(url, ADDRESS_BYTES_MAX)),
            referrer: Cow::Borrowed(cut(referrer, ADDRESS_BYTES_MAX)),
            at_ms: moment.now_ms,
            width: Some(moment.width.min(WIDTH_MAX)),
            cookie_domain: Some(Cow::Borrowed(&self.config.cookie_domain)),
            consent,
        };
        let mut body = String::new();
        wire::encode(&hit, &mut body);
        effects.post = Some(body);
    }

    /// Finds the visitor: the cookie's, else the one of this page, else a new one.
    fn recognise(&mut self, fresh: Ulid, url: &str, moment: &Moment<'_>, effects: &mut Effects) {
        let in_cookie = visitor::in_cookies(moment.cookies).filter(|_| self.is_granted());
        match in_cookie {
            Some(id) => self.visitor = id.into(),
            None => {
                if self.visitor.is_empty() {
                    self.visitor = visitor::minted(fresh);
                }
                self.keep(url, effects);
            }
        }
    }

    fn keep(&self, url: &str, effects: &mut Effects) {
        if self.is_granted() {
            effects.cookies.push(visitor::cookie(&self.visitor, &self.config.cookie_domain, is_secure(url)));
        }
    }

    fn answer(&mut self, id: &str, moment: &Moment<'_>, effects: &mut Effects) {
        if VisitorId::parse(id).is_none() {
            return;
        }
        if self.state == State::Off {
            // The answer to a hit from before the refusal: its header may have set the cookie again.
            self.forget(effects);
            return;
        }
        self.visitor = id.into();
        // The response header has set it, unless the collector stands on another site.
        if visitor::in_cookies(moment.cookies) != Some(id) {
            let url = self.page.clone();
            self.keep(&url, effects);
        }
    }

    fn consent(&mut self, word: &str, moment: &Moment<'_>, effects: &mut Effects) {
        let Some(state) = consent::asked_for(word) else { return };
        self.is_asked = state == State::Granted;
        self.state = state;
        if !self.is_asked {
            self.forget(effects);
        }
        if state == State::Off {
            self.visitor.clear();
            self.session = None;
            if self.config.mode != Mode::Required {
                effects.store = Some(consent::REFUSED.into());
            }
        } else if self.landing.is_none() {
            // The page is counted already: what was in memory only is kept from here on, at once.
            let url = self.page.clone();
            self.recognise(ulids(moment)[0], &url, moment, effects);
            if let (true, Some(session)) = (self.is_asked, &self.session) {
                effects.store = Some(session.write(consent::ASKED));
            }
        }
    }

    /// A cookie is deleted on the host and on the domain, whichever it was set for.
    fn forget(&self, effects: &mut Effects) {
        effects.forget = true;
        effects.cookies.push(visitor::cookie("", "", false));
        if !self.config.cookie_domain.is_empty() {
            effects.cookies.push(visitor::cookie("", &self.config.cookie_domain, false));
        }
    }
}

/// The utm parameters as they stand in the address, joined by `&`.
fn utm_of(address: &Address<'_>) -> String {
    let mut utm = String::new();
    for (name, value) in address.params().filter(|(name, _)| touch::is_utm(name)) {
        if !utm.is_empty() {
            utm.push('&');
        }
        for part in [name, "=", value] {
            utm.push_str(part);
        }
    }
    utm
}

fn ulids(moment: &Moment<'_>) -> [Ulid; 3] {
    [0, 10, 20].map(|at| {
        let mut random = [0; 10];
        random.copy_from_slice(&moment.random[at..at + 10]);
        Ulid::new(moment.now_ms, random)
    })
}

/// Browsers take a `Secure` cookie from https and from localhost.
fn is_secure(url: &str) -> bool {
    url.starts_with("https:") || url.starts_with("http://localhost")
}
