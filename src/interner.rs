//! An interner that gives memory back: a thin, safe face over layer 3.
//!
//! [`Interner::intern`] returns the one [`Interned`] handle of a value: equal values share it, it
//! compares by identity, reads like the value, and when the last one is gone the value is freed.
//!
//! ```
//! use rcmap::Interner;
//!
//! let names: Interner<Box<str>> = Interner::new();
//! let first = names.intern_ref("foo");
//! let second = names.intern_ref("foo");
//! assert!(first == second);
//! assert_eq!(first.len(), 3);
//! drop((first, second));
//! assert!(names.is_empty());
//! ```
#![forbid(unsafe_code)]

use core::cmp::Ordering;
use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};
use core::ops::Deref;

use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};

use crate::handle_hash_map::Handle;
use crate::rc_hash_map::{self, RcHashMap, Ref, WeakRef};

/// A set that stores each value once and frees it with the last handle to it.
///
/// The main use is `Interner<Box<str>>` with `&str` queries. With a term type whose fields are
/// `Interned` terms themselves, it is a table for hash-consing.
///
/// ```
/// use rcmap::{Interned, Interner};
///
/// let names: Interner<Box<str>> = Interner::new();
/// let tokens: Vec<Interned<Box<str>>> =
///     "to be or not to be".split(' ').map(|word| names.intern_ref(word)).collect();
/// assert_eq!(names.len(), 4);
/// assert!(tokens[0] == tokens[4]);
/// drop(tokens);
/// assert_eq!(names.len(), 0);
/// ```
pub struct Interner<T, S = DefaultHashBuilder> {
    map: RcHashMap<T, (), S>,
}

#[cfg(feature = "default-hasher")]
impl<T> Interner<T> {
    /// An empty interner.
    ///
    /// ```
    /// assert!(rcmap::Interner::<String>::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { map: RcHashMap::new() }
    }

    /// An empty interner with room for `capacity` values.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// assert!(rcmap::Interner::<String>::with_capacity(9).capacity() >= 9);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { map: RcHashMap::with_capacity(capacity) }
    }
}

impl<T, S> Interner<T, S> {
    /// An empty interner that hashes with `hasher`.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, Interner};
    ///
    /// let names = Interner::<String, _>::with_hasher(DefaultHashBuilder::default());
    /// assert!(names.is_empty());
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self { map: RcHashMap::with_hasher(hasher) }
    }

    /// An empty interner with room for `capacity` values that hashes with `hasher`.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// ```
    /// use rcmap::{DefaultHashBuilder, Interner};
    ///
    /// let hasher = DefaultHashBuilder::default();
    /// let names = Interner::<String, _>::with_capacity_and_hasher(9, hasher);
    /// assert!(names.capacity() >= 9);
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Self { map: RcHashMap::with_capacity_and_hasher(capacity, hasher) }
    }

    /// The number of values that somebody holds. O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let _held = names.intern("a");
    /// assert_eq!(names.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether nobody holds a value. O(1).
    ///
    /// ```
    /// assert!(rcmap::Interner::<String>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The number of values that fit without allocating. O(1).
    ///
    /// ```
    /// assert!(rcmap::Interner::<String>::with_capacity(9).capacity() >= 9);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.map.capacity()
    }

    /// Makes room for `additional` more values.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// names.reserve(9);
    /// assert!(names.capacity() >= 9);
    /// ```
    pub fn reserve(&self, additional: usize) {
        self.map.reserve(additional);
    }

    /// Makes room for `additional` more values, if there is memory.
    ///
    /// # Errors
    ///
    /// If the capacity overflows or the allocator refuses.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// assert!(rcmap::Interner::<String>::new().try_reserve(usize::MAX).is_err());
    /// ```
    pub fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.map.try_reserve(additional)
    }

    /// Gives memory back; see [`RcHashMap::shrink_to_fit`].
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::with_capacity(1000);
    /// names.shrink_to_fit();
    /// assert!(names.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&self) {
        self.map.shrink_to_fit();
    }

    /// What the interner hashes with.
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// let _hasher: &rcmap::DefaultHashBuilder = names.hasher();
    /// ```
    #[must_use]
    pub fn hasher(&self) -> &S {
        self.map.hasher()
    }

    /// The value that a [`Handle`] names, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert!(names.resolve(a.handle()).unwrap() == a);
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn resolve(&self, handle: Handle) -> Option<Interned<T, S>> {
        self.map.resolve(handle).map(Interned)
    }

    /// Whether a [`Handle`] names a value that somebody holds. O(1).
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let handle = names.intern("a").handle();
    /// assert!(!names.contains_handle(handle));
    /// ```
    #[must_use]
    pub fn contains_handle(&self, handle: Handle) -> bool {
        self.map.contains_handle(handle)
    }

    /// Visits every value, in no particular order. See [`RcHashMap::iter`].
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert!(names.iter().next().unwrap() == a);
    /// ```
    pub fn iter(&self) -> Iter<'_, T, S> {
        Iter { refs: self.map.iter() }
    }
}

impl<T: Eq + Hash, S: BuildHasher> Interner<T, S> {
    /// The handle of this value, which is stored if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// assert!(names.intern(String::from("a")) == names.intern(String::from("a")));
    /// ```
    #[doc(alias = "get_or_intern")]
    #[must_use = "dropping the last handle frees the value"]
    pub fn intern(&self, value: T) -> Interned<T, S> {
        Interned(self.map.find_or_insert(value, ()))
    }

    /// The handle of the value that `query` stands for; the value is built only if it is new. O(1),
    /// amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<Box<str>>::new();
    /// let a = names.intern_ref("a");
    /// assert_eq!(&**a, "a");
    /// ```
    #[doc(alias = "get_or_intern")]
    #[must_use = "dropping the last handle frees the value"]
    pub fn intern_ref<'q, Q>(&self, query: &'q Q) -> Interned<T, S>
    where
        Q: ?Sized + Hash + Equivalent<T>,
        T: From<&'q Q>,
    {
        Interned(self.map.find_or_insert_ref(query, |_| ()))
    }
}

impl<T, S: BuildHasher> Interner<T, S> {
    /// The handle of a value that somebody holds already. O(1), stores nothing.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<Box<str>>::new();
    /// assert!(names.get("a").is_none());
    /// let a = names.intern_ref("a");
    /// assert!(names.get("a").unwrap() == a);
    /// ```
    #[doc(alias = "find")]
    #[must_use = "dropping the last handle frees the value"]
    pub fn get<Q>(&self, query: &Q) -> Option<Interned<T, S>>
    where
        Q: ?Sized + Hash + Equivalent<T>,
    {
        self.map.find(query).map(Interned)
    }
}

impl<T, S: Default> Default for Interner<T, S> {
    fn default() -> Self {
        Self { map: RcHashMap::default() }
    }
}

impl<T: fmt::Debug, S> fmt::Debug for Interner<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<'a, T, S> IntoIterator for &'a Interner<T, S> {
    type Item = Interned<T, S>;
    type IntoIter = Iter<'a, T, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The values of an [`Interner`]: made by [`Interner::iter`].
///
/// ```
/// let names = rcmap::Interner::<String>::new();
/// assert!(names.iter().next().is_none());
/// ```
#[must_use = "an iterator does nothing unless it is advanced"]
#[derive(Debug)]
pub struct Iter<'a, T, S = DefaultHashBuilder> {
    refs: rc_hash_map::Iter<'a, T, (), S>,
}

impl<T, S> Iterator for Iter<'_, T, S> {
    type Item = Interned<T, S>;

    fn next(&mut self) -> Option<Self::Item> {
        self.refs.next().map(Interned)
    }
}

impl<T, S> core::iter::FusedIterator for Iter<'_, T, S> {}

/// The one handle of a value in an [`Interner`].
///
/// One word. Reads like the value, stays readable when the interner is gone, and keeps the value
/// alive. Equality is identity, one comparison: two handles of one interner are equal if and only if
/// their values are. Order and printing go by content; values of two interners with the same content
/// differ, and are ordered by interner.
///
/// There is no `Borrow<T>`: the hash is that of the handle, not of the value.
///
/// ```
/// let names = rcmap::Interner::<Box<str>>::new();
/// let (b, a) = (names.intern_ref("b"), names.intern_ref("a"));
/// assert!(a < b);
/// drop(names);
/// assert_eq!(a.to_string(), "a");
/// ```
#[must_use = "dropping the last handle frees the value"]
pub struct Interned<T, S = DefaultHashBuilder>(Ref<T, (), S>);

impl<T, S> Interned<T, S> {
    /// A copyable name of the value, which keeps nothing alive. O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert_eq!(a.handle(), a.clone().handle());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// The number of handles of the value. O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert_eq!(a.strong_count(), 1);
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.0.strong_count()
    }

    /// A handle that keeps nothing alive and can become an `Interned` again while somebody else holds the value.
    /// O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// let weak = a.downgrade();
    /// assert!(weak.upgrade().unwrap() == a);
    /// drop(a);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakInterned<T, S> {
        WeakInterned(self.0.downgrade())
    }

    /// Whether the value is of this interner. O(1).
    ///
    /// ```
    /// let (names, others) = (rcmap::Interner::new(), rcmap::Interner::new());
    /// let a = names.intern("a");
    /// assert!(a.belongs_to(&names) && !a.belongs_to(&others));
    /// ```
    #[must_use]
    pub fn belongs_to(&self, interner: &Interner<T, S>) -> bool {
        self.0.belongs_to(&interner.map)
    }
}

impl<T, S> Deref for Interned<T, S> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_key()
    }
}

impl<T, S> AsRef<T> for Interned<T, S> {
    #[inline]
    fn as_ref(&self) -> &T {
        self.0.as_key()
    }
}

impl<T, S> Clone for Interned<T, S> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S> PartialEq for Interned<T, S> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T, S> Eq for Interned<T, S> {}

impl<T, S> Hash for Interned<T, S> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Ord, S> PartialOrd for Interned<T, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord, S> Ord for Interned<T, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        T::cmp(self, other)
            .then_with(|| self.0.owner_address().cmp(&other.0.owner_address()))
            .then_with(|| self.handle().cmp(&other.handle()))
    }
}

impl<T: fmt::Debug, S> fmt::Debug for Interned<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display, S> fmt::Display for Interned<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

/// A handle that keeps nothing alive: what [`WeakRef`] is to [`Ref`].
///
/// Made by [`Interned::downgrade`]. It may outlive the interner.
///
/// ```
/// use rcmap::{Interner, WeakInterned};
///
/// let names = Interner::<Box<str>>::new();
/// let a = names.intern_ref("a");
/// let weak: WeakInterned<Box<str>> = a.downgrade();
/// assert_eq!(weak.upgrade().as_deref().map(|text| &**text), Some("a"));
/// ```
pub struct WeakInterned<T, S = DefaultHashBuilder>(WeakRef<T, (), S>);

impl<T, S> WeakInterned<T, S> {
    /// The handle of the value, if somebody holds it. O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert!(a.downgrade().upgrade() == Some(a));
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn upgrade(&self) -> Option<Interned<T, S>> {
        self.0.upgrade().map(Interned)
    }

    /// A copyable name of the value. O(1).
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a");
    /// assert_eq!(a.downgrade().handle(), a.handle());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }
}

impl<T, S> Clone for WeakInterned<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S> PartialEq for WeakInterned<T, S> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T, S> Eq for WeakInterned<T, S> {}

impl<T, S> Hash for WeakInterned<T, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Prints the handle, not the value.
impl<T, S> fmt::Debug for WeakInterned<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakInterned").field(&self.handle()).finish()
    }
}

/// Serialises as the value.
#[cfg(feature = "serde")]
impl<T: serde_core::Serialize, S> serde_core::Serialize for Interned<T, S> {
    fn serialize<Z: serde_core::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        T::serialize(self, serializer)
    }
}

/// Deserialises a value, and yields its handle.
#[cfg(feature = "serde")]
impl<'de, T, S> serde_core::de::DeserializeSeed<'de> for &Interner<T, S>
where
    T: serde_core::Deserialize<'de> + Eq + Hash,
    S: BuildHasher,
{
    type Value = Interned<T, S>;

    fn deserialize<D>(self, deserializer: D) -> Result<Self::Value, D::Error>
    where
        D: serde_core::Deserializer<'de>,
    {
        T::deserialize(deserializer).map(|value| self.intern(value))
    }
}
