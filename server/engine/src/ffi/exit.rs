//! What runs when the process exits, before the library's own destructors.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

static LAST: OnceLock<fn() -> Leave> = OnceLock::new();

/// How a process that exits goes on after the handler of [`at_exit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The usual way, through everybody's destructors.
    Usual,
    /// At once, with the same exit status.
    Now,
}

/// Names what runs when the process exits, before the library's own static destructors. Only the first call counts.
pub fn at_exit(last: fn() -> Leave) {
    if LAST.set(last).is_ok() {
        run_before_destructors();
    }
}

/// Exit handlers run last in, first out, and the library registers more of its own whenever a statement is the
/// first of its kind. So ours is registered again from time to time; running it twice does no harm.
pub fn run_before_destructors() {
    unsafe extern "C" {
        /// The C library's `atexit` that is told the status.
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }
    extern "C" fn run(status: c_int, _: *mut c_void) {
        if LAST.get().map(|last| last()) == Some(Leave::Now) {
            // SAFETY: both may be called at any time; Rust has flushed its own output before it called `exit`.
            unsafe {
                libc::fflush(ptr::null_mut());
                libc::_exit(status);
            }
        }
    }
    // SAFETY: registers a function that lives as long as the program and ignores its argument.
    unsafe { on_exit(run, ptr::null_mut()) };
}
