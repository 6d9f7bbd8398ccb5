//! A global allocator that counts and refuses. Counts are per thread, so that tests and the harness do not
//! disturb each other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

pub(crate) struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are allocated.
    pub(crate) static BYTES: Cell<isize> = const { Cell::new(0) };
    /// How many more allocations are granted.
    static GRANTED: Cell<usize> = const { Cell::new(usize::MAX) };
    /// How large an allocation may be.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn note(calls: usize, bytes: isize) {
    // While a thread ends its locals are gone; nothing is measured then.
    CALLS.try_with(|counter| counter.set(counter.get() + calls)).unwrap_or(());
    BYTES.try_with(|counter| counter.set(counter.get() + bytes)).unwrap_or(());
}

fn refused(size: usize) -> bool {
    if size > LARGEST.try_with(Cell::get).unwrap_or(usize::MAX) {
        return true;
    }
    let granted = GRANTED.try_with(Cell::get).unwrap_or(usize::MAX);
    if granted != 0 && granted != usize::MAX {
        GRANTED.set(granted - 1);
    }
    granted == 0
}

// SAFETY: everything is passed on to the system's allocator, or refused.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refused(layout.size()) {
            return std::ptr::null_mut();
        }
        note(1, layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note(0, -(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if refused(size) {
            return std::ptr::null_mut();
        }
        note(1, size as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

/// How many allocations a call makes.
pub(crate) fn allocations<T>(call: impl FnOnce() -> T) -> usize {
    let before = CALLS.get();
    let result = call();
    let after = CALLS.get();
    drop(result);
    after - before
}

/// Grants a call that many allocations, and refuses the next.
pub(crate) fn granting<T>(allocations: usize, call: impl FnOnce() -> T) -> T {
    GRANTED.set(allocations);
    let result = call();
    GRANTED.set(usize::MAX);
    result
}

/// Refuses a call allocations of more bytes than this.
#[allow(dead_code, reason = "not every test binary needs it")]
pub(crate) fn limited<T>(bytes: usize, call: impl FnOnce() -> T) -> T {
    LARGEST.set(bytes);
    let result = call();
    LARGEST.set(usize::MAX);
    result
}
