//! `HashMap<K, Rc<V>>`: the map keeps every entry, so whoever lets go last has to remove it.

use std::cell::Cell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::Hasher;
use crate::contender::Contender;
use crate::keys::Key;

/// `hashbrown::HashMap<K, Rc<Cell<u64>>>`.
#[derive(Debug)]
pub struct RcValues<K>(HashMap<K, Rc<Cell<u64>>, Hasher>);

impl<K: Key> Contender<K> for RcValues<K> {
    const NAME: &'static str = "HashMap<K, Rc<V>>";

    type Held = Rc<Cell<u64>>;

    fn new() -> Self {
        Self(HashMap::with_hasher(Hasher::default()))
    }

    fn reserved(n: usize) -> Option<Self> {
        Some(Self(HashMap::with_capacity_and_hasher(n, Hasher::default())))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let value = Rc::new(Cell::new(value));
        self.0.insert(key, Rc::clone(&value));
        value
    }

    #[inline(always)]
    fn find(&self, key: &K) -> Option<Self::Held> {
        self.0.get(key).cloned()
    }

    #[inline(always)]
    fn find_or_insert(&mut self, key: &K, value: u64) -> Self::Held {
        Rc::clone(self.0.entry_ref(key).or_insert_with(|| Rc::new(Cell::new(value))))
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.get()
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        Rc::clone(held)
    }

    #[inline(always)]
    fn release(&mut self, held: Self::Held, key: &K) {
        if Rc::strong_count(&held) == 2 {
            self.0.remove(key);
        }
    }

    fn release_all(&mut self, held: &mut Vec<Self::Held>, keys: &[K]) {
        for (held, key) in held.drain(..).zip(keys) {
            self.release(held, key);
        }
    }

    fn sum(&self) -> u64 {
        self.0.values().map(|value| Rc::clone(value).get()).sum()
    }

    fn increment(&mut self) {
        for value in self.0.values_mut() {
            value.set(value.get() + 1);
        }
    }
}
