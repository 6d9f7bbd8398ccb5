//! Keys and random numbers.

use std::borrow::Borrow;
use std::hash::Hash;

/// A type of key.
pub trait Key: Clone + Eq + Hash + Borrow<Self::Query> + Send + Sync + 'static {
    /// What the tables and the command line call it.
    const NAME: &'static str;

    /// What it is looked up by.
    type Query: ?Sized + Eq + Hash;

    /// The `n`-th key. Keys of different numbers differ.
    fn make(n: u64) -> Self;

    /// The key that a query asks for.
    fn of(query: &Self::Query) -> Self;
}

impl Key for u64 {
    const NAME: &'static str = "u64";

    type Query = Self;

    fn make(n: u64) -> Self {
        mix(n)
    }

    fn of(&query: &Self) -> Self {
        query
    }
}

impl Key for (u32, u32, u32) {
    const NAME: &'static str = "(u32,u32,u32)";

    type Query = Self;

    fn make(n: u64) -> Self {
        let mixed = mix(n);
        (mixed as u32, (mixed >> 32) as u32, n as u32)
    }

    fn of(&query: &Self) -> Self {
        query
    }
}

impl Key for String {
    const NAME: &'static str = "String";

    type Query = str;

    /// Seventeen bytes.
    fn make(n: u64) -> Self {
        let mixed = mix(n);
        let mut key = Self::with_capacity(17);
        key.push('k');
        key.extend((0..16).map(|i| (b'a' + (mixed >> (4 * i) & 15) as u8) as char));
        key
    }

    fn of(query: &str) -> Self {
        query.into()
    }
}

impl Key for Box<str> {
    const NAME: &'static str = "Box<str>";

    type Query = str;

    fn make(n: u64) -> Self {
        String::make(n).into()
    }

    fn of(query: &str) -> Self {
        query.into()
    }
}

/// A bijection that looks random (the finalizer of splitmix64).
pub(crate) fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The same numbers below `bound` in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed))
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.number()) * bound as u128) >> 64) as usize
    }

    /// A number below `bound`; how often one comes up falls in proportion to it, as words do in a text.
    pub(crate) fn skewed(&mut self, bound: usize) -> usize {
        let unit = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        ((bound as f64).powf(unit) as usize).min(bound) - 1
    }
}

/// The numbers below `n` in random order.
pub(crate) fn permutation(n: usize) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..n as u32).collect();
    let mut random = Random::new(42);
    for i in (1..n).rev() {
        numbers.swap(i, random.below(i + 1));
    }
    numbers
}
