//! The allocator of the wasm build: free lists of power-of-two blocks over a growing memory.
//!
//! A few hundred bytes of code instead of several thousand, and a page open for days does not leak. It never
//! gives memory back to the browser and never joins blocks: a page of ours needs a few dozen.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

/// Bytes of the smallest block, as a power of two.
const SMALLEST: u32 = 4;
const PAGE_BYTES: usize = 65536;

struct Heap(UnsafeCell<State>);

struct State {
    /// First free block of 2^(4 + i) bytes; each free block holds the address of the next.
    free: [*mut u8; 28],
    next: usize,
    end: usize,
}

// SAFETY: a wasm module without the threads feature runs on one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State { free: [null_mut(); 28], next: 0, end: 0 }));

fn class(layout: &Layout) -> usize {
    let bytes = layout.size().max(layout.align()).max(1 << SMALLEST);
    (usize::BITS - (bytes - 1).leading_zeros() - SMALLEST) as usize
}

// SAFETY: blocks of one class never overlap: each is cut once from fresh memory at a multiple of its own size,
// which is at least the wanted alignment, and is on a free list only between `dealloc` and the next `alloc`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and nothing called here allocates.
        let state = unsafe { &mut *self.0.get() };
        let class = class(&layout);
        let Some(slot) = state.free.get_mut(class) else { return null_mut() };
        let block = *slot;
        if !block.is_null() {
            // SAFETY: a free block holds the address of the next one.
            *slot = unsafe { *block.cast::<*mut u8>() };
            return block;
        }
        let bytes = 1 << (class as u32 + SMALLEST);
        let start = (state.next + bytes - 1) & !(bytes - 1);
        if start + bytes > state.end {
            let pages = bytes.div_ceil(PAGE_BYTES);
            let grown = core::arch::wasm32::memory_grow(0, pages);
            if grown == usize::MAX {
                return null_mut();
            }
            // Fresh pages begin at a multiple of 64 KiB; larger blocks are cut from memory that may not.
            let fresh = grown * PAGE_BYTES;
            state.end = fresh + pages * PAGE_BYTES;
            state.next = fresh + bytes;
            return fresh as *mut u8;
        }
        state.next = start + bytes;
        start as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: one thread; the block is ours, at least 16 bytes long and no longer in use.
        unsafe {
            let state = &mut *self.0.get();
            let class = class(&layout);
            if let Some(slot) = state.free.get_mut(class) {
                *block.cast::<*mut u8>() = *slot;
                *slot = block;
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(bytes, layout.align());
            if class(&wanted) == class(&layout) {
                return block;
            }
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(bytes));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// A panic stops the module; the loader catches what that throws, and the page never sees it.
#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
