//! Layer 3: a hash map whose entries live exactly as long as somebody holds a [`Ref`] to them.
//!
//! [`RcHashMap`] is layer 2 behind an `Rc`, shared by the map and its `Ref`s. It adds who holds an
//! entry, what keeps the memory while somebody does, and in which order things are dropped. It does
//! not know how entries are stored or indexed.
//!
//! # What happens when the last `Ref` drops
//!
//! The entry leaves the index, and its handle stops resolving, at once. Then its key is dropped, then its value,
//! then its slot can be used again. If that happens inside of a
//! destructor of this map's keys or values, the destructors of the new entry wait until the running
//! one has returned, so a chain of ten million entries is freed in a loop.
//!
//! # What user code may do
//!
//! `Hash`, constructors, destructors and `Debug` may do anything with the map. So may `Eq` in release builds. In debug
//! builds `Eq` may do anything with `Ref`s, but to enter the map while it compares keys panics.
#![deny(unsafe_code)]

mod entry;
mod guard;
#[allow(unsafe_code, reason = "what `Ref`s and the map share is reached through raw pointers")]
mod inner;
mod insert;
mod iter;
#[allow(unsafe_code, reason = "a `Ref` is a raw pointer with a count")]
mod reference;
#[allow(
    unsafe_code,
    reason = "entries are destroyed through pointers, and with the last one `Inner`"
)]
mod removal;
#[cfg(feature = "serde")]
mod serialize;
mod weak;

use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};

use crate::error::DisjointError;
use crate::handle_hash_map::Handle;
use crate::table::Folded;
use inner::Owner;

pub use entry::{BorrowedKey, Entry, HashedKey, OwnedKey, VacantEntry};
pub use inner::EntryMut;
pub use iter::{Iter, IterMut};
pub use reference::{RawRef, Ref};
pub use weak::WeakRef;

/// A hash map whose entries live exactly as long as somebody holds a [`Ref`] to them.
///
/// [`insert`](Self::insert) returns a `Ref`, clones of it share the entry, and when the last one
/// drops the entry is gone. Inserting takes `&self`: entries never move, so references to other
/// entries stay valid, and one `&RcHashMap` (or `Rc<RcHashMap>`) can serve a whole recursive program
/// without a `RefCell`.
///
/// Dropping the map while `Ref`s exist leaves their entries alive; the last one frees the memory.
///
/// # Memory
///
/// Inserting is O(1), amortised. When the index is full, its eight-byte elements are made anew
/// from stored hashes, so the longest single insertion grows with the number of entries; keys and values
/// are not touched, moved or hashed. The table of handles doubles too, eight bytes a slot. Slots come in
/// pages of up to 64 KiB, which are never copied. Nothing else allocates.
///
/// When entries leave, memory goes back by itself: pages without an entry, and an index that is far too large. The table of
/// handles goes back when the map is empty. A reservation lasts until entries leave.
///
/// # Limits
///
/// At most 2³² − 2 entries in a map, and 2³² − 1 `Ref`s to an entry: one more aborts, as with `Rc`. Neither
/// `Send` nor `Sync`.
///
/// ```
/// use rcmap::RcHashMap;
///
/// let map: RcHashMap<String, u32> = RcHashMap::new();
/// let one = map.insert("one".to_string(), 1).unwrap();
/// assert_eq!(one.value(&map), Ok(&1));
/// let again = map.find("one").unwrap();
/// assert!(again == one);
/// drop((one, again));
/// assert!(!map.contains_key("one"));
/// ```
pub struct RcHashMap<K, V, S = DefaultHashBuilder> {
    owner: Owner<K, V, S>,
}

#[cfg(feature = "default-hasher")]
impl<K, V> RcHashMap<K, V> {
    /// An empty map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(DefaultHashBuilder::default())
    }

    /// An empty map with room for `capacity` entries.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::with_capacity(100);
    /// assert!(map.capacity() >= 100);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, DefaultHashBuilder::default())
    }
}

impl<K, V, S> RcHashMap<K, V, S> {
    /// An empty map that hashes with `hasher`.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, RcHashMap};
    ///
    /// let map = RcHashMap::<&str, u32, _>::with_hasher(DefaultHashBuilder::default());
    /// assert_eq!(map.len(), 0);
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self { owner: Owner::with_hasher(hasher) }
    }

    /// An empty map with room for `capacity` entries that hashes with `hasher`.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, RcHashMap};
    ///
    /// let hasher = DefaultHashBuilder::default();
    /// let map = RcHashMap::<&str, u32, _>::with_capacity_and_hasher(10, hasher);
    /// assert!(map.capacity() >= 10);
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        let map = Self::with_hasher(hasher);
        map.reserve(capacity);
        map
    }

    /// The number of entries: those to which a `Ref` exists. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(map.len(), 1);
    /// drop(r);
    /// assert_eq!(map.len(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.owner.len()
    }

    /// Whether there is no entry. O(1).
    ///
    /// ```
    /// assert!(rcmap::RcHashMap::<u32, u32>::new().is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries that fit without allocating. O(1).
    ///
    /// ```
    /// assert!(rcmap::RcHashMap::<u32, u32>::with_capacity(3).capacity() >= 3);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.owner.capacity()
    }

    /// Makes room for `additional` more entries. Entries stay where they are.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<u32, u32>::new();
    /// map.reserve(10);
    /// assert!(map.capacity() >= 10);
    /// ```
    pub fn reserve(&self, additional: usize) {
        self.owner.enter();
        self.owner.reserve(additional);
    }

    /// Makes room for `additional` more entries, if there is memory.
    ///
    /// # Errors
    ///
    /// If the capacity overflows (there can be at most 2³² − 2 entries) or the allocator refuses. No entry is
    /// touched then.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<u32, u32>::new();
    /// assert!(map.try_reserve(10).is_ok());
    /// assert!(map.try_reserve(usize::MAX).is_err());
    /// ```
    pub fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.owner.enter();
        self.owner.try_reserve(additional)
    }

    /// Gives memory back that the map keeps for later entries.
    ///
    /// Much goes back by itself when entries leave; this also gives back what is kept so that few entries can come and
    /// go without allocating, and what was reserved. Frees what it can: entries do not move, so a page with one entry stays,
    /// and so does the table of handles (eight bytes a slot) unless the map is empty. Costs time in proportion to the
    /// number of entries and of pages.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<u32, u32>::with_capacity(1000);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&self) {
        self.owner.enter();
        self.owner.shrink_to_fit();
    }

    /// What the map hashes with.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<u32, u32>::new();
    /// let _hasher: &rcmap::DefaultHashBuilder = map.hasher();
    /// ```
    #[must_use]
    #[inline]
    pub fn hasher(&self) -> &S {
        self.owner.hasher()
    }

    /// The entry that a [`Handle`] names, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// The inverse of [`Ref::handle`]. Handles are generational: one whose slot was used again
    /// resolves to nothing.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let handle = r.handle();
    /// assert!(map.resolve(handle).unwrap() == r);
    /// drop(r);
    /// assert!(map.resolve(handle).is_none());
    /// ```
    #[doc(alias = "upgrade")]
    #[must_use = "dropping a `Ref` may remove its entry"]
    pub fn resolve(&self, handle: Handle) -> Option<Ref<K, V, S>> {
        self.owner.enter();
        self.owner.resolve(handle)
    }

    /// Whether a [`Handle`] names an entry. O(1), touches no count.
    ///
    /// For side tables that forget what belongs to entries that are gone.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let handle = r.handle();
    /// assert!(map.contains_handle(handle));
    /// drop(r);
    /// assert!(!map.contains_handle(handle));
    /// ```
    #[must_use]
    pub fn contains_handle(&self, handle: Handle) -> bool {
        self.owner.enter();
        self.owner.contains_handle(handle)
    }

    /// The entry listed under `hash` that `eq` accepts, for callers that hash and compare themselves.
    /// O(1), one probe.
    ///
    /// `hash` is what [`hash`](Self::hash) gives for the key, or whatever the entry was inserted under
    /// with [`find_or_insert_hashed_with`](Self::find_or_insert_hashed_with). `eq` runs while the map
    /// compares keys: the rules for `Eq` hold for it, and like `Eq` it may be asked about an entry whose
    /// hash is another. The idea is that of hashbrown's `HashTable`.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("key".to_string(), 1).unwrap();
    /// let hash = map.hash("key");
    /// assert!(map.find_hashed(hash, |key| key == "key").unwrap() == r);
    /// ```
    #[must_use = "dropping a `Ref` may remove its entry"]
    pub fn find_hashed(&self, hash: u64, eq: impl FnMut(&K) -> bool) -> Option<Ref<K, V, S>> {
        self.owner.enter();
        self.owner.find(Folded::new(hash), eq)
    }

    /// Visits every entry, in no particular order, yielding a `Ref` for each.
    ///
    /// The body may do anything with the map. Each entry is visited at most once, the loop ends even
    /// if the body keeps inserting, and what is inserted meanwhile may be missed. A walk costs time in proportion
    /// to the pages with entries, which have at most 64 KiB each, and one step for each page without. So
    /// `while let Some(r) = map.iter().next()` looks through one page for each entry, not through the map.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let _held = [map.insert("a", 1).unwrap(), map.insert("b", 2).unwrap()];
    /// let sum: i32 = map.iter().map(|r| *r.value(&map).unwrap()).sum();
    /// assert_eq!(sum, 3);
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V, S> {
        self.owner.enter();
        Iter::new(self.owner.entries())
    }

    /// Visits every entry with its value mutable, in no particular order.
    ///
    /// Any `Ref` or guard may be dropped meanwhile; an entry that goes before its turn is skipped.
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// for mut entry in map.iter_mut() {
    ///     *entry.value_mut() += 1;
    /// }
    /// assert_eq!(r.value(&map), Ok(&2));
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V, S> {
        IterMut::new(self.owner.entries_mut())
    }

    /// Asserts the invariants of `design.md`. For tests; not in release builds, nor while user code of
    /// this map runs.
    #[cfg(any(test, fuzzing, debug_assertions))]
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.owner.check_invariants();
    }

    /// The values of several entries at once, mutably. O(N²) comparisons of pointers.
    ///
    /// # Errors
    ///
    /// If a `Ref` belongs to another map or names the same entry as one before it: the error holds its
    /// position.
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let (a, b) = (map.insert("a", 1).unwrap(), map.insert("b", 2).unwrap());
    /// let [x, y] = map.get_disjoint_mut([&a, &b]).unwrap();
    /// std::mem::swap(x, y);
    /// assert_eq!((a.value(&map), b.value(&map)), (Ok(&2), Ok(&1)));
    /// ```
    pub fn get_disjoint_mut<'a, const N: usize>(
        &'a mut self,
        refs: [&'a Ref<K, V, S>; N],
    ) -> Result<[&'a mut V; N], DisjointError> {
        self.owner.disjoint_mut(refs).map_err(|index| DisjointError { index })
    }
}

impl<K, V, S: BuildHasher> RcHashMap<K, V, S> {
    /// The map's own hash of a query, for [`find_hashed`](Self::find_hashed) and
    /// [`find_or_insert_hashed_with`](Self::find_or_insert_hashed_with).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// assert_eq!(map.hash("a"), map.hash(&"a".to_string()));
    /// ```
    #[must_use]
    #[inline]
    pub fn hash<Q>(&self, query: &Q) -> u64
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.hasher().hash_one(query)
    }

    #[inline]
    fn fold<Q: ?Sized + Hash>(&self, query: &Q) -> Folded {
        Folded::new(self.hasher().hash_one(query))
    }

    /// The entry with this key. O(1): one hash, one probe, no allocation.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a".to_string(), 1).unwrap();
    /// assert!(map.find("a").unwrap() == r);
    /// assert!(map.find("b").is_none());
    /// ```
    #[doc(alias = "get")]
    #[must_use = "dropping a `Ref` may remove its entry"]
    #[inline(always)]
    pub fn find<Q>(&self, query: &Q) -> Option<Ref<K, V, S>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.owner.enter();
        self.owner.find(self.fold(query), |key| query.equivalent(key))
    }

    /// Whether there is an entry with this key. O(1), touches no count.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let _held = map.insert("a", 1).unwrap();
    /// assert!(map.contains_key("a"));
    /// ```
    #[must_use]
    #[inline]
    pub fn contains_key<Q>(&self, query: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.owner.enter();
        self.owner.find(self.fold(query), |key| query.equivalent(key)).is_some()
    }
}

impl<K, V, S> Drop for RcHashMap<K, V, S> {
    fn drop(&mut self) {
        self.owner.drop_index();
    }
}

impl<K, V, S: Default> Default for RcHashMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

/// Prints the entries as a map.
impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for RcHashMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for r in self {
            // The `Ref` keeps the entry while user code formats it.
            if let Ok((key, value)) = r.key_value(self) {
                map.entry(key, value);
            }
        }
        map.finish()
    }
}
