//! Blocks of slots that never move, under a table of pages that makes every address one load away.
//!
//! An address is `page << PAGE_BITS | offset`. Blocks grow (four slots, then doubling, then a quarter
//! of the last power of two), and each starts on a page of its own, so that finding a slot is a shift, a mask
//! and one load from a table that stays in cache, whatever sizes the blocks have. A block that does
//! not fill its last page leaves the rest of that page's *addresses* unused, not memory.

use alloc::alloc::{alloc, dealloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ops::Range;
use core::ptr::NonNull;

use hashbrown::TryReserveError;

use super::{Address, Slot, SlotPtr};

const PAGE_BITS: u32 = 10;
const PAGE: u32 = 1 << PAGE_BITS;

/// Slots of the first block of a map that was given no capacity.
const FIRST_BLOCK: u32 = 4;

/// Up to here the arena doubles; from here on it grows by a quarter of the last power of two.
const DOUBLE_UNTIL: u32 = 1024;

struct Block<K, V> {
    slots: NonNull<Slot<K, V>>,
    /// Address of the first slot, a multiple of `PAGE`.
    first: u32,
    len: u32,
}

impl<K, V> Block<K, V> {
    fn layout(len: u32) -> Result<Layout, TryReserveError> {
        Layout::array::<Slot<K, V>>(len as usize)
            .and_then(|layout| layout.align_to(Slot::<K, V>::ALIGN))
            .map_err(|_| TryReserveError::CapacityOverflow)
    }

    fn addresses(&self) -> Range<u32> {
        self.first..self.first + self.len
    }

    fn pages(&self) -> Range<usize> {
        page_of(self.first)..page_of(self.first) + pages_for(self.len)
    }
}

fn page_of(address: u32) -> usize {
    (address >> PAGE_BITS) as usize
}

fn pages_for(slots: u32) -> usize {
    slots.div_ceil(PAGE) as usize
}

/// The slots of one map.
///
/// Holds raw memory only: dropping it frees the blocks and drops no key and no value.
pub(crate) struct Arena<K, V> {
    /// Where each page starts; a page of no block is dangling.
    pages: Vec<NonNull<Slot<K, V>>>,
    /// Ordered by address.
    blocks: Vec<Block<K, V>>,
    /// The slots given back, last in first out.
    free: Address,
    /// The addresses at the end of one block that have never been handed out.
    fresh: Range<u32>,
    /// Slots on the free list or fresh.
    room: u32,
}

// SAFETY: an arena owns its blocks and what the layer above writes into them, as a `Vec<(K, V)>`
// would; a pointer into them on another thread is no use without the map that moved.
unsafe impl<K: Send, V: Send> Send for Arena<K, V> {}

impl<K, V> Arena<K, V> {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), blocks: Vec::new(), free: Address::NONE, fresh: 0..0, room: 0 }
    }

    /// Slots of all blocks, of which there are a few for each power of two.
    pub(crate) fn capacity(&self) -> usize {
        self.total() as usize
    }

    fn total(&self) -> u32 {
        self.blocks.iter().map(|block| block.len).sum()
    }

    /// How many slots can be taken without allocating.
    pub(crate) fn room(&self) -> usize {
        self.room as usize
    }

    /// The slot at an address.
    ///
    /// # Safety
    ///
    /// `address` is that of a slot of this arena, whose block has not been freed (I2).
    #[inline]
    pub(crate) unsafe fn locate(&self, address: Address) -> SlotPtr<K, V> {
        debug_assert!(page_of(address.0) < self.pages.len());
        // SAFETY: (I2) the address lies in a block, and every page of a block is in the table.
        let page = unsafe { *self.pages.get_unchecked(page_of(address.0)) };
        // SAFETY: (I2) the block reaches at least to this offset of the page.
        let slot = unsafe { page.add((address.0 & (PAGE - 1)) as usize) };
        // SAFETY: (I2) it lies in a block.
        unsafe { SlotPtr::new(slot) }
    }

    /// Makes sure that `additional` slots can be taken without allocating.
    ///
    /// # Errors
    ///
    /// If addresses or memory run out; nothing has changed then.
    pub(crate) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let missing = additional.saturating_sub(self.room());
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| TryReserveError::CapacityOverflow)?;
        let growth = match self.total() {
            0 => FIRST_BLOCK,
            total if total < DOUBLE_UNTIL => total,
            total => 1 << (total.ilog2() - 2),
        };
        self.add_block(missing.max(growth))
            .or_else(|error| if missing < growth { self.add_block(missing) } else { Err(error) })
    }

    fn add_block(&mut self, len: u32) -> Result<(), TryReserveError> {
        let (position, first) = self.gap(len).ok_or(TryReserveError::CapacityOverflow)?;
        let layout = Block::<K, V>::layout(len)?;
        let pages = page_of(first)..page_of(first) + pages_for(len);
        let new_pages = pages.end.saturating_sub(self.pages.len());
        reserve_exact(&mut self.pages, new_pages)?;
        reserve_exact(&mut self.blocks, 1)?;
        // SAFETY: a slot has a header, so the layout is not of size zero.
        let memory = unsafe { alloc(layout) }.cast::<Slot<K, V>>();
        let slots = NonNull::new(memory).ok_or(TryReserveError::AllocError { layout })?;

        // Nothing below allocates or fails.
        self.retire_fresh();
        if pages.end > self.pages.len() {
            self.pages.resize(pages.end, NonNull::dangling());
        }
        for (page, number) in self.pages[pages].iter_mut().zip(0..) {
            // SAFETY: the block has at least one slot on each of its pages.
            *page = unsafe { slots.add((number * PAGE) as usize) };
        }
        self.blocks.insert(position, Block { slots, first, len });
        self.fresh = first..first + len;
        self.room += len;
        Ok(())
    }

    /// The first run of free pages that holds `len` slots: where its block goes and its address.
    fn gap(&self, len: u32) -> Option<(usize, u32)> {
        let mut end = 0;
        for (position, block) in self.blocks.iter().enumerate() {
            let pages = block.pages();
            if pages.start - end >= pages_for(len) {
                return Some((position, end as u32 * PAGE));
            }
            end = pages.end;
        }
        let first = u32::try_from((end as u64) << PAGE_BITS).ok()?;
        // The address after the last is a `u32` too, so no slot gets `Address::NONE`.
        first.checked_add(len)?;
        Some((self.blocks.len(), first))
    }

    /// Moves what is left of the fresh run to the free list: only one block is ever part fresh.
    fn retire_fresh(&mut self) {
        for address in core::mem::take(&mut self.fresh).rev().map(Address) {
            // SAFETY: fresh addresses lie in a block that is allocated.
            let slot = unsafe { self.locate(address) };
            // SAFETY: nothing refers to a slot that was never handed out.
            unsafe { slot.init_header() };
            // SAFETY: as above; the header has just been initialised.
            unsafe { slot.header() }.set_next(self.free);
            self.free = address;
        }
    }

    /// Hands out a slot: its header says dead, its key and value are uninitialised.
    ///
    /// # Safety
    ///
    /// The arena is not full.
    #[inline]
    pub(crate) unsafe fn take(&mut self) -> (Address, SlotPtr<K, V>) {
        debug_assert!(self.room() > 0);
        self.room -= 1;
        let address = self.free;
        if address != Address::NONE {
            // SAFETY: (I2) a listed address names a slot of a block that is allocated.
            let slot = unsafe { self.locate(address) };
            // SAFETY: as above; the arena is borrowed, so its blocks stay.
            self.free = unsafe { slot.header() }.next();
            return (address, slot);
        }
        let address = Address(self.fresh.start);
        self.fresh.start += 1;
        // SAFETY: not full and nothing on the free list, so the fresh run was not empty.
        let slot = unsafe { self.locate(address) };
        // SAFETY: nothing refers to a slot that was never handed out.
        unsafe { slot.init_header() };
        (address, slot)
    }

    /// Takes a slot back.
    ///
    /// # Safety
    ///
    /// `slot` is the one at `address`: occupied, dead, in no list, its key and value moved out or
    /// dropped and not referred to.
    #[inline]
    pub(crate) unsafe fn give(&mut self, address: Address, slot: SlotPtr<K, V>) {
        // SAFETY: (I4) the slot is occupied; the arena is borrowed, so its blocks stay.
        unsafe { slot.header() }.set_next(self.free);
        self.free = address;
        self.room += 1;
    }

    /// The number of slots of a block that have a header (I4).
    fn used(&self, block: &Block<K, V>) -> u32 {
        let block = block.addresses();
        if block.end == self.fresh.end {
            self.fresh.start - block.start
        } else {
            block.end - block.start
        }
    }

    /// Frees every block in which no slot is occupied. Moves nothing.
    ///
    /// Costs a walk over the free list.
    pub(crate) fn shrink(&mut self) {
        let mut idle: Vec<u32> =
            self.blocks.iter().map(|block| block.len - self.used(block)).collect();
        self.for_each_free(|arena, address| idle[arena.block_of(address)] += 1);
        let vacant: Vec<bool> =
            self.blocks.iter().zip(&idle).map(|(block, &idle)| idle == block.len).collect();
        if !vacant.contains(&true) {
            return;
        }

        let mut kept = Address::NONE;
        self.for_each_free(|arena, address| {
            if !vacant[arena.block_of(address)] {
                // SAFETY: (I2) a listed address names a slot of a block that is allocated.
                let slot = unsafe { arena.locate(address) };
                // SAFETY: as above; the arena is borrowed, so its blocks stay.
                unsafe { slot.header() }.set_next(kept);
                kept = address;
            }
        });
        self.free = kept;

        let mut vacant = vacant.into_iter();
        let Self { blocks, pages, fresh, room, .. } = self;
        blocks.retain(|block| {
            let keep = !vacant.next().unwrap_or(false);
            if !keep {
                if block.addresses().end == fresh.end {
                    *fresh = 0..0;
                }
                pages[block.pages()].fill(NonNull::dangling());
                *room -= block.len;
                // SAFETY: (I3) no slot of the block is occupied, so nothing points into it.
                unsafe { free_block(block) };
            }
            keep
        });
        pages.truncate(blocks.last().map_or(0, |block| block.pages().end));
        pages.shrink_to_fit();
        blocks.shrink_to_fit();
    }

    /// Calls `each` for every slot of the free list, which may relink the slot that it is given.
    fn for_each_free(&self, mut each: impl FnMut(&Self, Address)) {
        let mut next = self.free;
        while next != Address::NONE {
            let address = next;
            // SAFETY: (I2) a listed address names a slot of a block that is allocated.
            let slot = unsafe { self.locate(address) };
            // SAFETY: as above; the arena is borrowed, so its blocks stay.
            next = unsafe { slot.header() }.next();
            each(self, address);
        }
    }

    /// The position of the block that an address lies in.
    fn block_of(&self, address: Address) -> usize {
        self.blocks.partition_point(|block| block.first <= address.0) - 1
    }
}

/// Why room for `len` of `T` could not be had: `alloc`'s own error does not tell.
pub(crate) fn allocation_error<T>(len: usize) -> TryReserveError {
    match Layout::array::<T>(len) {
        Ok(layout) => TryReserveError::AllocError { layout },
        Err(_) => TryReserveError::CapacityOverflow,
    }
}

fn reserve_exact<T>(vec: &mut Vec<T>, additional: usize) -> Result<(), TryReserveError> {
    let refused = allocation_error::<T>(vec.len() + additional);
    vec.try_reserve_exact(additional).map_err(|_| refused)
}

/// # Safety
///
/// The block is allocated, nothing points into it, and it is not used again.
unsafe fn free_block<K, V>(block: &Block<K, V>) {
    if let Ok(layout) = Block::<K, V>::layout(block.len) {
        // SAFETY: this is the layout that `add_block` allocated it with.
        unsafe { dealloc(block.slots.as_ptr().cast(), layout) };
    }
}

impl<K, V> Drop for Arena<K, V> {
    fn drop(&mut self) {
        for block in &self.blocks {
            // SAFETY: (I3) the arena goes, and with it everything that points into its blocks.
            unsafe { free_block(block) };
        }
    }
}

/// A position in a walk over the live slots, in the order of their addresses.
///
/// The walk ends where the last block ended when it began, and sees each slot at most once, however
/// many are taken or given back meanwhile.
pub(crate) struct Cursor<K, V> {
    /// The next slot of the current block.
    slot: NonNull<Slot<K, V>>,
    /// Slots of the current block still to come.
    left: u32,
    /// Where the block after the current one may start.
    resume: u32,
    end: u32,
}

impl<K, V> Cursor<K, V> {
    pub(crate) fn new(arena: &Arena<K, V>) -> Self {
        let end = arena.blocks.last().map_or(0, |block| block.addresses().end);
        Self { slot: NonNull::dangling(), left: 0, resume: 0, end }
    }

    /// A position at the start of the first block that starts at `resume` or later.
    ///
    /// By value and out of line, so that walks are small enough to be part of the loop, in registers.
    #[cold]
    #[inline(never)]
    fn in_next_block(arena: &Arena<K, V>, resume: u32, end: u32) -> Option<Self> {
        let position = arena.blocks.partition_point(|block| block.first < resume);
        let block = arena.blocks.get(position).filter(|block| block.first < end)?;
        let left = arena.used(block);
        Some(Self { slot: block.slots, left, resume: block.addresses().end, end })
    }

    /// The next live slot.
    ///
    /// # Safety
    ///
    /// `arena` is the one that the cursor was made for, and has not been shrunk since.
    #[inline]
    pub(crate) unsafe fn next(&mut self, arena: &Arena<K, V>) -> Option<SlotPtr<K, V>> {
        loop {
            while self.left > 0 {
                // SAFETY: (I3) the block has not been freed, and `left` says that there is a slot.
                let slot = unsafe { SlotPtr::new(self.slot) };
                self.left -= 1;
                // SAFETY: (I3) the block has not been freed; at worst this is its end.
                self.slot = unsafe { self.slot.add(1) };
                // SAFETY: (I4) `left` counts slots that have a header.
                if unsafe { slot.header() }.is_live() {
                    return Some(slot);
                }
            }
            *self = Self::in_next_block(arena, self.resume, self.end)?;
        }
    }
}

#[cfg(any(test, fuzzing, debug_assertions))]
impl<K, V> Arena<K, V> {
    /// Asserts what this file promises, and that `occupied` slots are handed out.
    pub(crate) fn check_invariants(&self, occupied: usize) {
        let total = self.total();
        assert_eq!((total - self.room) as usize, occupied, "slots handed out");
        let mut end = 0;
        for block in &self.blocks {
            assert!(block.first % PAGE == 0 && block.first >= end, "blocks are ordered by address");
            end = block.addresses().end;
            for page in block.pages() {
                let offset = (page - page_of(block.first)) * PAGE as usize;
                let start = block.slots.as_ptr().wrapping_add(offset);
                assert_eq!(self.pages[page].as_ptr(), start, "(I2) pages lead into their block");
            }
        }
        assert_eq!(self.pages.len(), self.blocks.last().map_or(0, |block| block.pages().end));
        let mut free = 0;
        self.for_each_free(|arena, address| {
            let block = &arena.blocks[arena.block_of(address)];
            assert!(address.0 < block.first + arena.used(block), "(I2) a free slot was used once");
            free += 1;
            assert!(free <= arena.room, "the free list has no loop");
        });
        assert_eq!(free + self.fresh.len() as u32, self.room, "no slot is lost");
    }
}
