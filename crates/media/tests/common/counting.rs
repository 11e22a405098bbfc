//! An allocator that counts how often one thread allocates while it is watched, and the bytes that it holds.
//!
//! For binaries that prove that a forwarded packet allocates nothing, or how little something holds; each sets `#[global_allocator]` itself,
//! the others never count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, watched. A binary that counts makes it its `#[global_allocator]`.
pub struct Counting;

thread_local! {
    static COUNTED: Cell<Option<usize>> = const { Cell::new(None) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

// A thread that is coming or going has no cells, and nothing to count.
fn count() {
    let _ = COUNTED.try_with(|counted| counted.set(counted.get().map(|count| count + 1)));
}

fn hold(bytes: isize) {
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches thread-local cells and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        hold(layout.size().cast_signed());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        hold(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promises about all three are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-layout.size().cast_signed());
        // SAFETY: the caller's promises about both are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What `act` returns, and how often this thread allocated in it.
pub fn allocations<T>(act: impl FnOnce() -> T) -> (T, usize) {
    COUNTED.set(Some(0));
    let made = act();
    (made, COUNTED.take().unwrap_or(0))
}

/// Bytes that this thread has allocated and nobody has given back on it, ever since it began; what another thread gives back of them, it
/// does not see.
pub fn held() -> isize {
    HELD.get()
}
