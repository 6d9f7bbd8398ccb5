//! `HashMap<K, V>`: the floor. Nobody holds an entry, and whoever wants it gone says so.

use hashbrown::HashMap;

use crate::Hasher;
use crate::contender::Contender;
use crate::keys::Key;

/// `hashbrown::HashMap<K, u64>`.
#[derive(Debug)]
pub struct Plain<K>(HashMap<K, u64, Hasher>);

impl<K: Key> Contender<K> for Plain<K> {
    const NAME: &'static str = "HashMap<K, V>";

    const SHARES: bool = false;

    type Held = u64;

    fn new() -> Self {
        Self(HashMap::with_hasher(Hasher::default()))
    }

    fn reserved(n: usize) -> Option<Self> {
        Some(Self(HashMap::with_capacity_and_hasher(n, Hasher::default())))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> u64 {
        self.0.insert(key, value);
        value
    }

    #[inline(always)]
    fn find(&self, key: &K) -> Option<u64> {
        self.0.get(key).copied()
    }

    #[inline(always)]
    fn find_or_insert(&mut self, key: &K, value: u64) -> u64 {
        *self.0.entry_ref(key).or_insert(value)
    }

    #[inline(always)]
    fn read(&self, held: &u64) -> u64 {
        *held
    }

    #[inline(always)]
    fn share(held: &u64) -> u64 {
        *held
    }

    #[inline(always)]
    fn release(&mut self, _: u64, key: &K) {
        self.0.remove(key);
    }

    fn release_all(&mut self, held: &mut Vec<u64>, keys: &[K]) {
        held.clear();
        for key in keys {
            self.0.remove(key);
        }
    }

    fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    fn increment(&mut self) {
        for value in self.0.values_mut() {
            *value += 1;
        }
    }
}
