//! Handles that keep nothing alive.
#![forbid(unsafe_code)]

use alloc::rc::Weak;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};

use hashbrown::DefaultHashBuilder;

use super::Ref;
use super::inner::{Inner, Owner};
use crate::handle_hash_map::Handle;

/// A handle to an entry that does not keep it alive: made by [`Ref::downgrade`].
///
/// A pointer and a [`Handle`]: sixteen bytes on 64-bit targets. It outlives the entry and the map, and never resolves to another entry, also when the
/// slot is used again. Of a map that is gone it keeps one small allocation, as a `Weak` does of an
/// `Rc`; none of the storage for entries.
///
/// Two `WeakRef`s are equal if they name the same entry, gone or not. They are ordered by handle, as [`Ref`]s are. The
/// [default](Default::default) one names nothing.
///
/// ```
/// use rcmap::{RcHashMap, WeakRef};
///
/// // A tree whose children know their parent without keeping it alive.
/// struct Node {
///     parent: Option<WeakRef<&'static str, Node>>,
/// }
///
/// let map = RcHashMap::new();
/// let root = map.insert("root", Node { parent: None }).unwrap();
/// let leaf = map.insert("leaf", Node { parent: Some(root.downgrade()) }).unwrap();
/// let parent = leaf.value(&map).unwrap().parent.as_ref().unwrap();
/// assert!(parent.upgrade().unwrap() == root);
/// drop(root);
/// assert!(parent.upgrade().is_none());
/// ```
pub struct WeakRef<K, V, S = DefaultHashBuilder> {
    owner: Weak<Inner<K, V, S>>,
    handle: Handle,
}

/// A panic in user code leaves the map as it should be.
impl<K: RefUnwindSafe, V: RefUnwindSafe, S: RefUnwindSafe> UnwindSafe for WeakRef<K, V, S> {}
impl<K: RefUnwindSafe, V: RefUnwindSafe, S: RefUnwindSafe> RefUnwindSafe for WeakRef<K, V, S> {}

impl<K, V, S> WeakRef<K, V, S> {
    pub(super) fn new(owner: Weak<Inner<K, V, S>>, handle: Handle) -> Self {
        Self { owner, handle }
    }

    /// A `Ref` to the entry, or `None` if it is gone. O(1), hashes nothing.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let weak = r.downgrade();
    /// drop(map);
    /// assert_eq!(weak.upgrade().unwrap().as_key(), &"a");
    /// ```
    #[must_use = "dropping a `Ref` may remove its entry"]
    pub fn upgrade(&self) -> Option<Ref<K, V, S>> {
        Owner(self.owner.upgrade()?).resolve(self.handle)
    }

    /// Tells which handles name an entry of this map.
    pub(crate) fn contains_handle(&self) -> impl Fn(Handle) -> bool {
        let owner = self.owner.upgrade().map(Owner);
        move |handle| owner.as_ref().is_some_and(|owner| owner.contains_handle(handle))
    }

    /// The copyable name of the entry.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.downgrade().handle(), r.handle());
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }
}

impl<K, V, S> Clone for WeakRef<K, V, S> {
    fn clone(&self) -> Self {
        Self { owner: self.owner.clone(), handle: self.handle }
    }
}

/// Names nothing, and allocates nothing.
impl<K, V, S> Default for WeakRef<K, V, S> {
    fn default() -> Self {
        Self { owner: Weak::new(), handle: Handle::default() }
    }
}

impl<K, V, S> PartialEq for WeakRef<K, V, S> {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle && Weak::ptr_eq(&self.owner, &other.owner)
    }
}

impl<K, V, S> Eq for WeakRef<K, V, S> {}

/// By handle, then by owner.
impl<K, V, S> Ord for WeakRef<K, V, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        let owners = || self.owner.as_ptr().addr().cmp(&other.owner.as_ptr().addr());
        self.handle.cmp(&other.handle).then_with(owners)
    }
}

impl<K, V, S> PartialOrd for WeakRef<K, V, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K, V, S> Hash for WeakRef<K, V, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle.hash(state);
    }
}

impl<K, V, S> fmt::Debug for WeakRef<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakRef").field(&self.handle).finish()
    }
}
