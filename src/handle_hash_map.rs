//! Layer 1: a hash map whose entries are reached by copyable, generational handles.
//!
//! [`HandleHashMap`] is structure only: a hash index over slots that never move. It does not know
//! what a reference count is. An entry stays until [`remove`](HandleHashMap::remove) takes it out;
//! a [`Handle`] to it is eight bytes, says nothing about lifetime, and stops resolving for good when
//! the entry is gone.
//!
//! ```
//! use rcmap::HandleHashMap;
//!
//! let mut map = HandleHashMap::new();
//! let apple = map.insert("apple", 3).unwrap();
//! *apple.value_mut(&mut map).unwrap() += 1;
//! assert_eq!(apple.value(&map), Some(&4));
//! assert_eq!(map.remove(apple), Some(("apple", 4)));
//! assert_eq!(apple.value(&map), None);
//! ```
#![deny(unsafe_code)]

mod iter;

use core::fmt;
use core::hash::{BuildHasher, Hash};

use crate::error::InsertError;
use crate::table::{Folded, TableCell};
use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};

pub use crate::table::Handle;
pub use iter::{Iter, IterMut};

impl Handle {
    /// The key of the entry, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(handle.key(&map), Some(&"a"));
    /// ```
    #[must_use]
    #[inline]
    pub fn key<'a, K, V, S>(&self, map: &'a HandleHashMap<K, V, S>) -> Option<&'a K> {
        map.table.get().get(*self).map(|(key, _)| key)
    }

    /// The value of the entry, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(handle.value(&map), Some(&1));
    /// ```
    #[must_use]
    #[inline]
    pub fn value<'a, K, V, S>(&self, map: &'a HandleHashMap<K, V, S>) -> Option<&'a V> {
        map.table.get().get(*self).map(|(_, value)| value)
    }

    /// The value of the entry, mutably, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// *handle.value_mut(&mut map).unwrap() = 5;
    /// assert_eq!(handle.value(&map), Some(&5));
    /// ```
    #[must_use]
    #[inline]
    pub fn value_mut<'a, K, V, S>(&self, map: &'a mut HandleHashMap<K, V, S>) -> Option<&'a mut V> {
        map.table.get_mut().get_mut(*self).map(|(_, value)| value)
    }
}

/// A hash map with stable, generational handles and explicit removal.
///
/// An index of pointers over storage that never moves: references to entries are only
/// as long as the borrow of the map, but their addresses hold as long as the entries do. Growth
/// rehashes from stored hashes and touches no entry.
///
/// ```
/// use rcmap::HandleHashMap;
///
/// let mut map: HandleHashMap<String, u32> = HandleHashMap::new();
/// let handle = map.insert("one".to_string(), 1).unwrap();
/// assert_eq!(map.find("one"), Some(handle));
/// assert_eq!(handle.key(&map).unwrap(), "one");
/// ```
pub struct HandleHashMap<K, V, S = DefaultHashBuilder> {
    /// In a cell of its own: layer 3 changes it while the map is shared, and the hasher is in use.
    table: TableCell<K, V>,
    hasher: S,
}

#[cfg(feature = "default-hasher")]
impl<K, V> HandleHashMap<K, V> {
    /// An empty map. Allocates little or nothing until the first insertion.
    ///
    /// ```
    /// let map = rcmap::HandleHashMap::<&str, u32>::new();
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
    /// let map = rcmap::HandleHashMap::<&str, u32>::with_capacity(100);
    /// assert!(map.capacity() >= 100);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, DefaultHashBuilder::default())
    }
}

impl<K, V, S> HandleHashMap<K, V, S> {
    /// An empty map that hashes with `hasher`.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, HandleHashMap};
    ///
    /// let map = HandleHashMap::<&str, u32, _>::with_hasher(DefaultHashBuilder::default());
    /// assert_eq!(map.len(), 0);
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self { table: TableCell::new(), hasher }
    }

    /// An empty map with room for `capacity` entries that hashes with `hasher`.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, HandleHashMap};
    ///
    /// let hasher = DefaultHashBuilder::default();
    /// let map = HandleHashMap::<&str, u32, _>::with_capacity_and_hasher(10, hasher);
    /// assert!(map.capacity() >= 10);
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        let mut map = Self::with_hasher(hasher);
        map.reserve(capacity);
        map
    }

    /// The number of entries. O(1).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// map.insert("a", 1).unwrap();
    /// assert_eq!(map.len(), 1);
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.table.get().len()
    }

    /// Whether there is no entry. O(1).
    ///
    /// ```
    /// assert!(rcmap::HandleHashMap::<u32, u32>::new().is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries that fit without allocating. O(1).
    ///
    /// ```
    /// let map = rcmap::HandleHashMap::<u32, u32>::with_capacity(3);
    /// assert!(map.capacity() >= 3);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.table.get().capacity()
    }

    /// Makes room for `additional` more entries. Entries stay where they are.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; as everywhere, a failing allocator ends the process.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::<u32, u32>::new();
    /// map.reserve(10);
    /// assert!(map.capacity() >= 10);
    /// ```
    pub fn reserve(&mut self, additional: usize) {
        self.table.get_mut().reserve(additional);
    }

    /// Makes room for `additional` more entries, if there is memory.
    ///
    /// # Errors
    ///
    /// If the capacity overflows (there can be at most 2³² − 2 entries) or the allocator refuses. No entry is
    /// touched then.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::<u32, u32>::new();
    /// assert!(map.try_reserve(10).is_ok());
    /// assert!(map.try_reserve(usize::MAX).is_err());
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.table.get_mut().try_reserve(additional)
    }

    /// Gives memory back that the map keeps for later entries; much goes back by itself when entries leave.
    ///
    /// Frees what it can: entries do not move, so a page with one entry stays, and so does the table of handles
    /// (eight bytes a slot) unless the map is empty. Costs time in proportion to the number of entries and of pages.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::<u32, u32>::with_capacity(1000);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.table.get_mut().shrink();
    }

    /// What the map hashes with.
    ///
    /// ```
    /// use core::hash::BuildHasher;
    ///
    /// let map = rcmap::HandleHashMap::<u32, u32>::new();
    /// assert_eq!(map.hasher().hash_one(1), map.hasher().hash_one(1));
    /// ```
    #[must_use]
    #[inline]
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Takes the entry of a handle out, or answers `None` if it is gone. O(1), hashes nothing.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(map.remove(handle), Some(("a", 1)));
    /// assert_eq!(map.remove(handle), None);
    /// ```
    pub fn remove(&mut self, handle: Handle) -> Option<(K, V)> {
        self.table.get_mut().remove(handle)
    }

    /// Visits every entry, in no particular order.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(map.iter().next(), Some((handle, &"a", &1)));
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self.table.get().iter())
    }

    /// Visits every entry with its value mutable, in no particular order.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// map.iter_mut().for_each(|(_, _, value)| *value += 1);
    /// assert_eq!(handle.value(&map), Some(&2));
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut::new(self.table.get_mut().iter_mut())
    }

    /// Asserts the invariants of `design.md` that this layer keeps. For tests; not in release builds.
    #[cfg(any(test, fuzzing, debug_assertions))]
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.table.get().check_invariants();
    }

    /// Whether a [`Handle`] names an entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert!(map.contains_handle(handle));
    /// map.remove(handle);
    /// assert!(!map.contains_handle(handle));
    /// ```
    #[must_use]
    pub fn contains_handle(&self, handle: Handle) -> bool {
        self.table.get().slot(handle).is_some()
    }

    /// The entries, for the layer above, which owns this map.
    #[inline]
    pub(crate) fn table(&self) -> &TableCell<K, V> {
        &self.table
    }
}

impl<K, V, S: BuildHasher> HandleHashMap<K, V, S> {
    #[inline]
    fn fold<Q: ?Sized + Hash>(&self, query: &Q) -> Folded {
        Folded::new(self.hasher.hash_one(query))
    }

    /// The handle of the entry with this key. O(1).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a".to_string(), 1).unwrap();
    /// assert_eq!(map.find("a"), Some(handle));
    /// assert_eq!(map.find("b"), None);
    /// ```
    #[doc(alias = "get")]
    #[must_use]
    pub fn find<Q>(&self, query: &Q) -> Option<Handle>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.table.get().find(self.fold(query), |key| query.equivalent(key))
    }

    /// Whether there is an entry with this key. O(1).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// map.insert("a", 1).unwrap();
    /// assert!(map.contains_key("a"));
    /// ```
    #[must_use]
    pub fn contains_key<Q>(&self, query: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.find(query).is_some()
    }

    /// Adds an entry. O(1), amortised over growth; entries never move.
    ///
    /// # Errors
    ///
    /// If the key is there already: nothing changes, and key and value come back.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// assert!(map.insert("a", 1).is_ok());
    /// assert_eq!(map.insert("a", 2).unwrap_err().value, 2);
    /// ```
    #[doc(alias = "try_insert")]
    pub fn insert(&mut self, key: K, value: V) -> Result<Handle, InsertError<K, V>>
    where
        K: Eq + Hash,
    {
        let hash = self.fold(&key);
        if self.table.get().find(hash, |other| key == *other).is_some() {
            return Err(InsertError { key, value });
        }
        Ok(self.table.get_mut().insert(hash, key, value))
    }

    /// Adds an entry whose value is made only if the key is new. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If the key is there already: nothing changes, and the key comes back.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// assert!(map.insert_with("a", || 1).is_ok());
    /// assert!(map.insert_with("a", || unreachable!()).is_err());
    /// ```
    pub fn insert_with<F>(&mut self, key: K, value: F) -> Result<Handle, InsertError<K, ()>>
    where
        K: Eq + Hash,
        F: FnOnce() -> V,
    {
        let hash = self.fold(&key);
        if self.table.get().find(hash, |other| key == *other).is_some() {
            // By hand: the key leaks if the destructor of a parameter panics on its way out.
            drop(value);
            return Err(InsertError { key, value: () });
        }
        let value = value();
        Ok(self.table.get_mut().insert(hash, key, value))
    }
}

impl<K, V, S: Default> Default for HandleHashMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for HandleHashMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(_, key, value)| (key, value))).finish()
    }
}
