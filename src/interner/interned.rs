//! The handles of an interner: [`Interned`] keeps its value, [`WeakInterned`] does not.
#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use hashbrown::DefaultHashBuilder;

use super::Interner;
use crate::handle_hash_map::Handle;
use crate::rc_hash_map::{Ref, WeakRef};

/// The one handle of a value in an [`Interner`].
///
/// One word. Reads like the value, stays readable when the interner is gone, and keeps the value
/// alive. Equality is identity, one comparison: two handles of one interner are equal if and only if
/// their values are. Order and printing go by content; values of two interners with the same content
/// differ, and are ordered by interner.
///
/// It can be compared with a value, too, and with a `str` if the value is text. There is no `Borrow<T>`: the
/// hash is that of the handle, not of the value.
///
/// # Shared parts
///
/// `Debug`, `Display` and `Serialize` write the value, and so write what several values share several times. A term in
/// which each level holds the level below twice comes out with 2ⁿ leaves: 21 levels are megabytes. Where values hold
/// `Interned` values, let their `Debug` print the [handles](Self::handle) of these, and write each value once
/// (as the example `simplify` does):
///
/// ```
/// use core::fmt;
/// use rcmap::{Interned, Interner};
///
/// #[derive(PartialEq, Eq, Hash)]
/// enum Term {
///     Leaf(u32),
///     Pair(Interned<Term>, Interned<Term>),
/// }
///
/// impl fmt::Debug for Term {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         match self {
///             Self::Leaf(n) => write!(f, "{n}"),
///             Self::Pair(a, b) => write!(f, "({} {})", a.handle().index(), b.handle().index()),
///         }
///     }
/// }
///
/// let terms = Interner::new();
/// let mut term = terms.intern(Term::Leaf(7));
/// for _ in 0..40 {
///     term = terms.intern(Term::Pair(term.clone(), term.clone()));
/// }
/// assert_eq!(format!("{term:?}"), "(40 40)");
/// ```
///
/// ```
/// let names = rcmap::Interner::<Box<str>>::new();
/// let (b, a) = (names.intern_ref("b"), names.intern_ref("a"));
/// assert!(a < b);
/// drop(names);
/// assert_eq!(a.to_string(), "a");
/// ```
#[must_use = "dropping the last handle frees the value"]
pub struct Interned<T, S = DefaultHashBuilder>(pub(super) Ref<T, (), S>);

impl<T, S> Interned<T, S> {
    pub(crate) fn entry(&self) -> &Ref<T, (), S> {
        &self.0
    }

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

impl<T, S> Interned<T, S> {
    /// Takes the value out, if this is its last handle; also when the interner is gone. O(1).
    ///
    /// # Errors
    ///
    /// If there are other handles: this one comes back.
    ///
    /// ```
    /// let names = rcmap::Interner::new();
    /// let a = names.intern("a".to_string());
    /// let second = a.clone();
    /// let a = a.try_unwrap().unwrap_err();
    /// drop(second);
    /// assert_eq!(a.try_unwrap().unwrap(), "a");
    /// assert!(names.is_empty());
    /// ```
    pub fn try_unwrap(self) -> Result<T, Self> {
        match self.0.try_unwrap() {
            Ok((value, ())) => Ok(value),
            Err(r) => Err(Self(r)),
        }
    }
}

impl<T, S> From<Ref<T, (), S>> for Interned<T, S> {
    fn from(r: Ref<T, (), S>) -> Self {
        Self(r)
    }
}

impl<T, S> From<Interned<T, S>> for Ref<T, (), S> {
    fn from(interned: Interned<T, S>) -> Self {
        interned.0
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

/// Compares the contents.
impl<T: PartialEq, S> PartialEq<T> for Interned<T, S> {
    #[inline]
    fn eq(&self, other: &T) -> bool {
        **self == *other
    }
}

/// `$value` reads as a `$slice`.
macro_rules! eq_slice {
    ([$($param:tt)*] $value:ty, $slice:ty) => {
        /// Compares the contents.
        impl<$($param)* S> PartialEq<$slice> for Interned<$value, S> {
            #[inline]
            fn eq(&self, other: &$slice) -> bool {
                self[..] == other[..]
            }
        }

        /// Compares the contents.
        impl<$($param)* S> PartialEq<Interned<$value, S>> for $slice {
            #[inline]
            fn eq(&self, other: &Interned<$value, S>) -> bool {
                self[..] == other[..]
            }
        }
    };
}

eq_slice!([] Box<str>, str);
eq_slice!(['a,] Box<str>, &'a str);
eq_slice!([] Rc<str>, str);
eq_slice!(['a,] Rc<str>, &'a str);
eq_slice!([] String, str);
eq_slice!(['a,] String, &'a str);
eq_slice!(['a,] &'a str, str);
eq_slice!([U: PartialEq,] Box<[U]>, [U]);
eq_slice!([U: PartialEq,] Vec<U>, [U]);

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

/// Prints the value. Beware of values that share parts: see [above](Interned#shared-parts).
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

/// Names nothing, and allocates nothing.
impl<T, S> Default for WeakInterned<T, S> {
    fn default() -> Self {
        Self(WeakRef::default())
    }
}

/// By handle, then by interner: the values may be gone.
impl<T, S> Ord for WeakInterned<T, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T, S> PartialOrd for WeakInterned<T, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

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

/// Serialises as the value. Beware of values that share parts: see [above](Interned#shared-parts), and the pattern "Terms
/// that share parts, in a file" in the module `docs`.
#[cfg(feature = "serde")]
impl<T: serde_core::Serialize, S> serde_core::Serialize for Interned<T, S> {
    fn serialize<Z: serde_core::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        T::serialize(self, serializer)
    }
}
