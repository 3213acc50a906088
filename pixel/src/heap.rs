//! What wasm-bindgen asks of every module and this one never uses: an allocator, which refuses. All texts have
//! places of fixed size. A panic stops the module; the loader catches what that throws.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

struct None;

#[global_allocator]
static HEAP: None = None;

// SAFETY: it never hands out a block.
unsafe impl GlobalAlloc for None {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// The page never sees it.
#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
