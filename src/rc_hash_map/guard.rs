//! The reentrancy guard of debug builds: `Eq` must not enter the map whose keys it compares.
//!
//! Release builds never look at it, and no unsafe code relies on it.
#![forbid(unsafe_code)]

use core::cell::Cell;

/// Whether `Eq` of this map runs, but for the destructors that it has started.
#[derive(Default)]
pub(super) struct Guard(Cell<bool>);

impl Guard {
    /// # Panics
    ///
    /// In debug builds, if `Eq` of this map runs.
    #[inline]
    #[track_caller]
    pub(super) fn check(&self) {
        if cfg!(debug_assertions) && self.0.get() {
            refuse();
        }
    }

    /// Sets or lifts the guard, and returns what it was.
    #[inline]
    pub(super) fn replace(&self, on: bool) -> bool {
        cfg!(debug_assertions) && self.0.replace(on)
    }

    /// Sets the guard until the result is dropped.
    #[inline]
    pub(super) fn comparing(&self) -> Comparing<'_> {
        Comparing { guard: self, before: self.replace(true) }
    }
}

pub(super) struct Comparing<'a> {
    guard: &'a Guard,
    before: bool,
}

impl Drop for Comparing<'_> {
    #[inline]
    fn drop(&mut self) {
        self.guard.replace(self.before);
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn refuse() -> ! {
    panic!(
        "`Eq` entered a map while it compares keys (release builds allow this, debug builds do not)"
    )
}
