//! The core of layer 1: an index over handles over storage, without a hasher.
//!
//! It has no `S`, so that nothing here can hash a key: growth and removal go by stored hashes. It
//! does not know why an entry is inserted or removed, and counts nothing.
//!
//! The three parts sit in an `UnsafeCell` each. Safe methods that change them take `&mut self`; the
//! `unsafe` ones take `&self` and are how layer 3 inserts and removes while its map is shared. Their
//! common precondition, **quiet**: no reference into a part is alive (I5). Layer 3 never holds one while
//! user code runs; layers 1 and 2 compare keys while the index is borrowed, but share no path that changes it.

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem;

use alloc::alloc::handle_alloc_error;
use hashbrown::TryReserveError;
use slotmap::{DefaultKey, Key, SlotMap};

use super::index::{Index, Listing};
use crate::storage::{
    Address, Arena, Cursor, Folded, Queue, SlotPtr, allocation_error, drop_in_order,
};

/// The most entries that a map can hold: slotmap's limit, checked before it would panic.
const MAX_ENTRIES: usize = u32::MAX as usize - 1;

/// The last version that a handle of one index can have. Removing it would wrap to the first.
#[cfg(not(test))]
const LAST_VERSION: u64 = u32::MAX as u64;
/// Low enough that the tests wear out an index in a moment.
#[cfg(test)]
const LAST_VERSION: u64 = 65;

/// What the `SlotMap` holds for a handle: where the entry is, and its hash for when it leaves.
#[derive(Clone, Copy)]
struct Home {
    address: Address,
    hash: Folded,
}

/// An entry whose handle is retired and whose key and value are still in its slot.
pub(crate) struct Dead<K, V> {
    pub(crate) slot: SlotPtr<K, V>,
    address: Address,
}

pub(crate) struct Table<K, V> {
    index: UnsafeCell<Index>,
    handles: UnsafeCell<SlotMap<DefaultKey, Home>>,
    arena: UnsafeCell<Arena<K, V>>,
    /// Indices of `handles` that are never used again because their versions ran out.
    worn_out: Cell<u32>,
    /// So many more entries fit for sure (I11), so that an insertion need not ask all three parts.
    room: Cell<u32>,
}

impl<K, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            index: UnsafeCell::new(Index::new()),
            handles: UnsafeCell::new(SlotMap::new()),
            arena: UnsafeCell::new(Arena::new()),
            worn_out: Cell::new(0),
            room: Cell::new(0),
        }
    }

    fn index(&self) -> &Index {
        // SAFETY: (I5) a `&mut` to the index lives only in short sections of this file.
        unsafe { &*self.index.get() }
    }

    fn handles(&self) -> &SlotMap<DefaultKey, Home> {
        // SAFETY: (I5) a `&mut` to the handles lives only in short sections of this file.
        unsafe { &*self.handles.get() }
    }

    fn arena(&self) -> &Arena<K, V> {
        // SAFETY: (I5) a `&mut` to the arena lives only in short sections of this file.
        unsafe { &*self.arena.get() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.handles().len()
    }

    pub(crate) fn capacity(&self) -> usize {
        let handles = self.handles().capacity() - self.worn_out.get() as usize;
        self.index().capacity().min(handles).min(self.arena().capacity())
    }

    /// The first slot in the index that may hold an entry of this hash. Calls no user code.
    #[inline(always)]
    pub(crate) fn first_candidate(&self, hash: Folded) -> Option<SlotPtr<K, V>> {
        self.index().prefetch(hash);
        self.index().find(hash, |_| true)
    }

    /// Shows `each` every slot in the index that may hold an entry of this hash. It is the layers' own code.
    pub(crate) fn for_each_candidate(&self, hash: Folded, mut each: impl FnMut(SlotPtr<K, V>)) {
        self.index().find::<K, V>(hash, |slot| {
            each(slot);
            false
        });
    }

    /// The handle of the entry in the index whose key `eq` accepts.
    ///
    /// `eq` is user code and runs while the index is borrowed: for layers that change the table through
    /// `&mut self` only.
    #[inline]
    pub(crate) fn find_handle(
        &self,
        hash: Folded,
        mut eq: impl FnMut(&K) -> bool,
    ) -> Option<DefaultKey> {
        self.index().prefetch(hash);
        // SAFETY: (I1) an indexed entry has its key, and `&self` keeps it.
        let slot = self.index().find(hash, |slot: SlotPtr<K, V>| eq(unsafe { &*slot.key() }))?;
        // SAFETY: (I2, I4) an indexed slot is occupied, so it has a header.
        Some(unsafe { slot.header() }.key())
    }

    /// The slot of the entry that a handle names.
    #[inline]
    pub(crate) fn locate(&self, key: DefaultKey) -> Option<SlotPtr<K, V>> {
        let home = self.handles().get(key)?;
        // SAFETY: (I1, I2) the home of a handle is an occupied slot.
        Some(unsafe { self.arena().locate(home.address) })
    }

    #[inline]
    pub(crate) fn get(&self, key: DefaultKey) -> Option<(&K, &V)> {
        // SAFETY: (I1) the handle is valid; `&self` keeps out whoever would change the entry.
        self.locate(key).map(|slot| unsafe { entry(slot) })
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: DefaultKey) -> Option<(&K, &mut V)> {
        // SAFETY: (I1) the handle is valid; `&mut self` keeps everybody else out.
        self.locate(key).map(|slot| unsafe { entry_mut(slot) })
    }

    /// The handle of a live slot.
    ///
    /// # Safety
    ///
    /// `slot` is a slot of this table that is live.
    #[inline]
    pub(crate) unsafe fn handle_of(&self, slot: SlotPtr<K, V>) -> DefaultKey {
        // SAFETY: (I4) the caller says that the slot is live.
        unsafe { slot.header() }.key()
    }

    pub(crate) fn reserve_mut(&mut self, additional: usize) {
        // SAFETY: `&mut self`: nobody refers to a part.
        unsafe { self.reserve(additional) }
    }

    /// Makes room for `additional` more entries.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    pub(crate) unsafe fn reserve(&self, additional: usize) {
        // SAFETY: the caller's promise.
        match unsafe { self.try_reserve(additional) } {
            Ok(()) => {}
            Err(TryReserveError::CapacityOverflow) => panic!("capacity overflow"),
            Err(TryReserveError::AllocError { layout }) => handle_alloc_error(layout),
        }
    }

    pub(crate) fn try_reserve_mut(&mut self, additional: usize) -> Result<(), TryReserveError> {
        // SAFETY: `&mut self`: nobody refers to a part.
        unsafe { self.try_reserve(additional) }
    }

    /// Makes room for `additional` more entries in all three parts.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out. The entries are untouched then.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    pub(crate) unsafe fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        let worn_out = self.worn_out.get() as usize;
        let fits = self
            .len()
            .checked_add(worn_out)
            .and_then(|used| used.checked_add(additional))
            .is_some_and(|entries| entries <= MAX_ENTRIES);
        if !fits {
            return Err(TryReserveError::CapacityOverflow);
        }
        self.room.set(0);
        // The arena first: it is the largest, and so the one that memory runs out for.
        // SAFETY: (I5) quiet; the arena calls nobody.
        unsafe { &mut *self.arena.get() }.try_reserve(additional)?;
        // SAFETY: (I5) quiet; slotmap calls nobody.
        let handles = unsafe { &mut *self.handles.get() };
        // slotmap takes worn-out indices for free ones.
        let refused = allocation_error::<Home>(handles.len() + worn_out + additional);
        handles.try_reserve(additional + worn_out).map_err(|_| refused)?;
        // SAFETY: (I5) quiet; listing calls nobody.
        let index = unsafe { &mut *self.index.get() };
        self.try_reserve_listings(index, additional)
    }

    /// Makes room in the index: lists all entries anew, in more buckets unless it was tombstones that
    /// took up the room.
    fn try_reserve_listings(
        &self,
        index: &mut Index,
        additional: usize,
    ) -> Result<(), TryReserveError> {
        let entries = index.len();
        if additional <= index.capacity() - entries {
            return Ok(());
        }
        if entries == 0 {
            return index.reserve_in_empty(additional);
        }
        // Seven of eight buckets; an index of four buckets is never worth clearing.
        let capacity_when_clear = index.num_buckets() / 8 * 7;
        let wanted = (entries + additional).max(entries * 2);
        let clear = if wanted <= capacity_when_clear {
            index.take_cleared()
        } else {
            Index::with_room(wanted)?
        };
        *index = self.list_all(clear);
        Ok(())
    }

    /// Lists every entry, in an empty index that has room. Goes through the handles, in which hashes lie
    /// side by side: no entry is touched. The index is passed by value so that the loop keeps it in registers.
    fn list_all(&self, mut index: Index) -> Index {
        for home in self.handles().values() {
            // SAFETY: (I1, I2) the home of a handle is an occupied slot.
            let slot = unsafe { self.arena().locate(home.address) };
            index.insert(Listing::new(slot, home.hash), home.hash);
        }
        index
    }

    /// How many more entries fit without allocating.
    fn count_room(&self) -> u32 {
        let (index, handles) = (self.index(), self.handles());
        let handles_left =
            handles.capacity().min(MAX_ENTRIES) - handles.len() - self.worn_out.get() as usize;
        let listings_left = index.capacity() - index.len();
        listings_left.min(handles_left).min(self.arena().room()) as u32
    }

    pub(crate) fn insert_mut(&mut self, hash: Folded, key: K, value: V) -> DefaultKey {
        // SAFETY: `&mut self`: nobody refers to a part.
        let slot = unsafe { self.insert(hash, key, || value) };
        // SAFETY: the slot has just become live.
        unsafe { self.handle_of(slot) }
    }

    /// Adds an entry, whose key the caller has found to be new. `value` is called once there is room
    /// and before anything changes; it is the layers' own code, and does not touch the table.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    #[inline(always)]
    pub(crate) unsafe fn insert(
        &self,
        hash: Folded,
        key: K,
        value: impl FnOnce() -> V,
    ) -> SlotPtr<K, V> {
        let room = match self.room.get() {
            // SAFETY: the caller's promise.
            0 => unsafe { self.make_room() },
            room => room,
        };
        self.room.set(room - 1);
        let value = value();
        // There is room: nothing below allocates, panics or calls user code.
        // SAFETY: (I5) quiet; the borrow ends with the statement.
        let arena = unsafe { &mut *self.arena.get() };
        // SAFETY: (I11) there is room.
        let (address, slot) = unsafe { arena.take() };
        // SAFETY: (I5) quiet; slotmap calls nobody.
        let handle = unsafe { &mut *self.handles.get() }.insert(Home { address, hash });
        // SAFETY: the slot is vacant, large enough and aligned.
        unsafe { slot.key().write(key) };
        // SAFETY: as above.
        unsafe { slot.value().write(value) };
        // SAFETY: (I4) `take` initialised the header.
        unsafe { slot.header() }.set_live(handle);
        let listing = Listing::new(slot, hash);
        // SAFETY: (I5) quiet, and hashes are stored, so no user code runs while this lives.
        unsafe { &mut *self.index.get() }.insert(listing, hash);
        slot
    }

    /// Finds out how much room there is, and makes some if there is none.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// # Safety
    ///
    /// The table is quiet.
    #[cold]
    #[inline(never)]
    unsafe fn make_room(&self) -> u32 {
        let room = self.count_room();
        if room != 0 {
            return room;
        }
        // SAFETY: the caller's promise.
        unsafe { self.reserve(1) };
        self.count_room()
    }

    pub(crate) fn remove_mut(&mut self, key: DefaultKey) -> Option<(K, V)> {
        let slot = self.locate(key)?;
        // SAFETY: (I1) the handle is valid, so the slot is live; `&mut self`: nobody refers to it.
        Some(unsafe { self.take_out(slot) })
    }

    /// Removes a live entry and hands over its key and value; its slot is free at once.
    ///
    /// # Safety
    ///
    /// The table is quiet, `slot` is live, and nobody refers to its key or value.
    pub(crate) unsafe fn take_out(&self, slot: SlotPtr<K, V>) -> (K, V) {
        // SAFETY: the caller's promise.
        let dead = unsafe { self.retire(slot) };
        // SAFETY: (I1) the slot was live, and nobody reads its key again.
        let key = unsafe { slot.key().read() };
        // SAFETY: as above.
        let value = unsafe { slot.value().read() };
        // SAFETY: unlisted, and its key and value are moved out.
        unsafe { self.recycle(&dead) };
        (key, value)
    }

    /// Retires the handle of a live entry and takes it out of the index. Its key and value stay.
    ///
    /// # Safety
    ///
    /// The table is quiet, and `slot` is a live slot of it.
    #[inline]
    pub(crate) unsafe fn retire(&self, slot: SlotPtr<K, V>) -> Dead<K, V> {
        // SAFETY: (I4) the slot is live.
        let header = unsafe { slot.header() };
        let key = header.key();
        // SAFETY: (I5) quiet; slotmap calls nobody.
        let handles = unsafe { &mut *self.handles.get() };
        let home = if key.data().as_ffi() >> 32 < LAST_VERSION {
            handles.remove(key)
        } else {
            // A detached index is never handed out again, so no stale handle ever resolves.
            self.worn_out.set(self.worn_out.get() + 1);
            handles.detach(key)
        };
        // SAFETY: (I1) the key in the header of a live slot is valid.
        let Home { address, hash } = unsafe { home.unwrap_unchecked() };
        header.set_dead();
        self.index().prefetch(hash);
        // SAFETY: (I5) quiet, and addresses are compared, so no user code runs while this lives.
        let was_listed = unsafe { &mut *self.index.get() }.remove(Listing::new(slot, hash), hash);
        debug_assert!(was_listed, "a live entry is listed");
        Dead { slot, address }
    }

    /// Gives the slot of a dead entry back to the arena.
    ///
    /// # Safety
    ///
    /// The entry is unlisted and in no queue, and its key and value are gone.
    #[inline]
    pub(crate) unsafe fn recycle(&self, dead: &Dead<K, V>) {
        // SAFETY: (I5) the arena calls nobody, and nobody else's borrow of it is alive.
        let arena = unsafe { &mut *self.arena.get() };
        // SAFETY: the caller's promise.
        unsafe { arena.give(dead.address, dead.slot) };
    }

    /// Appends a dead entry to a queue.
    ///
    /// # Safety
    ///
    /// The entry is in no queue, and the queue holds entries of this table only.
    pub(crate) unsafe fn enqueue(&self, queue: &Queue, dead: &Dead<K, V>) {
        // SAFETY: the caller's promise.
        unsafe { queue.push(self.arena(), dead.address) };
    }

    /// Takes the entry that has waited longest out of a queue.
    ///
    /// # Safety
    ///
    /// The queue holds entries of this table only.
    pub(crate) unsafe fn dequeue(&self, queue: &Queue) -> Option<Dead<K, V>> {
        // SAFETY: the caller's promise.
        let address = unsafe { queue.pop(self.arena()) }?;
        // SAFETY: (I2) a queued slot stays occupied until it is recycled.
        let slot = unsafe { self.arena().locate(address) };
        Some(Dead { slot, address })
    }

    pub(crate) fn shrink_mut(&mut self) {
        // SAFETY: `&mut self`: nobody refers to a part, and no cursor is alive.
        unsafe { self.shrink() };
    }

    /// Gives back what memory can be given back without moving an entry.
    ///
    /// # Safety
    ///
    /// The table is quiet, and no cursor of it is used again.
    pub(crate) unsafe fn shrink(&self) {
        self.room.set(0);
        // SAFETY: (I5) quiet; listing calls nobody.
        let index = unsafe { &mut *self.index.get() };
        let smaller = Index::with_room(index.len()).ok();
        if let Some(smaller) = smaller.filter(|it| it.num_buckets() < index.num_buckets()) {
            *index = self.list_all(smaller);
        }
        // SAFETY: (I5) quiet; the arena calls nobody.
        unsafe { &mut *self.arena.get() }.shrink();
    }

    pub(crate) fn cursor(&self) -> Cursor<K, V> {
        Cursor::new(self.arena())
    }

    /// The next live slot of a walk.
    ///
    /// # Safety
    ///
    /// The cursor is this table's, which has not been shrunk since it was made.
    #[inline]
    pub(crate) unsafe fn advance(&self, cursor: &mut Cursor<K, V>) -> Option<SlotPtr<K, V>> {
        // SAFETY: the caller's promise.
        unsafe { cursor.next(self.arena()) }
    }

    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { table: self, cursor: self.cursor(), left: self.len() }
    }

    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut { cursor: self.cursor(), left: self.len(), table: self, entries: PhantomData }
    }
}

/// # Safety
///
/// `slot` is live for `'a`, and its value is not borrowed mutably or changed meanwhile.
#[inline]
unsafe fn entry<'a, K, V>(slot: SlotPtr<K, V>) -> (&'a K, &'a V) {
    // SAFETY: (I1) a live slot has a key, which nobody ever borrows mutably.
    let key = unsafe { &*slot.key() };
    // SAFETY: (I1) a live slot has a value, and the caller keeps writers out.
    let value = unsafe { &*slot.value() };
    (key, value)
}

/// # Safety
///
/// `slot` is live for `'a`, and its value is not borrowed otherwise meanwhile.
#[inline]
unsafe fn entry_mut<'a, K, V>(slot: SlotPtr<K, V>) -> (&'a K, &'a mut V) {
    // SAFETY: (I1) a live slot has a key, which nobody ever borrows mutably.
    let key = unsafe { &*slot.key() };
    // SAFETY: (I8) key, value and header are disjoint; the caller keeps everybody else out.
    let value = unsafe { &mut *slot.value() };
    (key, value)
}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        /// Drops what is left, also after a destructor has panicked.
        struct Rest<'a, K, V> {
            table: &'a Table<K, V>,
            cursor: Cursor<K, V>,
        }

        impl<K, V> Rest<'_, K, V> {
            fn run(&mut self) {
                // SAFETY: the table is borrowed, so it is not shrunk.
                while let Some(slot) = unsafe { self.table.advance(&mut self.cursor) } {
                    // SAFETY: (I1) a live slot has both; the cursor does not come back to it, and
                    // the table has no other user any more.
                    unsafe { drop_in_order(slot.key(), slot.value()) };
                }
            }
        }

        impl<K, V> Drop for Rest<'_, K, V> {
            fn drop(&mut self) {
                self.run();
            }
        }

        if mem::needs_drop::<(K, V)>() && self.len() > 0 {
            Rest { cursor: self.cursor(), table: self }.run();
        }
    }
}

/// A walk over a shared table.
pub(crate) struct Iter<'a, K, V> {
    table: &'a Table<K, V>,
    cursor: Cursor<K, V>,
    left: usize,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (DefaultKey, &'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the table is borrowed, so it is not shrunk.
        let slot = unsafe { self.table.advance(&mut self.cursor) }?;
        self.left -= 1;
        // SAFETY: the slot is live.
        let handle = unsafe { self.table.handle_of(slot) };
        // SAFETY: live, and the shared borrow of the table keeps writers out for `'a`.
        let (key, value) = unsafe { entry(slot) };
        Some((handle, key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// A walk over a table that is borrowed mutably.
pub(crate) struct IterMut<'a, K, V> {
    table: &'a Table<K, V>,
    cursor: Cursor<K, V>,
    left: usize,
    entries: PhantomData<&'a mut V>,
}

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (DefaultKey, &'a K, &'a mut V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the table is borrowed, so it is not shrunk.
        let slot = unsafe { self.table.advance(&mut self.cursor) }?;
        self.left -= 1;
        // SAFETY: the slot is live.
        let handle = unsafe { self.table.handle_of(slot) };
        // SAFETY: live; `iter_mut` borrowed the table mutably for `'a`, and the cursor does not
        // come to a slot twice.
        let (key, value) = unsafe { entry_mut(slot) };
        Some((handle, key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(any(test, fuzzing, debug_assertions))]
impl<K, V> Table<K, V> {
    /// Asserts (I1), (I2) and (I4), given that no dead entry waits.
    pub(crate) fn check_invariants(&self) {
        let (index, handles) = (self.index(), self.handles());
        assert_eq!(index.len(), handles.len(), "the index lists what exists");
        self.arena().check_invariants(index.len());
        let room = self.room.get() as usize;
        let handles_used = handles.len() + self.worn_out.get() as usize;
        assert!(room <= index.capacity() - index.len(), "(I11) the index has room");
        assert!(room <= handles.capacity() - handles_used, "(I11) there are handles");
        assert!(room <= self.arena().room(), "(I11) there are slots");
        for (handle, home) in handles {
            // SAFETY: (I1, I2) what is being checked; a breach shows under a sanitizer.
            let slot = unsafe { self.arena().locate(home.address) };
            // SAFETY: as above.
            let header = unsafe { slot.header() };
            assert!(header.is_live() && header.key() == handle, "(I1) handle and header agree");
            let listing = Listing::new(slot, home.hash);
            assert_eq!(index.count(listing, home.hash), 1, "(I2) an entry is listed once");
        }
        let mut cursor = self.cursor();
        let mut live = 0;
        // SAFETY: the table is borrowed, so it is not shrunk.
        while let Some(slot) = unsafe { self.advance(&mut cursor) } {
            // SAFETY: the slot is live.
            let handle = unsafe { self.handle_of(slot) };
            assert!(self.locate(handle) == Some(slot), "(I1) a live slot has a handle");
            live += 1;
        }
        assert_eq!(live, handles.len(), "(I1) every handle has a slot of its own");
    }
}

#[cfg(test)]
mod tests;
