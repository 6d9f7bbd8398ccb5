//! Entries: look first, decide then, without a second probe.
//!
//! The names are std's and hashbrown's. Other than there nothing is borrowed while an entry is held, so a vacant
//! one may be filled by somebody else meanwhile. [`VacantEntry`] notices by the map's epoch.
//!
//! What is not used is dropped by hand while the result is a local variable: a value that is on its way
//! out of a function leaks if the destructor of a parameter panics.
#![forbid(unsafe_code)]

mod borrowed;
mod hashed;

use core::convert::Infallible;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent};

use super::{RcHashMap, Ref};
use crate::table::Folded;

/// What a look for a key found: made by [`RcHashMap::entry`], [`entry_ref`](RcHashMap::entry_ref) and
/// [`entry_hashed`](RcHashMap::entry_hashed).
///
/// Nothing is borrowed while it is held: the map may be used, and may change. `L` says what the look was for:
/// an [`OwnedKey`], a [`BorrowedKey`] or a [`HashedKey`].
///
/// ```
/// use rcmap::{Entry, RcHashMap};
///
/// let map = RcHashMap::new();
/// let first = match map.entry("key") {
///     Entry::Occupied(r) => r,
///     Entry::Vacant(vacant) => vacant.insert(1),
/// };
/// assert!(map.entry("key").or_insert(2) == first);
/// assert_eq!(first.value(&map), Ok(&1));
/// ```
#[must_use = "an entry does nothing unless it is used"]
pub enum Entry<'a, K, V, S = DefaultHashBuilder, L = OwnedKey<K>> {
    /// There is an entry, and this `Ref` holds it.
    Occupied(Ref<K, V, S>),
    /// There is none.
    Vacant(VacantEntry<'a, K, V, S, L>),
}

/// The place of an entry that a map does not have: see [`Entry`].
///
/// It remembers the hash, and whether anything was inserted since: `insert` hashes the key no second time, and
/// looks a second time only if something was. If that has the same key, `insert` returns it, and drops
/// what it was given.
#[must_use = "a vacant entry does nothing unless something is inserted"]
pub struct VacantEntry<'a, K, V, S = DefaultHashBuilder, L = OwnedKey<K>> {
    map: &'a RcHashMap<K, V, S>,
    hash: Folded,
    /// The map's epoch when there was no entry.
    epoch: u64,
    looked_for: L,
}

/// What [`RcHashMap::entry`] looked for: a key.
#[derive(Debug)]
pub struct OwnedKey<K>(K);

/// What [`RcHashMap::entry_ref`] looked for: a query.
#[derive(Debug)]
pub struct BorrowedKey<'q, Q: ?Sized>(&'q Q);

/// What [`RcHashMap::entry_hashed`] looked for: a hash, and whatever the caller compared.
#[derive(Debug)]
pub struct HashedKey(());

impl<K, V, S> RcHashMap<K, V, S> {
    /// A miss that holds now: no user code has run since the look.
    #[inline]
    fn vacant<L>(&self, hash: Folded, looked_for: L) -> VacantEntry<'_, K, V, S, L> {
        VacantEntry { map: self, hash, epoch: self.owner.epoch(), looked_for }
    }

    /// The entry listed under `hash` that `eq` accepts, or the place for it. For callers that hash and compare
    /// themselves. O(1), one probe.
    ///
    /// `hash` and `eq` are as for [`find_hashed`](Self::find_hashed). `eq` is dropped before this returns, so it may
    /// borrow what the key is then made of.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// use rcmap::RcHashMap;
    ///
    /// let map = RcHashMap::<String, u32>::new();
    /// let text = String::from("key");
    /// let hash = map.hash(&text);
    /// let r = map.entry_hashed(hash, |key| *key == text).or_insert_with(|| (text, 1));
    /// assert!(map.find("key").unwrap() == r);
    /// ```
    pub fn entry_hashed(
        &self,
        hash: u64,
        mut eq: impl FnMut(&K) -> bool,
    ) -> Entry<'_, K, V, S, HashedKey> {
        self.owner.enter();
        let hash = Folded::new(hash);
        let entry = match self.owner.find(hash, &mut eq) {
            Some(found) => Entry::Occupied(found),
            None => Entry::Vacant(self.vacant(hash, HashedKey(()))),
        };
        // After the entry has noted the epoch: the destructor may insert.
        drop(eq);
        entry
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> RcHashMap<K, V, S> {
    /// The entry with this key, or the place for it. O(1): one hash, one probe.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.entry("abc".to_string()).or_insert_with_key(|key| key.len());
    /// assert_eq!(r.value(&map), Ok(&3));
    /// ```
    #[inline]
    pub fn entry(&self, key: K) -> Entry<'_, K, V, S> {
        self.owner.enter();
        let hash = self.fold(&key);
        match self.owner.find(hash, |other| key == *other) {
            Some(found) => {
                drop(key);
                Entry::Occupied(found)
            }
            None => Entry::Vacant(self.vacant(hash, OwnedKey(key))),
        }
    }

    /// The entry with the key that `query` stands for, or the place for it. O(1): one hash, one probe.
    ///
    /// The key is made later, by `From` or by the caller, and hashed then.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let r = map.entry_ref("abc").or_insert(1);
    /// assert!(map.entry_ref("abc").or_insert_with(|| unreachable!()) == r);
    /// ```
    #[inline]
    pub fn entry_ref<'q, Q>(&self, query: &'q Q) -> Entry<'_, K, V, S, BorrowedKey<'q, Q>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.owner.enter();
        let hash = self.fold(query);
        match self.owner.find(hash, |key| query.equivalent(key)) {
            Some(found) => Entry::Occupied(found),
            None => Entry::Vacant(self.vacant(hash, BorrowedKey(query))),
        }
    }
}

impl<K: Eq, V, S> Entry<'_, K, V, S> {
    /// The key: that of the entry, or the one that was looked for.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// assert_eq!(map.entry("a").key(), &"a");
    /// ```
    #[must_use]
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(r) => r.as_key(),
            Self::Vacant(vacant) => vacant.key(),
        }
    }

    /// The entry, added with this value if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.entry("a").or_insert(1);
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert(self, value: V) -> Ref<K, V, S> {
        match self {
            Self::Occupied(r) => {
                drop(value);
                r
            }
            Self::Vacant(vacant) => vacant.insert(value),
        }
    }

    /// The entry, added with the value that is made if it is new. O(1), amortised.
    ///
    /// `value` may do anything with the map.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.entry("a").or_insert_with(|| 1);
    /// assert!(map.entry("a").or_insert_with(|| unreachable!()) == r);
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> Ref<K, V, S> {
        self.or_insert_with_key(|_| value())
    }

    /// The entry, added with the value that is made from the key if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.entry("abc").or_insert_with_key(|key| key.len());
    /// assert_eq!(r.value(&map), Ok(&3));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert_with_key(self, value: impl FnOnce(&K) -> V) -> Ref<K, V, S> {
        let Ok(r) = self.or_try_insert_with_key(|key| Ok::<_, Infallible>(value(key)));
        r
    }

    /// The entry, added with the value that is made if it is new. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `value` fails: its error comes back, and nothing is added.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// assert!(map.entry("a").or_try_insert_with(|| "x".parse::<u32>()).is_err());
    /// assert!(map.is_empty());
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_try_insert_with<E>(
        self,
        value: impl FnOnce() -> Result<V, E>,
    ) -> Result<Ref<K, V, S>, E> {
        self.or_try_insert_with_key(|_| value())
    }

    /// The entry, added with the value that is made from the key if it is new. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `value` fails: its error comes back, and nothing is added.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let r = map.entry("12").or_try_insert_with_key(|key| key.parse::<u32>()).unwrap();
    /// assert_eq!(r.value(&map), Ok(&12));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_try_insert_with_key<E>(
        self,
        value: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<Ref<K, V, S>, E> {
        match self {
            Self::Occupied(r) => {
                drop(value);
                Ok(r)
            }
            Self::Vacant(vacant) => {
                vacant.map.owner.enter();
                match value(vacant.key()) {
                    Ok(value) => Ok(vacant.insert(value)),
                    Err(error) => {
                        drop(vacant);
                        Err(error)
                    }
                }
            }
        }
    }
}

impl<K: Eq, V, S> VacantEntry<'_, K, V, S> {
    /// The key that was looked for.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::<&str, u32>::new();
    /// let Entry::Vacant(vacant) = map.entry("a") else { unreachable!() };
    /// assert_eq!(vacant.key(), &"a");
    /// ```
    #[must_use]
    pub fn key(&self) -> &K {
        &self.looked_for.0
    }

    /// Gives the key back.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::<&str, u32>::new();
    /// let Entry::Vacant(vacant) = map.entry("a") else { unreachable!() };
    /// assert_eq!(vacant.into_key(), "a");
    /// ```
    #[must_use]
    pub fn into_key(self) -> K {
        self.looked_for.0
    }

    /// Adds the entry, with this value. O(1), amortised.
    ///
    /// If an entry with this key was inserted meanwhile, that one is returned, and `value` is dropped.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::new();
    /// let Entry::Vacant(vacant) = map.entry("a") else { unreachable!() };
    /// let other = map.insert("a", 1).unwrap();
    /// let r = vacant.insert(2);
    /// assert!(r == other);
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn insert(self, value: V) -> Ref<K, V, S> {
        let Self { map, hash, epoch, looked_for: OwnedKey(key) } = self;
        map.insert_since(epoch, hash, key, value, K::eq)
    }
}

impl<K, V, S> RcHashMap<K, V, S> {
    /// Adds an entry that was missing at `epoch`, or returns the one that has been inserted since.
    #[inline]
    fn insert_since(
        &self,
        epoch: u64,
        hash: Folded,
        key: K,
        value: V,
        mut eq: impl FnMut(&K, &K) -> bool,
    ) -> Ref<K, V, S> {
        self.owner.enter();
        if epoch != self.owner.epoch() {
            if let Some(found) = self.owner.find(hash, |other| eq(&key, other)) {
                // One by one: a tuple would be one more copy of what may be large.
                drop(key);
                drop(value);
                drop(eq);
                return found;
            }
        }
        let added = self.owner.add(hash, key, value);
        drop(eq);
        added
    }
}

impl<K, V, S, L> fmt::Debug for Entry<'_, K, V, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(r) => f.debug_tuple("Occupied").field(r).finish(),
            Self::Vacant(vacant) => f.debug_tuple("Vacant").field(vacant).finish(),
        }
    }
}

impl<K, V, S, L> fmt::Debug for VacantEntry<'_, K, V, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry").finish_non_exhaustive()
    }
}
