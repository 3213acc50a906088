//! One call of the loader: what the browser says at that moment and what the script tag asks for, as one text.
//!
//! Unknown attributes and odd values are ignored: a wrong tag must never break the page it is on.

use core::mem::MaybeUninit;

use crate::text::{is, take};

/// What `data-consent` says about a visitor who has not been asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Count at once.
    #[default]
    Granted,
    /// Do nothing before `consent("granted")`.
    Required,
    /// An id in memory only.
    Session,
}

/// A call's texts, empty when absent, in the order of the functions below; `pixel/loader/loader.js` writes them
/// with a NUL between. An array, because a struct of texts is read by as many copies of the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Call<'a>([&'a str; TEXTS]);

/// Texts of a call.
const TEXTS: usize = 23;

impl<'a> Call<'a> {
    /// Takes a call's text apart, in a place for it.
    pub fn write<'b>(place: &'b mut MaybeUninit<Self>, mut text: &'a str) -> &'b Self {
        let slots = place.as_mut_ptr().cast::<&'a str>();
        for at in 0..TEXTS {
            // SAFETY: a call is so many texts and nothing else.
            unsafe { slots.add(at).write(take(&mut text, 0)) };
        }
        // SAFETY: all of them are written.
        unsafe { place.assume_init_ref() }
    }

    /// Takes a call's text apart.
    #[must_use]
    pub fn read(text: &'a str) -> Self {
        *Self::write(&mut MaybeUninit::uninit(), text)
    }

    /// What is asked; see [`crate::pixel::Pixel::call`].
    #[must_use]
    pub fn letter(&self) -> u8 {
        self.0[0].bytes().next().unwrap_or_default()
    }

    /// The browser's clock, milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> &'a str {
        self.0[1]
    }

    /// A new ULID, for a session or a visitor that may begin.
    #[must_use]
    pub fn fresh(&self) -> &'a str {
        self.0[2]
    }

    /// A space and `document.cookie`, so that one stands before each name.
    #[must_use]
    pub fn cookies(&self) -> &'a str {
        self.0[3]
    }

    /// What storage holds, empty when nothing or when storage is refused.
    #[must_use]
    pub fn stored(&self) -> &'a str {
        self.0[4]
    }

    /// What comes before query and fragment of the address that the call is about: of the link for `d` and `D`, of
    /// the page as it was opened for the landing, else of the page as it is.
    #[must_use]
    pub fn front(&self) -> &'a str {
        self.0[5]
    }

    /// Its host and port; empty for an address that is not of the web.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.0[6]
    }

    /// Its path, with the first `/`.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.0[7]
    }

    /// Its query without the `?`.
    #[must_use]
    pub fn query(&self) -> &'a str {
        self.0[8]
    }

    /// Its fragment without the `#`.
    #[must_use]
    pub fn fragment(&self) -> &'a str {
        self.0[9]
    }

    /// The utm parameters of its query that have a value, sorted, a `&` before each.
    #[must_use]
    pub fn utm(&self) -> &'a str {
        self.0[10]
    }

    /// Host of `document.referrer`; empty when there is none, or none of the web.
    #[must_use]
    pub fn referrer_host(&self) -> &'a str {
        self.0[11]
    }

    /// The browser reloaded the page, or went back to it through the history.
    #[must_use]
    pub fn is_return(&self) -> bool {
        !self.0[12].is_empty()
    }

    /// The browser asks not to be tracked: Global Privacy Control or Do Not Track.
    #[must_use]
    pub fn has_gpc(&self) -> bool {
        !self.0[13].is_empty() && !is(self.0[14], "false")
    }

    /// `data-cookie-domain`, empty for a cookie of this host only.
    #[must_use]
    pub fn cookie_domain(&self) -> &'a str {
        self.0[15]
    }

    /// `data-consent`.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if is(self.0[16], "required") {
            Mode::Required
        } else if is(self.0[16], "session") {
            Mode::Session
        } else {
            Mode::Granted
        }
    }

    /// `data-domains`: sister sites, a comma list.
    #[must_use]
    pub fn domains(&self) -> &'a str {
        self.0[17]
    }

    /// `data-ref-params`: parameters that carry a partner code, a comma list.
    #[must_use]
    pub fn ref_params(&self) -> &'a str {
        if self.0[18].is_empty() { "ref,via,aff" } else { self.0[18] }
    }

    /// `data-checkout`: whether links are rewritten without being asked.
    #[must_use]
    pub fn has_checkout(&self) -> bool {
        !is(self.0[19], "off")
    }

    /// `data-checkout-hosts`: more hosts that serve Polar checkout links, a comma list.
    #[must_use]
    pub fn checkout_hosts(&self) -> &'a str {
        self.0[20]
    }

    /// `data-spa`: `off` when history changes are no pages, `hash` when every fragment is a page.
    #[must_use]
    pub fn spa(&self) -> &'a str {
        self.0[21]
    }

    /// What the letter is about, where it is no address: a visitor id, a word.
    #[must_use]
    pub fn about(&self) -> &'a str {
        self.0[22]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    #[test]
    fn a_bare_tag_has_the_defaults_of_the_contract() {
        let text = Draft { letter: 'l', url: "https://shop.example/", ..Draft::default() }.write();
        let call = Call::read(&text);
        assert_eq!((call.letter(), call.front()), (b'l', "https://shop.example/"));
        assert_eq!(
            (call.mode(), call.cookie_domain(), call.ref_params()),
            (Mode::Granted, "", "ref,via,aff")
        );
        assert!(call.has_checkout() && !call.is_return() && !call.has_gpc());
    }

    #[test]
    fn every_text_has_its_place() {
        let draft = Draft {
            letter: 'c',
            now_ms: 7,
            fresh: "fresh",
            cookies: "cookies",
            stored: "stored",
            url: "https://a.example/b?utm_a=c#d",
            referrer: "https://e.example/f",
            is_return: true,
            has_gpc: true,
            tag: ["true", ".a.example", "required", "b.example", "via", "off", "pay.example", "hash"],
            about: "about",
        };
        let text = draft.write();
        let call = Call::read(&text);
        assert_eq!((call.now_ms(), call.fresh(), call.cookies()), ("7", "fresh", " cookies"));
        assert_eq!(
            (call.stored(), call.front(), call.host()),
            ("stored", "https://a.example/b", "a.example")
        );
        assert_eq!((call.path(), call.query(), call.fragment()), ("/b", "utm_a=c", "d"));
        assert_eq!((call.utm(), call.referrer_host()), ("&utm_a=c", "e.example"));
        assert_eq!((call.is_return(), call.has_gpc(), call.cookie_domain()), (true, true, ".a.example"));
        assert_eq!((call.mode(), call.domains(), call.ref_params()), (Mode::Required, "b.example", "via"));
        assert_eq!((call.has_checkout(), call.checkout_hosts(), call.spa()), (false, "pay.example", "hash"));
        assert_eq!((call.letter(), call.about()), (b'c', "about"));
        let deaf = Draft { has_gpc: true, tag: ["false", "", "", "", "", "", "", ""], ..draft }.write();
        assert!(!Call::read(&deaf).has_gpc());
    }
}
