//! The shared part of a map, the searches in it, and the `Ref`s to it.
//!
//! All unsafe code of layer 3 is here and in [`removal`]. It does not know how entries are indexed or
//! stored, only the verbs of layer 2. The rules that it follows:
//!
//! - Every occupied slot owns one strong count of the `Rc` that [`Inner`] lies in (I7), so whoever
//!   has a [`Ref`] may reach `Inner` through its raw owner pointer.
//! - No reference into `Inner` lives on when the last keep-alive token is given back.
//! - User code runs at three places only: `eq` in [`Owner::search_first`], [`Owner::search_in`] and
//!   [`Probe::search`], the destructors of a key and a value in `removal`, and that of `eq` at the end of a
//!   lookup. (And the hasher's destructor, when `Inner` itself goes.)

mod guard;
#[allow(
    unsafe_code,
    reason = "entries are destroyed through pointers, and with the last one `Inner`"
)]
mod removal;

use alloc::rc::{Rc, Weak};
use core::cell::Cell;
use core::hint::assert_unchecked;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use hashbrown::{DefaultHashBuilder, TryReserveError};

use crate::counted_hash_map::{CountedCursor, CountedHashMap, CountedSlot};
use crate::handle_hash_map::{Handle, Pieces, is_short};
use crate::storage::{Folded, Queue};
use crate::tokens::{Count, RcCount, Token};
pub(super) use guard::Miss;
use guard::{Detour, State, query_in_probe, structural_call_in_probe};
use removal::{let_go, settle};

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
    inserted: Cell<u64>,
    /// Dead entries that the index lists until the outermost probe ends.
    deferred: Queue,
    /// Dead entries out of the index that wait for their destructors.
    waiting: Queue,
}

impl<K, V, S> Inner<K, V, S> {
    /// Whether [`Probe`]s are at work, or a drain of [`removal`], to which others leave their entries then.
    #[inline]
    fn state(&self) -> State {
        State::from_bits(self.map.gate().get())
    }

    #[inline]
    fn enter(&self, state: State) {
        // SAFETY: (I12) states come from the gate and keep its bit; `NONE` is for keys that are not short.
        unsafe { self.map.gate().set(state.bits()) };
    }
}

/// The map's own hold on [`Inner`]. Each map has one, so a `&mut Owner` is a `&mut` to the map. (What
/// [`WeakOwner`] makes for a moment is never borrowed mutably.)
pub(super) struct Owner<K, V, S>(Rc<Inner<K, V, S>>);

impl<K, V, S> Owner<K, V, S> {
    pub(super) fn with_hasher(hasher: S) -> Self {
        Self(Rc::new(Inner {
            map: CountedHashMap::with_hasher(hasher),
            inserted: Cell::new(0),
            deferred: Queue::new(),
            waiting: Queue::new(),
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
        self.0.inserted.get()
    }

    /// Refuses a call that may change the structure while a probe of this map runs.
    ///
    /// # Panics
    ///
    /// If one does, in every build.
    #[inline]
    #[track_caller]
    pub(super) fn assert_no_probe(&self) {
        if self.0.state().is_probing() {
            structural_call_in_probe();
        }
    }

    /// Refuses a nested query, in debug builds.
    ///
    /// # Panics
    ///
    /// If a probe of this map runs.
    #[inline]
    #[track_caller]
    pub(super) fn debug_assert_no_probe(&self) {
        if cfg!(debug_assertions) && self.0.state().is_probing() {
            query_in_probe();
        }
    }

    pub(super) fn reserve(&self, additional: usize) {
        self.assert_no_probe();
        // SAFETY: (I5) no probe runs.
        unsafe { self.0.map.reserve_shared(additional) };
    }

    pub(super) fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.assert_no_probe();
        // SAFETY: (I5) no probe runs.
        unsafe { self.0.map.try_reserve_shared(additional) }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.assert_no_probe();
        // SAFETY: (I5) no probe runs, and `&mut self` says that no iterator exists.
        unsafe { self.0.map.shrink_shared() };
    }

    // `eq` is lent to the search, and dropped, user code and all, after the probe has ended. The slow way
    // takes it by value, so that the usual way has it in registers, and no memory for it where it is not inlined.
    // The usual way lets nobody insert, so that its misses hold.

    #[inline]
    pub(super) fn contains(
        &self,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
        miss: Miss,
    ) -> bool {
        match self.search(hash, &mut eq, miss) {
            Ok(found) => found.is_some(),
            Err(detour) => self.contains_slowly(detour, hash, eq, miss),
        }
    }

    #[inline(always)]
    pub(super) fn find(
        &self,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
        miss: Miss,
    ) -> Option<Ref<K, V, S>> {
        match self.search(hash, &mut eq, miss) {
            Ok(found) => {
                // SAFETY: nothing was deferred, so whatever is listed is live; nothing has run since.
                let found = found.map(|slot| unsafe { Ref::mint_for_now(self.count(), slot) });
                // By hand: a value on its way out leaks if a parameter's destructor panics.
                drop(eq);
                found
            }
            Err(detour) => {
                let found = self.find_slowly(detour, hash, eq, miss);
                // The owner is told here because the compiler can see here which one it is.
                // SAFETY: the slot is a live one of this map, and the token is of its count.
                found.map(|(slot, token)| unsafe { Ref::new(self.count(), slot, token) })
            }
        }
    }

    /// The entry that is listed under `hash` and that `eq` accepts, found the way that nearly every
    /// search goes: inside of no other (and of no destructor, unless it is for an insertion of a short key),
    /// and with an `Eq` that lets go of no entry and, of long keys, accepts the first that it is asked about.
    ///
    /// # Errors
    ///
    /// If the search has to start again the slow way.
    #[inline(always)]
    fn search(
        &self,
        hash: Folded,
        eq: &mut impl FnMut(&K) -> bool,
        miss: Miss,
    ) -> Result<Option<Slot<K, V>>, Detour> {
        let inner = &*self.0;
        let state = inner.state();
        if is_short::<K>() && miss == Miss::Then {
            // Compiled twice, because a hit takes 6 % less time if it need not look at pieces.
            return if state.is_idle() {
                // SAFETY: (I12) keys are short, and the gate says that there are no pieces.
                unsafe { self.search_in(hash, eq, Pieces::Absent) }
            } else if state.is_idle_but_for_pieces() {
                // SAFETY: (I12) the gate says that there are pieces.
                unsafe { self.search_in(hash, eq, Pieces::Present) }
            } else {
                Err(Detour::Nested)
            };
        }
        // Where short keys are inserted, the state is put back as it was, so a drain is not in the way.
        let free = if is_short::<K>() { !state.is_probing() } else { state.is_idle() };
        if !free {
            return Err(Detour::Nested);
        }
        inner.map.prefetch(hash);
        if is_short::<K>() {
            // SAFETY: nothing is said of pieces.
            unsafe { self.search_in(hash, eq, Pieces::Either) }
        } else {
            // SAFETY: keys are not short, and nothing goes on.
            unsafe { self.search_first(hash, eq) }
        }
    }

    /// Asks `eq` about the first entry that may have this hash, which nearly always is the right one. hashbrown's
    /// search is over by then, so that little has to be kept while `eq` runs, which mostly is a call, and callers
    /// have registers left (what that is good for, `design.md` says). What it finds is alive.
    ///
    /// # Errors
    ///
    /// If the search has to start again the slow way. If because `eq` refused, nothing has changed.
    ///
    /// # Safety
    ///
    /// Keys are not short, and no probe and no drain runs.
    #[inline(always)]
    unsafe fn search_first(
        &self,
        hash: Folded,
        eq: &mut impl FnMut(&K) -> bool,
    ) -> Result<Option<Slot<K, V>>, Detour> {
        let inner = &*self.0;
        // SAFETY: keys are not short, so there are pieces.
        let first = unsafe { inner.map.find_shared(hash, Pieces::Present, |_, _| true) };
        let Some(slot) = first else { return Ok(None) };
        let during = State::NONE.one_more();
        let unwinding = Unwinding(self);
        inner.enter(during);
        // SAFETY: (I1) a listed entry has its key; while the guard is on, it stays (I5).
        let equal = eq(unsafe { &*slot.key() });
        mem::forget(unwinding);
        if inner.state() != during {
            return Err(Detour::Interrupted);
        }
        inner.enter(State::NONE);
        if equal { Ok(Some(slot)) } else { Err(Detour::Refused) }
    }

    /// Asks `eq` about all entries that may have this hash, of a map whose keys are short.
    ///
    /// The guard is on only while `eq` runs, so that the compiler sees that nobody looks at it and that in the
    /// end it is what it was (which is why nobody asks whether it was `NONE`), and leaves it out: 4 % of the
    /// time of a hit. The state is read there, too, and not once before, so that fewer rounds of optimisation do.
    ///
    /// # Errors
    ///
    /// If the search has to start again the slow way.
    ///
    /// # Safety
    ///
    /// No probe runs, and what is said of pieces is true.
    #[inline(always)]
    unsafe fn search_in(
        &self,
        hash: Folded,
        eq: &mut impl FnMut(&K) -> bool,
        pieces: Pieces,
    ) -> Result<Option<Slot<K, V>>, Detour> {
        let inner = &*self.0;
        let unwinding = Unwinding(self);
        let mut interrupted = false;
        let accepts = |_, key: &K| {
            let before = inner.state();
            let during = before.one_more();
            inner.enter(during);
            let equal = eq(key);
            interrupted = inner.state() != during;
            if !interrupted {
                inner.enter(before);
            }
            equal || interrupted
        };
        // SAFETY: the caller's promise; (I12) it stays true while the guard is on.
        let found = unsafe { inner.map.find_shared(hash, pieces, accepts) };
        mem::forget(unwinding);
        if interrupted {
            return Err(Detour::Interrupted);
        }
        Ok(found)
    }

    // The slow ways in. It is in their frames that `eq` lies while it is lent out.

    #[cold]
    #[inline(never)]
    fn contains_slowly(
        &self,
        detour: Detour,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
        miss: Miss,
    ) -> bool {
        self.contains_with_probe(detour, hash, &mut eq, miss)
    }

    #[cold]
    #[inline(never)]
    fn find_slowly(
        &self,
        detour: Detour,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
        miss: Miss,
    ) -> Option<(Slot<K, V>, Token)> {
        let found = self.find_with_probe(detour, hash, &mut eq, miss);
        // By hand, as above.
        drop(eq);
        found.map(Ref::into_parts)
    }

    /// Whether `eq` accepts an entry that is still there when the probe has ended. Touches no count.
    #[inline(never)] // Compiled once, whatever `eq` is.
    fn contains_with_probe(
        &self,
        mut detour: Detour,
        hash: Folded,
        eq: &mut dyn FnMut(&K) -> bool,
        miss: Miss,
    ) -> bool {
        loop {
            let epoch = self.epoch();
            let probe = Probe::new(self, detour);
            // SAFETY: the slot is live: nothing has run since the search ended.
            let handle = probe.search(detour, hash, eq).map(|slot| unsafe { slot.handle() });
            drop(probe);
            let found = handle.is_some_and(|handle| self.0.map.locate(handle).is_some());
            if found || miss == Miss::Then || epoch == self.epoch() {
                return found;
            }
            detour = Detour::Again;
        }
    }

    /// The entry of such a search. The end of the probe cannot take it.
    #[inline(never)] // As above.
    fn find_with_probe(
        &self,
        mut detour: Detour,
        hash: Folded,
        eq: &mut dyn FnMut(&K) -> bool,
        miss: Miss,
    ) -> Option<Ref<K, V, S>> {
        loop {
            let epoch = self.epoch();
            let probe = Probe::new(self, detour);
            let found = probe.search(detour, hash, eq);
            // SAFETY: the slot is live: nothing has run since the search ended. The `Ref` is there
            // before the probe ends, so what is settled then cannot take the entry.
            let found = found.map(|slot| unsafe { Ref::mint(self.count(), slot) });
            drop(probe);
            if found.is_some() || miss == Miss::Then || epoch == self.epoch() {
                return found;
            }
            detour = Detour::Again;
        }
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
        self.assert_no_probe();
        let owner = self.count();
        let kept = || {
            // SAFETY: (I7) the map holds a strong count itself.
            let keep_alive = ManuallyDrop::new(unsafe { owner.get() });
            Kept { keep_alive, value }
        };
        // SAFETY: (I5) no probe runs.
        let (slot, token) = unsafe { self.0.map.insert_shared(hash, key, kept) };
        self.0.inserted.set(self.0.inserted.get().wrapping_add(1));
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
        let state = inner.state();
        assert!(!state.is_probing() && !state.has_deferred(), "no guard is stuck");
        assert!(!state.is_draining(), "no drain is stuck");
        assert!(inner.deferred.is_empty() && inner.waiting.is_empty(), "nothing waits");
        inner.map.check_shared(0, 0);
        assert_eq!(Rc::strong_count(&self.0), 1 + self.len(), "(I7) one keep-alive unit an entry");
    }
}

/// One of the probes that a map's [`State`] counts: while there is one, nothing changes the index. The end
/// of the outermost settles what `Eq` let go of.
struct Probe<'a, K, V, S>(&'a Owner<K, V, S>);

impl<'a, K, V, S> Probe<'a, K, V, S> {
    fn new(owner: &'a Owner<K, V, S>, detour: Detour) -> Self {
        match detour {
            Detour::Interrupted => {}
            Detour::Refused | Detour::Nested | Detour::Again => {
                let state = owner.0.state().one_more();
                assert!(state.is_probing(), "searches are nested too deeply to be counted");
                owner.0.enter(state);
            }
        }
        Self(owner)
    }

    /// The entry that is listed under `hash` and that `eq` accepts, among those that are alive (others
    /// may be listed still) and that it has not just refused: the first one, for nothing has changed since.
    fn search(
        &self,
        detour: Detour,
        hash: Folded,
        eq: &mut dyn FnMut(&K) -> bool,
    ) -> Option<Slot<K, V>> {
        let mut refused = matches!(detour, Detour::Refused);
        let is_it = |slot: Slot<K, V>, key: &K| {
            // SAFETY: (I2) an indexed slot is occupied, (I10) dead ones included.
            let count = unsafe { slot.count() };
            !mem::take(&mut refused) && !count.is_zero() && eq(key) && !count.is_zero()
        };
        // SAFETY: nothing is said of pieces.
        unsafe { self.0.0.map.find_shared(hash, Pieces::Either, is_it) }
    }
}

/// Ends the probe of a search out of which `Eq` has panicked. It lives outside of the index's own search,
/// whose borrows of the index have ended when it is dropped: what the probe's end does changes the index.
struct Unwinding<'a, K, V, S>(&'a Owner<K, V, S>);

impl<K, V, S> Drop for Unwinding<'_, K, V, S> {
    #[cold]
    fn drop(&mut self) {
        if self.0.0.state().is_probing() {
            drop(Probe(self.0));
        }
    }
}

impl<K, V, S> Drop for Probe<'_, K, V, S> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        let inner = &*self.0.0;
        let left = inner.state().one_less();
        if left.has_deferred() && !left.is_probing() {
            inner.enter(left.without_deferred());
            // SAFETY: (I7) the probe borrows the map, which holds `Inner`. No probe runs.
            unsafe { settle(inner, self.0.count()) };
        } else {
            inner.enter(left);
        }
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
        // So that a compiler that leaves out the writes need not ask for the last `Ref` either.
        // SAFETY: (I6) a live entry has a token out.
        unsafe { assert_unchecked(!count.is_zero()) };
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

    /// Takes the entry out, if this is its last `Ref` and no probe of the map runs.
    pub(super) fn take_out(self) -> Result<(K, V), Self> {
        // SAFETY: (I7) the entry holds `Inner`; the reference is not used once that may end.
        let inner = unsafe { &*self.owner.as_ptr() };
        if self.count() != 1 || inner.state().is_probing() {
            return Err(self);
        }
        let owner = self.owner;
        let (slot, token) = self.into_parts();
        // SAFETY: (I6) the slot is live until it is taken out below.
        unsafe { slot.count() }.put_own(token);
        // SAFETY: (I5) no probe runs; this was the only `Ref`, and it was not borrowed.
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
