//! The edge to JavaScript: one exported function from text to text, no import.
//!
//! Each further export and import costs every visitor bytes of glue, and one text crosses faster than ten. So
//! the loader hands over all a call may need, and carries out what comes back. No rule lives here.

use alloc::string::String;
use core::cell::UnsafeCell;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Config;
use crate::pixel::{Call, Effects, Landing, Moment, Pixel};
use crate::text::{number, words};

struct Slot(UnsafeCell<Option<Pixel>>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(None));

/// Carries out one call of the loader and answers with [`Effects`].
///
/// `call` is, with a NUL between: a letter, the clock in ms, 48 random characters, the viewport's width,
/// `document.cookie`, what is stored, the page's address, and up to three arguments. The letters: `s`tart (tag
/// attributes, referrer, flags), `l`and, `p`age, `m`oved, `r`eplaced, `t`rack, `i`dentify, `c`onsent, `a`nswer,
/// `v`isitor id, `d`ecorate, `D`ecorate unasked.
#[wasm_bindgen]
pub fn run(call: &str) -> String {
    let mut words = words(call, 0);
    let mut next = || words.next().unwrap_or_default();
    let letter = next();
    let moment = Moment {
        now_ms: number(next()).unwrap_or_default(),
        random: next(),
        width: number(next()).unwrap_or_default() as u32,
        cookies: next(),
        stored: next(),
        url: next(),
    };
    let (a, b, c) = (next(), next(), next());
    let mut effects = Effects::default();
    // SAFETY: one thread, and nothing called from here comes back in: there is no import to call out through.
    let slot = unsafe { &mut *SLOT.0.get() };
    let call = match (letter, &mut *slot) {
        ("s", None) => {
            let landing = Landing {
                url: moment.url.into(),
                referrer: b.into(),
                is_return: c.bytes().any(|flag| flag == b'r'),
            };
            let has_gpc = c.bytes().any(|flag| flag == b'g');
            *slot = Some(Pixel::new(Config::read(a), landing, has_gpc, moment.stored));
            return effects.0;
        }
        ("v", Some(pixel)) => {
            effects.push('v', pixel.visitor());
            return effects.0;
        }
        ("d" | "D", Some(pixel)) => {
            if let Some(link) = pixel.decorate(a, letter == "d") {
                effects.push('v', &link);
            }
            return effects.0;
        }
        ("l", _) => Call::Land,
        ("p", _) => Call::Page,
        ("m", _) => Call::Moved(false),
        ("r", _) => Call::Moved(true),
        ("t", _) => Call::Track(a, b),
        ("i", _) => Call::Identify(a, b, c),
        ("c", _) => Call::Consent(a),
        ("a", _) => Call::Answer(a),
        _ => return effects.0,
    };
    if let Some(pixel) = slot {
        pixel.call(call, &moment, &mut effects);
    }
    effects.0
}
