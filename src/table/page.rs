//! The raw memory of entries: a slot with its header, key and value, and the page that it lies in.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use hashbrown::TryReserveError;

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

/// The header's cells are changed by code that does not panic.
impl<K: RefUnwindSafe, V: RefUnwindSafe> UnwindSafe for SlotPtr<K, V> {}
impl<K: RefUnwindSafe, V: RefUnwindSafe> RefUnwindSafe for SlotPtr<K, V> {}

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
}

/// Whom the slots of a page belong to; nobody looks at it but the layer that has set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owner(pub(super) *const ());

impl Owner {
    pub(super) const NONE: Self = Self(ptr::null());
}

// SAFETY: whoever uses the pointer says what may be sent.
unsafe impl Send for Owner {}

/// What stands in front of the slots of a page. The cells are read and written while entries are borrowed.
pub(super) struct PageHeader {
    pub(super) owner: Owner,
    pub(super) first: Number,
    pub(super) slots: u32,
    /// How many slots have been used, and have a header. The others follow.
    pub(super) used: Cell<u32>,
    /// How many slots are live or wait for their destructors, or can never be used again.
    pub(super) occupied: Cell<u32>,
}

impl PageHeader {
    /// How many slots there are up to the end of the page.
    pub(super) fn end(&self) -> u32 {
        self.first.0 - 1 + self.slots
    }

    #[inline]
    fn number(&self, position: u32) -> Number {
        Number(self.first.0 + position)
    }
}

/// A page that is allocated: nobody keeps one that has been freed (I1).
pub(super) struct Page<K, V> {
    start: NonNull<PageHeader>,
    entries: PhantomData<(K, V)>,
}

impl<K, V> Clone for Page<K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Page<K, V> {}

// SAFETY: a page holds what the layers above write into it, as a `Vec<(K, V)>` would; a pointer into it on
// another thread is no use without the map that moved.
unsafe impl<K: Send, V: Send> Send for Page<K, V> {}

impl<K, V> Page<K, V> {
    /// Makes a page of memory that was allocated for as many slots.
    pub(super) fn new(memory: Memory<K, V>, header: PageHeader) -> Self {
        let start = memory.start.cast::<PageHeader>();
        core::mem::forget(memory);
        // SAFETY: the memory is large enough and aligned.
        unsafe { start.write(header) };
        let page = Self { start, entries: PhantomData };
        for position in 0..page.header().used.get() {
            page.init(position);
        }
        page
    }

    /// The memory of a page, which is not used again.
    pub(super) fn into_memory(self) -> Memory<K, V> {
        Memory { start: self.start.cast(), slots: self.header().slots, entries: PhantomData }
    }

    #[inline]
    pub(super) fn header(&self) -> &PageHeader {
        // SAFETY: (I1) the page is allocated and has a header; (I5) no `&mut` covers it.
        unsafe { self.start.as_ref() }
    }

    /// The slot at a position, which may not have been used.
    #[inline]
    fn at(self, position: u32) -> SlotPtr<K, V> {
        debug_assert!(position < self.header().slots);
        // SAFETY: slots begin here.
        let slots = unsafe { self.start.byte_add(Memory::<K, V>::HEADER) }.cast::<Slot<K, V>>();
        // SAFETY: (I1) callers keep to the positions of the page.
        SlotPtr(unsafe { slots.add(position as usize) })
    }

    /// The slot at a position that has been used, and its header.
    #[inline]
    pub(super) fn slot(&self, position: u32) -> (SlotPtr<K, V>, &Header) {
        debug_assert!(position < self.header().used.get());
        let slot = self.at(position);
        // SAFETY: (I1) the page is allocated, and what has been used has a header.
        (slot, unsafe { slot.header() })
    }

    /// Writes the header of a slot that has not been used.
    #[inline]
    pub(super) fn init(self, position: u32) {
        let header: NonNull<Header> = self.at(position).0.cast();
        // SAFETY: nothing refers to a slot that has not been used.
        unsafe { header.write(Header { place: Cell::new(0), version: Cell::new(0) }) };
    }

    /// The page of a slot, and the handle of its entry.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(super) unsafe fn of(slot: SlotPtr<K, V>) -> (Self, Handle) {
        // SAFETY: (I2) the slot is live.
        let header = unsafe { slot.header() };
        let start = Memory::<K, V>::HEADER + header.position() as usize * SlotPtr::<K, V>::SIZE;
        // SAFETY: (I1) the page begins so many bytes in front of the slot, in the same allocation.
        let start = unsafe { slot.0.byte_sub(start) }.cast();
        let page = Self { start, entries: PhantomData };
        let number = page.header().number(header.position());
        (page, Handle::from_parts(number, header.version()))
    }
}

/// Memory for a page with so many slots.
pub(super) struct Memory<K, V> {
    start: NonNull<u8>,
    pub(super) slots: u32,
    entries: PhantomData<(K, V)>,
}

// SAFETY: it is memory that nobody uses.
unsafe impl<K, V> Send for Memory<K, V> {}

impl<K, V> Memory<K, V> {
    /// Where the slots of a page begin.
    const HEADER: usize = size_of::<PageHeader>().next_multiple_of(SlotPtr::<K, V>::ALIGN);

    fn layout(slots: u32) -> Result<Layout, TryReserveError> {
        let align = SlotPtr::<K, V>::ALIGN.max(align_of::<PageHeader>());
        (slots as usize)
            .checked_mul(SlotPtr::<K, V>::SIZE)
            .and_then(|size| Layout::from_size_align(size.checked_add(Self::HEADER)?, align).ok())
            .ok_or(TryReserveError::CapacityOverflow)
    }

    pub(super) fn allocate(slots: u32) -> Result<Self, TryReserveError> {
        let layout = Self::layout(slots)?;
        // SAFETY: a page has a header, so the layout is not of size zero.
        let start = unsafe { alloc(layout) };
        let start = NonNull::new(start).ok_or(TryReserveError::AllocError { layout })?;
        Ok(Self { start, slots, entries: PhantomData })
    }
}

impl<K, V> Drop for Memory<K, V> {
    fn drop(&mut self) {
        if let Ok(layout) = Self::layout(self.slots) {
            // SAFETY: `allocate` used this layout. (I2) No slot of it is occupied.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
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
