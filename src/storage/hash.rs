//! The one place where a 64-bit hash becomes the 31 bits that are kept.
#![forbid(unsafe_code)]

/// A hash as it is stored: its low 31 bits, from which a `HashTable` takes the bucket anyway.
///
/// The missing bit lets a dead slot's header hold a hash where a live one holds its version.
/// Everything that touches the index goes through [`spread`](Self::spread), so a query, an insertion,
/// a growth and a removal all see the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Folded(u32);

impl Folded {
    #[inline]
    pub(crate) fn new(hash: u64) -> Self {
        Self(hash as u32 & (u32::MAX >> 1))
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
    fn the_low_31_bits_remain_and_choose_bucket_and_tag() {
        for hash in [0, 1, u64::MAX, 1 << 30, 1 << 31, 0xdead_beef_0bad_f00d] {
            let folded = Folded::new(hash);
            assert_eq!(u64::from(folded.bits()), hash & 0x7fff_ffff);
            assert_eq!(Folded::from_bits(folded.bits()), folded);
            assert_eq!(folded.spread() as u32, folded.bits(), "the bucket");
            assert_eq!(folded.spread() >> 57, (hash >> 24) & 0x7f, "the tag");
        }
    }
}
