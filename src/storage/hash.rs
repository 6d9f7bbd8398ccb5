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
    #[inline]
    pub(crate) fn spread(self) -> u64 {
        u64::from(self.0) | (u64::from(self.0) << 32)
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

#[cfg(test)]
mod tests {
    use super::Folded;

    #[test]
    fn the_low_half_remains_and_chooses_bucket_and_tag() {
        for hash in [0, 1, u64::MAX, 1 << 31, 1 << 32, 0xdead_beef_0bad_f00d] {
            let folded = Folded::new(hash);
            assert_eq!(u64::from(folded.bits()), hash & 0xffff_ffff);
            assert_eq!(Folded::from_bits(folded.bits()), folded);
            assert_eq!(folded.spread() as u32, folded.bits(), "the bucket");
            assert_eq!(folded.spread() >> 57, (hash >> 25) & 0x7f, "the tag");
        }
    }
}
