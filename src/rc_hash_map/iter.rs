//! The public iterators of layer 3.
#![forbid(unsafe_code)]

use core::fmt;
use core::iter::FusedIterator;
use core::ops::{Deref, DerefMut};

use hashbrown::DefaultHashBuilder;

use super::inner::{Entries, EntriesMut};
use super::{EntryMut, RcHashMap, Ref};

/// The entries of a map, each as a [`Ref`]: made by [`RcHashMap::iter`].
///
/// ```
/// let map = rcmap::RcHashMap::new();
/// let _held = map.insert("a", 1).unwrap();
/// let keys: Vec<&str> = map.iter().map(|r| *r.as_key()).collect();
/// assert_eq!(keys, ["a"]);
/// ```
#[must_use = "an iterator does nothing unless it is advanced"]
pub struct Iter<'a, K, V, S = DefaultHashBuilder> {
    entries: Entries<'a, K, V, S>,
}

impl<'a, K, V, S> Iter<'a, K, V, S> {
    pub(super) fn new(entries: Entries<'a, K, V, S>) -> Self {
        Self { entries }
    }
}

impl<K, V, S> Iterator for Iter<'_, K, V, S> {
    type Item = Ref<K, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next()
    }
}

impl<K, V, S> FusedIterator for Iter<'_, K, V, S> {}

impl<K, V, S> fmt::Debug for Iter<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// The entries of a map that is borrowed mutably: made by [`RcHashMap::iter_mut`].
///
/// ```
/// let mut map = rcmap::RcHashMap::new();
/// let r = map.insert("a", 1).unwrap();
/// let mut guards: Vec<_> = map.iter_mut().collect();
/// *guards[0] += 1;
/// drop(guards);
/// assert_eq!(r.value(&map), Ok(&2));
/// ```
#[must_use = "an iterator does nothing unless it is advanced"]
pub struct IterMut<'a, K, V, S = DefaultHashBuilder> {
    entries: EntriesMut<'a, K, V, S>,
}

impl<'a, K, V, S> IterMut<'a, K, V, S> {
    pub(super) fn new(entries: EntriesMut<'a, K, V, S>) -> Self {
        Self { entries }
    }
}

impl<'a, K, V, S> Iterator for IterMut<'a, K, V, S> {
    type Item = EntryMut<'a, K, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next()
    }
}

impl<K, V, S> FusedIterator for IterMut<'_, K, V, S> {}

impl<K, V, S> fmt::Debug for IterMut<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut").finish_non_exhaustive()
    }
}

impl<K, V, S> EntryMut<'_, K, V, S> {
    /// The key of the entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let _held = map.insert("key", 1).unwrap();
    /// assert_eq!(map.iter_mut().next().unwrap().key(), &"key");
    /// ```
    #[must_use]
    #[inline]
    pub fn key(&self) -> &K {
        self.entry().as_key()
    }

    /// The `Ref` of the entry, to be cloned if the entry shall outlive the guard. O(1).
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let r = map.insert("key", 1).unwrap();
    /// let kept = map.iter_mut().next().unwrap().as_ref().clone();
    /// assert!(kept == r);
    /// ```
    #[expect(
        clippy::should_implement_trait,
        reason = "`AsRef` would be ambiguous with the value's"
    )]
    #[inline]
    pub fn as_ref(&self) -> &Ref<K, V, S> {
        self.entry()
    }
}

impl<K, V, S> Deref for EntryMut<'_, K, V, S> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K, V, S> DerefMut for EntryMut<'_, K, V, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut V {
        self.value_mut()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for EntryMut<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryMut").field("key", self.key()).field("value", self.value()).finish()
    }
}

impl<'a, K, V, S> IntoIterator for &'a RcHashMap<K, V, S> {
    type Item = Ref<K, V, S>;
    type IntoIter = Iter<'a, K, V, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut RcHashMap<K, V, S> {
    type Item = EntryMut<'a, K, V, S>;
    type IntoIter = IterMut<'a, K, V, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
