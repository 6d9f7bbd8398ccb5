//! One slot: its header, its key, its value, and the pointer through which all three are reached.

use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use slotmap::{DefaultKey, Key, KeyData};

/// The place of a slot: page number and offset in one word. Half as wide as a pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address(pub(super) u32);

impl Address {
    /// No slot's: the end of a list.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// What a slot says of itself, in eight bytes.
///
/// | state | `low` | `high` |
/// | --- | --- | --- |
/// | live | index of its key in the `SlotMap` | version of that key (odd) |
/// | dead | address of the next slot in its list | 0 |
///
/// The fields are cells: headers are read and written while references to the keys and values of
/// this and of other entries exist.
pub(crate) struct Header {
    low: Cell<u32>,
    high: Cell<u32>,
}

impl Header {
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        self.high.get() & 1 == 1
    }

    /// The key of a live slot.
    #[inline]
    pub(crate) fn key(&self) -> DefaultKey {
        debug_assert!(self.is_live());
        KeyData::from_ffi(u64::from(self.high.get()) << 32 | u64::from(self.low.get())).into()
    }

    #[inline]
    pub(crate) fn set_live(&self, key: DefaultKey) {
        let bits = key.data().as_ffi();
        self.low.set(bits as u32);
        self.high.set((bits >> 32) as u32);
    }

    /// Marks the slot dead. It is in no list yet.
    #[inline]
    pub(crate) fn set_dead(&self) {
        self.high.set(0);
    }

    #[inline]
    pub(crate) fn next(&self) -> Address {
        Address(self.low.get())
    }

    #[inline]
    pub(crate) fn set_next(&self, next: Address) {
        self.low.set(next.0);
    }
}

/// The memory of one entry. Never referred to as a whole: see [`SlotPtr`].
///
/// `repr(C)` keeps the header in front of the key, in its cache line, however large the value is.
#[repr(C)]
pub(crate) struct Slot<K, V> {
    header: Header,
    key: MaybeUninit<K>,
    value: MaybeUninit<V>,
}

impl<K, V> Slot<K, V> {
    /// What blocks, and so all slots, are aligned to: the largest power of two that divides the size of
    /// a slot, but no more than allocators give anyway (asking for more is slow).
    pub(super) const ALIGN: usize = {
        let divisor = 1 << size_of::<Self>().trailing_zeros();
        let given = 2 * size_of::<usize>();
        let more = if divisor < given { divisor } else { given };
        if more < align_of::<Self>() { align_of::<Self>() } else { more }
    };
}

/// A pointer to a slot, with the provenance of the block that the slot lies in.
///
/// The projections create no reference, so they disturb none that exist (I8).
pub(crate) struct SlotPtr<K, V>(NonNull<Slot<K, V>>);

impl<K, V> Clone for SlotPtr<K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for SlotPtr<K, V> {}

impl<K, V> PartialEq for SlotPtr<K, V> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K, V> SlotPtr<K, V> {
    /// # Safety
    ///
    /// The slot lies in a block, and whoever uses the pointer sees to it that the block has not been
    /// freed meanwhile (I3).
    #[inline]
    pub(super) unsafe fn new(slot: NonNull<Slot<K, V>>) -> Self {
        Self(slot)
    }

    /// The addresses of slots are multiples of this.
    pub(crate) const ALIGN: usize = Slot::<K, V>::ALIGN;

    /// The pointer itself, for `from_ptr`.
    #[inline]
    pub(crate) fn as_ptr(self) -> *mut Slot<K, V> {
        self.0.as_ptr()
    }

    /// # Safety
    ///
    /// The pointer came from `as_ptr`.
    #[inline]
    pub(crate) unsafe fn from_ptr(slot: *mut Slot<K, V>) -> Self {
        // SAFETY: `as_ptr` gives no null.
        Self(unsafe { NonNull::new_unchecked(slot) })
    }

    #[inline]
    pub(crate) fn key(self) -> *mut K {
        // SAFETY: (I3) the field lies in the block; no reference is made.
        unsafe { &raw mut (*self.0.as_ptr()).key }.cast()
    }

    #[inline]
    pub(crate) fn value(self) -> *mut V {
        // SAFETY: (I3) the field lies in the block; no reference is made.
        unsafe { &raw mut (*self.0.as_ptr()).value }.cast()
    }

    /// The header, and nothing else of the slot.
    ///
    /// # Safety
    ///
    /// The slot has been handed out by its arena (I4), and its block is not freed during `'a` (I3).
    #[inline]
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        let header: *const Header = self.0.as_ptr().cast();
        // SAFETY: (I4) the header of a slot once handed out is initialised, (I8) nobody holds a
        // `&mut` that covers it, and the caller keeps the block.
        unsafe { &*header }
    }

    /// Writes the header of a slot that has never been handed out.
    ///
    /// # Safety
    ///
    /// The slot lies in a block that is allocated, and nothing refers to its header.
    #[inline]
    pub(super) unsafe fn init_header(self) {
        let header: *mut Header = self.0.as_ptr().cast();
        let dead = Header { low: Cell::new(Address::NONE.0), high: Cell::new(0) };
        // SAFETY: the caller vouches for the memory.
        unsafe { header.write(dead) };
    }
}

/// Drops a key, then a value, also if the key's destructor panics.
///
/// # Safety
///
/// Both are initialised, aligned and not used again; no reference to either is alive.
#[inline]
pub(crate) unsafe fn drop_in_order<K, V>(key: *mut K, value: *mut V) {
    struct Last<V>(*mut V);

    impl<V> Drop for Last<V> {
        #[inline]
        fn drop(&mut self) {
            // SAFETY: `drop_in_order`'s caller vouches for the value.
            unsafe { self.0.drop_in_place() };
        }
    }

    let value = Last(value);
    // SAFETY: the caller vouches for the key.
    unsafe { key.drop_in_place() };
    drop(value);
}
