//! The index: where the entry of a hash lies.

use core::cell::Cell;
use core::mem;
use core::ptr;

use hashbrown::{HashTable, TryReserveError};

use crate::storage::{Folded, SlotPtr};

/// What the index holds for an entry: a pointer to its slot, so that a lookup has the entry at once. In
/// most indexes it is less by a piece of the entry's hash, for which the alignment of slots leaves the low
/// bits, so that a lookup hardly ever touches an entry of another hash.
///
/// The provenance is that of the slot's block: pointers are moved, never made from integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing(*mut u8);

// SAFETY: the pointer is no use without the table around it, whose arena says what may be sent.
unsafe impl Send for Listing {}

impl Listing {
    /// What a listing of this hash is less by, where listings carry pieces.
    #[inline]
    pub(super) fn piece<K, V>(hash: Folded) -> usize {
        hash.top(SlotPtr::<K, V>::ALIGN.ilog2())
    }

    #[inline]
    pub(super) fn new<K, V>(slot: SlotPtr<K, V>, piece: usize) -> Self {
        Self(slot.as_ptr().cast::<u8>().wrapping_sub(piece))
    }

    /// Whether the entry's hash may have this piece. Of those that have another, few may.
    #[inline]
    pub(super) fn may_have<K, V>(self, piece: usize) -> bool {
        self.0.wrapping_add(piece).addr() % SlotPtr::<K, V>::ALIGN == 0
    }

    /// # Safety
    ///
    /// The entry `may_have` this piece, and is one of a map of `K` and `V`.
    #[inline]
    pub(super) unsafe fn slot<K, V>(self, piece: usize) -> SlotPtr<K, V> {
        debug_assert!(self.may_have::<K, V>(piece), "(I12) the piece is the listing's");
        // SAFETY: (I2) `new` took away less than the alignment, and what has been added leads to a
        // multiple of it; so both were the same, and this is the pointer that `new` was given.
        unsafe { SlotPtr::from_ptr(self.0.wrapping_add(piece).cast()) }
    }
}

/// Whether comparing keys of this type is likely to be nothing but a few loads.
pub(crate) const fn is_short<K>() -> bool {
    !mem::needs_drop::<K>() && size_of::<K>() <= size_of::<u64>()
}

/// What is known of the pieces of hashes that the listings of an index carry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pieces {
    /// Keys are short, and [`Gate::PIECES`] is not set: no listing has one.
    Absent,
    /// Keys are not short, or `PIECES` is set: all have one.
    Present,
    /// Nothing.
    Either,
}

/// What a search has to know before it starts, in one word, so that one comparison tells that there is
/// nothing to know. One bit is the table's, all others are layer 3's.
pub(crate) struct Gate(Cell<u32>);

impl Gate {
    /// Listings carry pieces of hashes, although keys are short (I12).
    pub(crate) const PIECES: u32 = 1 << 31;

    pub(super) fn new() -> Self {
        Self(Cell::new(0))
    }

    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.get()
    }

    /// # Safety
    ///
    /// `PIECES` stays as it is.
    #[inline]
    pub(crate) unsafe fn set(&self, bits: u32) {
        self.0.set(bits);
    }

    #[inline]
    pub(super) fn has_pieces(&self) -> bool {
        self.get() & Self::PIECES != 0
    }

    /// # Safety
    ///
    /// It is true of the table's index.
    pub(super) unsafe fn set_pieces(&self, pieces: bool) {
        let others = self.get() & !Self::PIECES;
        self.0.set(if pieces { others | Self::PIECES } else { others });
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

    /// More bytes of slots are far away: more than a core has in its own caches. Few where tests run.
    const FAR: usize = if cfg!(any(test, debug_assertions)) { 1 << 10 } else { 1 << 20 };

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

    /// Whether listings carry pieces of hashes. If keys are short, comparing the few that have the same tag
    /// costs less than to ask all listings for their pieces, unless entries are far away.
    #[inline]
    pub(super) fn has_pieces<K, V>(&self) -> bool {
        // An index without memory has one bucket.
        !is_short::<K>() || self.num_buckets() > 1 + Self::FAR / SlotPtr::<K, V>::SIZE
    }

    /// Shows `eq` listings that may have this hash, until it accepts one.
    #[inline(always)]
    pub(super) fn find(&self, hash: Folded, eq: impl FnMut(&Listing) -> bool) {
        self.listings.find(hash.spread(), eq);
    }

    /// Asks the processor to load the bucket that most likely lists this hash while it waits for the tags:
    /// in a large index both are far away, and without this the one would be loaded after the other.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: Folded) {
        prefetch(self.home_bucket(hash));
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
            index.find(hash_of(n), |listing| {
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
