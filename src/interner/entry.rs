//! Entries of an interner: look first, make the value then.
#![forbid(unsafe_code)]

use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent};

use super::{Interned, Interner};
use crate::rc_hash_map::{self, BorrowedKey};

/// What a look for a value found: made by [`Interner::entry_ref`].
///
/// Nothing is borrowed while it is held: the interner may be used.
///
/// ```
/// use rcmap::Interner;
/// use rcmap::interner::Entry;
///
/// let names = Interner::<Box<str>>::new();
/// let a = match names.entry_ref("a") {
///     Entry::Occupied(a) => a,
///     Entry::Vacant(vacant) => vacant.insert("a".into()),
/// };
/// assert!(names.entry_ref("a").or_insert_with(|| unreachable!()) == a);
/// ```
#[must_use = "an entry does nothing unless it is used"]
pub enum Entry<'a, 'q, T, Q: ?Sized, S = DefaultHashBuilder> {
    /// Somebody holds the value, and so does this handle.
    Occupied(Interned<T, S>),
    /// Nobody holds it.
    Vacant(VacantEntry<'a, 'q, T, Q, S>),
}

/// The place of a value that nobody holds: see [`Entry`].
#[must_use = "a vacant entry does nothing unless something is inserted"]
pub struct VacantEntry<'a, 'q, T, Q: ?Sized, S = DefaultHashBuilder>(
    rc_hash_map::VacantEntry<'a, T, (), S, BorrowedKey<'q, Q>>,
);

impl<T: Eq + Hash, S: BuildHasher> Interner<T, S> {
    /// The value that `query` stands for, or the place for it. O(1): one hash, one probe.
    ///
    /// # Panics
    ///
    /// In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// let a = names.entry_ref("a").or_insert_with(|| "a".to_string());
    /// assert!(names.get("a") == Some(a));
    /// ```
    pub fn entry_ref<'q, Q>(&self, query: &'q Q) -> Entry<'_, 'q, T, Q, S>
    where
        Q: ?Sized + Hash + Equivalent<T>,
    {
        match self.map.entry_ref(query) {
            rc_hash_map::Entry::Occupied(r) => Entry::Occupied(Interned(r)),
            rc_hash_map::Entry::Vacant(vacant) => Entry::Vacant(VacantEntry(vacant)),
        }
    }
}

impl<T: Eq + Hash, Q, S: BuildHasher> Entry<'_, '_, T, Q, S>
where
    Q: ?Sized + Hash + Equivalent<T>,
{
    /// The handle of this value, which is stored if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// assert_eq!(*names.entry_ref("a").or_insert("a".to_string()), "a");
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn or_insert(self, value: T) -> Interned<T, S> {
        self.or_insert_with(|| value)
    }

    /// The handle of the value, which is made if it is new. O(1), amortised.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// assert_eq!(*names.entry_ref("a").or_insert_with(|| "a".to_string()), "a");
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn or_insert_with(self, make: impl FnOnce() -> T) -> Interned<T, S> {
        let Ok(interned) = self.or_try_insert_with(|| Ok::<_, core::convert::Infallible>(make()));
        interned
    }

    /// The handle of the value, which is made if it is new. O(1), amortised.
    ///
    /// # Errors
    ///
    /// If `make` fails: its error comes back, and nothing is stored.
    ///
    /// # Panics
    ///
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let names = rcmap::Interner::<String>::new();
    /// assert!(names.entry_ref("a").or_try_insert_with(|| Err("too long")).is_err());
    /// assert!(names.is_empty());
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn or_try_insert_with<E>(
        self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Interned<T, S>, E> {
        match self {
            Self::Occupied(interned) => {
                drop(make);
                Ok(interned)
            }
            Self::Vacant(vacant) => make().map(|value| vacant.insert(value)),
        }
    }
}

impl<'q, T: Eq + Hash, Q, S: BuildHasher> VacantEntry<'_, 'q, T, Q, S>
where
    Q: ?Sized + Hash + Equivalent<T>,
{
    /// The query that was looked for.
    ///
    /// ```
    /// use rcmap::Interner;
    /// use rcmap::interner::Entry;
    ///
    /// let names = Interner::<String>::new();
    /// let Entry::Vacant(vacant) = names.entry_ref("a") else { unreachable!() };
    /// assert_eq!(vacant.query(), "a");
    /// ```
    #[must_use]
    pub fn query(&self) -> &'q Q {
        self.0.query()
    }

    /// Stores the value. O(1), amortised: hashes the value once.
    ///
    /// If somebody holds an equal value by now, its handle is returned, and `value` is dropped.
    ///
    /// # Panics
    ///
    /// If the capacity overflows. In debug builds, if called from `Eq` while this interner compares values.
    ///
    /// ```
    /// use rcmap::Interner;
    /// use rcmap::interner::Entry;
    ///
    /// let names = Interner::<String>::new();
    /// let Entry::Vacant(vacant) = names.entry_ref("a") else { unreachable!() };
    /// assert_eq!(*vacant.insert("a".to_string()), "a");
    /// ```
    #[must_use = "dropping the last handle frees the value"]
    pub fn insert(self, value: T) -> Interned<T, S> {
        Interned(self.0.insert_with_key(value, ()))
    }
}

impl<T, Q: ?Sized, S> fmt::Debug for Entry<'_, '_, T, Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(interned) => {
                f.debug_tuple("Occupied").field(&interned.handle()).finish()
            }
            Self::Vacant(vacant) => f.debug_tuple("Vacant").field(vacant).finish(),
        }
    }
}

impl<T, Q: ?Sized, S> fmt::Debug for VacantEntry<'_, '_, T, Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry").finish_non_exhaustive()
    }
}
