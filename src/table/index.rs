//! The index: where the entries of a hash lie.

use core::ptr;

use hashbrown::{HashTable, TryReserveError};

use super::{Folded, SlotPtr};

/// What the index holds for an entry: a pointer to its slot, from which a few bits of the entry's hash, its
/// *piece*, are subtracted. The alignment of slots leaves the low bits for that. A search compares pieces
/// first, so it hardly ever reads an entry of another hash.
///
/// The provenance is that of the slot's page: pointers are moved, never made from integers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Listing(*mut u8);

impl Listing {
    #[inline]
    fn piece<K, V>(hash: Folded) -> usize {
        hash.top(SlotPtr::<K, V>::ALIGN.ilog2())
    }

    #[inline]
    fn new<K, V>(slot: SlotPtr<K, V>, hash: Folded) -> Self {
        Self(slot.as_ptr().cast::<u8>().wrapping_sub(Self::piece::<K, V>(hash)))
    }

    /// Whether the entry's hash may be this one. Of those that have another, few may.
    #[inline]
    fn may_have<K, V>(self, hash: Folded) -> bool {
        self.0.wrapping_add(Self::piece::<K, V>(hash)).addr() % SlotPtr::<K, V>::ALIGN == 0
    }

    /// The slot.
    ///
    /// # Safety
    ///
    /// The entry's hash `may_have` been this one.
    #[inline]
    unsafe fn slot_of<K, V>(self, hash: Folded) -> SlotPtr<K, V> {
        let slot = self.0.wrapping_add(Self::piece::<K, V>(hash));
        // SAFETY: (I4) `new` subtracted less than the alignment, and what has been added leads to a
        // multiple of it. So both were the same, and this is the pointer that `new` was given.
        unsafe { SlotPtr::from_ptr(slot.cast()) }
    }

    /// The slot, whatever the hash is.
    #[inline]
    fn slot<K, V>(self) -> SlotPtr<K, V> {
        let align = SlotPtr::<K, V>::ALIGN;
        let piece = self.0.addr().wrapping_neg() % align;
        // SAFETY: (I4) `new` subtracted less than the alignment from a multiple of it.
        unsafe { SlotPtr::from_ptr(self.0.wrapping_add(piece).cast()) }
    }
}

// SAFETY: the pointer is no use without the table around it, whose arena says what may be sent.
unsafe impl Send for Listing {}

/// A hash table of slots. It grows and shrinks by the hashes that its callers look up for it, and calls no
/// user code.
pub(super) struct Index {
    listings: HashTable<Listing>,
    /// The address behind bucket 0, from which hashbrown counts downwards; a hint, which may be out of date.
    end: usize,
}

impl Index {
    /// An index of more buckets does not fit into the nearest caches, and prefetching pays.
    const LARGE: usize = 1 << 14;

    /// An index of fewer buckets is never made smaller on its own.
    const SMALL: usize = 1 << 11;

    pub(super) const fn new() -> Self {
        Self { listings: HashTable::new(), end: 0 }
    }

    /// An index with room for so many entries.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    pub(super) fn with_room(entries: usize) -> Result<Self, TryReserveError> {
        let mut index = Self::new();
        index.listings.try_reserve(entries, |_| unreachable!("it is empty"))?;
        Ok(index)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.listings.len()
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.listings.capacity()
    }

    /// The first slot that may have this hash and that `accepts` takes.
    #[inline(always)]
    pub(super) fn find<K, V>(
        &self,
        hash: Folded,
        mut accepts: impl FnMut(SlotPtr<K, V>) -> bool,
    ) -> Option<SlotPtr<K, V>> {
        self.prefetch(hash);
        let listing = self.listings.find(hash.spread(), |listing| {
            // SAFETY: asked just before.
            listing.may_have::<K, V>(hash) && accepts(unsafe { listing.slot_of(hash) })
        })?;
        // SAFETY: asked above.
        Some(unsafe { listing.slot_of(hash) })
    }

    /// Asks the processor to load the bucket that most likely lists this hash while it waits for the tags:
    /// in a large index both are far away, and without this the one would be loaded after the other.
    #[inline(always)]
    fn prefetch(&self, hash: Folded) {
        if self.listings.num_buckets() > Self::LARGE {
            prefetch(self.home_bucket(hash));
        }
    }

    /// The address of the bucket where the search for a hash starts. It relies on how hashbrown lays out its
    /// buckets, so it is good for a hint only.
    #[inline]
    fn home_bucket(&self, hash: Folded) -> usize {
        let bucket = hash.spread() as usize & (self.listings.num_buckets() - 1);
        self.end.wrapping_sub((bucket + 1) * size_of::<Listing>())
    }

    /// Lists an entry. There is room.
    #[inline]
    pub(super) fn insert<K, V>(&mut self, slot: SlotPtr<K, V>, hash: Folded) {
        assert!(self.len() != self.capacity(), "the index has room");
        let no_rehash = |_: &Listing| unreachable!("the index has room");
        let entry = self.listings.insert_unique(hash.spread(), Listing::new(slot, hash), no_rehash);
        let behind = (entry.bucket_index() + 1) * size_of::<Listing>();
        self.end = ptr::from_ref(entry.get()).addr() + behind;
    }

    /// Takes an entry out, if it is listed: after `clear` none is.
    #[inline]
    pub(super) fn remove<K, V>(&mut self, slot: SlotPtr<K, V>, hash: Folded) {
        self.prefetch(hash);
        let listing = Listing::new(slot, hash);
        if let Ok(entry) = self.listings.find_entry(hash.spread(), |&other| other == listing) {
            entry.remove();
        }
    }

    /// Makes room for so many more entries by clearing tombstones away. There are at most half as many entries then
    /// as the index can hold, so hashbrown does it in place.
    pub(super) fn clear_tombstones<K, V>(
        &mut self,
        additional: usize,
        hash_of: impl Fn(SlotPtr<K, V>) -> Folded,
    ) {
        self.listings.reserve(additional, |listing| hash_of(listing.slot()).spread());
    }

    /// Whether so many entries would fit if there were no tombstones.
    pub(super) fn would_hold(&self, entries: usize) -> bool {
        // Seven of eight buckets; an index of four buckets is never worth clearing.
        entries <= self.listings.num_buckets() / 8 * 7
    }

    /// Takes all entries out, and tombstones with them. Keeps the memory.
    pub(super) fn clear(&mut self) {
        // hashbrown's own `clear` leaves tombstones where there is no entry.
        drop(self.listings.drain());
    }

    /// Whether it is so large for its entries that it should be smaller.
    #[inline]
    pub(super) fn is_wasteful(&self) -> bool {
        let buckets = self.listings.num_buckets();
        buckets > Self::SMALL && self.len() < buckets / 16
    }

    /// Moves all entries to another index, which is empty and has room, and becomes that one.
    pub(super) fn move_to<K, V>(
        &mut self,
        mut other: Self,
        hash_of: impl Fn(SlotPtr<K, V>) -> Folded,
    ) {
        for listing in &self.listings {
            let slot = listing.slot();
            other.insert(slot, hash_of(slot));
        }
        *self = other;
    }

    pub(super) fn num_buckets(&self) -> usize {
        self.listings.num_buckets()
    }

    /// How many times an entry is listed.
    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(super) fn count<K, V>(&self, slot: SlotPtr<K, V>, hash: Folded) -> usize {
        let listing = Listing::new(slot, hash);
        self.listings.iter_hash(hash.spread()).filter(|&&other| other == listing).count()
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
#[inline(always)]
fn prefetch(address: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: the target has the instruction, which is a hint: it reads nothing that the program can
    // see, and any address will do.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::without_provenance(address)) };
}

/// Nothing: stable Rust has no such hint here.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
#[inline(always)]
fn prefetch(_address: usize) {}

#[cfg(test)]
impl Index {
    /// Whether an entry of this hash lies in the bucket that is prefetched for it.
    pub(super) fn is_at_home(&self, hash: Folded) -> bool {
        let home = self.home_bucket(hash);
        self.listings.iter_hash(hash.spread()).any(|it| ptr::from_ref(it).addr() == home)
    }
}
