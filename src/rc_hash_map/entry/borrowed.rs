//! What can be done with an entry that was looked for by a query.
#![forbid(unsafe_code)]

use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use super::{BorrowedKey, Entry, OwnedKey, Ref, VacantEntry};

impl<'a, 'q, K, V, S, Q> Entry<'a, K, V, S, BorrowedKey<'q, Q>>
where
    K: Eq + Hash,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    /// The same with the key, which is made by `From` if there is no entry.
    #[inline]
    fn with_key(self) -> Entry<'a, K, V, S>
    where
        K: From<&'q Q>,
    {
        match self {
            Self::Occupied(r) => Entry::Occupied(r),
            Self::Vacant(vacant) => vacant.with_made_key(),
        }
    }

    /// The entry, added with this value if it is new; its key is made by `From` then. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let r = map.entry_ref("a").or_insert(1);
    /// assert_eq!(r.as_key(), "a");
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert(self, value: V) -> Ref<K, V, S>
    where
        K: From<&'q Q>,
    {
        self.with_key().or_insert(value)
    }

    /// The entry, added with the value that is made if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let r = map.entry_ref("a").or_insert_with(|| 1);
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> Ref<K, V, S>
    where
        K: From<&'q Q>,
    {
        self.or_insert_with_key(|_| value())
    }

    /// The entry, added with the value that is made from the key if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<String, usize>::new();
    /// let r = map.entry_ref("abc").or_insert_with_key(|key| key.len());
    /// assert_eq!(r.value(&map), Ok(&3));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_insert_with_key(self, value: impl FnOnce(&K) -> V) -> Ref<K, V, S>
    where
        K: From<&'q Q>,
    {
        self.with_key().or_insert_with_key(value)
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
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// assert!(map.entry_ref("a").or_try_insert_with(|| "x".parse::<u32>()).is_err());
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_try_insert_with<E>(
        self,
        value: impl FnOnce() -> Result<V, E>,
    ) -> Result<Ref<K, V, S>, E>
    where
        K: From<&'q Q>,
    {
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
    /// let map = rcmap::RcHashMap::<String, u32>::new();
    /// let r = map.entry_ref("12").or_try_insert_with_key(|key| key.parse::<u32>()).unwrap();
    /// assert_eq!(r.value(&map), Ok(&12));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn or_try_insert_with_key<E>(
        self,
        value: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<Ref<K, V, S>, E>
    where
        K: From<&'q Q>,
    {
        self.with_key().or_try_insert_with_key(value)
    }
}

impl<'a, 'q, K, V, S, Q> VacantEntry<'a, K, V, S, BorrowedKey<'q, Q>>
where
    K: Eq + Hash,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    /// The entry for the key that `From` makes.
    #[inline]
    fn with_made_key(self) -> Entry<'a, K, V, S>
    where
        K: From<&'q Q>,
    {
        self.map.owner.enter();
        let key = K::from(self.looked_for.0);
        self.with_key(key)
    }

    /// The entry for this key, which should be what the query stands for.
    #[inline]
    fn with_key(self, key: K) -> Entry<'a, K, V, S> {
        let Self { map, hash: query_hash, epoch, looked_for: BorrowedKey(query) } = self;
        map.owner.enter();
        let hash = map.fold(&key);
        // Whoever made it may have normalised, so that the key is another one than the query stood for.
        let is_missing = hash == query_hash && query.equivalent(&key) && epoch == map.owner.epoch();
        if !is_missing {
            if let Some(found) = map.owner.find(hash, |other| key == *other) {
                drop(key);
                return Entry::Occupied(found);
            }
        }
        Entry::Vacant(map.vacant(hash, OwnedKey(key)))
    }

    /// The query that was looked for.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::<String, u32>::new();
    /// let Entry::Vacant(vacant) = map.entry_ref("a") else { unreachable!() };
    /// assert_eq!(vacant.query(), "a");
    /// ```
    #[must_use]
    pub fn query(&self) -> &'q Q {
        self.looked_for.0
    }

    /// Adds the entry, with this value and a key that is made by `From`. O(1), amortised.
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
    /// let map = RcHashMap::<String, u32>::new();
    /// let Entry::Vacant(vacant) = map.entry_ref("a") else { unreachable!() };
    /// let r = vacant.insert(1);
    /// assert_eq!(r.key_value(&map), Ok((&"a".to_string(), &1)));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn insert(self, value: V) -> Ref<K, V, S>
    where
        K: From<&'q Q>,
    {
        self.with_made_key().or_insert(value)
    }

    /// Adds the entry, with this key and this value. O(1), amortised.
    ///
    /// The key is hashed; if the query does not stand for it, the map looks for it. If there is an entry with
    /// it, that one is returned, and key and value are dropped.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this map compares keys.
    ///
    /// ```
    /// use rcmap::{Entry, RcHashMap};
    ///
    /// let map = RcHashMap::<String, u32>::new();
    /// let Entry::Vacant(vacant) = map.entry_ref("a") else { unreachable!() };
    /// let r = vacant.insert_with_key("a".to_string(), 1);
    /// assert!(map.find("a") == Some(r));
    /// ```
    #[must_use = "dropping the only `Ref` removes the entry"]
    #[inline]
    pub fn insert_with_key(self, key: K, value: V) -> Ref<K, V, S> {
        self.with_key(key).or_insert(value)
    }
}
