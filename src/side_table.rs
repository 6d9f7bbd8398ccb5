//! Data beside a map, by handle, that is forgotten when its entry is gone.
//!
//! For memoised analyses, marks of a walk, and whatever else belongs to entries but not into their values. A
//! [`SideTable`] is a [`SecondaryMap`] that drops what belongs to entries that are gone.
//!
//! ```
//! use rcmap::{RcHashMap, SideTable};
//!
//! let map = RcHashMap::new();
//! let mut lengths = SideTable::new();
//! let r = map.insert("abc", ()).unwrap();
//! lengths.insert(&r, 3);
//! assert_eq!(lengths.get(&r), Some(&3));
//! drop(r);
//! assert_eq!(lengths.purge(&map), 1);
//! assert!(lengths.is_empty());
//! ```
#![forbid(unsafe_code)]

use core::fmt;

use slotmap::{SecondaryMap, secondary};

use crate::counted_hash_map::{CountedHandle, CountedHashMap};
use crate::handle_hash_map::{Handle, HandleHashMap};
use crate::interner::{Interned, Interner};
use crate::rc_hash_map::{RcHashMap, Ref};

/// Fewer elements than this are never purged on their own.
const FEW: usize = 64;

/// Data of type `T` for entries of one map.
///
/// It is a vector of the elements' slots. So reading is one load and a comparison, and it is as long as the map has
/// slots. It never shows what belonged to a predecessor in the same slot.
///
/// A table keeps no entry alive. What belongs to entries that are gone stays until [`purge`](Self::purge) drops it,
/// an entry in the same slot takes its place, or the table grows: inserting with a [`Ref`] or an [`Interned`], from which
/// the map can be found, purges now and then. So it never has
/// more elements than twice those that were live at the last purge, a quarter of the vector, or 64.
///
/// Use it with one map. For another one it shows nothing as a rule, or what belongs to a handle of the same name; what was stored for the one may be replaced by what is
/// stored for the other, or be in its way.
///
/// ```
/// use rcmap::{RcHashMap, Ref, SideTable};
///
/// enum Term {
///     Number(u64),
///     Sum(Ref<u32, Term>, Ref<u32, Term>),
/// }
///
/// /// What a term comes to; each shared one is looked at once.
/// fn value(map: &RcHashMap<u32, Term>, memo: &mut SideTable<u64>, r: &Ref<u32, Term>) -> u64 {
///     if let Some(known) = memo.get(r) {
///         return *known;
///     }
///     let value = match r.value(map).unwrap() {
///         Term::Number(n) => *n,
///         Term::Sum(a, b) => value(map, memo, a) + value(map, memo, b),
///     };
///     memo.insert(r, value);
///     value
/// }
///
/// let map = RcHashMap::new();
/// let mut term = map.insert(0, Term::Number(1)).unwrap();
/// for n in 1..=40 {
///     term = map.insert(n, Term::Sum(term.clone(), term)).unwrap();
/// }
/// assert_eq!(value(&map, &mut SideTable::new(), &term), 1 << 40);
/// ```
#[derive(Clone)]
pub struct SideTable<T> {
    data: SecondaryMap<Handle, T>,
    /// How many elements there may be before the next purge.
    limit: usize,
}

impl<T> SideTable<T> {
    /// An empty table, which allocates nothing.
    ///
    /// ```
    /// assert!(rcmap::SideTable::<u32>::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { data: SecondaryMap::new(), limit: FEW }
    }

    /// The number of elements, those of entries that are gone included. O(1).
    ///
    /// ```
    /// assert_eq!(rcmap::SideTable::<u32>::new().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element. O(1).
    ///
    /// ```
    /// assert!(rcmap::SideTable::<u32>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// What is stored for an entry. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let (a, b) = (map.insert("a", ()).unwrap(), map.insert("b", ()).unwrap());
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// assert_eq!((table.get(&a), table.get(b.handle())), (Some(&1), None));
    /// ```
    #[must_use]
    #[inline]
    pub fn get(&self, key: impl SideKey) -> Option<&T> {
        self.data.get(key.to_handle())
    }

    /// What is stored for an entry, mutably. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// *table.get_mut(&a).unwrap() += 1;
    /// assert_eq!(table.get(&a), Some(&2));
    /// ```
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, key: impl SideKey) -> Option<&mut T> {
        self.data.get_mut(key.to_handle())
    }

    /// Whether anything is stored for an entry. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// assert!(!rcmap::SideTable::<u32>::new().contains_key(&a));
    /// ```
    #[must_use]
    #[inline]
    pub fn contains_key(&self, key: impl SideKey) -> bool {
        self.data.contains_key(key.to_handle())
    }

    /// Stores `value` for an entry, and returns what was stored for it. O(1), amortised.
    ///
    /// With a [`Ref`] or an [`Interned`] it also purges when the table has grown. With a [`Handle`] whose slot has
    /// a newer entry with data, it drops `value`. The [default handle](Handle::default) is refused in the same way.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// let mut table = rcmap::SideTable::new();
    /// assert_eq!(table.insert(&a, 1), None);
    /// assert_eq!(table.insert(a.handle(), 2), Some(1));
    /// ```
    pub fn insert(&mut self, key: impl SideKey, value: T) -> Option<T> {
        // A slot's versions are compared as if they went round: after 2³⁰ uses, stale data may be in the way.
        if self.data.entry(key.to_handle()).is_none() {
            key.purge(self);
        }
        let before = self.data.insert(key.to_handle(), value);
        if self.data.len() > self.limit {
            key.purge(self);
        }
        before
    }

    /// Takes out what is stored for an entry. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// assert_eq!((table.remove(&a), table.remove(&a)), (Some(1), None));
    /// ```
    pub fn remove(&mut self, key: impl SideKey) -> Option<T> {
        self.data.remove(key.to_handle())
    }

    /// Drops everything. O(slots).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// table.clear();
    /// assert!(table.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.data.clear();
        self.limit = FEW;
    }

    /// Drops what belongs to entries that are gone, and says how much that was. O(slots): one walk.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let (a, b) = (map.insert("a", ()).unwrap(), map.insert("b", ()).unwrap());
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// table.insert(&b, 2);
    /// drop(a);
    /// assert_eq!(table.purge(&map), 1);
    /// assert_eq!(table.get(&b), Some(&2));
    /// ```
    pub fn purge(&mut self, map: &impl SideMap) -> usize {
        self.retain(|handle| map.has(handle))
    }

    fn retain(&mut self, mut is_live: impl FnMut(Handle) -> bool) -> usize {
        let before = self.data.len();
        self.data.retain(|handle, _| is_live(handle));
        let left = self.data.len();
        // The walk cost as much as there are slots, so some of these are filled before the next.
        self.limit = (2 * left).max(self.data.capacity() / 4).max(FEW);
        before - left
    }

    /// Visits every element, those of entries that are gone included, in the order of the slots.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let a = map.insert("a", ()).unwrap();
    /// let mut table = rcmap::SideTable::new();
    /// table.insert(&a, 1);
    /// assert_eq!(table.iter().collect::<Vec<_>>(), [(a.handle(), &1)]);
    /// ```
    pub fn iter(&self) -> secondary::Iter<'_, Handle, T> {
        self.data.iter()
    }
}

impl<T> Default for SideTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, T> IntoIterator for &'a SideTable<T> {
    type Item = (Handle, &'a T);
    type IntoIter = secondary::Iter<'a, Handle, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for SideTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// What names an entry for a [`SideTable`]: a [`Handle`], a `&Ref`, a `&Interned` or a `&CountedHandle`. Sealed.
pub trait SideKey: sealed::Key {}

/// A map that a [`SideTable`] can be purged for: any of this crate. Sealed.
pub trait SideMap: sealed::Map {}

#[expect(unnameable_types, reason = "so that nobody else can implement them")]
mod sealed {
    use super::{Handle, SideTable};

    pub trait Key: Copy {
        fn to_handle(self) -> Handle;

        /// Purges the table, if the map can be found.
        fn purge<T>(self, table: &mut SideTable<T>) {
            _ = table;
        }
    }

    pub trait Map {
        fn has(&self, handle: Handle) -> bool;
    }
}

impl SideKey for Handle {}
impl sealed::Key for Handle {
    #[inline]
    fn to_handle(self) -> Handle {
        self
    }
}

impl SideKey for &CountedHandle {}
impl sealed::Key for &CountedHandle {
    #[inline]
    fn to_handle(self) -> Handle {
        self.handle()
    }
}

impl<K, V, S> SideKey for &Ref<K, V, S> {}
impl<K, V, S> sealed::Key for &Ref<K, V, S> {
    #[inline]
    fn to_handle(self) -> Handle {
        self.handle()
    }

    #[cold]
    fn purge<T>(self, table: &mut SideTable<T>) {
        table.retain(self.downgrade().contains_handle());
    }
}

impl<T, S> SideKey for &Interned<T, S> {}
impl<T, S> sealed::Key for &Interned<T, S> {
    #[inline]
    fn to_handle(self) -> Handle {
        self.handle()
    }

    fn purge<U>(self, table: &mut SideTable<U>) {
        sealed::Key::purge(self.entry(), table);
    }
}

impl<K, V, S> SideMap for RcHashMap<K, V, S> {}
impl<K, V, S> sealed::Map for RcHashMap<K, V, S> {
    fn has(&self, handle: Handle) -> bool {
        self.contains_handle(handle)
    }
}

impl<T, S> SideMap for Interner<T, S> {}
impl<T, S> sealed::Map for Interner<T, S> {
    fn has(&self, handle: Handle) -> bool {
        self.contains_handle(handle)
    }
}

impl<K, V, S> SideMap for CountedHashMap<K, V, S> {}
impl<K, V, S> sealed::Map for CountedHashMap<K, V, S> {
    fn has(&self, handle: Handle) -> bool {
        self.contains_handle(handle)
    }
}

impl<K, V, S> SideMap for HandleHashMap<K, V, S> {}
impl<K, V, S> sealed::Map for HandleHashMap<K, V, S> {
    fn has(&self, handle: Handle) -> bool {
        self.contains_handle(handle)
    }
}
