//! The crate `hashconsing`: what is dead stays until the table is told to collect.

use std::hash::{Hash, Hasher as State};

use hashconsing::{HConsed, HConsign, HashConsign};
use rcmap_programs::{Contender, Hasher, Interner, Key, Node, Nodes};

struct Table<K: Key>(HConsign<K, Hasher>);

impl<K: Key> Interner<K> for Table<K> {
    type Held = HConsed<K>;

    fn new() -> Self {
        Self(HConsign::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        self.0.mk(K::of(query))
    }

    fn sweep(&mut self) {
        self.0.collect();
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Id(HConsed<Node<Id>>);

impl Hash for Id {
    fn hash<H: State>(&self, state: &mut H) {
        self.0.uid().hash(state);
    }
}

struct Consed(HConsign<Node<Id>, Hasher>);

impl Nodes for Consed {
    type Id = Id;

    type Name = u64;

    fn name(id: &Id) -> u64 {
        id.0.uid()
    }

    fn new() -> Self {
        Self(HConsign::with_hasher(Hasher::default()))
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(self.0.mk(node))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        &id.0
    }

    fn sweep(&mut self) {
        self.0.collect();
    }
}

struct HashConsing;

impl Contender for HashConsing {
    type Interner<K: Key> = Table<K>;

    type Nodes = Consed;
}

fn main() {
    rcmap_programs::run::<HashConsing>();
}
