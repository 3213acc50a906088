//! Keeping and forgetting in the visitor's browser, through web-sys: the cookie and the one stored line.
//!
//! Cookies and storage throw where the browser, a frame's sandbox or an extension refuses them: then nothing
//! is kept, and that is no error. Reading them is the loader's: a text handed in by an import of its own costs every
//! visitor more bytes than one in the call's text.

use core::mem::ManuallyDrop;

use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlDocument, Storage};

use crate::text::Text;

/// Name of the cookie, and of the line in storage.
const KEY: &str = "_trb";

/// Places of the page's own objects in the packed glue (`pixel/build/pack.mjs`), for the page's life.
const DOCUMENT: u32 = 0;
const STORAGE: u32 = 1;

/// One of them, never given back.
fn object<T: JsCast>(place: u32) -> ManuallyDrop<T> {
    // SAFETY: the glue holds an object at each of these places as long as the module lives.
    ManuallyDrop::new(unsafe { JsValue::from_abi(place) }.unchecked_into())
}

/// Stores the line.
pub fn store(line: &str) {
    or_refused(object::<Storage>(STORAGE).set_item(KEY, line));
}

/// Keeps the visitor's id for 400 days, the most a browser does; what a script has set most of them keep
/// for 7.
pub fn keep(id: &str, domain: &str) {
    set_cookie(id, "34560000", domain);
}

/// Forgets cookie and stored line. The cookie was set for this host or for the domain, whichever it was.
pub fn forget(domain: &str) {
    set_cookie("", "0", "");
    set_cookie("", "0", domain);
    or_refused(object::<Storage>(STORAGE).remove_item(KEY));
}

#[inline(never)]
fn set_cookie(id: &str, seconds: &str, domain: &str) {
    static COOKIE: Place = Place(core::cell::UnsafeCell::new(Text::new()));
    // SAFETY: one thread, and nothing called here comes back.
    let cookie = unsafe { &mut *COOKIE.0.get() };
    cookie.clear();
    // An empty domain is none: a cookie of this host only.
    for part in ["_trb=", id, "; path=/; samesite=lax; secure; max-age=", seconds, "; domain=", domain] {
        cookie.push(part);
    }
    or_refused(object::<HtmlDocument>(DOCUMENT).set_cookie(cookie.as_str()));
}

struct Place(core::cell::UnsafeCell<Text>);

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Place {}

/// Where the browser threw, nothing is kept: the packed glue catches it and hands nothing over.
fn or_refused(answer: Result<(), JsValue>) {
    core::mem::forget(answer);
}
