//! What a map and its `Ref`s share, and the searches in it.
//!
//! Rules of all unsafe code of layer 3:
//!
//! - Every occupied slot owns one strong count of the `Rc` that [`Inner`] lies in (I7), so whoever
//!   has a [`Ref`] may reach `Inner` through the pointer in the slot's page.
//! - No reference into `Inner` lives on when the last keep-alive token is given back.
//! - User code runs with nothing borrowed (I5): `eq` in [`Owner::accepts`], the destructors of a key and a value
//!   in `removal`. (And the hasher's destructor, when `Inner` itself goes.)

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};

use hashbrown::{DefaultHashBuilder, TryReserveError};

use super::guard::Guard;
use super::reference::Ref;
use crate::counted_hash_map::{Counted, CountedHashMap, CountedSlot};
use crate::one_thread::ManyThreads;
use crate::table::{Cursor, Folded, Handle, Table, TableCell};
use crate::tokens::{RcCount, Token};

/// A value, and the unit of the map's strong count that its entry holds.
pub(super) struct Kept<V> {
    keep_alive: ManuallyDrop<Token>,
    value: V,
}

pub(super) type Slot<K, V> = CountedSlot<K, Kept<V>>;

#[inline]
pub(super) fn value_of<K, V>(slot: Slot<K, V>) -> *mut V {
    // SAFETY: (I2) the field lies in the page; no reference is made.
    unsafe { &raw mut (*slot.value()).value }
}

#[inline]
pub(super) fn keep_alive_of<K, V>(slot: Slot<K, V>) -> *mut ManuallyDrop<Token> {
    // SAFETY: (I2) the field lies in the page; no reference is made.
    unsafe { &raw mut (*slot.value()).keep_alive }
}

/// The map's memory, which the entry keeps.
///
/// # Safety
///
/// The slot is a live one of a map with this `K`, `V` and `S`.
#[inline]
pub(super) unsafe fn owner_of<K, V, S>(slot: Slot<K, V>) -> RcCount<Inner<K, V, S>> {
    // SAFETY: the slot is live.
    let owner = unsafe { slot.owner() };
    // SAFETY: (I7) it is what `Owner::with_hasher` has set.
    unsafe { RcCount::from_ptr(owner.cast()) }
}

/// What the map and its `Ref`s share.
pub(super) struct Inner<K, V, S> {
    map: CountedHashMap<K, Kept<V>, S>,
    /// How many entries were ever inserted: tells whether a miss still holds.
    epoch: Cell<u64>,
    /// Whether a drain is at work, to which others leave their entries.
    pub(super) draining: Cell<bool>,
    pub(super) guard: Guard,
}

/// A panic in user code leaves the map as it should be.
impl<K: RefUnwindSafe, V: RefUnwindSafe, S: RefUnwindSafe> RefUnwindSafe for Inner<K, V, S> {}

impl<K, V, S> Inner<K, V, S> {
    #[inline]
    pub(super) fn table(&self) -> &TableCell<K, Counted<Kept<V>>> {
        self.map.table()
    }
}

/// The map's own hold on [`Inner`]. Each map has one, so a `&mut Owner` is a `&mut` to the map. (What
/// [`WeakRef`](super::WeakRef) makes for a moment is never borrowed mutably.)
pub(super) struct Owner<K, V, S>(pub(super) Rc<Inner<K, V, S>>);

/// Who owns the map reaches its values mutably.
impl<K, V, S> UnwindSafe for Owner<K, V, S>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe + RefUnwindSafe,
{
}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Send for Owner<K, V, S> {}

// SAFETY: never so: nothing implements the trait.
unsafe impl<K: ManyThreads, V, S> Sync for Owner<K, V, S> {}

impl<K, V, S> Owner<K, V, S> {
    pub(super) fn with_hasher(hasher: S) -> Self {
        let owner = Self(Rc::new(Inner {
            map: CountedHashMap::with_hasher(hasher),
            epoch: Cell::new(0),
            draining: Cell::new(false),
            guard: Guard::default(),
        }));
        owner.change(|table| table.set_owner(owner.count().as_ptr().cast()));
        owner
    }

    #[inline]
    pub(super) fn count(&self) -> RcCount<Inner<K, V, S>> {
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

    /// Changes the table. `change` is a method of the table, which calls no user code.
    fn change<R>(&self, change: impl FnOnce(&mut Table<K, Counted<Kept<V>>>) -> R) -> R {
        // SAFETY: (I5) nothing is borrowed, and `change` does not come back here.
        change(unsafe { self.0.table().borrow_mut() })
    }

    pub(super) fn reserve(&self, additional: usize) {
        self.change(|table| table.reserve(additional));
    }

    pub(super) fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.change(|table| table.try_reserve(additional))
    }

    pub(super) fn shrink_to_fit(&self) {
        self.change(Table::shrink);
    }

    /// Frees the index, because the map goes and nobody can look up any more.
    pub(super) fn drop_index(&self) {
        self.change(Table::drop_index);
    }

    /// The entry that is listed under `hash` and that `eq` accepts. If there is none, then still so when
    /// this returns.
    #[inline(always)]
    pub(super) fn find(
        &self,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
    ) -> Option<Ref<K, V, S>> {
        let found = self.search(hash, &mut eq);
        // By hand: a value on its way out leaks if a parameter's destructor panics.
        drop(eq);
        found
    }

    #[inline(always)]
    fn search(&self, hash: Folded, eq: &mut impl FnMut(&K) -> bool) -> Option<Ref<K, V, S>> {
        // Without any candidate no user code has run: the miss holds.
        let slot = CountedSlot::new(self.0.table().get().first_candidate(hash)?);
        // SAFETY: (I3) an indexed slot is live.
        let candidate = unsafe { Ref::mint(slot) };
        // Nearly always the first candidate is the one.
        if self.accepts(&candidate, eq) {
            return Some(candidate);
        }
        let refused = candidate.handle();
        drop(candidate);
        self.find_other(hash, refused, eq)
    }

    /// Asks `eq` about an entry, with nothing borrowed. The `Ref` keeps the entry, whatever `eq` does.
    #[inline]
    fn accepts(
        &self,
        candidate: &Ref<K, V, S>,
        eq: &mut (impl ?Sized + FnMut(&K) -> bool),
    ) -> bool {
        let _comparing = self.0.guard.comparing();
        eq(candidate.as_key())
    }

    /// Asks about the candidates but for the one that was refused, and again if anything was inserted meanwhile.
    #[cold]
    #[inline(never)]
    fn find_other(
        &self,
        hash: Folded,
        refused: Handle,
        eq: &mut dyn FnMut(&K) -> bool,
    ) -> Option<Ref<K, V, S>> {
        loop {
            let epoch = self.epoch();
            for handle in self.candidates(hash).iter().filter(|&handle| handle != refused) {
                // `eq` may have dropped its last `Ref`.
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
        self.0.table().get().for_each_candidate(hash, |slot| {
            // SAFETY: (I3) an indexed slot is live.
            candidates.push(unsafe { CountedSlot::new(slot).handle() });
        });
        candidates
    }

    pub(super) fn resolve(&self, handle: Handle) -> Option<Ref<K, V, S>> {
        let slot = self.0.table().get().slot(handle)?;
        // SAFETY: the slot is live.
        Some(unsafe { Ref::mint(CountedSlot::new(slot)) })
    }

    pub(super) fn contains_handle(&self, handle: Handle) -> bool {
        self.0.table().get().slot(handle).is_some()
    }

    /// Adds an entry, whose key the caller has found to be new.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    #[inline]
    pub(super) fn add(&self, hash: Folded, key: K, value: V) -> Ref<K, V, S> {
        // SAFETY: (I5) nothing is borrowed. Key and value follow.
        let (slot, token) = unsafe { self.0.map.insert_shared(hash) };
        // SAFETY: (I7) the map holds a strong count itself.
        let keep_alive = ManuallyDrop::new(unsafe { self.count().get() });
        // SAFETY: nobody refers to the slot yet.
        unsafe { keep_alive_of(slot).write(keep_alive) };
        // SAFETY: as above.
        unsafe { slot.key().write(key) };
        // SAFETY: as above.
        unsafe { value_of(slot).write(value) };
        self.0.epoch.set(self.0.epoch.get().wrapping_add(1));
        // SAFETY: the entry has just been added, and this is its first token.
        unsafe { Ref::new(slot, token) }
    }

    pub(super) fn entries(&self) -> Entries<'_, K, V, S> {
        Entries { owner: self, cursor: self.0.table().get().cursor() }
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
            if entry.owner() != self.count() || refs[..index].contains(entry) {
                return Err(index);
            }
        }
        // SAFETY: (I9) the map is borrowed mutably for `'a`, the entries are distinct, and each lives
        // as long as its `Ref`, which is borrowed for `'a` too.
        Ok(refs.map(|entry| unsafe { &mut *value_of(entry.slot()) }))
    }

    /// Asserts the invariants of `design.md`. Call it where nothing runs: outside of user code.
    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(super) fn check_invariants(&self) {
        assert!(!self.0.draining.get(), "no drain is stuck");
        self.enter();
        self.0.map.check_invariants();
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

/// A walk over the entries, minting a `Ref` for each.
pub(super) struct Entries<'a, K, V, S> {
    owner: &'a Owner<K, V, S>,
    cursor: Cursor,
}

impl<K, V, S> Iterator for Entries<'_, K, V, S> {
    type Item = Ref<K, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (slot, _) = self.owner.0.table().get().advance(&mut self.cursor)?;
        // SAFETY: the slot is live.
        Some(unsafe { Ref::mint(CountedSlot::new(slot)) })
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
        unsafe { &*value_of(self.entry.slot()) }
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
        unsafe { &mut *value_of(self.entry.slot()) }
    }
}
