//! The public iterators of layer 2.
#![forbid(unsafe_code)]

use core::fmt;
use core::iter::FusedIterator;

use super::{Counted, CountedHashMap};
use crate::handle_hash_map::{self, Handle};

macro_rules! walk {
    ($(#[$doc:meta])* $name:ident, $value:ty, $project:expr) => {
        $(#[$doc])*
        #[must_use = "an iterator does nothing unless it is advanced"]
        pub struct $name<'a, K, V> {
            walk: handle_hash_map::$name<'a, K, Counted<V>>,
        }

        impl<'a, K, V> $name<'a, K, V> {
            pub(super) fn new(walk: handle_hash_map::$name<'a, K, Counted<V>>) -> Self {
                Self { walk }
            }
        }

        impl<'a, K, V> Iterator for $name<'a, K, V> {
            type Item = (Handle, &'a K, $value);

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.walk.next().map($project)
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
    /// The entries of a [`CountedHashMap`]: made by [`iter`](CountedHashMap::iter).
    ///
    /// ```
    /// let map = rcmap::CountedHashMap::<u32, u32>::new();
    /// assert!(map.iter().next().is_none());
    /// ```
    Iter, &'a V, |(handle, key, counted)| (handle, key, &counted.value)
}

walk! {
    /// The entries of a [`CountedHashMap`], values mutable: made by
    /// [`iter_mut`](CountedHashMap::iter_mut).
    ///
    /// ```
    /// let mut map = rcmap::CountedHashMap::<u32, u32>::new();
    /// assert!(map.iter_mut().next().is_none());
    /// ```
    IterMut, &'a mut V, |(handle, key, counted)| (handle, key, &mut counted.value)
}

impl<'a, K, V, S> IntoIterator for &'a CountedHashMap<K, V, S> {
    type Item = (Handle, &'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut CountedHashMap<K, V, S> {
    type Item = (Handle, &'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
