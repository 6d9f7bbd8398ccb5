//! The crate `hashconsing`: what is dead stays until the table is told to collect.

use std::hash::{Hash, Hasher as State};

use hashconsing::{HConsed, HConsign, HashConsign};
use rcmap_programs::{Contender, Hasher, Key, Node, Nodes, Table};

struct Entries<K: Key>(HConsign<K, Hasher>);

impl<K: Key> Table<K> for Entries<K> {
    const IS_MAP: bool = false;

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

impl Contender for Consed {
    type Table<K: Key> = Entries<K>;
}

fn main() {
    rcmap_programs::run::<Consed>();
}
