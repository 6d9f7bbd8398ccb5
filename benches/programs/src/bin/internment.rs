//! The crate `internment`: one table for the whole program, shared between threads, with a hasher of its
//! own.

use internment::ArcIntern;
use rcmap_programs::{Contender, Key, Node, Nodes, Table};

struct Interned;

impl<K: Key> Table<K> for Interned {
    const IS_MAP: bool = false;

    type Held = ArcIntern<K>;

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> ArcIntern<K> {
        ArcIntern::new(K::of(query))
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(ArcIntern<Node<Id>>);

impl Nodes for Interned {
    type Id = Id;

    fn new() -> Self {
        Self
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(ArcIntern::new(node))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        &id.0
    }
}

impl Contender for Interned {
    type Table<K: Key> = Interned;
}

fn main() {
    rcmap_programs::run::<Interned>();
}
