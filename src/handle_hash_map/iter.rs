//! The public iterators of layer 1.
#![forbid(unsafe_code)]

use core::fmt;
use core::iter::FusedIterator;

use super::{Handle, HandleHashMap};
use crate::table;

macro_rules! walk {
    ($(#[$doc:meta])* $name:ident, $value:ty) => {
        $(#[$doc])*
        #[must_use = "an iterator does nothing unless it is advanced"]
        pub struct $name<'a, K, V> {
            walk: table::$name<'a, K, V>,
        }

        impl<'a, K, V> $name<'a, K, V> {
            pub(super) fn new(walk: table::$name<'a, K, V>) -> Self {
                Self { walk }
            }
        }

        impl<'a, K, V> Iterator for $name<'a, K, V> {
            type Item = (Handle, &'a K, $value);

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.walk.next()
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.walk.size_hint()
            }
        }

        impl<K, V> ExactSizeIterator for $name<'_, K, V> {}

        impl<K, V> FusedIterator for $name<'_, K, V> {}

        impl<K, V> fmt::Debug for $name<'_, K, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("left", &self.len()).finish()
            }
        }
    };
}

walk! {
    /// The entries of a [`HandleHashMap`]: made by [`iter`](HandleHashMap::iter).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// map.insert("a", 1).unwrap();
    /// for (handle, key, value) in &map {
    ///     assert_eq!((handle.key(&map), *value), (Some(key), 1));
    /// }
    /// ```
    Iter, &'a V
}

walk! {
    /// The entries of a [`HandleHashMap`], values mutable: made by
    /// [`iter_mut`](HandleHashMap::iter_mut).
    ///
    /// ```
    /// let mut map = rcmap::HandleHashMap::new();
    /// let handle = map.insert("a", 1).unwrap();
    /// for (_, _, value) in &mut map {
    ///     *value *= 10;
    /// }
    /// assert_eq!(handle.value(&map), Some(&10));
    /// ```
    IterMut, &'a mut V
}

impl<'a, K, V, S> IntoIterator for &'a HandleHashMap<K, V, S> {
    type Item = (Handle, &'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut HandleHashMap<K, V, S> {
    type Item = (Handle, &'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
