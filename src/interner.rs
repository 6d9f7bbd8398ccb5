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

mod entry;
mod interned;

use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};

use crate::handle_hash_map::Handle;
use crate::rc_hash_map::{self, RcHashMap};

pub use entry::{Entry, VacantEntry};
pub use interned::{Interned, WeakInterned};

/// A set that stores each value once and frees it with the last handle to it.
///
/// The main use is `Interner<Box<str>>` with `&str` queries. With a term type whose fields are
/// `Interned` terms themselves, it is a table for hash-consing.
///
/// Queries are what the value borrows as: `str` for a `String`, a slice for a `Vec`. A literal such as `b"abc"` is
/// an array, not a slice, so write `&b"abc"[..]` for an `Interner<Vec<u8>>`.
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

    /// The handle of the value that `query` stands for, which `make` makes if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<Vec<u8>>::new();
    /// let abc = names.intern_with(&b"abc"[..], |bytes| bytes.to_vec());
    /// assert_eq!(abc.len(), 3);
    /// ```
    #[doc(alias = "get_or_intern_with")]
    #[must_use = "dropping the last handle frees the value"]
    pub fn intern_with<Q>(&self, query: &Q, make: impl FnOnce(&Q) -> T) -> Interned<T, S>
    where
        Q: ?Sized + Hash + Equivalent<T>,
    {
        self.entry_ref(query).or_insert_with(|| make(query))
    }

    /// The handle of the value that `query` stands for, which `make` makes if it is new, or fails to make. O(1),
    /// amortised.
    ///
    /// # Errors
    ///
    /// If `make` fails: its error comes back, and nothing is stored.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// let check = |name: &str| if name.len() < 9 { Ok(name.to_string()) } else { Err("too long") };
    /// assert!(names.try_intern_with("short", check).is_ok());
    /// assert!(names.try_intern_with("much too long", check).is_err());
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn try_intern_with<Q, E>(
        &self,
        query: &Q,
        make: impl FnOnce(&Q) -> Result<T, E>,
    ) -> Result<Interned<T, S>, E>
    where
        Q: ?Sized + Hash + Equivalent<T>,
    {
        self.entry_ref(query).or_try_insert_with(|| make(query))
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

    /// Whether somebody holds this value. O(1), touches no count.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<Box<str>>::new();
    /// let _a = names.intern_ref("a");
    /// assert!(names.contains("a") && !names.contains("b"));
    /// ```
    #[doc(alias = "contains_key")]
    #[must_use]
    pub fn contains<Q>(&self, query: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<T>,
    {
        self.map.contains_key(query)
    }
}

impl<T, S: Default> Default for Interner<T, S> {
    fn default() -> Self {
        Self { map: RcHashMap::default() }
    }
}

/// Prints the values as a set. Beware of values that [share parts](Interned#shared-parts).
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
