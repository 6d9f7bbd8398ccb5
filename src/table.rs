//! The core of all maps: an index over handles over slots that never move.
//!
//! It has no hasher, so that nothing here can hash a key: growth and removal go by stored hashes. It
//! does not know why an entry is inserted or removed, counts nothing, and names no layer above.
//!
//! Only [`Table::find`] and the destructors of [`Table`] run user code. Methods that take a [`SlotPtr`]
//! are `unsafe`: the slot has to be one of this table, in the state that they ask for.

mod arena;
#[cfg(any(test, fuzzing, debug_assertions))]
mod check;
mod handles;
mod hash;
#[allow(unsafe_code, reason = "the index holds pointers with a piece of a hash in them")]
mod index;
#[allow(unsafe_code, reason = "pages are raw memory, and slots are reached field by field")]
mod page;
#[cfg(test)]
mod tests;

use alloc::alloc::handle_alloc_error;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};

use hashbrown::TryReserveError;

use arena::Arena;
pub(crate) use arena::Cursor;
pub use handles::Handle;
use handles::{Handles, Number};
pub(crate) use hash::Folded;
use index::Index;
use page::{Header, Owner, Page};
pub(crate) use page::{SlotPtr, drop_in_order};

/// An entry that has left the index and whose handle no longer resolves. Its slot is occupied still, by
/// its key and value.
pub(crate) struct Dead<K, V> {
    pub(crate) slot: SlotPtr<K, V>,
    page: Page<K, V>,
    handle: Handle,
}

impl<K, V> Dead<K, V> {
    fn header(&self) -> &Header {
        // SAFETY: (I2) a dead entry occupies its slot.
        unsafe { self.slot.header() }
    }
}

/// A table, for whoever has to change it while it is shared.
///
/// Nobody holds a reference into it while user code runs, but layers 1 and 2, which change it through `&mut`
/// only (I5).
pub(crate) struct TableCell<K, V>(UnsafeCell<Table<K, V>>);

/// Whoever changes the table calls no user code meanwhile, so a panic does not leave it half changed.
impl<K: UnwindSafe, V: UnwindSafe> UnwindSafe for TableCell<K, V> {}
impl<K: RefUnwindSafe, V: RefUnwindSafe> RefUnwindSafe for TableCell<K, V> {}

impl<K, V> TableCell<K, V> {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(Table::new()))
    }

    #[inline]
    pub(crate) fn get(&self) -> &Table<K, V> {
        // SAFETY: (I5) no reference that `borrow_mut` has given is used any more.
        unsafe { &*self.0.get() }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut Table<K, V> {
        self.0.get_mut()
    }

    /// # Safety
    ///
    /// The reference is used for the last time before there is another one to the table, and before user
    /// code runs.
    #[expect(clippy::mut_from_ref, reason = "this is what the cell is for")]
    #[inline]
    pub(crate) unsafe fn borrow_mut(&self) -> &mut Table<K, V> {
        // SAFETY: (I5) the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}

pub(crate) struct Table<K, V> {
    index: Index,
    handles: Handles,
    arena: Arena<K, V>,
}

impl<K, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self { index: Index::new(), handles: Handles::new(), arena: Arena::new() }
    }

    /// What [`owner_of`](Self::owner_of) will be for all slots; tables with owners have handles that differ. Call it
    /// before there is a slot.
    pub(crate) fn set_owner(&mut self, owner: *const ()) {
        self.arena.owner = Owner(owner);
        self.handles.start_apart();
    }

    /// Whom a slot belongs to.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(crate) unsafe fn owner_of(slot: SlotPtr<K, V>) -> *const () {
        // SAFETY: the caller's promise.
        let (page, _) = unsafe { Page::of(slot) };
        page.header().owner.0
    }

    /// The handle of a slot.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(crate) unsafe fn handle_of(slot: SlotPtr<K, V>) -> Handle {
        // SAFETY: the caller's promise.
        let (_, handle) = unsafe { Page::of(slot) };
        handle
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        let slots = self.arena.room(self.handles.room());
        self.len() + slots.min(self.index.capacity() - self.len())
    }

    /// The first slot in the index that may hold an entry of this hash.
    #[inline(always)]
    pub(crate) fn first_candidate(&self, hash: Folded) -> Option<SlotPtr<K, V>> {
        self.index.find(hash, |_| true)
    }

    /// Shows `each` every slot in the index that may hold an entry of this hash. It is the layers' own code.
    pub(crate) fn for_each_candidate(&self, hash: Folded, mut each: impl FnMut(SlotPtr<K, V>)) {
        self.index.find(hash, |slot| {
            each(slot);
            false
        });
    }

    /// The handle of the entry in the index whose key `eq` accepts.
    ///
    /// `eq` is user code and runs while the index is borrowed: for layers that change the table through
    /// `&mut self` only.
    #[inline]
    pub(crate) fn find(&self, hash: Folded, mut eq: impl FnMut(&K) -> bool) -> Option<Handle> {
        // SAFETY: (I3) an indexed entry is live, and `&self` keeps it.
        let slot = self.index.find(hash, |slot: SlotPtr<K, V>| eq(unsafe { &*slot.key() }))?;
        // SAFETY: as above.
        Some(unsafe { Self::handle_of(slot) })
    }

    /// The live slot that a handle names.
    #[inline]
    pub(crate) fn slot(&self, handle: Handle) -> Option<SlotPtr<K, V>> {
        let (slot, header) = self.arena.slot(handle.number())?;
        // The version of a handle is odd, and that of a dead slot even.
        (header.version() == handle.version()).then_some(slot)
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> Option<(&K, &V)> {
        // SAFETY: live; `&self` keeps out whoever would change the entry.
        self.slot(handle).map(|slot| unsafe { entry(slot) })
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> Option<(&K, &mut V)> {
        // SAFETY: live; `&mut self` keeps everybody else out.
        self.slot(handle).map(|slot| unsafe { entry_mut(slot) })
    }

    /// Makes room for `additional` more entries.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let reserved = self.try_reserve(additional);
        expect_room(reserved);
        if self.arena.is_large() || self.handles.is_large() {
            self.handles.prepare_reset();
        }
    }

    /// Makes room for `additional` more entries in all parts.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out. Nothing has changed then.
    pub(crate) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        // More than there are numbers. (`Handles` asks again, for numbers that are in use.)
        if additional > u32::MAX as usize - 1 - self.len() {
            return Err(TryReserveError::CapacityOverflow);
        }
        self.arena.sort(&mut self.handles)?;
        let index = self.larger_index(additional)?;
        let memory = self.arena.allocate(additional)?;
        // Last, because a `SlotMap` cannot give back what it has reserved.
        self.handles.try_reserve(self.arena.numbers(&memory))?;
        self.arena.keep(memory);
        self.renew_index(additional, index);
        Ok(())
    }

    /// An index with room for `additional` more entries; `None` if there is memory for them in the present one.
    fn larger_index(&self, additional: usize) -> Result<Option<Index>, TryReserveError> {
        let entries = self.index.len();
        let wanted = (entries + additional).max(2 * entries);
        let fits = additional <= self.index.capacity() - entries;
        if fits || self.index.would_hold(wanted) {
            return Ok(None);
        }
        match Index::with_room(wanted) {
            Ok(larger) => Ok(Some(larger)),
            Err(_) if self.index.would_hold(entries + additional) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the index by a larger one, or clears tombstones away if there is no other room for `additional` more
    /// entries, which takes no memory.
    fn renew_index(&mut self, additional: usize, larger: Option<Index>) {
        let entries = self.index.len();
        // A walk over the pages would cost more than there is to list.
        let is_sparse = self.arena.slots() / 8 > entries + additional;
        let hash_of = |slot: SlotPtr<K, V>| hash_of(&self.handles, slot);
        match larger {
            Some(larger) if is_sparse => self.index.move_to(larger, hash_of),
            Some(larger) => {
                self.index = larger;
                self.relist();
            }
            None if additional <= self.index.capacity() - entries => {}
            None if is_sparse && self.index.would_hold(2 * (entries + additional)) => {
                self.index.clear_tombstones(additional, hash_of);
            }
            None => self.relist(),
        }
    }

    /// Lists every entry anew. In the order of their numbers, in which hashes lie side by side.
    fn relist(&mut self) {
        self.index.clear();
        let Self { index, handles, arena, .. } = self;
        arena.for_each_live(|slot, handle| index.insert(slot, expect_hash(handles, handle)));
    }

    /// Adds an entry, and makes its slot live. Its key and value are not initialised.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    ///
    /// # Safety
    ///
    /// The caller initialises both before it does anything else.
    #[inline]
    pub(crate) unsafe fn insert_uninit(&mut self, hash: Folded) -> (SlotPtr<K, V>, Handle) {
        if self.index.len() == self.index.capacity() {
            self.grow_index();
        }
        let (slot, handle) = loop {
            match self.arena.take(&mut self.handles, hash) {
                Some(taken) => break taken,
                None => self.open_page(),
            }
        };
        self.index.insert(slot, hash);
        (slot, handle)
    }

    #[cold]
    #[inline(never)]
    fn grow_index(&mut self) {
        match self.larger_index(1) {
            Ok(index) => self.renew_index(1, index),
            Err(error) => expect_room(Err(error)),
        }
    }

    #[cold]
    #[inline(never)]
    fn open_page(&mut self) {
        let opened = self.arena.open_page(&mut self.handles);
        expect_room(opened);
    }

    /// Removes a live entry at once.
    ///
    /// # Safety
    ///
    /// The slot is a live one of this table. Its key and value are gone, or need not be dropped.
    #[inline]
    pub(crate) unsafe fn remove_slot(&mut self, slot: SlotPtr<K, V>) {
        // SAFETY: the caller's promise.
        let (page, handle) = unsafe { Page::of(slot) };
        let retired = self.handles.retire(handle);
        let hash = retired.unwrap_or_else(|| expect_hash(&self.handles, handle));
        self.unlist(&Dead { slot, page, handle }, hash);
        self.give(page, retired.is_some());
    }

    /// Takes a live entry out of the index, and retires its handle. Its key and value stay.
    ///
    /// # Safety
    ///
    /// The slot is a live one of this table.
    #[inline]
    pub(crate) unsafe fn unlink(&mut self, slot: SlotPtr<K, V>) -> Dead<K, V> {
        // SAFETY: the caller's promise.
        let (page, handle) = unsafe { Page::of(slot) };
        let dead = Dead { slot, page, handle };
        self.unlist(&dead, expect_hash(&self.handles, handle));
        dead
    }

    #[inline]
    fn unlist(&mut self, dead: &Dead<K, V>, hash: Folded) {
        self.index.remove(dead.slot, hash);
        dead.header().set_dead(dead.handle);
        if self.index.is_wasteful() {
            self.shrink_index(2 * self.index.len());
        }
    }

    /// Takes the slot of a dead entry back.
    ///
    /// # Safety
    ///
    /// The entry does not wait, and its key and value are gone.
    #[inline]
    pub(crate) unsafe fn recycle(&mut self, dead: &Dead<K, V>) {
        let retired = self.handles.retire(dead.handle);
        self.give(dead.page, retired.is_some());
    }

    #[inline]
    fn give(&mut self, page: Page<K, V>, comes_again: bool) {
        let is_idle = self.arena.give(page, comes_again);
        if is_idle && self.is_wasteful() {
            self.shrink_arena();
        }
    }

    fn is_wasteful(&self) -> bool {
        self.arena.is_wasteful() || (self.arena.is_empty() && self.handles.is_large())
    }

    /// Adds an entry.
    ///
    /// # Panics
    ///
    /// If the capacity overflows; nothing has changed then.
    #[inline]
    pub(crate) fn insert(&mut self, hash: Folded, key: K, value: V) -> Handle {
        // SAFETY: initialised at once.
        let (slot, handle) = unsafe { self.insert_uninit(hash) };
        // SAFETY: the slot is vacant, large enough and aligned.
        unsafe { slot.key().write(key) };
        // SAFETY: as above.
        unsafe { slot.value().write(value) };
        handle
    }

    #[inline(never)] // See `take_out`.
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<(K, V)> {
        let slot = self.slot(handle)?;
        // SAFETY: it is live; `&mut self`: nobody refers to the entry.
        unsafe { self.take_out(slot) }
    }

    /// Returns what `remove` does, and neither is inlined, so that nothing of a large alignment lies in a frame
    /// that is left early: rustc 1.95 and others compile such functions wrongly.
    ///
    /// # Safety
    ///
    /// The slot is a live one of this table, and nobody refers to its entry.
    #[inline(never)]
    unsafe fn take_out(&mut self, slot: SlotPtr<K, V>) -> Option<(K, V)> {
        // SAFETY: (I3) it is live, and nobody uses its key again.
        let key = unsafe { slot.key().read() };
        // SAFETY: as above.
        let value = unsafe { slot.value().read() };
        // SAFETY: key and value are moved out.
        unsafe { self.remove_slot(slot) };
        Some((key, value))
    }

    /// Lets a dead entry wait, which does not yet.
    pub(crate) fn push_waiting(&mut self, dead: &Dead<K, V>) {
        let number = dead.handle.number();
        if let Some((_, last)) = self.arena.slot(self.arena.waiting) {
            dead.header().set_next(last.next());
            last.set_next(number);
        }
        // The first one is a ring already.
        self.arena.waiting = number;
    }

    /// The entry that has waited longest. It does not wait any more.
    pub(crate) fn pop_waiting(&mut self) -> Option<Dead<K, V>> {
        let (_, last) = self.arena.slot(self.arena.waiting)?;
        let number = last.next();
        let (slot, header) = self.arena.slot(number)?;
        last.set_next(header.next());
        let dead =
            Dead { slot, page: self.arena.page(number)?, handle: header.last_handle(number) };
        if number == self.arena.waiting {
            self.arena.waiting = Number::NONE;
        }
        Some(dead)
    }

    /// Frees the index: nothing is looked up any more.
    pub(crate) fn drop_index(&mut self) {
        self.index = Index::new();
    }

    /// Frees what memory can be freed without moving an entry.
    pub(crate) fn shrink(&mut self) {
        self.shrink_index(self.index.len());
        self.shrink_arena();
    }

    #[cold]
    #[inline(never)]
    fn shrink_index(&mut self, room: usize) {
        // If the allocator refuses, the index stays as it is.
        let Ok(smaller) = Index::with_room(room) else { return };
        if smaller.num_buckets() < self.index.num_buckets() {
            self.index.move_to(smaller, |slot: SlotPtr<K, V>| hash_of(&self.handles, slot));
        }
    }

    #[cold]
    #[inline(never)]
    fn shrink_arena(&mut self) {
        self.arena.shrink(&mut self.handles);
    }

    pub(crate) fn cursor(&self) -> Cursor {
        Cursor::new(&self.arena)
    }

    /// The next live slot of a walk, and its handle.
    #[inline]
    pub(crate) fn advance(&self, cursor: &mut Cursor) -> Option<(SlotPtr<K, V>, Handle)> {
        cursor.next(&self.arena)
    }

    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { cursor: self.cursor(), left: self.len(), table: self }
    }

    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut { cursor: self.cursor(), left: self.len(), table: self, entries: PhantomData }
    }
}

/// The hash of an entry that is listed in the index.
fn hash_of<K, V>(handles: &Handles, slot: SlotPtr<K, V>) -> Folded {
    // SAFETY: (I3) an indexed slot is live.
    let handle = unsafe { Table::handle_of(slot) };
    expect_hash(handles, handle)
}

#[inline]
fn expect_hash(handles: &Handles, handle: Handle) -> Folded {
    handles.hash(handle).expect("(I3) the hash of a live entry is kept")
}

fn expect_room(reserved: Result<(), TryReserveError>) {
    match reserved {
        Ok(()) => {}
        Err(TryReserveError::CapacityOverflow) => panic!("capacity overflow"),
        Err(TryReserveError::AllocError { layout }) => handle_alloc_error(layout),
    }
}

/// # Safety
///
/// `slot` is live for `'a`, and its value is not borrowed mutably or changed meanwhile.
#[inline]
unsafe fn entry<'a, K, V>(slot: SlotPtr<K, V>) -> (&'a K, &'a V) {
    // SAFETY: (I3) a live slot has a key, which nobody ever borrows mutably.
    let key = unsafe { &*slot.key() };
    // SAFETY: (I3) a live slot has a value, and the caller keeps writers out.
    let value = unsafe { &*slot.value() };
    (key, value)
}

/// # Safety
///
/// `slot` is live for `'a`, and its value is not borrowed otherwise meanwhile.
#[inline]
unsafe fn entry_mut<'a, K, V>(slot: SlotPtr<K, V>) -> (&'a K, &'a mut V) {
    // SAFETY: (I3) a live slot has a key, which nobody ever borrows mutably.
    let key = unsafe { &*slot.key() };
    // SAFETY: (I5) key, value and header are disjoint; the caller keeps everybody else out.
    let value = unsafe { &mut *slot.value() };
    (key, value)
}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        /// Drops what is left, also after a destructor has panicked.
        struct Rest<'a, K, V> {
            table: &'a Table<K, V>,
            cursor: Cursor,
        }

        impl<K, V> Rest<'_, K, V> {
            fn run(&mut self) {
                while let Some((slot, _)) = self.table.advance(&mut self.cursor) {
                    // SAFETY: (I3) a live slot has both; the cursor does not come back to it, and
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

        if mem::needs_drop::<(K, V)>() && !self.arena.is_empty() {
            Rest { cursor: self.cursor(), table: self }.run();
        }
    }
}

/// A walk over a shared table.
pub(crate) struct Iter<'a, K, V> {
    table: &'a Table<K, V>,
    cursor: Cursor,
    left: usize,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (Handle, &'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (slot, handle) = self.table.advance(&mut self.cursor)?;
        self.left -= 1;
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
    cursor: Cursor,
    left: usize,
    entries: PhantomData<&'a mut V>,
}

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (Handle, &'a K, &'a mut V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (slot, handle) = self.table.advance(&mut self.cursor)?;
        self.left -= 1;
        // SAFETY: live; `iter_mut` borrowed the table mutably for `'a`, and the cursor does not
        // come to a slot twice.
        let (key, value) = unsafe { entry_mut(slot) };
        Some((handle, key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
