//! A first-in, first-out list of dead slots, threaded through their headers: it allocates nothing.

use core::cell::Cell;

use super::{Address, Arena};

pub(crate) struct Queue {
    head: Cell<Address>,
    tail: Cell<Address>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { head: Cell::new(Address::NONE), tail: Cell::new(Address::NONE) }
    }

    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get() == Address::NONE
    }

    /// Appends a dead slot.
    ///
    /// # Safety
    ///
    /// `address` names an occupied, dead slot of `arena` that is in no list.
    pub(crate) unsafe fn push<K, V>(&self, arena: &Arena<K, V>, address: Address) {
        // SAFETY: the caller vouches for `address`.
        let slot = unsafe { arena.locate(address) };
        // SAFETY: as above; `arena` is borrowed, so its blocks stay.
        unsafe { slot.header() }.set_next(Address::NONE);
        let tail = self.tail.replace(address);
        if tail == Address::NONE {
            self.head.set(address);
        } else {
            // SAFETY: (I2) a listed address names a slot of a block that is allocated.
            let last = unsafe { arena.locate(tail) };
            // SAFETY: as above.
            unsafe { last.header() }.set_next(address);
        }
    }

    /// Takes the slot that has waited longest.
    ///
    /// # Safety
    ///
    /// Everything in this queue was pushed with this `arena`.
    pub(crate) unsafe fn pop<K, V>(&self, arena: &Arena<K, V>) -> Option<Address> {
        let first = self.head.get();
        if first == Address::NONE {
            return None;
        }
        // SAFETY: (I2) a listed address names a slot of a block that is allocated.
        let slot = unsafe { arena.locate(first) };
        // SAFETY: as above; `arena` is borrowed, so its blocks stay.
        let next = unsafe { slot.header() }.next();
        self.head.set(next);
        if next == Address::NONE {
            self.tail.set(Address::NONE);
        }
        Some(first)
    }
}
