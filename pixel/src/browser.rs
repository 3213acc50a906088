//! The edge to JavaScript: one function in, one function out, and between them the page through web-sys.
//!
//! The objects of the page come in as arguments, borrowed for the call: looking them up from here would cost
//! every visitor the glue that keeps JavaScript objects alive. For the same reason what hands out objects or
//! promises (`fetch`, `crypto`, events, elements) stays in the loader. No rule lives here.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::UnsafeCell;

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{HtmlDocument, Storage, Window};

use crate::config::Config;
use crate::page::Page;
use crate::pixel::{Call, Landing, Moment, Pixel};
use crate::text::{fields, has, number};

#[wasm_bindgen(module = "/loader/effects.js")]
extern "C" {
    /// Notes an effect ([`crate::pixel::Effects`]). The loader carries it out when the call has returned: a
    /// `fetch` of the page's own may call us, and must not find us in the middle of something.
    fn note(letter: u32, text: &str);
}

struct Edge {
    call: Vec<u8>,
    pixel: Option<Pixel<'static>>,
}

struct Slot(UnsafeCell<Edge>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(Edge { call: Vec::new(), pixel: None }));

/// Where the loader may write the next call's text, of at most so many bytes. Not to be called during a call.
#[wasm_bindgen]
pub fn room(bytes: usize) -> *mut u8 {
    // SAFETY: one thread; the reference ends with the call.
    let edge = unsafe { &mut *SLOT.0.get() };
    edge.call.reserve(bytes);
    edge.call.as_mut_ptr()
}

/// Carries out one call of the loader, whose text it has just written into [`room`] for at least so many bytes.
/// `storage` is anything else where the browser refuses it: writing to it then does nothing.
///
/// The text is, with a NUL between: a letter, the clock in ms, 48 random characters, the viewport's width,
/// `document.cookie`, what is stored, the page's address, and up to three arguments. The letters: `s`tart (tag
/// attributes, referrer, flags), `l`and, `p`age, `m`oved, `r`eplaced, `t`rack, `i`dentify, `c`onsent, `a`nswer,
/// `v`isitor id, `d`ecorate, `D`ecorate unasked.
#[wasm_bindgen]
pub fn run(bytes: usize, window: &Window, document: &HtmlDocument, storage: &Storage) {
    // SAFETY: one thread, and the loader lets no call of the page's own wrappers of cookie and storage come in
    // while one is running: such a call waits (`ask` in loader.js).
    let Edge { call, pixel } = unsafe { &mut *SLOT.0.get() };
    // SAFETY: the browser's `TextEncoder` has written so many bytes of UTF-8 there, and no call lasts longer.
    let call = unsafe { core::str::from_utf8_unchecked(core::slice::from_raw_parts(call.as_ptr(), bytes)) };
    carry_out(call, Page { window, document, storage }, pixel);
}

fn carry_out(call: &str, page: Page<'_>, slot: &mut Option<Pixel<'static>>) {
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
        b'v' => return note('v'.into(), pixel.visitor()),
        b'd' | b'D' => {
            if let Some(link) = pixel.decorate(a, letter == b'd') {
                note('v'.into(), &link);
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
    let domain = pixel.cookie_domain();
    pixel.call(call, &moment, &mut |letter, text| match letter {
        'f' => page.forget(domain),
        'k' => page.keep(text, domain),
        's' => page.store(text),
        _ => note(letter.into(), text),
    });
}
