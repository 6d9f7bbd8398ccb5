//! One slot: its header, its key, its value, and the pointer through which all three are reached.

use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::handles::{Handle, Number};

/// What a slot says of itself, in eight bytes.
///
/// | state | `place` | `version` |
/// | --- | --- | --- |
/// | live | its position in its page | the version of its handle, which is odd |
/// | waiting for its destructors | the number of the next slot in the list of those that wait | the version of its handle, less one |
/// | vacant | anything | an even number |
///
/// The number of a slot that waits is stored in its predecessor.
///
/// The fields are cells: headers are read and written while references to the keys and values of
/// this and of other entries exist.
pub(super) struct Header {
    place: Cell<u32>,
    version: Cell<u32>,
}

impl Header {
    #[inline]
    pub(super) fn is_live(&self) -> bool {
        self.version.get() % 2 == 1
    }

    /// The position of a live slot in its page.
    #[inline]
    pub(super) fn position(&self) -> u32 {
        debug_assert!(self.is_live());
        self.place.get()
    }

    #[inline]
    pub(super) fn version(&self) -> u32 {
        self.version.get()
    }

    /// The last handle of a slot that waits, whose number the caller knows.
    #[inline]
    pub(super) fn last_handle(&self, number: Number) -> Handle {
        debug_assert!(!self.is_live());
        Handle::from_parts(number, self.version.get() + 1)
    }

    #[inline]
    pub(super) fn set_live(&self, position: u32, handle: Handle) {
        self.place.set(position);
        self.version.set(handle.version());
    }

    /// Ends the life of a slot, which forms a list of its own.
    #[inline]
    pub(super) fn set_dead(&self, handle: Handle) {
        self.version.set(handle.version() - 1);
        self.set_next(handle.number());
    }

    /// The next slot in the list of those that wait.
    #[inline]
    pub(super) fn next(&self) -> Number {
        debug_assert!(!self.is_live());
        Number(self.place.get())
    }

    #[inline]
    pub(super) fn set_next(&self, next: Number) {
        self.place.set(next.0);
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

/// A pointer to a slot, with the provenance of the page that the slot lies in.
///
/// The projections create no reference, so they disturb none that exist (I5).
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
    /// The bytes of a slot.
    pub(super) const SIZE: usize = size_of::<Slot<K, V>>();

    /// The addresses of slots are multiples of this: the largest power of two that divides the size of a
    /// slot, but no more than allocators give anyway (to ask for more is slow).
    pub(super) const ALIGN: usize = {
        let divisor = 1 << Self::SIZE.trailing_zeros();
        let given = 2 * size_of::<usize>();
        let more = if divisor < given { divisor } else { given };
        if more < align_of::<Slot<K, V>>() { align_of::<Slot<K, V>>() } else { more }
    };

    /// # Safety
    ///
    /// The slot lies in a page, and whoever uses the pointer sees to it that the page has not been
    /// freed meanwhile (I2).
    #[inline]
    pub(super) unsafe fn new(slot: NonNull<Slot<K, V>>) -> Self {
        Self(slot)
    }

    #[inline]
    pub(super) fn as_non_null(self) -> NonNull<Slot<K, V>> {
        self.0
    }

    #[inline]
    pub(super) fn as_ptr(self) -> *mut Slot<K, V> {
        self.0.as_ptr()
    }

    /// # Safety
    ///
    /// The pointer came from `as_ptr`.
    #[inline]
    pub(super) unsafe fn from_ptr(slot: *mut Slot<K, V>) -> Self {
        // SAFETY: `as_ptr` gives no null.
        Self(unsafe { NonNull::new_unchecked(slot) })
    }

    #[inline]
    pub(crate) fn key(self) -> *mut K {
        // SAFETY: (I2) the field lies in the page; no reference is made.
        unsafe { &raw mut (*self.0.as_ptr()).key }.cast()
    }

    #[inline]
    pub(crate) fn value(self) -> *mut V {
        // SAFETY: (I2) the field lies in the page; no reference is made.
        unsafe { &raw mut (*self.0.as_ptr()).value }.cast()
    }

    /// Moves key and value out.
    ///
    /// # Safety
    ///
    /// Both are initialised, and nobody refers to them or uses them again.
    #[inline(never)] // Large ones are moved in a frame of their own.
    pub(super) unsafe fn read(self) -> (K, V) {
        // SAFETY: the caller's promise.
        let key = unsafe { self.key().read() };
        // SAFETY: as above.
        let value = unsafe { self.value().read() };
        (key, value)
    }

    /// The header, and nothing else of the slot.
    ///
    /// # Safety
    ///
    /// The page of the slot is not freed during `'a` (I2).
    #[inline]
    pub(super) unsafe fn header<'a>(self) -> &'a Header {
        let header: *const Header = self.0.as_ptr().cast();
        // SAFETY: (I2) all headers of a page are initialised, (I5) no `&mut` covers one, and the caller
        // keeps the page.
        unsafe { &*header }
    }

    /// Writes the header of a slot in a new page.
    ///
    /// # Safety
    ///
    /// The page is allocated, and nothing refers to the header.
    #[inline]
    pub(super) unsafe fn init_header(self) {
        let header: *mut Header = self.0.as_ptr().cast();
        let dead = Header { place: Cell::new(Number::NONE.0), version: Cell::new(0) };
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
