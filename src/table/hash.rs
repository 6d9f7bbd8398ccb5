//! The one place where a 64-bit hash becomes the 32 bits that are kept.
#![forbid(unsafe_code)]

/// A hash as it is stored: both halves folded into one, for hashers differ in which half is good.
///
/// Everything that touches the index goes through [`spread`](Self::spread), so a query, an insertion,
/// a growth and a removal all see the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Folded(u32);

impl Folded {
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self((hash ^ (hash >> 32)) as u32)
    }

    /// What the index is given: the low bits choose the bucket, the top seven tag it.
    ///
    /// The high half of the product depends on all bits of the hash (Fibonacci hashing, Knuth 6.4: the constant is
    /// 2⁶⁴ over the golden ratio), so it is made the low half.
    #[inline]
    pub(super) fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
    }

    /// The top bits.
    #[inline]
    pub(super) fn top(self, bits: u32) -> usize {
        (self.0 >> (u32::BITS - bits)) as usize
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::Folded;

    #[test]
    fn the_top_bits_are_those_that_are_asked_for() {
        for hash in [0, 1, u64::MAX, 1 << 31, 1 << 32, 0xdead_beef_0bad_f00d] {
            let folded = Folded::new(hash);
            for bits in [2, 5, 6, 29] {
                assert_eq!(folded.top(bits), (folded.0 >> (32 - bits)) as usize);
            }
        }
    }

    #[test]
    fn numbers_in_either_half_get_different_tags_and_buckets() {
        for shift in [0, 32, 52] {
            let spread = |n: u64| Folded::new(n << shift).spread();
            let tags: BTreeSet<_> = (0..128).map(|n| spread(n) >> 57).collect();
            assert!(tags.len() > 60, "{} of 128 tags", tags.len());
            let buckets: BTreeSet<_> = (0..128).map(|n| spread(n) & 0xfff).collect();
            assert!(buckets.len() > 110, "{} of 128 buckets", buckets.len());
        }
    }
}
