//! Crates that intern: one copy of each word, no value beside it.

use hashconsing::{HConsed, HConsign, HashConsign};
use internment::ArcIntern;

use crate::Hasher;
use crate::contender::Interns;
use crate::keys::Key;

/// `hashconsing::HConsign<K>`: dead words stay until it is told to collect.
pub struct HashConsing<K: Key>(HConsign<K, Hasher>);

impl<K: Key> Interns<K> for HashConsing<K> {
    const NAME: &'static str = "hashconsing";

    type Held = HConsed<K>;

    fn new() -> Self {
        Self(HConsign::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn intern(&mut self, word: &K) -> Self::Held {
        self.0.mk(word.clone())
    }

    #[inline(always)]
    fn release(&mut self, held: Self::Held, _: &K) {
        drop(held);
    }

    fn sweep(&mut self) {
        self.0.collect();
    }
}

/// `internment::ArcIntern<K>`: one table for the whole program, shared between threads, with a hasher
/// of its own.
#[derive(Debug)]
pub struct Internment;

impl<K: Key + Send + Sync> Interns<K> for Internment {
    const NAME: &'static str = "internment (its hasher)";

    type Held = ArcIntern<K>;

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn intern(&mut self, word: &K) -> Self::Held {
        ArcIntern::new(word.clone())
    }

    #[inline(always)]
    fn release(&mut self, held: Self::Held, _: &K) {
        drop(held);
    }
}
