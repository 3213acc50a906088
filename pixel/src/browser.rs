//! The edge to JavaScript: one function in, one function out, both of text lying in the module's memory.
//!
//! Each further export, import or type costs every visitor bytes of glue, and one text crosses faster than ten.
//! So the loader hands over all a call may need, and is told what to do. No rule lives here.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::UnsafeCell;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Config;
use crate::pixel::{Call, Landing, Moment, Pixel};
use crate::text::{fields, has, number};

#[wasm_bindgen(module = "/loader/effects.js")]
extern "C" {
    /// Notes an effect ([`crate::pixel::Effects`]). The loader carries it out when the call has returned: a
    /// `fetch` of the page's own may call us, and must not find us in the middle of something.
    fn note(letter: u32, text: *const u8, bytes: usize);
}

struct Edge {
    call: Vec<u8>,
    pixel: Option<Pixel<'static>>,
}

struct Slot(UnsafeCell<Edge>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(Edge { call: Vec::new(), pixel: None }));

/// Where the loader may write the next call's text, of at most so many bytes.
#[wasm_bindgen]
pub fn room(bytes: usize) -> *mut u8 {
    // SAFETY: one thread; the reference ends with the call.
    let edge = unsafe { &mut *SLOT.0.get() };
    edge.call.reserve(bytes);
    edge.call.as_mut_ptr()
}

/// Carries out one call of the loader, whose text it has just written into [`room`] for at least so many bytes.
///
/// The text is, with a NUL between: a letter, the clock in ms, 48 random characters, the viewport's width,
/// `document.cookie`, what is stored, the page's address, and up to three arguments. The letters: `s`tart (tag
/// attributes, referrer, flags), `l`and, `p`age, `m`oved, `r`eplaced, `t`rack, `i`dentify, `c`onsent, `a`nswer,
/// `v`isitor id, `d`ecorate, `D`ecorate unasked.
#[wasm_bindgen]
pub fn run(bytes: usize) {
    // SAFETY: one thread, and nothing called from here comes back in: `note` only notes.
    let Edge { call, pixel: slot } = unsafe { &mut *SLOT.0.get() };
    // SAFETY: the browser's `TextEncoder` has written so many bytes of UTF-8 there, and no call lasts longer.
    let call = unsafe { core::str::from_utf8_unchecked(core::slice::from_raw_parts(call.as_ptr(), bytes)) };
    let [letter, now_ms, random, width, cookies, stored, url, a, b, c] = fields(call, 0);
    let count = |text| number(text).unwrap_or_default();
    let moment = Moment { now_ms: count(now_ms), random, width: count(width) as u32, cookies, stored, url };
    let letter = letter.bytes().next().unwrap_or_default();
    let Some(pixel) = slot else {
        if letter == b's' {
            // Once a page, kept for its life.
            let keep = |text: &str| -> &'static str { String::from(text).leak() };
            let landing = Landing { url: keep(url), referrer: keep(b), is_return: has(c, b',', "return") };
            *slot = Some(Pixel::new(Config::read(keep(a)), landing, has(c, b',', "gpc"), stored));
        }
        return;
    };
    let call = match letter {
        b'v' => return tell('v', pixel.visitor()),
        b'd' | b'D' => {
            if let Some(link) = pixel.decorate(a, letter == b'd') {
                tell('v', &link);
            }
            return;
        }
        b'l' => Call::Land,
        b'p' => Call::Page,
        b'm' => Call::Moved(false),
        b'r' => Call::Moved(true),
        b't' => Call::Track(a, b),
        b'i' => Call::Identify(a, b, c),
        b'c' => Call::Consent(a),
        b'a' => Call::Answer(a),
        _ => return,
    };
    pixel.call(call, &moment, &mut tell);
}

fn tell(letter: char, text: &str) {
    note(letter.into(), text.as_ptr(), text.len());
}
