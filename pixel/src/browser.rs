//! The edge to JavaScript: one function in, one function out, and between them the page through web-sys.
//!
//! What hands out objects or promises (`fetch`, `crypto`, events, elements) stays in the loader: the glue that
//! keeps JavaScript objects alive would cost every visitor more than it gives. No rule lives here.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Call;
use crate::page;
use crate::pixel::{FORGET, KEEP, Pixel, STORE};

/// Most bytes of a call's text.
const CALL_BYTES_MAX: usize = 65536;

struct Edge {
    pixel: Pixel,
    /// Written anew by every call.
    call: MaybeUninit<Call<'static>>,
    text: [u8; CALL_BYTES_MAX],
}

struct Slot(UnsafeCell<Edge>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Slot {}

static SLOT: Slot = Slot(UnsafeCell::new(Edge {
    pixel: Pixel::new(),
    call: MaybeUninit::zeroed(),
    text: [0; CALL_BYTES_MAX],
}));

/// Where the loader writes the next call's text, at most 64 KiB. Not to be called during a call.
#[wasm_bindgen]
pub fn room() -> *mut u8 {
    // SAFETY: one thread; the reference ends with the call.
    unsafe { (*SLOT.0.get()).text.as_mut_ptr() }
}

/// Where a call's answer stands after it.
#[wasm_bindgen]
pub fn told() -> *const u8 {
    // SAFETY: one thread; the reference ends with the call.
    unsafe { (*SLOT.0.get()).pixel.answer.as_str().as_ptr() }
}

/// Carries out one call of the loader ([`Pixel::call`]), whose text of so many bytes ([`Call`]) it has just
/// written into [`room`]. Returns the bytes of what it answers, which stands at [`told`].
#[wasm_bindgen]
pub fn run(bytes: usize) -> usize {
    // SAFETY: one thread, and the loader lets no call of the page's own wrappers of cookie and storage come in
    // while one is running: such a call waits.
    let Edge { pixel, call, text } = unsafe { &mut *SLOT.0.get() };
    // SAFETY: the browser's `TextEncoder` has written so many bytes of UTF-8 there.
    let text = unsafe { core::str::from_utf8_unchecked(text.get_unchecked(..bytes)) };
    let call = Call::write(call, text);
    let outcome = pixel.call(call);
    let domain = call.cookie_domain();
    if outcome & FORGET != 0 {
        page::forget(domain);
    }
    if outcome & KEEP != 0 {
        page::keep(pixel.visitor.as_str(), domain);
    }
    if outcome & STORE != 0 {
        page::store(pixel.line.as_str());
    }
    pixel.answer.len()
}
