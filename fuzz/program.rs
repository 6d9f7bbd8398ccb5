//! Programs in the language of `tests/support/op.rs`, for `arbitrary`: any bytes are one.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::support::op::{Manners, Op, decode};

/// A program whose user code is as well-behaved as `MANNERS` says: 0 polite, 1 hostile, 2 lying.
#[derive(Debug)]
pub(crate) struct Program<const MANNERS: u8>(pub(crate) Vec<Op>);

impl<const MANNERS: u8> Program<MANNERS> {
    fn new(bytes: &[u8]) -> Self {
        let manners = [Manners::Polite, Manners::Hostile, Manners::Lying][usize::from(MANNERS)];
        Self(decode(bytes, manners))
    }
}

impl<'a, const MANNERS: u8> Arbitrary<'a> for Program<MANNERS> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let len = u.len();
        Ok(Self::new(u.bytes(len)?))
    }

    fn arbitrary_take_rest(u: Unstructured<'a>) -> Result<Self> {
        Ok(Self::new(u.take_rest()))
    }
}
