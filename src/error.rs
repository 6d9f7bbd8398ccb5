//! The errors of all three layers.
#![forbid(unsafe_code)]

use core::error::Error;
use core::fmt;

/// A key was in the map already. Gives key and value back: nothing is lost.
///
/// The value is `()` where it would have come from a closure that did not run.
///
/// ```
/// use rcmap::RcHashMap;
///
/// let map = RcHashMap::new();
/// let _held = map.insert("key", 1).unwrap();
/// let error = map.insert("key", 2).unwrap_err();
/// assert_eq!((error.key, error.value), ("key", 2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InsertError<K, V> {
    /// The key that was to be inserted.
    pub key: K,
    /// The value that was to be inserted.
    pub value: V,
}

impl<K, V> fmt::Debug for InsertError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InsertError: the key is in the map already; find_or_insert gives its entry")
    }
}

impl<K, V> fmt::Display for InsertError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is in the map already; use find_or_insert to get its entry")
    }
}

impl<K, V> Error for InsertError<K, V> {}

/// A [`Ref`](crate::Ref) was used with a map that it does not belong to.
///
/// ```
/// use rcmap::{RcHashMap, WrongMap};
///
/// let (map, other) = (RcHashMap::new(), RcHashMap::new());
/// let r = map.insert("key", 1).unwrap();
/// assert_eq!(r.value(&map), Ok(&1));
/// assert_eq!(r.value(&other), Err(WrongMap));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WrongMap;

impl fmt::Display for WrongMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handle belongs to another map: use it with the one that returned it")
    }
}

impl Error for WrongMap {}

/// A [`Ref`](crate::Ref) given to [`RcHashMap::get_disjoint_mut`](crate::RcHashMap::get_disjoint_mut)
/// belongs to another map, or names an entry that an earlier one named.
///
/// ```
/// use rcmap::RcHashMap;
///
/// let mut map = RcHashMap::new();
/// let (a, b) = (map.insert("a", 1).unwrap(), map.insert("b", 2).unwrap());
/// let error = map.get_disjoint_mut([&a, &b, &a]).unwrap_err();
/// assert_eq!(error.index, 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DisjointError {
    /// The first position that is in the way.
    pub index: usize,
}

impl fmt::Display for DisjointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handle {} belongs to another map or repeats an entry", self.index)
    }
}

impl Error for DisjointError {}
