//! Keeping and forgetting in the visitor's browser, through web-sys: the cookie and the one stored line.
//!
//! Cookies and storage throw where the browser, a frame's sandbox or an extension refuses them: then nothing
//! is kept, and that is no error. Reading them is the loader's: a text handed in by an import of its own costs every
//! visitor more bytes than one in the call's text.

use alloc::string::String;

use wasm_bindgen::JsValue;
use web_sys::{HtmlDocument, Storage, Window};

/// Name of the cookie, and of the line in storage.
const KEY: &str = "_trb";

/// The page's own objects, for one call.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    pub window: &'a Window,
    pub document: &'a HtmlDocument,
    pub storage: &'a Storage,
}

impl Page<'_> {
    /// Stores the line.
    pub fn store(self, line: &str) {
        or_refused(self.storage.set_item(KEY, line));
    }

    /// Keeps the visitor's id for 400 days, the most a browser does; what a script has set most of them keep
    /// for 7.
    pub fn keep(self, id: &str, domain: &str) {
        self.set_cookie(id, "34560000", domain);
    }

    /// Forgets cookie and stored line. The cookie was set for this host or for the domain, whichever it was.
    pub fn forget(self, domain: &str) {
        self.set_cookie("", "0", "");
        self.set_cookie("", "0", domain);
        or_refused(self.storage.remove_item(KEY));
    }

    #[inline(never)]
    fn set_cookie(self, id: &str, seconds: &str, domain: &str) {
        let mut cookie = String::new();
        // Without TLS a browser takes a `Secure` cookie on localhost only.
        let secure = if self.window.is_secure_context() { "; secure" } else { "" };
        let on = if domain.is_empty() { "" } else { "; domain=" };
        for part in [KEY, "=", id, "; path=/; samesite=lax; max-age=", seconds, secure, on, domain].iter() {
            cookie.push_str(part);
        }
        or_refused(self.document.set_cookie(&cookie));
    }
}

/// Where the browser threw, nothing is kept. The packed glue (`pixel/build/pack.mjs`) hands us `undefined` for
/// whatever was thrown, which nobody need free: that saves the code that keeps JavaScript values.
fn or_refused(answer: Result<(), JsValue>) {
    if let Err(thrown) = answer {
        core::mem::forget(thrown);
    }
}
