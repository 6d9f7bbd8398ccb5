//! The crate `weak-table`: values go with their last holder, keys with the next sweep.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use weak_table::WeakValueHashMap;

use crate::Hasher;
use crate::contender::Contender;
use crate::keys::Key;

/// `weak_table::WeakValueHashMap<K, Weak<Cell<u64>>>`.
pub struct WeakTable<K>(WeakValueHashMap<K, Weak<Cell<u64>>, Hasher>);

impl<K: Key> Contender<K> for WeakTable<K> {
    const NAME: &'static str = "weak-table";

    type Held = Rc<Cell<u64>>;

    fn new() -> Self {
        Self(WeakValueHashMap::with_hasher(Hasher::default()))
    }

    fn reserved(n: usize) -> Option<Self> {
        Some(Self(WeakValueHashMap::with_capacity_and_hasher(n, Hasher::default())))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let value = Rc::new(Cell::new(value));
        self.0.insert(key, Rc::clone(&value));
        value
    }

    #[inline(always)]
    fn find(&self, key: &K) -> Option<Self::Held> {
        self.0.get(key)
    }

    #[inline(always)]
    fn find_or_insert(&mut self, key: &K, value: u64) -> Self::Held {
        match self.0.get(key) {
            Some(held) => held,
            None => self.insert(key.clone(), value),
        }
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.get()
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        Rc::clone(held)
    }

    fn release_all(&mut self, held: &mut Vec<Self::Held>, _: &[K]) {
        held.clear();
        self.0.remove_expired();
    }

    fn sum(&self) -> u64 {
        self.0.values().map(|value| value.get()).sum()
    }

    fn increment(&mut self) {
        for value in self.0.values() {
            value.set(value.get() + 1);
        }
    }
}
