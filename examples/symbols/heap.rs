//! Counts the heap bytes that the running thread holds, so that the example measures what it prints.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // A constant without a destructor: reading it allocates nothing, at any time in a thread's life.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// The bytes that this thread has allocated and not freed: what was asked for, without the
/// allocator's own overhead. Less than zero if it has freed what others allocated: only differences
/// mean something.
pub(crate) fn held() -> isize {
    HELD.get()
}

fn count(change: isize) {
    HELD.set(HELD.get().wrapping_add(change));
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

// SAFETY: each method passes its arguments on to `System` and returns what it gives. Counting neither
// allocates nor unwinds; no size exceeds `isize::MAX`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            count(layout.size() as isize);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`, and all our memory is `System`'s.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is that of `System`.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            count(layout.size() as isize);
        }
        memory
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`, and all our memory is `System`'s.
        let moved = unsafe { System.realloc(memory, layout, new_size) };
        if !moved.is_null() {
            count(new_size as isize - layout.size() as isize);
        }
        moved
    }
}
