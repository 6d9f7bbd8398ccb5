//! The one place where a 64-bit hash becomes the 32 bits that are kept.
#![forbid(unsafe_code)]

/// A hash as it is stored: its low half, from which a `HashTable` takes the bucket anyway.
///
/// Everything that touches the index goes through [`spread`](Self::spread), so a query, an insertion,
/// a growth and a removal all see the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Folded(u32);

impl Folded {
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self(hash as u32)
    }

    /// What the index is given: the low bits choose the bucket, the top seven tag it.
    ///
    /// The multiplication makes all 32 bits count for the tag, also with a hasher that leaves small
    /// numbers as they are (Fibonacci hashing, Knuth 6.4: the constant is 2⁶⁴ over the golden ratio).
    #[inline]
    pub(crate) fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The top bits, of which neither bucket nor tag tell much.
    #[inline]
    pub(crate) fn top(self, bits: u32) -> usize {
        (self.0 >> (u32::BITS - bits)) as usize
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::Folded;

    #[test]
    fn the_low_half_remains_and_its_top_bits_are_the_ones_that_are_asked_for() {
        for hash in [0, 1, u64::MAX, 1 << 31, 1 << 32, 0xdead_beef_0bad_f00d] {
            let folded = Folded::new(hash);
            assert_eq!(u64::from(folded.0), hash & 0xffff_ffff);
            for bits in [2, 5, 6, 29] {
                assert_eq!(folded.top(bits) as u64, (hash & 0xffff_ffff) >> (32 - bits));
            }
        }
    }

    #[test]
    fn small_numbers_get_different_tags_and_buckets() {
        let tags: BTreeSet<_> = (0..128).map(|n| Folded::new(n).spread() >> 57).collect();
        assert!(tags.len() > 64, "{} of 128 tags", tags.len());
        let buckets: BTreeSet<_> = (0..128).map(|n| Folded::new(n).spread() & 127).collect();
        assert_eq!(buckets.len(), 128, "neighbours fill a table without a collision");
    }
}
