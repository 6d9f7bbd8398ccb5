//! The crate `rc-hashmap` 0.1.0.

use rc_hashmap::{RcHashMap, Ref};

use crate::Hasher;
use crate::contender::Contender;
use crate::keys::Key;

/// `rc_hashmap::RcHashMap`.
pub struct RcHashmap<K>(RcHashMap<K, u64, Hasher>);

impl<K: Key> Contender<K> for RcHashmap<K> {
    const NAME: &'static str = "rc-hashmap";

    type Held = Ref<K, u64, Hasher>;

    fn new() -> Self {
        Self(RcHashMap::with_hasher(Hasher::default()))
    }

    fn reserved(_: usize) -> Option<Self> {
        None
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        self.0.insert(key, value).expect("the key is new")
    }

    #[inline(always)]
    fn find(&self, key: &K) -> Option<Self::Held> {
        self.0.find(key)
    }

    #[inline(always)]
    fn find_or_insert(&mut self, key: &K, value: u64) -> Self::Held {
        match self.0.find(key) {
            Some(held) => held,
            None => self.insert(key.clone(), value),
        }
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        *held.value(&self.0).expect("the map of this entry")
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        held.clone()
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|r| *r.value(&self.0).expect("the map of this entry")).sum()
    }

    fn increment(&mut self) {
        for mut entry in self.0.iter_mut() {
            *entry.value_mut() += 1;
        }
    }
}
