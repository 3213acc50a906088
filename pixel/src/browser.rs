//! The edge: gathers a [`Moment`] from the page, hands the loader's calls to the [`Pixel`], carries effects out.
//!
//! No rule lives here. All text crosses by one exported function, because each further export and import costs
//! every visitor bytes; anything that can throw in some browser (storage above all) is caught where it is asked.

use alloc::string::String;
use core::cell::UnsafeCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Element, HtmlDocument, Storage, Window};

use crate::config::Config;
use crate::pixel::{Call, Effects, Landing, Moment, Pixel};
use crate::visitor::NAME;

#[wasm_bindgen(module = "/loader/page.js")]
extern "C" {
    /// Sends a body to the collector; with credentials only when its cookie is allowed.
    fn post(body: &str, is_granted: bool);
    /// Fills with randomness.
    fn random(bytes: &mut [u8]);
    /// The clock.
    fn now() -> f64;
    /// Whether the browser sends Global Privacy Control or Do Not Track.
    fn gpc() -> bool;
}

struct Edge {
    window: Window,
    pixel: Pixel,
    has_checkout: bool,
    has_spa: bool,
}

struct Slot(UnsafeCell<Option<Edge>>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(None));

impl Slot {
    /// Takes the pixel out for the length of a call, so that a page function that calls back into the pixel
    /// while it works finds none instead of one half-changed.
    fn replace(&self, edge: Option<Edge>) -> Option<Edge> {
        // SAFETY: one thread, and the reference does not outlive the swap.
        unsafe { core::mem::replace(&mut *self.0.get(), edge) }
    }
}

/// Reads the tag and makes the pixel. Counts nothing yet.
#[wasm_bindgen]
pub fn start(window: Window, tag: &Element, url: String, referrer: String, is_return: bool) {
    let config = Config::read(|name| tag.get_attribute(name));
    let stored = storage(&window).and_then(|storage| storage.get_item(NAME).ok()?).unwrap_or_default();
    let (has_checkout, has_spa) = (config.checkout, config.spa);
    let pixel = Pixel::new(config, Landing { url, referrer, is_return }, gpc(), &stored);
    SLOT.replace(Some(Edge { window, pixel, has_checkout, has_spa }));
}

/// Carries out one call of the loader, named by a letter:
/// `l`and, `p`age, `m`oved, `r`eplaced, `t`rack, `i`dentify, `c`onsent, `a`nswer, `v`isitor id, `d`ecorate and
/// `D`ecorate unasked. The last argument is the page's address where one is needed.
#[wasm_bindgen]
pub fn run(letter: char, a: &str, b: &str, c: &str, url: &str) -> Option<String> {
    let mut edge = SLOT.replace(None)?;
    let call = match letter {
        'l' => Some(Call::Land),
        'p' => Some(Call::Page(url)),
        'm' | 'r' if edge.has_spa => Some(Call::Moved(url, letter == 'r')),
        't' => Some(Call::Track(a, b, url)),
        'i' => Some(Call::Identify(a, b, c, url)),
        'c' => Some(Call::Consent(a)),
        'a' => Some(Call::Answer(a)),
        _ => None,
    };
    let answer = match letter {
        'v' => Some(edge.pixel.visitor().into()),
        'd' => edge.pixel.decorate(a),
        'D' if edge.has_checkout => edge.pixel.decorate(a),
        _ => None,
    };
    let body = call.and_then(|call| edge.carry_out(call));
    let is_granted = edge.pixel.is_granted();
    SLOT.replace(Some(edge));
    // Last, with the pixel back in its place: `fetch` may be the page's own and call us.
    if let Some(body) = body {
        post(&body, is_granted);
    }
    answer
}

impl Edge {
    /// Does what the call wants done but for the sending, which is handed back.
    fn carry_out(&mut self, call: Call<'_>) -> Option<String> {
        let storage = storage(&self.window);
        let document = self.window.document().map(|document| document.unchecked_into::<HtmlDocument>());
        let cookies = document.as_ref().and_then(|document| document.cookie().ok()).unwrap_or_default();
        let stored = storage.as_ref().and_then(|storage| storage.get_item(NAME).ok()?).unwrap_or_default();
        let width =
            self.window.inner_width().ok().and_then(|width| width.as_f64()).unwrap_or_default() as u32;
        let mut bytes = [0; 30];
        random(&mut bytes);
        let moment =
            Moment { now_ms: now() as u64, random: bytes, cookies: &cookies, stored: &stored, width };
        let Effects { forget, cookies, store, post } = self.pixel.call(call, &moment);
        if let Some(storage) = storage {
            if forget {
                let _ = storage.remove_item(NAME);
            }
            if let Some(text) = store {
                let _ = storage.set_item(NAME, &text);
            }
        }
        for cookie in cookies {
            let _ = document.as_ref().map(|document| document.set_cookie(&cookie));
        }
        post
    }
}

/// First-party storage; asking for it throws where the browser or an extension refuses it.
fn storage(window: &Window) -> Option<Storage> {
    window.local_storage().ok()?
}
