//! [`Ref`], the handle that keeps its entry, and [`RawRef`], the same without a destructor.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use hashbrown::{DefaultHashBuilder, Equivalent};

use super::inner::{Inner, Slot, owner_of, value_of};
use super::{RcHashMap, WeakRef, removal};
use crate::error::WrongMap;
use crate::one_thread::ManyThreads;
use crate::table::Handle;
use crate::tokens::{RcCount, Token, UsizeCount};

/// A handle that keeps its entry alive.
///
/// One word, and so is an `Option<Ref>`. Clones share the entry; when the last one is dropped, the
/// entry leaves the map, and its key and value are dropped. A `Ref` may be stored in other keys and
/// values, and may outlive the map. Cloning, dropping and reading allocate nothing and hash nothing.
///
/// Two `Ref`s are equal if they name the same entry. The hash is that of the [`Handle`], so it does not depend on
/// addresses; the handles of several maps hash differently. The order is that of the handles: it
/// stays as it is while the map lives, and says nothing of the keys. `Ref`s of different maps are ordered in some way
/// that may be another one in the next run.
///
/// There is no `Borrow<Handle>`: a `Ref` holds no handle to lend. But a [`Handle`] is [`Equivalent`] to its `Ref`, so
/// hashbrown's and indexmap's maps with keys of `Ref`s can be asked with handles.
///
/// As with `Rc`, a cycle of `Ref`s is never freed: break it with a [`WeakRef`](crate::WeakRef).
///
/// ```
/// use rcmap::RcHashMap;
///
/// let map = RcHashMap::new();
/// let first = map.insert("key", 1).unwrap();
/// let second = first.clone();
/// drop(first);
/// assert_eq!(second.value(&map), Ok(&1));
/// drop(second);
/// assert!(map.is_empty());
/// ```
#[must_use = "dropping the last `Ref` removes the entry"]
pub struct Ref<K, V, S = DefaultHashBuilder> {
    slot: Slot<K, V>,
    token: ManuallyDrop<Token>,
    owner: PhantomData<RcCount<Inner<K, V, S>>>,
}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Send for Ref<K, V, S> {}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Sync for Ref<K, V, S> {}

impl<K, V, S> Ref<K, V, S> {
    /// # Safety
    ///
    /// The slot is a live one of a map with this `K`, `V` and `S`, and the token is of its count.
    #[inline]
    pub(super) unsafe fn new(slot: Slot<K, V>, token: Token) -> Self {
        Self { slot, token: ManuallyDrop::new(token), owner: PhantomData }
    }

    /// # Safety
    ///
    /// The slot is a live one of a map with this `K`, `V` and `S`.
    #[inline]
    pub(super) unsafe fn mint(slot: Slot<K, V>) -> Self {
        // SAFETY: the slot is live, and stays so while the token is out.
        let count = unsafe { slot.count() };
        // SAFETY: the token is of this count.
        unsafe { Self::new(slot, count.get_another()) }
    }

    #[inline]
    fn count(&self) -> &UsizeCount {
        // SAFETY: (I6) the slot is live.
        unsafe { self.slot.count() }
    }

    #[inline]
    pub(super) fn slot(&self) -> Slot<K, V> {
        self.slot
    }

    /// The map's memory, which the entry keeps.
    #[inline]
    pub(super) fn owner(&self) -> RcCount<Inner<K, V, S>> {
        // SAFETY: (I6) the slot is live.
        unsafe { owner_of(self.slot) }
    }

    #[inline]
    pub(crate) fn owner_address(&self) -> usize {
        self.owner().as_ptr().addr()
    }

    /// The key of the entry. O(1), touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.key(&map), Ok(&"a"));
    /// ```
    #[inline]
    pub fn key<'a>(&'a self, map: &'a RcHashMap<K, V, S>) -> Result<&'a K, WrongMap> {
        if self.belongs_to(map) { Ok(self.as_key()) } else { Err(WrongMap) }
    }

    /// The value of the entry. O(1): one comparison of pointers, touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[inline]
    pub fn value<'a>(&'a self, map: &'a RcHashMap<K, V, S>) -> Result<&'a V, WrongMap> {
        if !self.belongs_to(map) {
            return Err(WrongMap);
        }
        // SAFETY: (I6) the entry lives as long as this `Ref`, which is borrowed, and (I8) a `&mut V` needs a
        // `&mut` of the map, which is shared for `'a`.
        Ok(unsafe { &*value_of(self.slot) })
    }

    /// The key and the value of the entry. O(1), touches no count.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.key_value(&map), Ok((&"a", &1)));
    /// ```
    #[inline]
    pub fn key_value<'a>(
        &'a self,
        map: &'a RcHashMap<K, V, S>,
    ) -> Result<(&'a K, &'a V), WrongMap> {
        Ok((self.as_key(), self.value(map)?))
    }

    /// The value of the entry, mutably. O(1), touches no count.
    ///
    /// While it is borrowed, `Ref`s to this and to other entries can still be cloned and dropped.
    ///
    /// # Errors
    ///
    /// [`WrongMap`] if the entry is not of this map.
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// *r.value_mut(&mut map).unwrap() += 1;
    /// assert_eq!(r.value(&map), Ok(&2));
    /// ```
    #[inline]
    pub fn value_mut<'a>(&'a self, map: &'a mut RcHashMap<K, V, S>) -> Result<&'a mut V, WrongMap> {
        if !self.belongs_to(map) {
            return Err(WrongMap);
        }
        // SAFETY: (I6) the entry lives as long as this `Ref`, and (I8) the map is borrowed mutably
        // for `'a`, so that nobody else refers to a value in it.
        Ok(unsafe { &mut *value_of(self.slot) })
    }

    /// The key of the entry, without the map: keys never move or change. O(1), touches no count.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// drop(map);
    /// assert_eq!(r.as_key(), &"a");
    /// ```
    #[must_use]
    #[inline]
    pub fn as_key(&self) -> &K {
        // SAFETY: (I6) the entry lives as long as this `Ref`, which is borrowed; keys never change.
        unsafe { &*self.slot.key() }
    }

    /// A copyable name of the entry, which keeps nothing alive. O(1).
    ///
    /// [`RcHashMap::resolve`] turns it into a `Ref` again.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// assert_eq!(r.handle(), r.clone().handle());
    /// ```
    #[must_use]
    #[inline]
    pub fn handle(&self) -> Handle {
        // SAFETY: (I6) the slot is live.
        unsafe { self.slot.handle() }
    }

    /// The number of `Ref`s to the entry. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let _second = r.clone();
    /// assert_eq!(r.strong_count(), 2);
    /// ```
    #[must_use]
    #[inline]
    pub fn strong_count(&self) -> usize {
        self.count().count()
    }

    /// Whether the entry is of this map. O(1).
    ///
    /// ```
    /// let (map, other) = (rcmap::RcHashMap::new(), rcmap::RcHashMap::new());
    /// let r = map.insert("a", 1).unwrap();
    /// assert!(r.belongs_to(&map));
    /// assert!(!r.belongs_to(&other));
    /// ```
    #[must_use]
    #[inline]
    pub fn belongs_to(&self, map: &RcHashMap<K, V, S>) -> bool {
        self.owner() == map.owner.count()
    }

    /// A handle that keeps no entry alive and can become a `Ref` again while somebody else does. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a", 1).unwrap();
    /// let weak = r.downgrade();
    /// assert!(weak.upgrade().unwrap() == r);
    /// drop(r);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakRef<K, V, S> {
        // SAFETY: (I7) the entry holds `Inner`.
        WeakRef::new(unsafe { self.owner().downgrade() }, self.handle())
    }

    /// Takes key and value out, if this is the last `Ref`; also when the map is gone. O(1).
    ///
    /// # Errors
    ///
    /// If there are other `Ref`s, or if called from `Eq` while the map compares keys: the `Ref` comes
    /// back.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let r = map.insert("a".to_string(), 1).unwrap();
    /// let second = r.clone();
    /// let r = r.try_unwrap().unwrap_err();
    /// drop(second);
    /// assert_eq!(r.try_unwrap().unwrap(), ("a".to_string(), 1));
    /// assert!(map.is_empty());
    /// ```
    #[inline(never)] // See `removal::take_out`.
    pub fn try_unwrap(self) -> Result<(K, V), Self> {
        if self.strong_count() != 1 {
            return Err(self);
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the `Ref` is not used or dropped again.
        let token = unsafe { ManuallyDrop::take(&mut this.token) };
        this.count().put_own(token);
        // SAFETY: this was the only `Ref`, and it was not borrowed.
        unsafe { removal::take_out::<K, V, S>(this.slot) }
    }

    /// Turns the `Ref` into a value that can be copied and stored anywhere, without giving up its
    /// count: the entry stays until [`from_raw`](Self::from_raw) takes it back. O(1).
    ///
    /// ```
    /// use rcmap::{RcHashMap, Ref};
    ///
    /// let map = RcHashMap::new();
    /// let raw = map.insert("key", 1).unwrap().into_raw();
    /// assert_eq!(map.len(), 1);
    /// // SAFETY: `raw` came from `into_raw` and is taken back once.
    /// let r = unsafe { Ref::from_raw(raw) };
    /// assert_eq!(r.value(&map), Ok(&1));
    /// ```
    #[must_use = "the entry stays for ever unless `from_raw` takes it back"]
    pub fn into_raw(self) -> RawRef<K, V, S> {
        let this = ManuallyDrop::new(self);
        RawRef { slot: this.slot, owner: PhantomData }
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave. O(1).
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw`, and of all its copies this is the only one that is taken back.
    ///
    /// ```
    /// use rcmap::{RcHashMap, Ref};
    ///
    /// let map = RcHashMap::new();
    /// let raw = map.insert("key", 1).unwrap().into_raw();
    /// // SAFETY: `raw` came from `into_raw` and is taken back once.
    /// drop(unsafe { Ref::from_raw(raw) });
    /// assert!(map.is_empty());
    /// ```
    #[must_use = "dropping a `Ref` may remove its entry"]
    pub unsafe fn from_raw(raw: RawRef<K, V, S>) -> Self {
        // SAFETY: the token that `into_raw` put aside; its type has size zero.
        let token = unsafe { NonNull::<Token>::dangling().read() };
        // SAFETY: (I6) the caller's promise: the unit is still out, so the slot is live.
        unsafe { Self::new(raw.slot, token) }
    }
}

impl<K, V, S> Clone for Ref<K, V, S> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: (I6) the slot is live.
        unsafe { Self::mint(self.slot) }
    }
}

impl<K, V, S> Drop for Ref<K, V, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the `Ref` is not used again.
        let token = unsafe { ManuallyDrop::take(&mut self.token) };
        if self.count().put_own(token) {
            // SAFETY: this was the last `Ref`, so nobody refers to the entry.
            unsafe { removal::remove::<K, V, S>(self.slot) };
        }
    }
}

impl<K, V, S> PartialEq for Ref<K, V, S> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
    }
}

impl<K, V, S> Eq for Ref<K, V, S> {}

/// By handle, then by owner.
impl<K, V, S> Ord for Ref<K, V, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        let owners = || self.owner_address().cmp(&other.owner_address());
        self.handle().cmp(&other.handle()).then_with(owners)
    }
}

impl<K, V, S> PartialOrd for Ref<K, V, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether the `Ref` has this handle. In which map, the handle does not know.
impl<K, V, S> Equivalent<Ref<K, V, S>> for Handle {
    fn equivalent(&self, key: &Ref<K, V, S>) -> bool {
        *self == key.handle()
    }
}

impl<K, V, S> Hash for Ref<K, V, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle().hash(state);
    }
}

/// Prints the handle, not the entry: somebody may hold a `&mut` to the value.
impl<K, V, S> fmt::Debug for Ref<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(&self.handle()).finish()
    }
}

impl<K, V, S> fmt::Debug for RawRef<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRef").finish_non_exhaustive()
    }
}

/// A [`Ref`] without a destructor: one word, `Copy`, made by [`Ref::into_raw`].
///
/// It carries the count of the `Ref` that it was made from. Copies do not raise the count, so only one
/// of them may be taken back with [`Ref::from_raw`].
///
/// ```
/// use rcmap::{RawRef, RcHashMap, Ref};
///
/// let map = RcHashMap::new();
/// let raw: RawRef<&str, u32> = map.insert("key", 1).unwrap().into_raw();
/// // SAFETY: `raw` came from `into_raw` and is taken back once.
/// let r = unsafe { Ref::from_raw(raw) };
/// assert_eq!(r.strong_count(), 1);
/// ```
pub struct RawRef<K, V, S = DefaultHashBuilder> {
    slot: Slot<K, V>,
    owner: PhantomData<RcCount<Inner<K, V, S>>>,
}

impl<K, V, S> Clone for RawRef<K, V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V, S> Copy for RawRef<K, V, S> {}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Send for RawRef<K, V, S> {}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Sync for RawRef<K, V, S> {}
