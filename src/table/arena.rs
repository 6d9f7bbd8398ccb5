//! Pages of slots that never move.
//!
//! Slots are numbered from 1. The first pages are small, so that small maps are; all others have the same
//! number of slots, so that finding a slot takes a shift, a mask and one load. A page starts with a
//! [`PageHeader`], which is found from a slot and its number. It tells whom the slots belong to, and lists
//! the vacant ones.
//!
//! A page takes its numbers from [`Handles`] and gives them back as a whole. Only the last one may be *fresh*: it
//! takes its numbers when they are first used, so that it costs nothing to open. As long as there is such a page,
//! no other has given its numbers back.

use alloc::alloc::{alloc, dealloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::Cell;
use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};

use hashbrown::TryReserveError;

use super::handles::{Handle, Handles, Number};
use super::slot::{Header, Slot};
use super::{Folded, SlotPtr, allocation_error};

/// No page is larger, unless it has a single slot.
const PAGE_BYTES: usize = 1 << 16;

/// The first page is not larger either, unless it has a single slot.
const FIRST_PAGE_BYTES: usize = 1 << 12;

/// The first page of small slots has so many.
const FIRST_PAGE_SLOTS: u32 = 4;

/// What an arena without an entry keeps at most.
const KEPT_BYTES: usize = 24 << 10;

/// What stands in front of the slots of a page. The cells are read and written while entries are borrowed.
struct PageHeader {
    owner: *const (),
    first: Number,
    slots: u32,
    /// How many slots have a number and a header. All, but in a fresh page.
    used: Cell<u32>,
    /// The first of the page's vacant slots, which form a list.
    vacant: Cell<Number>,
    /// How many slots are live or wait for their destructors.
    occupied: Cell<u32>,
    /// The next page that has a vacant slot.
    next: Cell<Option<Page>>,
}

/// A page that is allocated: nobody keeps one that has been freed (I1).
#[derive(Clone, Copy)]
struct Page(NonNull<PageHeader>);

impl Page {
    #[inline]
    fn header(&self) -> &PageHeader {
        // SAFETY: (I1) the page is allocated and has a header; (I5) no `&mut` covers it.
        unsafe { self.0.as_ref() }
    }

    /// How many slots there are up to the end of the page.
    fn end(&self) -> u32 {
        self.header().first.0 - 1 + self.header().slots
    }
}

/// Memory for a page with so many slots.
struct Memory<K, V> {
    start: NonNull<u8>,
    slots: u32,
    entries: PhantomData<(K, V)>,
}

impl<K, V> Memory<K, V> {
    /// Where the slots of a page begin.
    const HEADER: usize = size_of::<PageHeader>().next_multiple_of(SlotPtr::<K, V>::ALIGN);

    fn layout(slots: u32) -> Result<Layout, TryReserveError> {
        let align = SlotPtr::<K, V>::ALIGN.max(align_of::<PageHeader>());
        (slots as usize)
            .checked_mul(SlotPtr::<K, V>::SIZE)
            .and_then(|size| Layout::from_size_align(size.checked_add(Self::HEADER)?, align).ok())
            .ok_or(TryReserveError::CapacityOverflow)
    }

    fn allocate(slots: u32) -> Result<Self, TryReserveError> {
        let layout = Self::layout(slots)?;
        // SAFETY: a page has a header, so the layout is not of size zero.
        let start = unsafe { alloc(layout) };
        let start = NonNull::new(start).ok_or(TryReserveError::AllocError { layout })?;
        Ok(Self { start, slots, entries: PhantomData })
    }
}

impl<K, V> Memory<K, V> {
    /// The memory of a page, which is not used again.
    fn of(page: Page) -> Self {
        Self { start: page.0.cast(), slots: page.header().slots, entries: PhantomData }
    }
}

impl<K, V> Drop for Memory<K, V> {
    fn drop(&mut self) {
        if let Ok(layout) = Self::layout(self.slots) {
            // SAFETY: `allocate` used this layout. (I2) No slot of it is occupied.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

/// The slots of one map.
///
/// Holds raw memory only: dropping it frees the pages and drops no key and no value.
pub(super) struct Arena<K, V> {
    pages: Vec<Option<Page>>,
    /// Memory that was reserved and is not used yet.
    spare: Vec<Memory<K, V>>,
    /// The first page that lists a vacant slot.
    open: Option<Page>,
    /// The last page, if it has slots without a number.
    fresh: Option<Page>,
    /// What later pages say of their owner.
    pub(super) owner: *const (),
    /// Slots that are live or wait for their destructors.
    occupied: u32,
    /// Slots that can be taken without opening a page.
    vacant: u32,
    /// Slots that the spare memory has room for.
    spare_slots: u32,
    /// Slots of full-size pages that have no occupied slot.
    idle: u32,
}

// SAFETY: an arena owns its pages and what the layer above writes into them, as a `Vec<(K, V)>`
// would; a pointer into them on another thread is no use without the map that moved.
unsafe impl<K: Send, V: Send> Send for Arena<K, V> {}

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
            open: None,
            fresh: None,
            owner: ptr::null(),
            occupied: 0,
            vacant: 0,
            spare_slots: 0,
            idle: 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// How many slots can be taken without opening a page.
    #[inline]
    pub(super) fn vacant(&self) -> usize {
        self.vacant as usize
    }

    /// How many slots the pages have room for that can be opened without allocating.
    pub(super) fn spare_slots(&self) -> usize {
        self.spare_slots as usize
    }

    /// How many of the vacant slots have no number yet.
    pub(super) fn fresh_slots(&self) -> usize {
        self.fresh.map_or(0, |page| page.header().slots - page.header().used.get()) as usize
    }

    /// The slot of a number, if it has been used and its page exists.
    #[inline]
    pub(super) fn slot(&self, number: Number) -> Option<SlotPtr<K, V>> {
        let page = self.page(number)?;
        let position = number.0 - page.header().first.0;
        // SAFETY: (I1) the page has a slot of each of its numbers.
        (position < page.header().used.get()).then(|| unsafe { Self::slot_in(page, position) })
    }

    #[inline]
    fn page(&self, number: Number) -> Option<Page> {
        *self.pages.get(Self::page_index(number.0.wrapping_sub(1)))?
    }

    /// # Safety
    ///
    /// The page has a slot at this position.
    #[inline]
    unsafe fn slot_in(page: Page, position: u32) -> SlotPtr<K, V> {
        // SAFETY: slots begin here.
        let slots = unsafe { page.0.byte_add(Memory::<K, V>::HEADER) }.cast::<Slot<K, V>>();
        // SAFETY: the caller's promise.
        let slot = unsafe { slots.add(position as usize) };
        // SAFETY: it lies in a page.
        unsafe { SlotPtr::new(slot) }
    }

    /// The page of a slot, which says at what position of the page it is.
    ///
    /// # Safety
    ///
    /// The slot is live, and so during `'a`.
    #[inline]
    unsafe fn page_of<'a>(slot: SlotPtr<K, V>) -> &'a PageHeader {
        // SAFETY: (I2) the slot is live.
        let position = unsafe { slot.header() }.position() as usize;
        let start = Memory::<K, V>::HEADER + position * SlotPtr::<K, V>::SIZE;
        // SAFETY: (I1) the page begins so many bytes in front of the slot, in the same allocation.
        let page = unsafe { slot.as_ptr().byte_sub(start) };
        // SAFETY: (I1) the page has a header, and (I5) no `&mut` covers it.
        unsafe { &*page.cast::<PageHeader>() }
    }

    /// Whom a slot belongs to: what [`owner`](Self::owner) was when its page was opened.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(super) unsafe fn owner_of(slot: SlotPtr<K, V>) -> *const () {
        // SAFETY: the caller's promise.
        unsafe { Self::page_of(slot) }.owner
    }

    /// The handle of a slot.
    ///
    /// # Safety
    ///
    /// The slot is live.
    #[inline]
    pub(super) unsafe fn handle_of(slot: SlotPtr<K, V>) -> Handle {
        // SAFETY: the caller's promise.
        let first = unsafe { Self::page_of(slot) }.first;
        // SAFETY: (I2) the slot is live.
        let header = unsafe { slot.header() };
        Handle::from_parts(Number(first.0 + header.position()), header.version())
    }

    /// Allocates memory, so that `additional` slots can be had without allocating once [`keep`](Self::keep) has
    /// taken it.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    pub(super) fn allocate(
        &self,
        additional: usize,
        handles: &mut Handles,
    ) -> Result<Reserved<K, V>, TryReserveError> {
        let mut reserved = Reserved { spare: Vec::new(), pages: Vec::new(), slots: 0 };
        let missing = additional.saturating_sub(self.vacant() + self.spare_slots());
        if missing == 0 {
            return Ok(reserved);
        }
        // Small pages are opened in their order, and before all others.
        let opened = self.fresh.map_or_else(|| handles.next_number().0.0 - 1, |page| page.end());
        let next = opened as usize + self.spare_slots();
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
            self.spare_slots += reserved.slots as u32;
            reserved.spare.append(&mut self.spare);
            self.spare = reserved.spare;
            reserved.pages.append(&mut self.pages);
            self.pages = reserved.pages;
        }
    }

    /// Opens the next page: draws its numbers, and makes its slots vacant.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out; nothing has changed then.
    pub(super) fn open_page(&mut self, handles: &mut Handles) -> Result<(), TryReserveError> {
        let (next, is_fresh) = handles.next_number();
        let start = Self::page_start(next.0 - 1);
        let (slots, index) = (Self::page_slots(start), Self::page_index(start));
        handles.try_reserve(slots as usize)?;
        if index >= self.pages.len() {
            let more = index + 1 - self.pages.len();
            try_reserve(&mut self.pages, more)?;
        }
        let memory = match self.spare.iter().rposition(|memory| memory.slots == slots) {
            Some(position) => {
                self.spare_slots -= slots;
                self.spare.remove(position)
            }
            None => Memory::allocate(slots)?,
        };

        // Nothing below allocates or fails.
        let header = PageHeader {
            owner: self.owner,
            first: Number(start + 1),
            slots,
            used: Cell::new(0),
            vacant: Cell::new(Number::NONE),
            occupied: Cell::new(0),
            next: Cell::new(None),
        };
        let page = memory.start.cast::<PageHeader>();
        mem::forget(memory);
        // SAFETY: the memory is large enough and aligned.
        unsafe { page.write(header) };
        self.idle += if slots == Self::PAGE { slots } else { 0 };
        if is_fresh {
            self.fresh = Some(Page(page));
            self.vacant += slots;
        } else {
            self.use_all(Page(page), handles);
        }
        if index >= self.pages.len() {
            self.pages.resize(index + 1, None);
        }
        self.pages[index] = Some(Page(page));
        Ok(())
    }

    /// Gives all slots of a page numbers and headers that have none yet, and lists them as vacant.
    fn use_all(&mut self, page: Page, handles: &mut Handles) {
        let header = page.header();
        for position in header.used.replace(header.slots)..header.slots {
            // SAFETY: (I1) the page has a slot there.
            let slot = unsafe { Self::slot_in(page, position) };
            // SAFETY: nothing refers to a slot that has not been used.
            unsafe { slot.init_header() };
        }
        let numbers = header.first.0..header.first.0 + header.slots;
        while let Some(handle) = handles.draw(&numbers) {
            let number = handle.number();
            // SAFETY: (I1) it is one of the page's numbers.
            let slot = unsafe { Self::slot_in(page, number.0 - header.first.0) };
            // SAFETY: (I2) the page is allocated.
            let slot = unsafe { slot.header() };
            slot.set_dead(handle);
            if !handle.is_last() {
                self.list(page, number, slot);
                self.vacant += 1;
            }
        }
    }

    /// Puts a slot at the head of its page's list of vacant ones.
    #[inline]
    fn list(&mut self, page: Page, number: Number, slot: &Header) {
        let header = page.header();
        let next = header.vacant.replace(number);
        slot.set_next(next);
        if next == Number::NONE {
            header.next.set(self.open.replace(page));
        }
    }

    /// Takes a vacant slot for an entry, and makes it live.
    ///
    /// # Panics
    ///
    /// If none is vacant.
    #[inline]
    pub(super) fn take(&mut self, handles: &mut Handles, hash: Folded) -> (SlotPtr<K, V>, Handle) {
        let page = self.open.or(self.fresh).expect("there is a vacant slot");
        let page_header = page.header();
        let number = page_header.vacant.get();
        let is_fresh = number == Number::NONE;
        let position =
            if is_fresh { page_header.used.get() } else { number.0 - page_header.first.0 };
        // SAFETY: (I1) a page lists its own slots, and a fresh page has one more than it uses.
        let slot = unsafe { Self::slot_in(page, position) };
        let handle = if is_fresh {
            // SAFETY: nothing refers to a slot that has not been used.
            unsafe { slot.init_header() };
            page_header.used.set(position + 1);
            if position + 1 == page_header.slots {
                self.fresh = None;
            }
            handles.insert(hash)
        } else {
            // SAFETY: (I2) the page is allocated.
            let header = unsafe { slot.header() };
            page_header.vacant.set(header.next());
            if header.next() == Number::NONE {
                self.open = page_header.next.take();
            }
            handles.renew(header.last_handle(number), hash)
        };
        debug_assert!(handle.number().0 == page_header.first.0 + position);
        // SAFETY: (I2) the page is allocated.
        unsafe { slot.header() }.set_live(position, handle);
        let occupied = page_header.occupied.get();
        if occupied == 0 && page_header.slots == Self::PAGE {
            self.idle -= Self::PAGE;
        }
        page_header.occupied.set(occupied + 1);
        self.occupied += 1;
        self.vacant -= 1;
        (slot, handle)
    }

    /// Takes the slot of a dead entry back.
    #[inline]
    pub(super) fn give(&mut self, last_handle: Handle) {
        let number = last_handle.number();
        let page = self.page(number).expect("(I2) a dead entry's page stays");
        let page_header = page.header();
        let occupied = page_header.occupied.get() - 1;
        page_header.occupied.set(occupied);
        if occupied == 0 && page_header.slots == Self::PAGE {
            self.idle += Self::PAGE;
        }
        self.occupied -= 1;
        if last_handle.is_last() {
            // Nothing has this number again.
            return;
        }
        // SAFETY: (I1) it is one of the page's numbers.
        let slot = unsafe { Self::slot_in(page, number.0 - page_header.first.0) };
        // SAFETY: (I2) the page is allocated.
        self.list(page, number, unsafe { slot.header() });
        self.vacant += 1;
    }

    /// The slots of all pages: what a walk looks at.
    pub(super) fn slots(&self) -> usize {
        (self.occupied + self.vacant) as usize
    }

    /// Whether there is so much idle memory that it should go. In between entries can come and go without
    /// any page being opened or freed.
    #[inline]
    pub(super) fn is_wasteful(&self) -> bool {
        self.idle > Self::PAGE + self.occupied / 4
            || (self.occupied == 0
                && (self.vacant() + self.spare_slots()) * SlotPtr::<K, V>::SIZE > KEPT_BYTES)
    }

    /// Frees the memory that holds no entry: spare memory, pages of full size, and if there is no entry at all
    /// every page. Moves nothing.
    pub(super) fn shrink(&mut self, handles: &mut Handles) {
        self.spare = Vec::new();
        self.spare_slots = 0;
        let all = self.occupied == 0 && handles.reset();
        self.vacant -= self.fresh_slots() as u32;
        if let Some(page) = self.fresh.take().filter(|_| !all) {
            self.use_all(page, handles);
        }
        self.open = None;
        // Backwards, so that the first pages are used first.
        for index in (0..self.pages.len()).rev() {
            let Some(page) = self.pages[index] else { continue };
            let header = page.header();
            let is_full_size = header.slots == Self::PAGE;
            if header.occupied.get() == 0 && (all || is_full_size) {
                self.vacant -= self.give_numbers_back(page, handles);
                self.idle -= if is_full_size { Self::PAGE } else { 0 };
                self.pages[index] = None;
                drop(Memory::<K, V>::of(page));
            } else if header.vacant.get() != Number::NONE {
                header.next.set(self.open.replace(page));
            }
        }
        let used = self.pages.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.pages.truncate(used);
        if used == 0 {
            self.pages = Vec::new();
        }
    }

    /// Gives the numbers of a page's vacant slots back, and returns how many there are.
    fn give_numbers_back(&self, page: Page, handles: &mut Handles) -> u32 {
        let mut count = 0;
        let mut next = page.header().vacant.get();
        while let Some(slot) = self.slot(next) {
            // SAFETY: (I2) the page is allocated.
            let slot = unsafe { slot.header() };
            handles.retire(slot.last_handle(next));
            next = slot.next();
            count += 1;
        }
        count
    }
}

/// Memory on its way to become spare.
pub(super) struct Reserved<K, V> {
    /// With room for what is spare already.
    spare: Vec<Memory<K, V>>,
    /// Room for the pages there are and those to come.
    pages: Vec<Option<Page>>,
    slots: usize,
}

impl<K, V> Reserved<K, V> {
    pub(super) fn slots(&self) -> usize {
        self.slots
    }
}

fn try_reserve<T>(vec: &mut Vec<T>, additional: usize) -> Result<(), TryReserveError> {
    let refused = allocation_error::<T>(vec.len().saturating_add(additional));
    vec.try_reserve(additional).map_err(|_| refused)
}

impl<K, V> Drop for Arena<K, V> {
    fn drop(&mut self) {
        for page in self.pages.iter().copied().flatten() {
            drop(Memory::<K, V>::of(page));
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
        let end = last.map_or(0, |page| page.end());
        Self { position: 0, end }
    }

    /// The next live slot.
    #[inline]
    pub(super) fn next<K, V>(&mut self, arena: &Arena<K, V>) -> Option<SlotPtr<K, V>> {
        while self.position < self.end {
            let position = self.position;
            let start = Arena::<K, V>::page_start(position);
            let next_page = start + Arena::<K, V>::page_slots(start);
            let Some(&Some(page)) = arena.pages.get(Arena::<K, V>::page_index(position)) else {
                self.position = next_page;
                continue;
            };
            for position in position..start + page.header().used.get() {
                // SAFETY: (I1) the page has a slot at each position that is used.
                let slot = unsafe { Arena::slot_in(page, position - start) };
                // SAFETY: (I2) the arena is borrowed, so its pages stay.
                if unsafe { slot.header() }.is_live() {
                    self.position = position + 1;
                    return Some(slot);
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
    pub(super) fn check_invariants(&self, handles: &Handles) {
        assert_eq!(self.spare.iter().map(|memory| memory.slots).sum::<u32>(), self.spare_slots);
        let (mut occupied, mut vacant, mut idle, mut open) = (0, 0, 0, 0);
        for (index, page) in self.pages.iter().enumerate() {
            let Some(page) = *page else { continue };
            let header = page.header();
            assert_eq!(
                Self::page_index(header.first.0 - 1),
                index,
                "(I1) pages know their numbers"
            );
            assert_eq!(header.owner, self.owner, "(I1) and their owner");
            occupied += header.occupied.get();
            open += usize::from(header.vacant.get() != Number::NONE);
            if header.occupied.get() == 0 && header.slots == Self::PAGE {
                idle += header.slots;
            }
            let mut next = header.vacant.get();
            while next != Number::NONE {
                let slot = self.slot(next).expect("(I1) a vacant slot has a page");
                // SAFETY: (I2) the arena is borrowed, so its pages stay.
                let slot = unsafe { slot.header() };
                assert!(!slot.is_live(), "a vacant slot is dead");
                let last = slot.last_handle(next);
                assert!(handles.hash(last).is_some() && !last.is_last(), "(I3) it can be renewed");
                next = slot.next();
                vacant += 1;
                assert!(vacant <= self.vacant, "no list has a loop");
            }
        }
        vacant += self.fresh_slots() as u32;
        assert_eq!((occupied, vacant, idle), (self.occupied, self.vacant, self.idle));
        let mut next = self.open;
        while let Some(page) = next {
            next = page.header().next.get();
            open = open.checked_sub(1).expect("a page is listed once");
        }
        assert_eq!(open, 0, "each page with a vacant slot is listed");
    }

    pub(super) fn occupied(&self) -> usize {
        self.occupied as usize
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
