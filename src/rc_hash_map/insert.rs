//! The insertion family.
//!
//! All go the same way: hash, look, make what has to be made, look again if the map changed meanwhile,
//! add. User code may run at each step but the last, so a miss holds only as long as the map's epoch does.
//!
//! What is not used is dropped by hand while the result is a local variable: a value that is on its way
//! out of a function leaks if the destructor of a parameter panics.
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use super::{Entry, RcHashMap, Ref};
use crate::error::InsertError;

impl<K, V, S> RcHashMap<K, V, S> {
    /// The entry listed under `hash` that `eq` accepts; if there is none, adds what `make` gives. For
    /// callers that hash and compare themselves. O(1), amortised; one probe.
    ///
    /// `hash` has to be the same for equal keys, and every later query has to use it; with
    /// [`hash`](Self::hash) the other methods find the entry too. `eq` runs while the map compares
    /// keys, so the rules for `Eq` hold for it, and like `Eq` it may be asked about an entry whose hash
    /// is another. `make` may do anything, and if it inserts an entry that `eq` accepts, that one is
    /// returned and what it made is dropped.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let hash = map.hash("key");
    /// let make = || ("key".to_string(), 1);
    /// let r = map.find_or_insert_hashed_with(hash, |key| key == "key", make);
    /// assert!(map.find("key").unwrap() == r);
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_insert_hashed_with(
        &self,
        hash: u64,
        mut eq: impl FnMut(&K) -> bool,
        make: impl FnOnce() -> (K, V),
    ) -> Ref<K, V, S> {
        match self.entry_hashed(hash, &mut eq) {
            Entry::Occupied(found) => {
                drop((eq, make));
                found
            }
            Entry::Vacant(vacant) => {
                let (key, value) = make();
                let added = vacant.insert_by(key, value, |_, other| eq(other));
                drop(eq);
                added
            }
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> RcHashMap<K, V, S> {
    /// Adds an entry and returns its first `Ref`. O(1), amortised over growth.
    ///
    /// Takes `&self`: entries never move, so references to others stay valid.
    ///
    /// # Errors
    ///
    /// If the key is there already: nothing changes, nothing is minted, key and value come back.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(map.insert("a", 2).unwrap_err().value, 2);
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[doc(alias = "try_insert")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn insert(&self, key: K, value: V) -> Result<Ref<K, V, S>, InsertError<K, V>> {
        self.owner.enter();
        let hash = self.fold(&key);
        if self.owner.find(hash, |other| key == *other).is_some() {
            return Err(InsertError { key, value });
        }
        Ok(self.owner.add(hash, key, value))
    }

    /// Adds an entry whose value is made only if the key is new. O(1), amortised.
    ///
    /// `value` may do anything with the map. If it inserts the same key, that entry stays, and what
    /// `value` returned is dropped.
    ///
    /// # Errors
    ///
    /// If the key is there already: nothing changes, and the key comes back.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let _held = map.insert_with("a", || 1).unwrap();
    /// assert!(map.insert_with("a", || unreachable!()).is_err());
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn insert_with<F>(&self, key: K, value: F) -> Result<Ref<K, V, S>, InsertError<K, ()>>
    where
        F: FnOnce() -> V,
    {
        self.owner.enter();
        let hash = self.fold(&key);
        if self.owner.find(hash, |other| key == *other).is_some() {
            drop(value);
            return Err(InsertError { key, value: () });
        }
        let epoch = self.owner.epoch();
        let value = value();
        if epoch != self.owner.epoch() && self.owner.find(hash, |other| key == *other).is_some() {
            drop(value);
            return Err(InsertError { key, value: () });
        }
        Ok(self.owner.add(hash, key, value))
    }

    /// The entry with this key, added if it is new. O(1), amortised.
    ///
    /// `value` is dropped if the key is there already.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let first = map.find_or_insert("a", 1);
    /// let second = map.find_or_insert("a", 2);
    /// assert!(first == second);
    /// assert_eq!(second.value(&map), Ok(&1));
    /// ```
    #[doc(alias = "entry")]
    #[doc(alias = "get_or_insert")]
    #[doc(alias = "intern")]
    #[doc(alias = "get_or_intern")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_insert(&self, key: K, value: V) -> Ref<K, V, S> {
        // Not by `or_insert`, which would be one more copy of a large value in builds that inline nothing.
        match self.entry(key) {
            Entry::Occupied(found) => {
                drop(value);
                found
            }
            Entry::Vacant(vacant) => vacant.insert(value),
        }
    }

    /// The entry with this key, added if it is new, with a value made from the key. O(1), amortised.
    ///
    /// `value` may do anything with the map. If it inserts the same key, that entry is returned, and
    /// what `value` made is dropped.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.find_or_insert_with("abc".to_string(), |key| key.len());
    /// assert_eq!(r.value(&map), Ok(&3));
    /// ```
    #[doc(alias = "get_or_insert_with")]
    #[doc(alias = "entry")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_insert_with<F>(&self, key: K, value: F) -> Ref<K, V, S>
    where
        F: FnOnce(&K) -> V,
    {
        self.entry(key).or_insert_with_key(value)
    }

    /// The entry with this key, added if it is new, with a value that may fail to be made. O(1),
    /// amortised.
    ///
    /// # Errors
    ///
    /// If `value` fails: its error comes back, and the map is as `value` left it.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let parsed = map.find_or_try_insert_with("12", |key| key.parse::<u32>()).unwrap();
    /// assert_eq!(parsed.value(&map), Ok(&12));
    /// assert!(map.find_or_try_insert_with("x", |key| key.parse::<u32>()).is_err());
    /// assert!(!map.contains_key("x"));
    /// ```
    #[doc(alias = "get_or_try_insert_with")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_try_insert_with<F, E>(&self, key: K, value: F) -> Result<Ref<K, V, S>, E>
    where
        F: FnOnce(&K) -> Result<V, E>,
    {
        self.entry(key).or_try_insert_with_key(value)
    }

    /// The entry with the key that `query` stands for; the key is built only if it is new. O(1),
    /// amortised: hashes the query once, and on a miss the built key once.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, usize>::new();
    /// let r = map.find_or_insert_ref("abc", |key| key.len());
    /// assert_eq!(r.key_value(&map), Ok((&"abc".to_string(), &3)));
    /// assert!(map.find_or_insert_ref("abc", |_| unreachable!()) == r);
    /// ```
    #[doc(alias = "get_or_insert_ref")]
    #[doc(alias = "entry_ref")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_insert_ref<'q, Q, F>(&self, query: &'q Q, value: F) -> Ref<K, V, S>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        K: From<&'q Q>,
        F: FnOnce(&K) -> V,
    {
        self.entry_ref(query).or_insert_with_key(value)
    }

    /// The entry with the key that `query` stands for, added if it is new, with a value that may fail to be made.
    /// O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `value` fails: its error comes back, and the map is as `value` left it.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let parsed = map.find_or_try_insert_ref("12", |key| key.parse::<u32>()).unwrap();
    /// assert_eq!(parsed.value(&map), Ok(&12));
    /// assert!(map.find_or_try_insert_ref("x", |key| key.parse::<u32>()).is_err());
    /// ```
    #[doc(alias = "get_or_try_insert_ref")]
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_try_insert_ref<'q, Q, F, E>(
        &self,
        query: &'q Q,
        value: F,
    ) -> Result<Ref<K, V, S>, E>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        K: From<&'q Q>,
        F: FnOnce(&K) -> Result<V, E>,
    {
        self.entry_ref(query).or_try_insert_with_key(value)
    }

    /// The entry with the key that `query` stands for; if it is new, `make` makes key and value of the query.
    /// O(1), amortised.
    ///
    /// For keys that cannot be made from a query alone, because it takes an allocator, a table or a counter.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<Box<str>, usize>::new();
    /// let mut made = 0;
    /// let r = map.find_or_insert_ref_with("abc", |query| {
    ///     made += 1;
    ///     (query.into(), query.len())
    /// });
    /// assert_eq!((made, r.value(&map)), (1, Ok(&3)));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_insert_ref_with<Q, F>(&self, query: &Q, make: F) -> Ref<K, V, S>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        F: FnOnce(&Q) -> (K, V),
    {
        let Ok(r) =
            self.find_or_try_insert_ref_with(query, |query| Ok::<_, Infallible>(make(query)));
        r
    }

    /// The entry with the key that `query` stands for; if it is new, `make` makes key and value of the query, or
    /// fails. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `make` fails: its error comes back, and the map is as `make` left it.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let make = |query: &str| query.parse::<u32>().map(|value| (query.to_string(), value));
    /// assert!(map.find_or_try_insert_ref_with("12", make).is_ok());
    /// assert!(map.find_or_try_insert_ref_with("x", make).is_err());
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    pub fn find_or_try_insert_ref_with<Q, F, E>(
        &self,
        query: &Q,
        make: F,
    ) -> Result<Ref<K, V, S>, E>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        F: FnOnce(&Q) -> Result<(K, V), E>,
    {
        match self.entry_ref(query) {
            Entry::Occupied(found) => {
                drop(make);
                Ok(found)
            }
            Entry::Vacant(vacant) => {
                let (key, value) = make(query)?;
                Ok(vacant.insert_with_key(key, value))
            }
        }
    }
}
