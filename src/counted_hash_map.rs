//! Layer 2: layer 1 with a count for each entry, paid for with tokens.
//!
//! [`CountedHashMap`] stores every value next to a [`UsizeCount`]. A [`CountedHandle`] carries one
//! token of that count: [`insert`](CountedHashMap::insert), [`find`](CountedHashMap::find) and
//! [`get`](CountedHashMap::get) mint it, [`put`](CountedHashMap::put) takes it back, and the last one
//! put back removes the entry. This layer does not know who holds handles, nor what keeps the map
//! alive; everything that changes it takes `&mut self`.
//!
//! ```
//! use rcmap::{CountedHashMap, PutResult};
//!
//! let mut map = CountedHashMap::new();
//! let first = map.insert("a", 1).unwrap();
//! let second = map.find("a").unwrap();
//! assert_eq!(map.put(first), PutResult::Live);
//! assert_eq!(map.put(second), PutResult::Removed { key: "a", value: 1 });
//! ```
#![deny(unsafe_code)]

mod iter;
#[allow(unsafe_code, reason = "layer 3 changes counts and entries while its map is shared")]
mod shared;

use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};

use crate::error::InsertError;
use crate::handle_hash_map::{Handle, HandleHashMap};
use crate::tokens::{Count, Token, UsizeCount};

pub use iter::{Iter, IterMut};
pub(crate) use shared::CountedSlot;

/// A value and the number of tokens that its entry has given out.
pub(crate) struct Counted<V> {
    refcount: UsizeCount,
    value: V,
}

impl<V> Counted<V> {
    fn new(value: V) -> Self {
        Self { refcount: UsizeCount::new(), value }
    }
}

/// A handle that counts: it carries one token of its entry.
///
/// Neither `Clone` nor `Copy`; [`CountedHashMap::get`] makes another one. Give it back with
/// [`CountedHashMap::put`]: one that is dropped is a lost token (see [`Token`]), which panics.
///
/// ```
/// let mut map = rcmap::CountedHashMap::new();
/// let handle = map.insert("a", 1).unwrap();
/// assert_eq!(handle.key(&map), Some(&"a"));
/// map.put(handle);
/// ```
#[must_use = "a counted handle that is dropped is lost to its entry: put it back"]
#[derive(Debug)]
pub struct CountedHandle {
    handle: Handle,
    token: Token,
}

impl CountedHandle {
    /// The plain handle, which counts nothing.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(handle.handle(), map.iter().next().unwrap().0);
    /// map.put(handle);
    /// ```
    #[must_use]
    #[inline]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// The key of the entry; `None` if this map has no such entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(handle.key(&map), Some(&"a"));
    /// map.put(handle);
    /// ```
    #[must_use]
    #[inline]
    pub fn key<'a, K, V, S>(&'a self, map: &'a CountedHashMap<K, V, S>) -> Option<&'a K> {
        self.handle.key(&map.base)
    }

    /// The value of the entry; `None` if this map has no such entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(handle.value(&map), Some(&1));
    /// map.put(handle);
    /// ```
    #[must_use]
    #[inline]
    pub fn value<'a, K, V, S>(&'a self, map: &'a CountedHashMap<K, V, S>) -> Option<&'a V> {
        self.handle.value(&map.base).map(|counted| &counted.value)
    }

    /// The value of the entry, mutably; `None` if this map has no such entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// *handle.value_mut(&mut map).unwrap() += 1;
    /// assert_eq!(handle.value(&map), Some(&2));
    /// map.put(handle);
    /// ```
    #[must_use]
    #[inline]
    pub fn value_mut<'a, K, V, S>(
        &'a self,
        map: &'a mut CountedHashMap<K, V, S>,
    ) -> Option<&'a mut V> {
        self.handle.value_mut(&mut map.base).map(|counted| &mut counted.value)
    }
}

/// What became of an entry when a token was put back.
///
/// ```
/// use rcmap::{CountedHashMap, PutResult};
///
/// let mut map = CountedHashMap::new();
/// let handle = map.insert("a", 1).unwrap();
/// assert_eq!(map.put(handle), PutResult::Removed { key: "a", value: 1 });
/// ```
#[must_use = "it may hold the key and the value of the entry"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutResult<K, V> {
    /// Other tokens of the entry are out: it stays. Also the answer to a handle that names no entry.
    Live,
    /// It was the last token: the entry is gone.
    Removed {
        /// The entry's key.
        key: K,
        /// The entry's value.
        value: V,
    },
}

/// A hash map that removes an entry when the last token for it is put back.
///
/// ```
/// use rcmap::{CountedHashMap, PutResult};
///
/// let mut map = CountedHashMap::new();
/// let handle = map.insert("a".to_string(), 1).unwrap();
/// let again = map.get(&handle);
/// assert_eq!(map.put(handle), PutResult::Live);
/// assert_eq!(map.len(), 1);
/// assert!(matches!(map.put(again), PutResult::Removed { value: 1, .. }));
/// assert!(map.is_empty());
/// ```
pub struct CountedHashMap<K, V, S = DefaultHashBuilder> {
    base: HandleHashMap<K, Counted<V>, S>,
}

#[cfg(feature = "default-hasher")]
impl<K, V> CountedHashMap<K, V> {
    /// An empty map.
    ///
    /// ```
    /// let map = rcmap::CountedHashMap::<&str, u32>::new();
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { base: HandleHashMap::new() }
    }

    /// An empty map with room for `capacity` entries.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let map = rcmap::CountedHashMap::<&str, u32>::with_capacity(100);
    /// assert!(map.capacity() >= 100);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { base: HandleHashMap::with_capacity(capacity) }
    }
}

impl<K, V, S> CountedHashMap<K, V, S> {
    /// An empty map that hashes with `hasher`.
    ///
    /// ```
    /// use rcmap::{CountedHashMap, DefaultHashBuilder};
    ///
    /// let map = CountedHashMap::<&str, u32, _>::with_hasher(DefaultHashBuilder::default());
    /// assert_eq!(map.len(), 0);
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self { base: HandleHashMap::with_hasher(hasher) }
    }

    /// An empty map with room for `capacity` entries that hashes with `hasher`.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// use rcmap::{CountedHashMap, DefaultHashBuilder};
    ///
    /// let hasher = DefaultHashBuilder::default();
    /// let map = CountedHashMap::<&str, u32, _>::with_capacity_and_hasher(10, hasher);
    /// assert!(map.capacity() >= 10);
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Self { base: HandleHashMap::with_capacity_and_hasher(capacity, hasher) }
    }

    /// The number of entries. O(1).
    ///
    /// ```
    /// assert_eq!(rcmap::CountedHashMap::<u32, u32>::new().len(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Whether there is no entry. O(1).
    ///
    /// ```
    /// assert!(rcmap::CountedHashMap::<u32, u32>::new().is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// The number of entries that fit without allocating. O(1).
    ///
    /// ```
    /// assert!(rcmap::CountedHashMap::<u32, u32>::with_capacity(3).capacity() >= 3);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.base.capacity()
    }

    /// Makes room for `additional` more entries.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::<u32, u32>::new();
    /// map.reserve(10);
    /// assert!(map.capacity() >= 10);
    /// ```
    pub fn reserve(&mut self, additional: usize) {
        self.base.reserve(additional);
    }

    /// Makes room for `additional` more entries, if there is memory.
    ///
    /// # Errors
    ///
    /// If the capacity overflows or the allocator refuses. No entry is touched then.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::<u32, u32>::new();
    /// assert!(map.try_reserve(usize::MAX).is_err());
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.base.try_reserve(additional)
    }

    /// Gives memory back; see [`HandleHashMap::shrink_to_fit`].
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::<u32, u32>::with_capacity(1000);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.base.shrink_to_fit();
    }

    /// What the map hashes with.
    ///
    /// ```
    /// let map = rcmap::CountedHashMap::<u32, u32>::new();
    /// let _hasher: &rcmap::DefaultHashBuilder = map.hasher();
    /// ```
    #[must_use]
    #[inline]
    pub fn hasher(&self) -> &S {
        self.base.hasher()
    }

    /// Mints another handle for the entry of `handle`. O(1), hashes nothing.
    ///
    /// # Panics
    ///
    /// If `handle` names no entry of this map. An overflow of the count aborts.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let first = map.insert("a", 1).unwrap();
    /// let second = map.get(&first);
    /// assert_eq!(first.handle(), second.handle());
    /// map.put(first);
    /// map.put(second);
    /// ```
    #[track_caller]
    pub fn get(&self, handle: &CountedHandle) -> CountedHandle {
        self.mint(handle.handle).expect("the handle names no entry of this map")
    }

    /// Takes a handle back, and removes the entry if it was the last one. O(1), hashes nothing.
    ///
    /// A handle that names no entry of this map answers [`PutResult::Live`]; its token is consumed.
    ///
    /// ```
    /// use rcmap::PutResult;
    ///
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(map.put(handle), PutResult::Removed { key: "a", value: 1 });
    /// ```
    pub fn put(&mut self, handle: CountedHandle) -> PutResult<K, V> {
        let CountedHandle { handle, token } = handle;
        let Some(counted) = handle.value(&self.base) else {
            token.consume();
            return PutResult::Live;
        };
        if !counted.refcount.put(token) {
            return PutResult::Live;
        }
        match self.base.remove(handle) {
            Some((key, counted)) => PutResult::Removed { key, value: counted.value },
            None => PutResult::Live,
        }
    }

    /// Visits every entry, in no particular order. Mints nothing.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert_eq!(map.iter().next(), Some((handle.handle(), &"a", &1)));
    /// map.put(handle);
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self.base.iter())
    }

    /// Visits every entry with its value mutable, in no particular order. Mints nothing.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// map.iter_mut().for_each(|(_, _, value)| *value += 1);
    /// assert_eq!(handle.value(&map), Some(&2));
    /// map.put(handle);
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut::new(self.base.iter_mut())
    }

    /// Asserts the invariants of `design.md` that this layer keeps. For tests; not in release builds.
    #[cfg(any(test, fuzzing, debug_assertions))]
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.base.check_invariants();
        for (_, _, counted) in &self.base {
            assert!(!counted.refcount.is_zero(), "an entry has a token out");
        }
    }

    /// Whether a [`Handle`] names an entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// let name = handle.handle();
    /// assert!(map.contains_handle(name));
    /// map.put(handle);
    /// assert!(!map.contains_handle(name));
    /// ```
    #[must_use]
    pub fn contains_handle(&self, handle: Handle) -> bool {
        self.base.contains_handle(handle)
    }

    fn mint(&self, handle: Handle) -> Option<CountedHandle> {
        let token = handle.value(&self.base)?.refcount.get();
        Some(CountedHandle { handle, token })
    }
}

impl<K, V, S: BuildHasher> CountedHashMap<K, V, S> {
    /// Mints a handle for the entry with this key. O(1).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let first = map.insert("a".to_string(), 1).unwrap();
    /// let second = map.find("a").unwrap();
    /// assert_eq!(first.handle(), second.handle());
    /// map.put(first);
    /// map.put(second);
    /// ```
    #[must_use = "a counted handle that is dropped is lost to its entry: put it back"]
    pub fn find<Q>(&self, query: &Q) -> Option<CountedHandle>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.mint(self.base.find(query)?)
    }

    /// Whether there is an entry with this key. O(1), mints nothing.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert!(map.contains_key("a"));
    /// map.put(handle);
    /// ```
    #[must_use]
    pub fn contains_key<Q>(&self, query: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.base.contains_key(query)
    }

    /// Adds an entry and mints its first handle. O(1), amortised over growth.
    ///
    /// # Errors
    ///
    /// If the key is there already: nothing changes, nothing is minted, key and value come back.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// assert!(map.insert("a", 2).is_err());
    /// map.put(handle);
    /// ```
    pub fn insert(&mut self, key: K, value: V) -> Result<CountedHandle, InsertError<K, V>>
    where
        K: Eq + Hash,
    {
        match self.base.insert(key, Counted::new(value)) {
            Ok(handle) => Ok(self.mint_first(handle)),
            Err(InsertError { key, value }) => Err(InsertError { key, value: value.value }),
        }
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
    /// let mut map = rcmap::CountedHashMap::new();
    /// let handle = map.insert_with("a", || 1).unwrap();
    /// assert!(map.insert_with("a", || unreachable!()).is_err());
    /// map.put(handle);
    /// ```
    pub fn insert_with<F>(&mut self, key: K, value: F) -> Result<CountedHandle, InsertError<K, ()>>
    where
        K: Eq + Hash,
        F: FnOnce() -> V,
    {
        let handle = self.base.insert_with(key, || Counted::new(value()))?;
        Ok(self.mint_first(handle))
    }

    fn mint_first(&self, handle: Handle) -> CountedHandle {
        self.mint(handle).expect("an entry that was just inserted is there")
    }
}

impl<K, V, S: Default> Default for CountedHashMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for CountedHashMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(_, key, value)| (key, value))).finish()
    }
}
