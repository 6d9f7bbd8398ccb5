//! The one place where a 64-bit hash becomes the 31 bits that are kept.
#![forbid(unsafe_code)]

/// A hash as it is stored: 31 bits.
///
/// The missing bit lets a dead slot's header hold a hash where a live one holds its version.
/// Everything that touches the index goes through [`spread`](Self::spread), so a query, an insertion,
/// a growth and a removal all see the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Folded(u32);

impl Folded {
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self((hash ^ (hash >> 32)) as u32 & (u32::MAX >> 1))
    }

    /// What the index is given: the low bits choose the bucket, the top seven tag it.
    #[inline]
    pub(crate) fn spread(self) -> u64 {
        u64::from(self.0) | (u64::from(self.0) << 33)
    }

    #[inline]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Self {
        debug_assert!(bits >> 31 == 0, "a stored hash has 31 bits");
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::Folded;

    #[test]
    fn both_halves_of_a_hash_count_and_31_bits_remain() {
        for hash in [0, 1, u64::MAX, 1 << 31, 1 << 32, 0xdead_beef_0bad_f00d] {
            let folded = Folded::new(hash);
            assert_eq!(folded.bits() >> 31, 0);
            assert_eq!(Folded::from_bits(folded.bits()), folded);
            assert_eq!(folded.spread() as u32, folded.bits());
        }
        assert_ne!(Folded::new(1), Folded::new(2));
        assert_ne!(Folded::new(1 << 32), Folded::new(2 << 32));
        assert_ne!(Folded::new(1).spread() >> 57, Folded::new(1 << 24).spread() >> 57);
    }
}
