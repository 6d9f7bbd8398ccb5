//! The index: where the entry of a hash lies.

use core::mem;
use core::ptr;

use hashbrown::{HashTable, TryReserveError};

use crate::storage::{Folded, SlotPtr};

/// What the index holds for an entry: a pointer to its slot, from which a few bits of the entry's hash, its
/// *piece*, are subtracted. The alignment of slots leaves the low bits for that. A search compares pieces
/// first, so it hardly ever reads an entry of another hash.
///
/// The provenance is that of the slot's block: pointers are moved, never made from integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing(*mut u8);

// SAFETY: the pointer is no use without the table around it, whose arena says what may be sent.
unsafe impl Send for Listing {}

impl Listing {
    #[inline]
    fn piece<K, V>(hash: Folded) -> usize {
        hash.top(SlotPtr::<K, V>::ALIGN.ilog2())
    }

    #[inline]
    pub(super) fn new<K, V>(slot: SlotPtr<K, V>, hash: Folded) -> Self {
        Self(slot.as_ptr().cast::<u8>().wrapping_sub(Self::piece::<K, V>(hash)))
    }

    /// The slot, if the entry's hash may be this one. Of those that have another, few may.
    #[inline]
    pub(super) fn slot<K, V>(self, hash: Folded) -> Option<SlotPtr<K, V>> {
        let slot = self.0.wrapping_add(Self::piece::<K, V>(hash));
        if slot.addr() % SlotPtr::<K, V>::ALIGN != 0 {
            return None;
        }
        // SAFETY: (I2) `new` subtracted less than the alignment, and what has been added leads to a
        // multiple of it. So both were the same, and this is the pointer that `new` was given.
        Some(unsafe { SlotPtr::from_ptr(slot.cast()) })
    }
}

/// A hash table of listings that knows where its buckets lie.
pub(super) struct Index {
    listings: HashTable<Listing>,
    /// The address behind bucket 0, from which hashbrown counts downwards. Of a large index only; else zero,
    /// and hints lead nowhere.
    end: usize,
}

impl Index {
    /// An index of more buckets does not fit into the nearest caches, and prefetching may pay. Where tests run,
    /// every index counts as large.
    const LARGE: usize = if cfg!(any(test, debug_assertions)) { 1 } else { 1 << 14 };

    pub(super) fn new() -> Self {
        Self { listings: HashTable::new(), end: 0 }
    }

    /// An index that lists nothing and has room for so many entries.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    pub(super) fn with_room(entries: usize) -> Result<Self, TryReserveError> {
        let mut index = Self::new();
        index.reserve_in_empty(entries)?;
        Ok(index)
    }

    /// Makes room in an index that lists nothing. There, hashbrown clears tombstones away too, which it
    /// does not do in `clear`.
    ///
    /// # Errors
    ///
    /// If memory or numbers run out.
    pub(super) fn reserve_in_empty(&mut self, entries: usize) -> Result<(), TryReserveError> {
        self.listings.try_reserve(entries, never_rehash)?;
        if self.is_large() {
            // hashbrown does not tell where the buckets are, but where a listing is.
            let any = Listing(ptr::null_mut());
            let listed = self.listings.insert_unique(0, any, never_rehash);
            let buckets_up_to = (listed.bucket_index() + 1) * size_of::<Listing>();
            self.end = ptr::from_ref(listed.get()).addr() + buckets_up_to;
            // Not `remove`, which may leave a tombstone.
            self.listings.clear();
        }
        Ok(())
    }

    /// Clears the index and hands it over.
    pub(super) fn take_cleared(&mut self) -> Self {
        self.listings.clear();
        mem::replace(self, Self::new())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.listings.len()
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.listings.capacity()
    }

    #[inline]
    pub(super) fn num_buckets(&self) -> usize {
        self.listings.num_buckets()
    }

    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.num_buckets() > Self::LARGE
    }

    /// The first slot that may have this hash and that `accepts` takes.
    #[inline(always)]
    pub(super) fn find<K, V>(
        &self,
        hash: Folded,
        mut accepts: impl FnMut(SlotPtr<K, V>) -> bool,
    ) -> Option<SlotPtr<K, V>> {
        let mut found = None;
        self.listings.find(hash.spread(), |listing| {
            found = listing.slot(hash).filter(|&slot| accepts(slot));
            found.is_some()
        });
        found
    }

    /// Asks the processor to load the bucket that most likely lists this hash while it waits for the tags:
    /// in a large index both are far away, and without this the one would be loaded after the other.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: Folded) {
        if self.is_large() {
            prefetch(self.home_bucket(hash));
        }
    }

    /// The address of the bucket where the search for a hash starts, in a large index. It relies on how
    /// hashbrown lays out its buckets, so it is good for a hint only.
    #[inline]
    fn home_bucket(&self, hash: Folded) -> usize {
        let bucket = hash.spread() as usize & (self.num_buckets() - 1);
        self.end.wrapping_sub((bucket + 1) * size_of::<Listing>())
    }

    /// Lists an entry. There is room.
    #[inline]
    pub(super) fn insert(&mut self, listing: Listing, hash: Folded) {
        // Cheaper than to let hashbrown look for itself.
        assert!(self.listings.len() != self.listings.capacity(), "the index has room");
        self.listings.insert_unique(hash.spread(), listing, never_rehash);
    }

    /// Takes an entry out, and says whether it was listed.
    #[inline]
    pub(super) fn remove(&mut self, listing: Listing, hash: Folded) -> bool {
        match self.listings.find_entry(hash.spread(), |&other| other == listing) {
            Ok(listed) => {
                listed.remove();
                true
            }
            Err(_) => false,
        }
    }

    /// How many times an entry is listed.
    #[cfg(any(test, fuzzing, debug_assertions))]
    pub(super) fn count(&self, listing: Listing, hash: Folded) -> usize {
        self.listings.iter_hash(hash.spread()).filter(|&&other| other == listing).count()
    }
}

/// The hasher for an index that has room, or is empty: it cannot grow by itself, for a [`Listing`] does
/// not tell its hash.
fn never_rehash(_: &Listing) -> u64 {
    unreachable!("the index has room")
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
mod tests {
    use core::ptr;

    use super::{Folded, Index, Listing, never_rehash};

    const MANY: usize = 2000;

    fn fill(index: &mut Index) {
        for n in 0..MANY {
            let listing = Listing(ptr::without_provenance_mut(n));
            index.listings.insert_unique(hash_of(n).spread(), listing, never_rehash);
        }
    }

    fn hash_of(n: usize) -> Folded {
        let product = (n as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Folded::new(product ^ product >> 29)
    }

    /// How many listings lie in the bucket that would be prefetched for them.
    fn at_home(index: &Index) -> usize {
        let is_at_home = |&n: &usize| {
            let mut found = None;
            index.listings.find(hash_of(n).spread(), |listing| {
                let is_it = listing.0.addr() == n;
                if is_it {
                    found = Some(ptr::from_ref(listing).addr());
                }
                is_it
            });
            found.expect("it is listed") == index.home_bucket(hash_of(n))
        };
        (0..MANY).filter(is_at_home).count()
    }

    #[test]
    fn most_listings_lie_in_the_bucket_that_is_prefetched() {
        let mut index = Index::with_room(MANY).unwrap();
        assert_eq!(index.len(), 0);
        assert!(index.capacity() >= MANY, "as much as was asked for");
        fill(&mut index);
        assert!(at_home(&index) > MANY / 2, "in a new index");

        let mut index = index.take_cleared();
        assert_eq!(index.len(), 0);
        fill(&mut index);
        assert!(at_home(&index) > MANY / 2, "in one that was cleared");

        let mut index = index.take_cleared();
        index.reserve_in_empty(4 * MANY).unwrap();
        fill(&mut index);
        assert!(at_home(&index) > MANY / 2, "in one that has grown");
    }
}
