//! What a map has to offer to take part.

use crate::keys::Key;

/// A map from `K` to `u64` whose entries are held by handles.
///
/// Contenders without such handles say what takes their place: what a user of them would write.
pub trait Contender<K: Key>: Sized + 'static {
    /// What the tables call it.
    const NAME: &'static str;

    /// Whether `Held` shares the entry: if not, `clone` and `read` and counting holders make no sense.
    const SHARES: bool = true;

    /// Keeps an entry, or stands for it.
    type Held: 'static;

    /// An empty map.
    fn new() -> Self;

    /// An empty map with room for `n` entries, if one can ask for that.
    fn reserved(n: usize) -> Option<Self>;

    /// Adds an entry whose key is new.
    fn insert(&mut self, key: K, value: u64) -> Self::Held;

    /// The entry with this key.
    fn find(&self, key: &K) -> Option<Self::Held>;

    /// The entry with this key, added if it is new. The key is cloned only then.
    fn find_or_insert(&mut self, key: &K, value: u64) -> Self::Held;

    /// The value of a held entry.
    fn read(&self, held: &Self::Held) -> u64;

    /// Another holder of the same entry.
    fn share(held: &Self::Held) -> Self::Held;

    /// Lets go of an entry whose key is `key`; if this was the last holder, the entry goes.
    fn release(&mut self, held: Self::Held, _key: &K) {
        drop(held);
    }

    /// Lets go of all entries, the `i`-th of which has the key `keys[i]`.
    fn release_all(&mut self, held: &mut Vec<Self::Held>, _keys: &[K]) {
        held.clear();
    }

    /// Visits every entry by a handle: the sum of the values.
    fn sum(&self) -> u64;

    /// Visits every entry with its value mutable: adds one to each.
    fn increment(&mut self);
}

/// A table that keeps one copy of each word as long as somebody holds it.
pub trait Interns<K: Key>: Sized + 'static {
    /// What the tables call it.
    const NAME: &'static str;

    /// Keeps a word.
    type Held: 'static;

    /// An empty table.
    fn new() -> Self;

    /// The word in the table, added if it is new.
    fn intern(&mut self, word: &K) -> Self::Held;

    /// Lets go of a word.
    fn release(&mut self, held: Self::Held, word: &K);

    /// Called once per window, for contenders that do not remove by themselves.
    fn sweep(&mut self) {}
}

/// A map as an interner.
#[derive(Debug)]
pub struct Words<C>(C);

impl<K: Key, C: Contender<K>> Interns<K> for Words<C> {
    const NAME: &'static str = C::NAME;

    type Held = C::Held;

    fn new() -> Self {
        Self(C::new())
    }

    #[inline(always)]
    fn intern(&mut self, word: &K) -> C::Held {
        self.0.find_or_insert(word, 1)
    }

    #[inline(always)]
    fn release(&mut self, held: C::Held, word: &K) {
        self.0.release(held, word);
    }
}
