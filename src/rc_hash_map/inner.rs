//! The shared part of a map, the searches in it, and the `Ref`s to it.
//!
//! All unsafe code of layer 3 is here and in [`removal`]. The rules that it follows:
//!
//! - Every occupied slot owns one strong count of the `Rc` that [`Inner`] lies in (I7), so whoever
//!   has a [`Ref`] may reach `Inner` through its raw owner pointer.
//! - No reference into `Inner` lives on when the last keep-alive token is given back.
//! - User code runs with nothing borrowed (I5): `eq` in [`Owner::accepts`], the destructors of a key and a value
//!   in `removal`. (And the hasher's destructor, when `Inner` itself goes.)

mod guard;
#[allow(
    unsafe_code,
    reason = "entries are destroyed through pointers, and with the last one `Inner`"
)]
mod removal;

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use hashbrown::{DefaultHashBuilder, TryReserveError};

use crate::counted_hash_map::{CountedCursor, CountedHashMap, CountedSlot};
use crate::handle_hash_map::Handle;
use crate::storage::{Folded, Queue};
use crate::tokens::{Count, RcCount, Token};
use guard::Guard;
use removal::let_go;

/// A value, and the unit of the map's strong count that its entry holds.
struct Kept<V> {
    keep_alive: ManuallyDrop<Token>,
    value: V,
}

type Slot<K, V> = CountedSlot<K, Kept<V>>;

#[inline]
fn value_of<K, V>(slot: Slot<K, V>) -> *mut V {
    // SAFETY: (I3) the field lies in the block; no reference is made.
    unsafe { &raw mut (*slot.value()).value }
}

/// What the map and its `Ref`s share.
pub(super) struct Inner<K, V, S> {
    map: CountedHashMap<K, Kept<V>, S>,
    /// How many entries were ever inserted: tells whether a miss still holds.
    epoch: Cell<u64>,
    /// Dead entries that wait for their destructors.
    waiting: Queue,
    /// Whether a drain of [`removal`] is at work, to which others leave their entries.
    draining: Cell<bool>,
    guard: Guard,
}

/// The map's own hold on [`Inner`]. Each map has one, so a `&mut Owner` is a `&mut` to the map. (What
/// [`WeakOwner`] makes for a moment is never borrowed mutably.)
pub(super) struct Owner<K, V, S>(Rc<Inner<K, V, S>>);

impl<K, V, S> Owner<K, V, S> {
    pub(super) fn with_hasher(hasher: S) -> Self {
        Self(Rc::new(Inner {
            map: CountedHashMap::with_hasher(hasher),
            epoch: Cell::new(0),
            waiting: Queue::new(),
            draining: Cell::new(false),
            guard: Guard::default(),
        }))
    }

    #[inline]
    fn count(&self) -> RcCount<Inner<K, V, S>> {
        RcCount::of(&self.0)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.map.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.map.capacity()
    }

    #[inline]
    pub(super) fn hasher(&self) -> &S {
        self.0.map.hasher()
    }

    /// Changes whenever an entry is inserted.
    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        self.0.epoch.get()
    }

    /// Whoever enters the map calls this first.
    ///
    /// # Panics
    ///
    /// In debug builds, if `Eq` of this map runs.
    #[inline]
    #[track_caller]
    pub(super) fn enter(&self) {
        self.0.guard.check();
    }

    pub(super) fn reserve(&self, additional: usize) {
        // SAFETY: (I5) nothing is borrowed.
        unsafe { self.0.map.reserve_shared(additional) };
    }

    pub(super) fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        // SAFETY: (I5) nothing is borrowed.
        unsafe { self.0.map.try_reserve_shared(additional) }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        // SAFETY: (I5) nothing is borrowed, and `&mut self` says that no iterator exists.
        unsafe { self.0.map.shrink_shared() };
    }

    /// The entry that is listed under `hash` and that `eq` accepts. If there is none, then still so when
    /// this returns.
    #[inline]
    pub(super) fn find(
        &self,
        hash: Folded,
        eq: &mut impl FnMut(&K) -> bool,
    ) -> Option<Ref<K, V, S>> {
        // Nearly always the first candidate is the one. Without any no user code has run: the miss holds.
        let slot = self.0.map.first_candidate(hash)?;
        let epoch = self.epoch();
        // SAFETY: an indexed slot is live.
        let candidate = unsafe { Ref::mint_for_now(self.count(), slot) };
        if self.accepts(&candidate, eq) {
            return Some(candidate);
        }
        let refused = candidate.handle_of();
        drop(candidate);
        self.find_other(hash, refused, epoch, eq)
    }

    /// Asks `eq` about an entry, with nothing borrowed. The `Ref` keeps the entry, whatever `eq` does.
    #[inline]
    fn accepts(
        &self,
        candidate: &Ref<K, V, S>,
        eq: &mut (impl ?Sized + FnMut(&K) -> bool),
    ) -> bool {
        let _comparing = self.0.guard.comparing();
        eq(candidate.key_ref())
    }

    /// Asks about the candidates but for the one that was refused, and about all again if anything was
    /// inserted meanwhile.
    #[cold]
    #[inline(never)]
    fn find_other(
        &self,
        hash: Folded,
        refused: Handle,
        mut epoch: u64,
        eq: &mut dyn FnMut(&K) -> bool,
    ) -> Option<Ref<K, V, S>> {
        let mut refused = Some(refused);
        loop {
            if epoch != self.epoch() {
                refused = None;
                epoch = self.epoch();
            }
            for handle in self.candidates(hash).iter().filter(|&handle| Some(handle) != refused) {
                // `eq` may have let go of this one.
                let Some(candidate) = self.resolve(handle) else { continue };
                if self.accepts(&candidate, eq) {
                    return Some(candidate);
                }
            }
            // Only now, for the last candidate's destructors may insert.
            if epoch == self.epoch() {
                return None;
            }
        }
    }

    /// All entries that may have this hash.
    fn candidates(&self, hash: Folded) -> Candidates {
        let mut candidates = Candidates::default();
        self.0.map.for_each_candidate(hash, |slot| {
            // SAFETY: an indexed slot is live.
            candidates.push(unsafe { slot.handle() });
        });
        candidates
    }

    pub(super) fn resolve(&self, handle: Handle) -> Option<Ref<K, V, S>> {
        // SAFETY: (I1) a handle that resolves names a live slot.
        self.0.map.locate(handle).map(|slot| unsafe { Ref::mint(self.count(), slot) })
    }

    /// Adds an entry, whose key the caller has found to be new.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    #[inline(always)] // Down to the table: an insertion that is one function takes 7 % less time.
    pub(super) fn add(&self, hash: Folded, key: K, value: V) -> Ref<K, V, S> {
        let owner = self.count();
        let kept = || {
            // SAFETY: (I7) the map holds a strong count itself.
            let keep_alive = ManuallyDrop::new(unsafe { owner.get() });
            Kept { keep_alive, value }
        };
        // SAFETY: (I5) nothing is borrowed.
        let (slot, token) = unsafe { self.0.map.insert_shared(hash, key, kept) };
        self.0.epoch.set(self.0.epoch.get().wrapping_add(1));
        // SAFETY: the entry has just been added, and this is its first token.
        unsafe { Ref::new(owner, slot, token) }
    }

    pub(super) fn entries(&self) -> Entries<'_, K, V, S> {
        Entries { owner: self, cursor: self.0.map.cursor() }
    }

    pub(super) fn entries_mut(&mut self) -> EntriesMut<'_, K, V, S> {
        EntriesMut { entries: self.entries(), map: PhantomData }
    }

    /// The values of distinct entries of this map; otherwise the first position that is in the way.
    pub(super) fn disjoint_mut<'a, const N: usize>(
        &'a mut self,
        refs: [&'a Ref<K, V, S>; N],
    ) -> Result<[&'a mut V; N], usize> {
        for (index, entry) in refs.iter().enumerate() {
            if !entry.is_of(self) || refs[..index].contains(entry) {
                return Err(index);
            }
        }
        // SAFETY: (I9) the map is borrowed mutably for `'a`, the entries are distinct, and each lives
        // as long as its `Ref`, which is borrowed for `'a` too.
        Ok(refs.map(|entry| unsafe { &mut *value_of(entry.slot) }))
    }

    /// Asserts the invariants of `design.md`. Call it where nothing runs: outside of user code.
    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(super) fn check_invariants(&self) {
        let inner = &*self.0;
        assert!(!inner.draining.get(), "no drain is stuck");
        assert!(inner.waiting.is_empty(), "nothing waits");
        inner.guard.check();
        inner.map.check_shared();
        assert_eq!(Rc::strong_count(&self.0), 1 + self.len(), "(I7) one keep-alive unit an entry");
    }
}

/// Handles of the entries that may have one hash. Those of an ordinary map fit in place.
#[derive(Default)]
struct Candidates {
    few: [Option<Handle>; 8],
    count: usize,
    more: Vec<Handle>,
}

impl Candidates {
    fn push(&mut self, handle: Handle) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = Some(handle),
            None => self.more.push(handle),
        }
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = Handle> {
        self.few.iter().copied().flatten().chain(self.more.iter().copied())
    }
}

/// A handle that keeps its entry alive.
///
/// Two words, and so is an `Option<Ref>`. Clones share the entry; when the last one is dropped, the
/// entry leaves the map, and its key and value are dropped. A `Ref` may be stored in other keys and
/// values, and may outlive the map. Cloning, dropping and reading allocate nothing and hash nothing.
///
/// Two `Ref`s are equal if they name the same entry. The hash is that of the [`Handle`], so it does
/// not depend on addresses.
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
pub struct Ref<K, V, S = DefaultHashBuilder> {
    /// First, so that it is what tells an `Option<Ref>` from `None`: callers then know the owner of every other.
    slot: Slot<K, V>,
    owner: RcCount<Inner<K, V, S>>,
    token: ManuallyDrop<Token>,
}

impl<K, V, S> Ref<K, V, S> {
    /// # Safety
    ///
    /// The slot is a live one of `owner`, and the token is of its count.
    #[inline]
    unsafe fn new(owner: RcCount<Inner<K, V, S>>, slot: Slot<K, V>, token: Token) -> Self {
        Self { owner, slot, token: ManuallyDrop::new(token) }
    }

    fn into_parts(self) -> (Slot<K, V>, Token) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the `Ref` is not used or dropped again.
        (this.slot, unsafe { ManuallyDrop::take(&mut this.token) })
    }

    /// # Safety
    ///
    /// The slot is a live one of `owner`.
    #[inline]
    unsafe fn mint(owner: RcCount<Inner<K, V, S>>, slot: Slot<K, V>) -> Self {
        // SAFETY: the slot is live, and stays so while the token is out.
        let count = unsafe { slot.count() };
        debug_assert!(!count.is_zero(), "(I6) a live entry has a token out");
        // SAFETY: the token is of this count.
        unsafe { Self::new(owner, slot, count.get()) }
    }

    /// Like `mint`, for a `Ref` that is likely to go soon.
    ///
    /// # Safety
    ///
    /// As for `mint`.
    #[inline]
    unsafe fn mint_for_now(owner: RcCount<Inner<K, V, S>>, slot: Slot<K, V>) -> Self {
        // SAFETY: the slot is live, and stays so while the token is out.
        let count = unsafe { slot.count() };
        debug_assert!(!count.is_zero(), "(I6) a live entry has a token out");
        // SAFETY: the token is of this count.
        unsafe { Self::new(owner, slot, count.get_for_now()) }
    }

    #[inline]
    pub(super) fn is_of(&self, owner: &Owner<K, V, S>) -> bool {
        self.owner == owner.count()
    }

    /// Whether two `Ref`s name the same entry: slots of different maps differ, while both live.
    #[inline]
    pub(super) fn same(&self, other: &Self) -> bool {
        self.slot == other.slot
    }

    #[inline]
    pub(crate) fn owner_address(&self) -> usize {
        self.owner.as_ptr().addr()
    }

    #[inline]
    pub(super) fn key_ref(&self) -> &K {
        // SAFETY: (I6) the entry lives as long as this `Ref`, which is borrowed; keys never change.
        unsafe { &*self.slot.key() }
    }

    #[inline]
    pub(super) fn value_in<'a>(&'a self, owner: &'a Owner<K, V, S>) -> Option<&'a V> {
        if !self.is_of(owner) {
            return None;
        }
        // SAFETY: (I6) as for the key, and (I9) a `&mut V` needs a `&mut` of the map, which is shared
        // for `'a`.
        Some(unsafe { &*value_of(self.slot) })
    }

    #[inline]
    pub(super) fn value_in_mut<'a>(&'a self, owner: &'a mut Owner<K, V, S>) -> Option<&'a mut V> {
        if !self.is_of(owner) {
            return None;
        }
        // SAFETY: (I6) the entry lives as long as this `Ref`, and (I9) the map is borrowed mutably
        // for `'a`, so that nobody else refers to a value in it.
        Some(unsafe { &mut *value_of(self.slot) })
    }

    #[inline]
    pub(super) fn handle_of(&self) -> Handle {
        // SAFETY: (I6) the slot is live.
        unsafe { self.slot.handle() }
    }

    #[inline]
    pub(super) fn count(&self) -> usize {
        // SAFETY: (I6) the slot is live.
        unsafe { self.slot.count() }.count()
    }

    pub(super) fn weak_owner(&self) -> WeakOwner<K, V, S> {
        // SAFETY: (I7) the entry holds `Inner`.
        WeakOwner(unsafe { self.owner.downgrade() })
    }

    /// Takes the entry out, if this is its last `Ref`.
    pub(super) fn take_out(self) -> Result<(K, V), Self> {
        // SAFETY: (I7) the entry holds `Inner`; the reference is not used once that may end.
        let inner = unsafe { &*self.owner.as_ptr() };
        if self.count() != 1 {
            return Err(self);
        }
        let owner = self.owner;
        let (slot, token) = self.into_parts();
        // SAFETY: (I6) the slot is live until it is taken out below.
        unsafe { slot.count() }.put_own(token);
        // SAFETY: (I5) nothing is borrowed; this was the only `Ref`, and it was not borrowed.
        let (key, kept) = unsafe { inner.map.take_out(slot) };
        let Kept { keep_alive, value } = kept;
        // SAFETY: the entry's own token, and nothing looks at `Inner` after this.
        unsafe { owner.put(ManuallyDrop::into_inner(keep_alive)) };
        Ok((key, value))
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
        RawRef { owner: this.owner, slot: this.slot }
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
        unsafe { Self::new(raw.owner, raw.slot, token) }
    }
}

impl<K, V, S> Clone for Ref<K, V, S> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: (I6) the slot is live.
        unsafe { Self::mint(self.owner, self.slot) }
    }
}

impl<K, V, S> Drop for Ref<K, V, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the `Ref` is not used again.
        let token = unsafe { ManuallyDrop::take(&mut self.token) };
        // SAFETY: (I6) the slot is live until its last token is put back.
        if unsafe { self.slot.count() }.put_own(token) {
            // SAFETY: this was the last `Ref`, so nobody refers to the entry.
            unsafe { let_go(self.owner, self.slot) };
        }
    }
}

/// A [`Ref`] without a destructor: two words, `Copy`, made by [`Ref::into_raw`].
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
    owner: RcCount<Inner<K, V, S>>,
    slot: Slot<K, V>,
}

impl<K, V, S> Clone for RawRef<K, V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V, S> Copy for RawRef<K, V, S> {}

/// What a `WeakRef` holds of the map: its memory at most, no entry.
pub(super) struct WeakOwner<K, V, S>(Weak<Inner<K, V, S>>);

impl<K, V, S> Clone for WeakOwner<K, V, S> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<K, V, S> PartialEq for WeakOwner<K, V, S> {
    fn eq(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.0, &other.0)
    }
}

impl<K, V, S> WeakOwner<K, V, S> {
    /// A `Ref` to the entry, if it still exists.
    pub(super) fn resolve(&self, handle: Handle) -> Option<Ref<K, V, S>> {
        Owner(self.0.upgrade()?).resolve(handle)
    }
}

/// A walk over the entries, minting a `Ref` for each.
pub(super) struct Entries<'a, K, V, S> {
    owner: &'a Owner<K, V, S>,
    cursor: CountedCursor<K, Kept<V>>,
}

impl<K, V, S> Iterator for Entries<'_, K, V, S> {
    type Item = Ref<K, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the map is borrowed, and it shrinks only when borrowed mutably.
        let slot = unsafe { self.owner.0.map.advance(&mut self.cursor) }?;
        // Most loops are done with a `Ref` when its turn is over.
        // SAFETY: the slot is live.
        Some(unsafe { Ref::mint_for_now(self.owner.count(), slot) })
    }
}

/// A walk over the entries of a map that is borrowed mutably.
pub(super) struct EntriesMut<'a, K, V, S> {
    entries: Entries<'a, K, V, S>,
    map: PhantomData<&'a mut Owner<K, V, S>>,
}

impl<'a, K, V, S> Iterator for EntriesMut<'a, K, V, S> {
    type Item = EntryMut<'a, K, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // (I9) The cursor comes to each slot once, so no entry has two guards.
        self.entries.next().map(|entry| EntryMut { entry, map: PhantomData })
    }
}

/// One entry of a map that is borrowed mutably: what [`iter_mut`](crate::RcHashMap::iter_mut) yields.
///
/// It holds a [`Ref`], so its entry stays while it exists, whatever else is dropped. Dereferences to
/// the value.
///
/// ```
/// use rcmap::RcHashMap;
///
/// let mut map = RcHashMap::new();
/// let r = map.insert("key", vec![1]).unwrap();
/// for mut entry in &mut map {
///     entry.push(2);
/// }
/// assert_eq!(r.value(&map).unwrap(), &[1, 2]);
/// ```
pub struct EntryMut<'a, K, V, S = DefaultHashBuilder> {
    entry: Ref<K, V, S>,
    map: PhantomData<&'a mut Owner<K, V, S>>,
}

impl<K, V, S> EntryMut<'_, K, V, S> {
    #[inline]
    pub(super) fn entry(&self) -> &Ref<K, V, S> {
        &self.entry
    }

    /// The value of the entry. O(1).
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let _r = map.insert("key", 1).unwrap();
    /// assert_eq!(map.iter_mut().next().unwrap().value(), &1);
    /// ```
    #[must_use]
    #[inline]
    pub fn value(&self) -> &V {
        // SAFETY: (I6) the `Ref` keeps the entry, (I9) the only way to its value is this guard.
        unsafe { &*value_of(self.entry.slot) }
    }

    /// The value of the entry, mutably. O(1).
    ///
    /// ```
    /// let mut map = rcmap::RcHashMap::new();
    /// let r = map.insert("key", 1).unwrap();
    /// *map.iter_mut().next().unwrap().value_mut() = 5;
    /// assert_eq!(r.value(&map), Ok(&5));
    /// ```
    #[must_use]
    #[inline]
    pub fn value_mut(&mut self) -> &mut V {
        // SAFETY: (I6) the `Ref` keeps the entry, (I9) the only way to its value is this guard.
        unsafe { &mut *value_of(self.entry.slot) }
    }
}
