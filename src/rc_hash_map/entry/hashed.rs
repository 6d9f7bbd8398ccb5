//! What can be done with an entry that was looked for by a hash and a closure.
#![forbid(unsafe_code)]

use core::convert::Infallible;

use super::{Entry, HashedKey, Ref, VacantEntry};

impl<K: Eq, V, S> Entry<'_, K, V, S, HashedKey> {
    /// The entry, added with this key and this value if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let hash = map.hash("a");
    /// let r = map.entry_hashed(hash, |key| *key == "a").or_insert("a", 1);
    /// assert!(map.find("a") == Some(r));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert(self, key: K, value: V) -> Ref<K, V, S> {
        match self {
            Self::Occupied(r) => {
                drop(key);
                drop(value);
                r
            }
            Self::Vacant(vacant) => vacant.insert(key, value),
        }
    }

    /// The entry, added with the key and the value that are made if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let hash = map.hash("a");
    /// let r = map.entry_hashed(hash, |key| *key == "a").or_insert_with(|| ("a", 1));
    /// assert!(map.find("a") == Some(r));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert_with(self, make: impl FnOnce() -> (K, V)) -> Ref<K, V, S> {
        let Ok(r) = self.or_try_insert_with(|| Ok::<_, Infallible>(make()));
        r
    }

    /// The entry, added with the key and the value that are made if it is new. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `make` fails: its error comes back, and nothing is added.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let hash = map.hash("a");
    /// let failed = map.entry_hashed(hash, |key| *key == "a").or_try_insert_with(|| Err("no"));
    /// assert_eq!(failed, Err("no"));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_try_insert_with<E>(
        self,
        make: impl FnOnce() -> Result<(K, V), E>,
    ) -> Result<Ref<K, V, S>, E> {
        match self {
            Self::Occupied(r) => {
                drop(make);
                Ok(r)
            }
            Self::Vacant(vacant) => {
                vacant.map.owner.enter();
                make().map(|(key, value)| vacant.insert(key, value))
            }
        }
    }
}

impl<K, V, S> VacantEntry<'_, K, V, S, HashedKey> {
    /// Adds the entry, with this key and this value, under the hash that was looked for. O(1), amortised.
    ///
    /// If anything was inserted meanwhile, the keys' own `Eq` decides whether this one is there now: then that entry is
    /// returned, and key and value are dropped. If nothing was, the closure of `entry_hashed` has decided, so it should
    /// accept what `Eq` calls equal. See [`insert_by`](Self::insert_by) for another comparison.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::new();
    /// let hash = map.hash("a");
    /// let Entry::Vacant(vacant) = map.entry_hashed(hash, |key| *key == "a") else { unreachable!() };
    /// let r = vacant.insert("a", 1);
    /// assert!(map.find("a") == Some(r));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn insert(self, key: K, value: V) -> Ref<K, V, S>
    where
        K: Eq,
    {
        self.insert_by(key, value, K::eq)
    }

    /// Adds the entry as [`insert`](Self::insert) does; if anything was inserted meanwhile, `eq` compares the key with
    /// those of the same hash.
    ///
    /// # Panics
    ///
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::new();
    /// let Entry::Vacant(vacant) = map.entry_hashed(1, |_: &f64| false) else { unreachable!() };
    /// let r = vacant.insert_by(0.5, "half", |a, b| a.to_bits() == b.to_bits());
    /// assert_eq!(r.value(&map), Ok(&"half"));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn insert_by(self, key: K, value: V, eq: impl FnMut(&K, &K) -> bool) -> Ref<K, V, S> {
        self.map.insert_since(self.epoch, self.hash, key, value, eq)
    }
}
