//! What layer 3 does to entries and counts while its map is shared.
//!
//! A slot is reached here field by field (I8): never through a reference to the whole
//! [`Counted`], for somebody may hold a `&mut` to the value in it.

use hashbrown::TryReserveError;

use super::{Counted, CountedHashMap};
use crate::handle_hash_map::{Dead, Handle};
use crate::storage::{Cursor, Folded, Queue, SlotPtr};
use crate::tokens::{Count, Token, UsizeCount};

/// A position in a walk over the entries of layer 2.
pub(crate) type CountedCursor<K, V> = Cursor<K, Counted<V>>;

/// A pointer to an entry of layer 2.
pub(crate) struct CountedSlot<K, V>(SlotPtr<K, Counted<V>>);

impl<K, V> Clone for CountedSlot<K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for CountedSlot<K, V> {}

impl<K, V> PartialEq for CountedSlot<K, V> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K, V> CountedSlot<K, V> {
    #[inline]
    pub(crate) fn key(self) -> *mut K {
        self.0.key()
    }

    #[inline]
    pub(crate) fn value(self) -> *mut V {
        // SAFETY: (I3) the field lies in the block; no reference is made.
        unsafe { &raw mut (*self.0.value()).value }
    }

    /// The count of the entry, and nothing else of it.
    ///
    /// # Safety
    ///
    /// The slot is occupied, and stays so during `'a`.
    #[inline]
    pub(crate) unsafe fn count<'a>(self) -> &'a UsizeCount {
        // SAFETY: (I8) the count is initialised and lies next to, not inside, what a `&mut V` covers.
        unsafe { &(*self.0.value()).refcount }
    }

    /// The handle of the entry.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(crate) unsafe fn handle(self) -> Handle {
        // SAFETY: (I4) the caller says that the slot is live.
        Handle::new(unsafe { self.0.header() }.key())
    }
}

impl<K, V, S> CountedHashMap<K, V, S> {
    /// The first entry in the index that may have this hash. Calls no user code.
    #[inline(always)]
    pub(crate) fn first_candidate(&self, hash: Folded) -> Option<CountedSlot<K, V>> {
        self.base.table().first_candidate(hash).map(CountedSlot)
    }

    /// Shows `each` every entry in the index that may have this hash. It is layer 3's own code.
    pub(crate) fn for_each_candidate(&self, hash: Folded, mut each: impl FnMut(CountedSlot<K, V>)) {
        self.base.table().for_each_candidate(hash, |slot| each(CountedSlot(slot)));
    }

    /// The entry that a handle names.
    pub(crate) fn locate(&self, handle: Handle) -> Option<CountedSlot<K, V>> {
        self.base.table().locate(handle.raw()).map(CountedSlot)
    }

    /// Makes room while the map is shared.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    pub(crate) unsafe fn reserve_shared(&self, additional: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().reserve(additional) }
    }

    /// Makes room while the map is shared.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    pub(crate) unsafe fn try_reserve_shared(
        &self,
        additional: usize,
    ) -> Result<(), TryReserveError> {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().try_reserve(additional) }
    }

    /// Adds an entry, whose key the caller has found to be new, and mints its first token. `value`
    /// is called once there is room; nothing can fail after it.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    #[inline(always)]
    pub(crate) unsafe fn insert_shared(
        &self,
        hash: Folded,
        key: K,
        value: impl FnOnce() -> V,
    ) -> (CountedSlot<K, V>, Token) {
        // SAFETY: the caller's promise.
        let slot = unsafe { self.base.table().insert(hash, key, || Counted::new(value())) };
        let slot = CountedSlot(slot);
        // SAFETY: the slot has just become live.
        let token = unsafe { slot.count() }.get();
        (slot, token)
    }

    /// Retires an entry whose count is zero: from here on nothing finds it. Its key and value stay.
    ///
    /// # Safety
    ///
    /// The table is quiet, the slot is a live one of this map, and its count is zero.
    #[inline]
    pub(crate) unsafe fn retire(&self, slot: CountedSlot<K, V>) -> Departed<K, V> {
        // SAFETY: the caller's promise.
        Departed(unsafe { self.base.table().retire(slot.0) })
    }

    /// Takes a live entry out, with its key and value; its slot is free at once.
    ///
    /// # Safety
    ///
    /// The table is quiet, the slot is a live one of this map, and nobody refers to its key or value.
    pub(crate) unsafe fn take_out(&self, slot: CountedSlot<K, V>) -> (K, V) {
        // SAFETY: the caller's promise.
        let (key, counted) = unsafe { self.base.table().take_out(slot.0) };
        (key, counted.value)
    }

    /// Gives the slot of a departed entry back.
    ///
    /// # Safety
    ///
    /// The entry is unlisted and in no queue, and its key and value are gone.
    #[inline]
    pub(crate) unsafe fn recycle(&self, departed: &Departed<K, V>) {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().recycle(&departed.0) };
    }

    /// Appends a departed entry to a queue.
    ///
    /// # Safety
    ///
    /// The entry is in no queue, and the queue holds entries of this map only.
    pub(crate) unsafe fn enqueue(&self, queue: &Queue, departed: &Departed<K, V>) {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().enqueue(queue, &departed.0) };
    }

    /// Takes the entry that has waited longest out of a queue.
    ///
    /// # Safety
    ///
    /// The queue holds entries of this map only.
    #[inline]
    pub(crate) unsafe fn dequeue(&self, queue: &Queue) -> Option<Departed<K, V>> {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().dequeue(queue) }.map(Departed)
    }

    /// Gives memory back while `Ref`s exist.
    ///
    /// # Safety
    ///
    /// The table is quiet, and no cursor of it is used again.
    pub(crate) unsafe fn shrink_shared(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().shrink() };
    }

    pub(crate) fn cursor(&self) -> CountedCursor<K, V> {
        self.base.table().cursor()
    }

    /// Asserts what layer 1 keeps, and (I6): whatever is live is counted.
    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(crate) fn check_shared(&self) {
        self.base.table().check_invariants();
        let mut cursor = self.cursor();
        // SAFETY: the map is borrowed, so it is not shrunk.
        while let Some(slot) = unsafe { self.base.table().advance(&mut cursor) } {
            // SAFETY: the slot is live.
            let count = unsafe { CountedSlot(slot).count() };
            assert!(!count.is_zero(), "(I6) a live entry has a token out");
        }
    }

    /// The next live slot of a walk.
    ///
    /// # Safety
    ///
    /// The cursor is this map's, which has not been shrunk since it was made.
    #[inline]
    pub(crate) unsafe fn advance(
        &self,
        cursor: &mut CountedCursor<K, V>,
    ) -> Option<CountedSlot<K, V>> {
        // SAFETY: the caller's promise.
        unsafe { self.base.table().advance(cursor) }.map(CountedSlot)
    }
}

/// An entry whose count is zero and whose key and value are still in their slot.
pub(crate) struct Departed<K, V>(Dead<K, Counted<V>>);

impl<K, V> Departed<K, V> {
    #[inline]
    pub(crate) fn slot(&self) -> CountedSlot<K, V> {
        CountedSlot(self.0.slot)
    }
}
