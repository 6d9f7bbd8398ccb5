//! What a [`Ref`] can do, safely.
#![forbid(unsafe_code)]

use core::fmt;
use core::hash::{Hash, Hasher};

use super::{RawRef, RcHashMap, Ref, WeakRef};
use crate::error::WrongMap;
use crate::handle_hash_map::Handle;

impl<K, V, S> Ref<K, V, S> {
    /// The key of the entry. O(1), touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.key(&map), Ok(&"a"));
    /// ```
    #[inline]
    pub fn key<'a>(&'a self, map: &'a RcHashMap<K, V, S>) -> Result<&'a K, WrongMap> {
        if self.belongs_to(map) { Ok(self.key_ref()) } else { Err(WrongMap) }
    }

    /// The value of the entry. O(1): one comparison of pointers, touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[inline]
    pub fn value<'a>(&'a self, map: &'a RcHashMap<K, V, S>) -> Result<&'a V, WrongMap> {
        self.value_in(&map.owner).ok_or(WrongMap)
    }

    /// The key and the value of the entry. O(1), touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.key_value(&map), Ok((&"a", &1)));
    /// ```
    #[inline]
    pub fn key_value<'a>(
        &'a self,
        map: &'a RcHashMap<K, V, S>,
    ) -> Result<(&'a K, &'a V), WrongMap> {
        Ok((self.key_ref(), self.value(map)?))
    }

    /// The value of the entry, mutably. O(1), touches no count.
    ///
    /// While it is borrowed, `Ref`s to this and to other entries can still be cloned and dropped.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// *r.value_mut(&mut map).unwrap() += 1;
    /// assert_eq!(r.value(&map), Ok(&2));
    /// ```
    #[inline]
    pub fn value_mut<'a>(&'a self, map: &'a mut RcHashMap<K, V, S>) -> Result<&'a mut V, WrongMap> {
        self.value_in_mut(&mut map.owner).ok_or(WrongMap)
    }

    /// The key of the entry, without the map: keys never move or change. O(1), touches no count.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// drop(map);
    /// assert_eq!(r.as_key(), &"a");
    /// ```
    #[must_use]
    #[inline]
    pub fn as_key(&self) -> &K {
        self.key_ref()
    }

    /// A copyable name of the entry, which keeps nothing alive. O(1).
    ///
    /// [`RcHashMap::resolve`] turns it into a `Ref` again.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.handle(), r.clone().handle());
    /// ```
    #[must_use]
    #[inline]
    pub fn handle(&self) -> Handle {
        self.handle_of()
    }

    /// The number of `Ref`s to the entry. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let _second = r.clone();
    /// assert_eq!(r.strong_count(), 2);
    /// ```
    #[must_use]
    #[inline]
    pub fn strong_count(&self) -> usize {
        self.count()
    }

    /// Whether the entry is of this map. O(1).
    ///
    /// ```
    /// let (map, other) = (rcmap::RcHashMap::new(), rcmap::RcHashMap::new());
    /// let r = map.insert("a", 1).unwrap();
    /// assert!(r.belongs_to(&map));
    /// assert!(!r.belongs_to(&other));
    /// ```
    #[must_use]
    #[inline]
    pub fn belongs_to(&self, map: &RcHashMap<K, V, S>) -> bool {
        self.is_of(&map.owner)
    }

    /// A handle that keeps no entry alive and can become a `Ref` again while somebody else does. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let weak = r.downgrade();
    /// assert!(weak.upgrade().unwrap() == r);
    /// drop(r);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakRef<K, V, S> {
        WeakRef::new(self.weak_owner(), self.handle())
    }

    /// Takes key and value out, if this is the last `Ref`; also when the map is gone. O(1).
    ///
    /// # Errors
    ///
    /// If there are other `Ref`s, or if called from `Eq` while the map compares keys: the `Ref` comes
    /// back.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a".to_string(), 1).unwrap();
    /// let second = r.clone();
    /// let r = r.try_unwrap().unwrap_err();
    /// drop(second);
    /// assert_eq!(r.try_unwrap().unwrap(), ("a".to_string(), 1));
    /// assert!(map.is_empty());
    /// ```
    pub fn try_unwrap(self) -> Result<(K, V), Self> {
        self.take_out()
    }
}

impl<K, V, S> PartialEq for Ref<K, V, S> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl<K, V, S> Eq for Ref<K, V, S> {}

impl<K, V, S> Hash for Ref<K, V, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle().hash(state);
    }
}

/// Prints the handle, not the entry: somebody may hold a `&mut` to the value.
impl<K, V, S> fmt::Debug for Ref<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(&self.handle()).finish()
    }
}

impl<K, V, S> fmt::Debug for RawRef<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRef").finish_non_exhaustive()
    }
}
