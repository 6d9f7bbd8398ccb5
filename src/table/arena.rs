//! Pages of slots that never move.
//!
//! Slots are numbered from 1. The first pages are small, so that small maps are; all others have the same
//! number of slots, so that finding a slot takes a shift, a mask and one load. A page starts with a
//! [`PageHeader`], which is found from a live slot and tells whom the slot belongs to.
//!
//! Which number an entry gets is up to the free list of [`Handles`]. When pages have been freed, it is sorted before
//! one of them is opened again, so that the vacant slots of pages that exist are used first.

#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::cell::Cell;
use core::mem;

use hashbrown::TryReserveError;

#[cfg(any(test, fuzzing, debug_assertions))]
use super::handles::LAST_VERSION;
use super::handles::{Handle, Handles, Number, allocation_error};
use super::page::{Header, Memory, Owner, Page, PageHeader};
use super::{Folded, SlotPtr};

/// No page is larger, unless it has a single slot.
const PAGE_BYTES: usize = 1 << 16;

/// The first page is not larger either, unless it has a single slot.
const FIRST_PAGE_BYTES: usize = 1 << 12;

/// The first page of small slots has so many.
const FIRST_PAGE_SLOTS: u32 = 4;

/// What an arena without an entry keeps at most, in several pages.
const KEPT_BYTES: usize = 24 << 10;

/// What it keeps at most in a single page, so that one entry can come and go without allocating.
const KEPT_PAGE_BYTES: usize = 36 << 10;

/// The slots of one map.
///
/// Holds raw memory only: dropping it frees the pages and drops no key and no value.
pub(super) struct Arena<K, V> {
    pages: Vec<Option<Page<K, V>>>,
    /// Memory that was reserved and is not used yet.
    spare: Vec<Memory<K, V>>,
    /// What later pages say of their owner.
    pub(super) owner: Owner,
    /// The last of the slots that wait for their destructors. They form a ring, so that whoever came last leads to
    /// whoever came first.
    pub(super) waiting: Number,
    /// Slots that are live, wait for their destructors, or can never be used again.
    occupied: u32,
    /// Slots that were used and are not occupied.
    vacant: u32,
    /// Slots of full pages without an occupied slot.
    idle: u32,
    /// Slots of pages that have been freed.
    freed: u32,
    /// How many of the freed ones may come before vacant ones in the free list.
    unsorted: u32,
}

/// How numbers are divided into pages. A position is a number less one.
impl<K, V> Arena<K, V> {
    /// The slots of a page of full size, as a power of two.
    const PAGE: u32 = slots_that_fit::<K, V>(PAGE_BYTES, u32::MAX);
    /// The slots of the first page, as a power of two.
    const FIRST: u32 = slots_that_fit::<K, V>(FIRST_PAGE_BYTES, FIRST_PAGE_SLOTS);

    /// The index of the page at a position.
    #[inline]
    fn page_index(position: u32) -> usize {
        let index = if position >= Self::PAGE {
            (position >> Self::PAGE.ilog2()) + Self::PAGE.ilog2() - Self::FIRST.ilog2()
        } else if position >= Self::FIRST {
            position.ilog2() + 1 - Self::FIRST.ilog2()
        } else {
            0
        };
        index as usize
    }

    /// The position of the first slot in the page at a position.
    #[inline]
    fn page_start(position: u32) -> u32 {
        if position >= Self::PAGE {
            position & !(Self::PAGE - 1)
        } else if position >= Self::FIRST {
            1 << position.ilog2()
        } else {
            0
        }
    }

    /// The slots of the page that starts at a position. Small pages double the arena.
    #[inline]
    fn page_slots(start: u32) -> u32 {
        start.clamp(Self::FIRST, Self::PAGE)
    }
}

const fn slots_that_fit<K, V>(bytes: usize, most: u32) -> u32 {
    let slots = bytes / SlotPtr::<K, V>::SIZE;
    match slots {
        0 => 1,
        _ if slots < most as usize => 1 << slots.ilog2(),
        _ => most,
    }
}

impl<K, V> Arena<K, V> {
    pub(super) const fn new() -> Self {
        Self {
            pages: Vec::new(),
            spare: Vec::new(),
            owner: Owner::NONE,
            waiting: Number::NONE,
            occupied: 0,
            vacant: 0,
            idle: 0,
            freed: 0,
            unsorted: 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// The slots of all pages: what a walk looks at.
    pub(super) fn slots(&self) -> usize {
        (self.occupied + self.vacant) as usize
    }

    /// Slots of the last page that have not been used. Others have none.
    fn fresh(&self) -> u32 {
        let last = self.pages.last().copied().flatten();
        last.map_or(0, |page| page.header().slots - page.header().used.get())
    }

    /// Whether a page may be freed: one of full size, of which all slots have been used and none is occupied.
    #[inline]
    fn is_idle(page: &PageHeader) -> bool {
        page.occupied.get() == 0 && page.used.get() == Self::PAGE
    }

    /// The slots that the spare memory has room for.
    fn spare_slots(&self) -> usize {
        self.spare.iter().map(|memory| memory.slots as usize).sum()
    }

    /// How many more slots there is memory for, given for how many there are numbers, vacant ones included.
    pub(super) fn room(&self, numbers: usize) -> usize {
        if self.unsorted > 0 {
            return 0;
        }
        // The last page comes after those that were freed.
        let fresh = if self.freed == 0 { self.fresh() } else { 0 };
        let later = fresh as usize + self.spare_slots();
        self.vacant as usize + later.min(numbers - self.vacant as usize)
    }

    /// How many numbers more than now all this memory takes.
    pub(super) fn numbers(&self, reserved: &Reserved<K, V>) -> usize {
        (self.vacant + self.fresh()) as usize + self.spare_slots() + reserved.slots
    }

    #[inline]
    pub(super) fn page(&self, number: Number) -> Option<Page<K, V>> {
        *self.pages.get(Self::page_index(number.0.wrapping_sub(1)))?
    }

    /// The slot of a number, and its header, if it has been used and its page exists.
    #[inline]
    pub(super) fn slot(&self, number: Number) -> Option<(SlotPtr<K, V>, &Header)> {
        let page = self.pages.get(Self::page_index(number.0.wrapping_sub(1)))?.as_ref()?;
        let position = number.0 - page.header().first.0;
        (position < page.header().used.get()).then(|| page.slot(position))
    }

    /// Allocates memory, so that `additional` slots can be had without allocating once [`keep`](Self::keep) has
    /// taken it.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    pub(super) fn allocate(&self, additional: usize) -> Result<Reserved<K, V>, TryReserveError> {
        let mut reserved = Reserved { spare: Vec::new(), pages: Vec::new(), slots: 0 };
        let missing = additional.saturating_sub(self.room(usize::MAX));
        if missing == 0 {
            return Ok(reserved);
        }
        let bytes = missing.checked_mul(SlotPtr::<K, V>::SIZE);
        if bytes.is_none_or(|bytes| bytes > isize::MAX as usize) {
            return Err(TryReserveError::CapacityOverflow);
        }
        // Small pages are opened in their order, and before all others.
        let next = self.slots() + (self.fresh() + self.freed) as usize + self.spare_slots();
        let most_pages = missing.div_ceil(Self::PAGE as usize) + PAGE_BYTES.ilog2() as usize;
        try_reserve(&mut reserved.spare, self.spare.len() + most_pages)?;
        try_reserve(&mut reserved.pages, self.pages.len() + self.spare.len() + most_pages)?;
        while reserved.slots < missing {
            let start = u32::try_from(next + reserved.slots)
                .map_err(|_| TryReserveError::CapacityOverflow)?;
            let slots = Self::page_slots(start);
            reserved.spare.push(Memory::allocate(slots)?);
            reserved.slots += slots as usize;
        }
        Ok(reserved)
    }

    /// Takes what [`allocate`](Self::allocate) has given.
    pub(super) fn keep(&mut self, mut reserved: Reserved<K, V>) {
        if reserved.slots > 0 {
            reserved.spare.append(&mut self.spare);
            self.spare = reserved.spare;
            reserved.pages.append(&mut self.pages);
            self.pages = reserved.pages;
        }
    }

    /// Sees to it that the page of the number that comes next exists.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out; nothing has changed then.
    pub(super) fn open_page(&mut self, handles: &mut Handles) -> Result<(), TryReserveError> {
        // Without the memory to sort there may be enough for a page.
        let _ = self.sort(handles);
        let (next, is_fresh) = handles.next_number();
        if self.page(next).is_some() {
            return Ok(());
        }
        let start = Self::page_start(next.0 - 1);
        let (slots, index) = (Self::page_slots(start), Self::page_index(start));
        if is_fresh {
            handles.try_reserve(slots as usize)?;
        }
        if index >= self.pages.len() {
            let more = index + 1 - self.pages.len();
            // A map of few entries has one page.
            match index {
                0 => try_reserve_exact(&mut self.pages, more)?,
                _ => try_reserve(&mut self.pages, more)?,
            }
        }
        let memory = match self.spare.iter().rposition(|memory| memory.slots == slots) {
            Some(position) => self.spare.remove(position),
            None => {
                // A single page is kept, unless it is large.
                if index > 0 || slots as usize * SlotPtr::<K, V>::SIZE > KEPT_PAGE_BYTES {
                    handles.prepare_reset();
                }
                Memory::allocate(slots)?
            }
        };

        // Nothing below allocates or fails.
        let header = PageHeader {
            owner: self.owner,
            first: Number(start + 1),
            slots,
            used: Cell::new(if is_fresh { 0 } else { slots }),
            occupied: Cell::new(0),
        };
        let page = Page::new(memory, header);
        if index >= self.pages.len() {
            self.pages.resize(index + 1, None);
        }
        self.pages[index] = Some(page);
        if !is_fresh {
            self.freed -= slots;
            self.vacant += slots;
            self.idle += slots;
            if self.unsorted > 0 {
                // There was no memory to sort, so nothing is known of the order.
                self.unsorted = self.freed;
            }
        }
        Ok(())
    }

    /// Takes the slot of the number that comes next, and makes it live, if its page exists.
    #[inline]
    pub(super) fn take(
        &mut self,
        handles: &mut Handles,
        hash: Folded,
    ) -> Option<(SlotPtr<K, V>, Handle)> {
        let mut page = None;
        let handle = handles.insert_if(hash, |number| {
            page = self.page(number);
            page.is_some()
        })?;
        let page = page?;
        let page_header = page.header();
        let position = handle.number().0 - page_header.first.0;
        if position == page_header.used.get() {
            page.init(position);
            page_header.used.set(position + 1);
        } else {
            self.vacant -= 1;
            if Self::is_idle(page_header) {
                self.idle -= Self::PAGE;
            }
        }
        page_header.occupied.set(page_header.occupied.get() + 1);
        self.occupied += 1;
        let (slot, header) = page.slot(position);
        header.set_live(position, handle);
        Some((slot, handle))
    }

    /// Takes the slot of a dead entry back, and says whether its page has no other. If its number does not come
    /// again, it stays occupied.
    #[inline]
    pub(super) fn give(&mut self, page: Page<K, V>, comes_again: bool) -> bool {
        if !comes_again {
            return false;
        }
        let page_header = page.header();
        let occupied = page_header.occupied.get() - 1;
        page_header.occupied.set(occupied);
        self.occupied -= 1;
        self.vacant += 1;
        if Self::is_idle(page_header) {
            self.idle += Self::PAGE;
        }
        occupied == 0
    }

    /// Shows `each` every live slot, in the order of their numbers.
    pub(super) fn for_each_live(&self, mut each: impl FnMut(SlotPtr<K, V>, Handle)) {
        for page in self.pages.iter().flatten() {
            let first = page.header().first.0;
            for position in 0..page.header().used.get() {
                let (slot, header) = page.slot(position);
                if header.is_live() {
                    each(slot, Handle::from_parts(Number(first + position), header.version()));
                }
            }
        }
    }

    /// Whether there is so much idle memory that it should go. In between entries can come and go without
    /// any page being opened or freed.
    #[inline]
    pub(super) fn is_wasteful(&self) -> bool {
        // A part of all slots, because all that are vacant cost time in `sort`.
        self.idle > Self::PAGE + (self.occupied + self.vacant) / 8
            || (self.occupied == 0 && self.is_large())
    }

    /// Whether this takes much memory for a map without entries.
    pub(super) fn is_large(&self) -> bool {
        let slots = (self.vacant + self.fresh()) as usize + self.spare_slots();
        let is_one_page = self.pages.len() == 1 && self.spare.is_empty();
        let kept = if is_one_page { KEPT_PAGE_BYTES } else { KEPT_BYTES };
        slots * SlotPtr::<K, V>::SIZE > kept
    }

    /// Frees the memory that holds no entry: spare memory, pages of full size, and if there is no entry at all
    /// every page. Moves nothing.
    pub(super) fn shrink(&mut self, handles: &mut Handles) {
        self.spare = Vec::new();
        let holds_memory = !self.pages.is_empty() || handles.is_large();
        if self.occupied == 0 && holds_memory && handles.reset() {
            self.free_all();
        } else if self.idle > 0 && handles.has_versions() {
            self.free_idle();
        }
    }

    fn free_all(&mut self) {
        for page in mem::take(&mut self.pages).into_iter().flatten() {
            drop(page.into_memory());
        }
        (self.vacant, self.idle, self.freed) = (0, 0, 0);
        self.unsorted = 0;
    }

    fn free_idle(&mut self) {
        for entry in &mut self.pages {
            let idle = entry.take_if(|page| Self::is_idle(page.header()));
            if let Some(page) = idle {
                drop(page.into_memory());
            }
        }
        self.freed += self.idle;
        self.unsorted += self.idle;
        self.vacant -= self.idle;
        self.idle = 0;
        let there = self.pages.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.pages.truncate(there);
    }

    /// Sorts the free list: first the numbers of vacant slots, then those of freed pages, page by page.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; nothing has changed then.
    pub(super) fn sort(&mut self, handles: &mut Handles) -> Result<(), TryReserveError> {
        if self.unsorted == 0 {
            return Ok(());
        }
        let (mut vacant, mut freed) = (Vec::new(), Vec::new());
        try_reserve(&mut vacant, self.vacant as usize)?;
        try_reserve(&mut freed, self.unsorted as usize)?;
        // Those that have been sorted before come last, and stay where they are.
        for _ in 0..self.vacant + self.unsorted {
            let handle = handles.insert_if(Folded::new(0), |_| true).expect("it is in the list");
            let is_vacant = self.page(handle.number()).is_some();
            if is_vacant { &mut vacant } else { &mut freed }.push(handle);
        }
        freed.sort_unstable_by_key(|handle| handle.index());
        for &handle in freed.iter().rev() {
            let comes_again = handles.retire(handle);
            debug_assert!(comes_again.is_some(), "pages are freed only while there are versions");
        }
        for &handle in vacant.iter().rev() {
            if handles.retire(handle).is_none() {
                self.wear_out(handle);
            }
        }
        self.unsorted = 0;
        Ok(())
    }

    /// Notes that the number of a vacant slot never comes again.
    fn wear_out(&mut self, last_handle: Handle) {
        if let Some(page) = self.page(last_handle.number()) {
            let occupied = page.header().occupied.get();
            self.idle -= if Self::is_idle(page.header()) { Self::PAGE } else { 0 };
            page.header().occupied.set(occupied + 1);
            self.occupied += 1;
            self.vacant -= 1;
            if let Some((_, header)) = self.slot(last_handle.number()) {
                header.set_dead(last_handle);
            }
        }
    }
}

/// Memory on its way to become spare.
pub(super) struct Reserved<K, V> {
    /// With room for what is spare already.
    spare: Vec<Memory<K, V>>,
    /// Room for the pages there are and those to come.
    pages: Vec<Option<Page<K, V>>>,
    slots: usize,
}

fn try_reserve_exact<T>(vec: &mut Vec<T>, additional: usize) -> Result<(), TryReserveError> {
    let refused = allocation_error::<T>(vec.len().saturating_add(additional));
    vec.try_reserve_exact(additional).map_err(|_| refused)
}

fn try_reserve<T>(vec: &mut Vec<T>, additional: usize) -> Result<(), TryReserveError> {
    let refused = allocation_error::<T>(vec.len().saturating_add(additional));
    vec.try_reserve(additional).map_err(|_| refused)
}

impl<K, V> Drop for Arena<K, V> {
    fn drop(&mut self) {
        for page in self.pages.iter().copied().flatten() {
            drop(page.into_memory());
        }
    }
}

/// A position in a walk over the live slots, in the order of their numbers.
///
/// The walk ends where the last page ended when it began, and sees each slot at most once, however
/// many are taken or given back meanwhile, and whatever pages are opened or freed.
pub(crate) struct Cursor {
    position: u32,
    end: u32,
}

impl Cursor {
    pub(super) fn new<K, V>(arena: &Arena<K, V>) -> Self {
        let last = arena.pages.last().copied().flatten();
        let end = last.map_or(0, |page| page.header().end());
        Self { position: 0, end }
    }

    /// The next live slot, and its handle.
    #[inline]
    pub(super) fn next<K, V>(&mut self, arena: &Arena<K, V>) -> Option<(SlotPtr<K, V>, Handle)> {
        while self.position < self.end {
            let start = Arena::<K, V>::page_start(self.position);
            let next_page = start + Arena::<K, V>::page_slots(start);
            let page = arena.pages.get(Arena::<K, V>::page_index(start)).copied().flatten();
            let Some(page) = page.filter(|page| page.header().occupied.get() > 0) else {
                self.position = next_page;
                continue;
            };
            for position in self.position..start + page.header().used.get() {
                let (slot, header) = page.slot(position - start);
                if header.is_live() {
                    self.position = position + 1;
                    let handle = Handle::from_parts(Number(position + 1), header.version());
                    return Some((slot, handle));
                }
            }
            self.position = next_page;
        }
        None
    }
}

#[cfg(any(test, fuzzing, debug_assertions))]
impl<K, V> Arena<K, V> {
    /// Asserts what this file promises.
    pub(super) fn check_invariants(&self) {
        let (mut occupied, mut used, mut fresh, mut idle) = (0, 0, 0, 0);
        for (index, page) in self.pages.iter().enumerate() {
            let Some(page) = *page else { continue };
            let header = page.header();
            let start = header.first.0 - 1;
            assert_eq!(Self::page_index(start), index, "(I1) pages know their numbers");
            assert_eq!(Self::page_slots(start), header.slots);
            assert_eq!(header.owner, self.owner, "(I1) and their owner");
            occupied += header.occupied.get();
            used += header.used.get();
            fresh += header.slots - header.used.get();
            if Self::is_idle(header) {
                idle += header.slots;
            }
        }
        assert_eq!((occupied, used - occupied), (self.occupied, self.vacant));
        assert_eq!((fresh, idle), (self.fresh(), self.idle));
    }

    /// The slots that are live or wait for their destructors.
    pub(super) fn in_use(&self) -> usize {
        let pages = self.pages.iter().flatten();
        let is_worn_out =
            |page: &Page<K, V>, position| page.slot(position).1.version() == LAST_VERSION - 1;
        let worn_out = pages.map(|page| {
            (0..page.header().used.get()).filter(|&position| is_worn_out(page, position)).count()
        });
        self.occupied as usize - worn_out.sum::<usize>()
    }

    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.pages.iter().flatten().count()
    }
}

#[cfg(test)]
impl Cursor {
    /// How many pages and slots a walk looks at.
    pub(super) fn steps<K, V>(self, arena: &Arena<K, V>) -> u32 {
        let mut steps = 0;
        let mut position = self.position;
        while position < self.end {
            let start = Arena::<K, V>::page_start(position);
            let slots = Arena::<K, V>::page_slots(start);
            let is_there = arena.slot(Number(position + 1)).is_some();
            steps += if is_there { slots } else { 1 };
            position = start + slots;
        }
        steps
    }
}
