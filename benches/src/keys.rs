//! Keys, random numbers and everything else that is made before the clock starts.

use std::cell::OnceCell;
use std::fmt::Debug;
use std::hash::Hash;

/// A type of key, and how to make the key with a number.
pub trait Key: Eq + Hash + Clone + Debug + 'static {
    /// What the tables call it.
    const NAME: &'static str;

    /// The `n`-th key. Keys of different numbers differ.
    fn make(n: u64) -> Self;
}

impl Key for u64 {
    const NAME: &'static str = "u64";

    fn make(n: u64) -> Self {
        mix(n)
    }
}

impl Key for String {
    const NAME: &'static str = "String";

    fn make(n: u64) -> Self {
        format!("k{:016x}", mix(n))
    }
}

impl Key for Box<str> {
    const NAME: &'static str = "Box<str>";

    fn make(n: u64) -> Self {
        String::make(n).into()
    }
}

/// A bijection that looks random (the finalizer of splitmix64).
fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A small random number generator, the same numbers in every run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator of its own sequence for every seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// A number below `bound`, or 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.number()) * bound as u128) >> 64) as usize
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The numbers below `n` in random order.
#[must_use]
pub fn permutation(n: usize, seed: u64) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..n as u32).collect();
    let mut random = Random::new(seed);
    for i in (1..n).rev() {
        numbers.swap(i, random.below(i + 1));
    }
    numbers
}

/// `length` numbers below `n`, the `i`-th most frequent with a frequency in proportion to `1 / i`.
#[must_use]
pub fn zipf(n: usize, length: usize, seed: u64) -> Vec<u32> {
    let mut sums = Vec::with_capacity(n);
    let mut sum = 0.0;
    for rank in 1..=n {
        sum += 1.0 / rank as f64;
        sums.push(sum);
    }
    let names = permutation(n, seed);
    let mut random = Random::new(seed + 1);
    (0..length)
        .map(|_| {
            let at = random.unit() * sum;
            names[sums.partition_point(|&s| s <= at).min(n - 1)]
        })
        .collect()
}

/// What the workloads over a map of one size share. Made on first use, so that what is not measured
/// costs no memory.
#[derive(Debug)]
pub struct Data<K> {
    n: usize,
    keys: OnceCell<Vec<K>>,
    queries: OnceCell<Vec<K>>,
    misses: OnceCell<Vec<K>>,
    order: OnceCell<Vec<u32>>,
    words: OnceCell<Vec<K>>,
}

impl<K: Key> Data<K> {
    /// The data for maps of `n` entries.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            n,
            keys: OnceCell::new(),
            queries: OnceCell::new(),
            misses: OnceCell::new(),
            order: OnceCell::new(),
            words: OnceCell::new(),
        }
    }

    /// The number of entries.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// The keys in the order of insertion.
    pub fn keys(&self) -> &[K] {
        self.keys.get_or_init(|| (0..self.n as u64).map(K::make).collect())
    }

    /// The same keys in random order, allocated in that order: only the map is walked at random.
    pub fn queries(&self) -> &[K] {
        self.queries.get_or_init(|| self.order().iter().map(|&i| K::make(u64::from(i))).collect())
    }

    /// Keys that no map contains.
    pub fn misses(&self) -> &[K] {
        self.misses.get_or_init(|| (0..self.n as u64).map(|i| K::make(i | 1 << 40)).collect())
    }

    /// Positions of `keys` in random order.
    pub fn order(&self) -> &[u32] {
        self.order.get_or_init(|| permutation(self.n, 42))
    }

    /// A text of `2 n` words from a vocabulary of `n`, Zipf-distributed.
    pub fn words(&self) -> &[K] {
        self.words.get_or_init(|| {
            let text = zipf(self.n, 2 * self.n, 7);
            text.into_iter().map(|word| K::make(u64::from(word))).collect()
        })
    }
}
