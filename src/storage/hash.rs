//! The one place where a 64-bit hash becomes the 32 bits that are kept.
#![forbid(unsafe_code)]

/// A hash as it is stored. Whatever is inserted, moved on growth or removed goes by this value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Folded(u32);

impl Folded {
    /// How many low bits stay where they are next to a tag.
    const BUCKET_BITS: u32 = 21;
    /// What a `HashTable` takes for its tag: the top bits of 64.
    const TAG_BITS: u32 = 7;

    /// The low half of a hash, from which a `HashTable` takes the bucket anyway.
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self(hash as u32)
    }

    /// The low half, with the tag of the whole hash in its middle: where it is filed
    /// [plainly](Filing::PLAIN), a query need not know what has been kept.
    #[inline]
    pub(crate) fn with_tag(hash: u64) -> Self {
        let tag = (hash >> (u64::BITS - Self::TAG_BITS)) as u32;
        Self(hash as u32 & !Self::TAG | tag << Self::BUCKET_BITS)
    }

    const TAG: u32 = ((1 << Self::TAG_BITS) - 1) << Self::BUCKET_BITS;

    /// Whether any bit is set where `with_tag` puts the tag.
    #[inline]
    pub(crate) fn has_tag(self) -> bool {
        self.0 & Self::TAG != 0
    }

    /// What the index is given: the low bits choose the bucket, the top seven tag it.
    #[inline]
    pub(crate) fn filed(self, filing: Filing) -> u64 {
        u64::from(self.0).wrapping_mul(filing.0)
    }

    /// The top bits, of which neither bucket nor tag tell much.
    #[inline]
    pub(crate) fn top(self, bits: u32) -> usize {
        (self.0 >> (u32::BITS - bits)) as usize
    }

    #[inline]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// How the entries of an index are filed: what is kept of their hashes is multiplied by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Filing(u64);

impl Filing {
    /// Where their whole hashes lead, if there are no more buckets than these, and if hashes are kept with
    /// their tags.
    pub(crate) const PLAIN: Self =
        Self(1 << (u64::BITS - Folded::TAG_BITS - Folded::BUCKET_BITS) | 1);
    pub(crate) const MOST_PLAIN_BUCKETS: usize = 1 << Folded::BUCKET_BITS;

    /// So that all 32 bits count for the tag, also with a hasher that leaves small numbers as they are
    /// (Fibonacci hashing, Knuth 6.4: the constant is 2⁶⁴ over the golden ratio).
    pub(crate) const MIXED: Self = Self(0x9e37_79b9_7f4a_7c15);
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::{Filing, Folded};

    const HASHES: [u64; 7] =
        [0, 1, u64::MAX, 1 << 31, 1 << 32, 0xdead_beef_0bad_f00d, 0x0123_4567_89ab_cdef];

    #[test]
    fn the_low_half_remains_and_its_top_bits_are_the_ones_that_are_asked_for() {
        for hash in HASHES {
            let folded = Folded::new(hash);
            assert_eq!(u64::from(folded.bits()), hash & 0xffff_ffff);
            assert_eq!(Folded::from_bits(folded.bits()), folded);
            for bits in [2, 5, 6, 29] {
                assert_eq!(folded.top(bits) as u64, (hash & 0xffff_ffff) >> (32 - bits));
            }
        }
    }

    #[test]
    fn a_hash_that_is_kept_with_its_tag_is_filed_where_the_whole_hash_leads() {
        for hash in HASHES {
            let folded = Folded::with_tag(hash);
            let filed = folded.filed(Filing::PLAIN);
            assert_eq!(filed >> 57, hash >> 57, "the tag");
            assert_eq!(folded.has_tag(), hash >> 57 != 0);
            let bucket = Filing::MOST_PLAIN_BUCKETS as u64 - 1;
            assert_eq!(filed & bucket, hash & bucket, "the bucket");
            assert_eq!(folded.top(4), Folded::new(hash).top(4), "and more besides");
        }
    }

    #[test]
    fn small_numbers_get_different_tags_and_buckets_if_they_are_mixed() {
        let filed = |n| Folded::new(n).filed(Filing::MIXED);
        let tags: BTreeSet<_> = (0..128).map(|n| filed(n) >> 57).collect();
        assert!(tags.len() > 64, "{} of 128 tags", tags.len());
        let buckets: BTreeSet<_> = (0..128).map(|n| filed(n) & 127).collect();
        assert_eq!(buckets.len(), 128, "neighbours fill a table without a collision");
    }
}
