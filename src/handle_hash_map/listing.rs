//! What the index holds for an entry.

use crate::storage::{Folded, SlotPtr};

/// A pointer to a slot, less a piece of the entry's hash, for which the alignment of slots leaves the
/// low bits. So a lookup has the entry at once, and hardly ever touches one of another hash.
///
/// The provenance is that of the slot's block: pointers are moved, never made from integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing(*mut u8);

// SAFETY: the pointer is no use without the table around it, whose arena says what may be sent.
unsafe impl Send for Listing {}

impl Listing {
    #[inline]
    pub(super) fn new<K, V>(slot: SlotPtr<K, V>, hash: Folded) -> Self {
        Self(slot.as_ptr().cast::<u8>().wrapping_sub(Self::piece::<K, V>(hash)))
    }

    /// Whether the entry may have this hash. Of those that have another, few may.
    #[inline]
    pub(super) fn may_have<K, V>(self, hash: Folded) -> bool {
        self.plus_piece::<K, V>(hash).addr() % SlotPtr::<K, V>::ALIGN == 0
    }

    /// # Safety
    ///
    /// The entry `may_have` this hash, and is one of a map of `K` and `V`.
    #[inline]
    pub(super) unsafe fn slot<K, V>(self, hash: Folded) -> SlotPtr<K, V> {
        // SAFETY: (I2) `new` took away less than the alignment, and what has been added led to a
        // multiple of it; so both were the same, and this is the pointer that `new` was given.
        unsafe { SlotPtr::from_ptr(self.plus_piece::<K, V>(hash).cast()) }
    }

    #[inline]
    fn plus_piece<K, V>(self, hash: Folded) -> *mut u8 {
        self.0.wrapping_add(Self::piece::<K, V>(hash))
    }

    #[inline]
    fn piece<K, V>(hash: Folded) -> usize {
        hash.top(SlotPtr::<K, V>::ALIGN.ilog2())
    }
}
