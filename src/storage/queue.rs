//! A first-in, first-out list of dead slots, threaded through their headers: it allocates nothing.

use core::cell::Cell;

use super::slot::Header;
use super::{Address, Arena};

/// The slots form a ring, so that whoever came last leads to whoever came first.
pub(crate) struct Queue {
    last: Cell<Address>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { last: Cell::new(Address::NONE) }
    }

    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.get() == Address::NONE
    }

    /// Appends a dead slot.
    ///
    /// # Safety
    ///
    /// `address` names an occupied, dead slot of `arena` that is in no list.
    pub(crate) unsafe fn push<K, V>(&self, arena: &Arena<K, V>, address: Address) {
        // SAFETY: the caller vouches for `address`.
        let header = unsafe { header_at(arena, address) };
        let last = self.last.replace(address);
        if last == Address::NONE {
            header.set_next(address);
        } else {
            // SAFETY: it was pushed, and it is in the ring still.
            let last = unsafe { header_at(arena, last) };
            header.set_next(last.next());
            last.set_next(address);
        }
    }

    /// Takes the slot that has waited longest.
    ///
    /// # Safety
    ///
    /// Everything in this queue was pushed with this `arena`.
    pub(crate) unsafe fn pop<K, V>(&self, arena: &Arena<K, V>) -> Option<Address> {
        let last = self.last.get();
        if last == Address::NONE {
            return None;
        }
        // SAFETY: it was pushed, and it is in the ring still.
        let header = unsafe { header_at(arena, last) };
        let first = header.next();
        if first == last {
            self.last.set(Address::NONE);
        } else {
            // SAFETY: as above.
            header.set_next(unsafe { header_at(arena, first) }.next());
        }
        Some(first)
    }
}

/// # Safety
///
/// `address` names an occupied slot of `arena`.
unsafe fn header_at<K, V>(arena: &Arena<K, V>, address: Address) -> &Header {
    // SAFETY: (I2) the slot is occupied, so its block is allocated.
    let slot = unsafe { arena.locate(address) };
    // SAFETY: (I4) it has a header; `arena` is borrowed, so its blocks stay.
    unsafe { slot.header() }
}
