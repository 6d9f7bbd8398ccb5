//! What layer 3 does to entries and counts while its map is shared.
//!
//! A slot is reached here field by field (I5): never through a reference to the whole
//! [`Counted`], for somebody may hold a `&mut` to the value in it.

use super::{Counted, CountedHashMap};
use crate::table::{Folded, Handle, SlotPtr, Table, TableCell};
use crate::tokens::{Token, UsizeCount};

#[inline]
fn count_of<K, V>(slot: SlotPtr<K, Counted<V>>) -> *mut UsizeCount {
    // SAFETY: (I2) the field lies in the page; no reference is made.
    unsafe { &raw mut (*slot.value()).refcount }
}

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
    pub(crate) fn new(slot: SlotPtr<K, Counted<V>>) -> Self {
        Self(slot)
    }

    #[inline]
    pub(crate) fn slot(self) -> SlotPtr<K, Counted<V>> {
        self.0
    }

    #[inline]
    pub(crate) fn key(self) -> *mut K {
        self.0.key()
    }

    #[inline]
    pub(crate) fn value(self) -> *mut V {
        // SAFETY: (I2) the field lies in the page; no reference is made.
        unsafe { &raw mut (*self.0.value()).value }
    }

    /// The count of an entry.
    ///
    /// # Safety
    ///
    /// The entry has not been destroyed, and is not during `'a`.
    #[inline]
    pub(crate) unsafe fn count<'a>(self) -> &'a UsizeCount {
        // SAFETY: (I5) the count is initialised and lies next to, not inside, what a `&mut V` covers.
        unsafe { &*count_of(self.0) }
    }

    /// The handle of a live entry.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(crate) unsafe fn handle(self) -> Handle {
        // SAFETY: the caller's promise.
        unsafe { Table::handle_of(self.0) }
    }

    /// What [`Table::set_owner`] was told.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(crate) unsafe fn owner(self) -> *const () {
        // SAFETY: the caller's promise.
        unsafe { Table::owner_of(self.0) }
    }
}

impl<K, V, S> CountedHashMap<K, V, S> {
    #[inline]
    pub(crate) fn table(&self) -> &TableCell<K, Counted<V>> {
        self.base.table()
    }

    /// Adds an entry, and mints its first token. Its key and value are not initialised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    ///
    /// # Safety
    ///
    /// The table is not borrowed. The caller initialises key and value before it does anything else.
    #[inline]
    pub(crate) unsafe fn insert_shared(&self, hash: Folded) -> (CountedSlot<K, V>, Token) {
        // SAFETY: (I5) the caller's promise.
        let table = unsafe { self.table().borrow_mut() };
        // SAFETY: the caller's promise, and the count follows.
        let (slot, _) = unsafe { table.insert_uninit(hash) };
        let (one, token) = UsizeCount::one();
        // SAFETY: nobody refers to it yet.
        unsafe { count_of(slot).write(one) };
        let slot = CountedSlot(slot);
        (slot, token)
    }
}
