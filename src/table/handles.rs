//! Numbers and versions: which slot an entry gets, and which handle names it.
//!
//! A `SlotMap` gives out the numbers, tells handles of one number apart, and keeps the hash of each entry.
#![forbid(unsafe_code)]

use alloc::alloc::Layout;
use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::TryReserveError;
use slotmap::{DefaultKey, Key, KeyData, SlotMap, new_key_type};

use super::Folded;

new_key_type! {
    /// The name of an entry: eight bytes, `Copy`, with a niche for `Option`.
    ///
    /// A handle keeps nothing alive. It is generational: once its entry is gone, it names nothing, for good,
    /// even when a new entry uses the slot. The [default](Default::default) handle names nothing.
    ///
    /// It is a key of the crate `slotmap`, so [`SecondaryMap`](crate::SecondaryMap) and
    /// [`SparseSecondaryMap`](crate::SparseSecondaryMap) are side tables for it.
    ///
    /// In another map than its own, a handle names some entry or none, as one does that was made with
    /// [`from_bits`](Self::from_bits). Neither is ever a way to undefined behaviour. In an [`RcHashMap`](crate::RcHashMap) it
    /// names none as a rule: those of one thread start with different versions, which only meet by chance.
    ///
    /// ```
    /// use rcmap::{Handle, HandleHashMap};
    ///
    /// let mut map = HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(size_of::<Option<Handle>>(), 8);
    /// assert_eq!(handle.key(&map), Some(&"a"));
    /// map.remove(handle);
    /// assert_eq!(handle.key(&map), None);
    /// assert_eq!(Handle::default().key(&map), None);
    /// ```
    pub struct Handle;
}

impl Handle {
    /// The index of the entry's slot. Of the entries that live at one time each has its own; small
    /// numbers come first.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let (a, b) = (map.insert("a", 1).unwrap(), map.insert("b", 2).unwrap());
    /// assert_ne!(a.index(), b.index());
    /// ```
    #[must_use]
    #[inline]
    pub fn index(self) -> u32 {
        self.to_bits() as u32
    }

    /// The handle as an integer; [`from_bits`](Self::from_bits) is the way back.
    ///
    /// ```
    /// use rcmap::Handle;
    ///
    /// let mut map = rcmap::HandleHashMap::new();
    /// let a = map.insert("a", 1).unwrap();
    /// assert_eq!(Handle::from_bits(a.to_bits()), a);
    /// ```
    #[must_use]
    #[inline]
    pub fn to_bits(self) -> u64 {
        self.data().as_ffi()
    }

    /// The handle with these [bits](Self::to_bits). Others give a handle that names some entry or none.
    ///
    /// ```
    /// use rcmap::Handle;
    ///
    /// let map = rcmap::HandleHashMap::<&str, u32>::new();
    /// assert_eq!(Handle::from_bits(7).key(&map), None);
    /// ```
    #[must_use]
    #[inline]
    pub fn from_bits(bits: u64) -> Self {
        KeyData::from_ffi(bits).into()
    }

    #[inline]
    pub(super) fn from_parts(number: Number, version: u32) -> Self {
        Self::from_bits(u64::from(version) << 32 | u64::from(number.0))
    }

    #[inline]
    pub(super) fn number(self) -> Number {
        Number(self.index())
    }

    #[inline]
    pub(super) fn version(self) -> u32 {
        (self.to_bits() >> 32) as u32
    }

    /// Whether the slot can have no further handle, because its version would wrap.
    #[inline]
    pub(super) fn is_last(self) -> bool {
        self.version() == LAST_VERSION
    }
}

/// The number of a slot: the index of its handle. The first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Number(pub(super) u32);

impl Number {
    /// No slot's: the end of a list.
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// The most numbers there can be: slotmap's limit, checked before it would panic.
const MAX_NUMBERS: usize = u32::MAX as usize - 1;

/// The last version that a handle can have.
#[cfg(not(test))]
pub(super) const LAST_VERSION: u32 = u32::MAX;
/// Low enough that the tests wear out a number in a moment.
#[cfg(test)]
pub(super) const LAST_VERSION: u32 = 65;

/// In how many places the versions of a map may start: a small part of all versions.
#[cfg(not(test))]
const STARTS: u32 = 1 << 24;
#[cfg(test)]
const STARTS: u32 = 2;

/// A base for a new map. Each has another, so that the handles of many maps hash differently, and that a handle hardly
/// ever resolves in a map that is not its own. They are counted up per thread, so that runs can be repeated.
fn first_base() -> u32 {
    // Consecutive maps start far apart, so that growing versions do not soon meet those of the next map.
    const STEP: u32 = 0x9E37_79B9;
    2 * (map_number().wrapping_mul(STEP) % STARTS)
}

/// How many maps this thread has made before.
#[cfg(feature = "std")]
fn map_number() -> u32 {
    use core::cell::Cell;

    std::thread_local!(static MAPS: Cell<u32> = const { Cell::new(0) });
    MAPS.replace(MAPS.get().wrapping_add(1))
}

/// How many maps have been made before; fewer if threads make some at one time, which does no harm.
#[cfg(not(feature = "std"))]
fn map_number() -> u32 {
    use core::sync::atomic::{AtomicUsize, Ordering};

    static MAPS: AtomicUsize = AtomicUsize::new(0);
    let number = MAPS.load(Ordering::Relaxed);
    MAPS.store(number.wrapping_add(1), Ordering::Relaxed);
    number as u32
}

/// More numbers than this are not kept for a map without entries.
const LARGE: usize = 1 << 10;

pub(super) struct Handles {
    slots: SlotMap<DefaultKey, Folded>,
    /// An empty one for `reset`: a `SlotMap` cannot be made without allocating, and cannot be made small.
    spare: Option<Box<SlotMap<DefaultKey, Folded>>>,
    /// What the versions of handles are more than those of the `SlotMap`'s keys. An even number.
    base: u32,
    /// The greatest version that any handle has had.
    newest: u32,
}

impl Handles {
    pub(super) fn new() -> Self {
        Self { slots: SlotMap::new(), spare: None, base: 0, newest: 0 }
    }

    /// Lets versions start somewhere else than in other maps. Call it before there is a handle.
    pub(super) fn start_apart(&mut self) {
        self.base = first_base();
        self.newest = self.base;
    }

    /// The key that a handle stands for. One of before the last `reset` has a version up to the base, and so
    /// becomes a key with a version that is too great for any.
    #[inline]
    fn key(&self, handle: Handle) -> DefaultKey {
        let version = handle.version().wrapping_sub(self.base);
        KeyData::from_ffi(u64::from(version) << 32 | u64::from(handle.index())).into()
    }

    #[inline]
    fn handle(&mut self, key: DefaultKey) -> Handle {
        let bits = key.data().as_ffi();
        let version = (bits >> 32) as u32 + self.base;
        self.newest = self.newest.max(version);
        Handle::from_parts(Number(bits as u32), version)
    }

    /// The hash of the entry that a handle names.
    #[inline]
    pub(super) fn hash(&self, handle: Handle) -> Option<Folded> {
        self.slots.get(self.key(handle)).copied()
    }

    /// Takes the number that comes next, for a new entry, if `accepts` does and there is memory for numbers.
    ///
    /// The number that was given back last comes first, and when there is none, a new one.
    #[inline]
    pub(super) fn insert_if(
        &mut self,
        hash: Folded,
        accepts: impl FnOnce(Number) -> bool,
    ) -> Option<Handle> {
        let insert = |key| if accepts(Number(number_of(key))) { Ok(hash) } else { Err(()) };
        let key = self.slots.try_insert_with_key(insert).ok()?;
        Some(self.handle(key))
    }

    /// Gives a number back, which will have another handle next, and returns the hash of the entry. Does nothing if
    /// this is the last handle that it can have.
    #[inline]
    pub(super) fn retire(&mut self, handle: Handle) -> Option<Folded> {
        if handle.is_last() {
            return None;
        }
        let key = self.key(handle);
        self.slots.remove(key)
    }

    /// The number that comes next, and whether neither it nor any after it has ever been used.
    pub(super) fn next_number(&mut self) -> (Number, bool) {
        let mut next = DefaultKey::null();
        let refused = self.slots.try_insert_with_key(|key| {
            next = key;
            Err(())
        });
        debug_assert!(refused.is_err());
        (Number(number_of(next)), next.data().as_ffi() >> 32 == 1)
    }

    /// How many more numbers there is memory for.
    pub(super) fn room(&self) -> usize {
        self.slots.capacity() - self.slots.len()
    }

    /// Makes sure that there is memory for so many more numbers, vacant ones included.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out; nothing has changed then.
    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let wanted = self.slots.len().saturating_add(additional);
        if wanted > MAX_NUMBERS {
            return Err(TryReserveError::CapacityOverflow);
        }
        let refused = allocation_error::<(Folded, u32)>(wanted);
        self.slots.try_reserve(additional).map_err(|_| refused)
    }

    /// Whether this takes much memory for a map without entries.
    pub(super) fn is_large(&self) -> bool {
        self.slots.capacity() > LARGE
    }

    /// Whether most versions are unused. Pages are freed only as long as this is so, because to free and open
    /// them again takes versions.
    pub(super) fn has_versions(&self) -> bool {
        self.newest < LAST_VERSION / 2
    }

    /// Makes sure that the next [`reset`](Self::reset) needs no memory. Called when an insertion allocates anyway.
    pub(super) fn prepare_reset(&mut self) {
        self.spare.get_or_insert_with(Box::default);
    }

    /// Frees the memory, if there are [versions](Self::has_versions) and there is an empty `SlotMap` or memory for one.
    /// Handles that were given out never resolve again: later ones have greater versions than any so far. No slot is
    /// occupied.
    pub(super) fn reset(&mut self) -> bool {
        if !self.has_versions() {
            return false;
        }
        let spare = self.spare.take().map(|spare| *spare);
        let Some(fresh) = spare.or_else(empty_slots) else { return false };
        self.slots = fresh;
        self.base = self.newest + self.newest % 2;
        true
    }
}

/// An empty `SlotMap`, if there is memory for one: asked for first, because `SlotMap::new` aborts if not.
fn empty_slots() -> Option<SlotMap<DefaultKey, Folded>> {
    Vec::<(Folded, u32)>::new().try_reserve_exact(1).ok()?;
    Some(SlotMap::new())
}

fn number_of(key: DefaultKey) -> u32 {
    key.data().as_ffi() as u32
}

/// Why room for `len` of `T` could not be had: `alloc`'s own error does not tell.
pub(super) fn allocation_error<T>(len: usize) -> TryReserveError {
    match Layout::array::<T>(len) {
        Ok(layout) => TryReserveError::AllocError { layout },
        Err(_) => TryReserveError::CapacityOverflow,
    }
}
