//! The crate `internment`: one table for the whole program, shared between threads, with a hasher of its
//! own.

use internment::ArcIntern;
use rcmap_programs::{Contender, Interner, Key, Node, Nodes};

struct Table;

impl<K: Key> Interner<K> for Table {
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

impl Nodes for Table {
    type Id = Id;

    type Name = Id;

    fn name(id: &Id) -> Id {
        id.clone()
    }

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

struct Internment;

impl Contender for Internment {
    type Interner<K: Key> = Table;

    type Nodes = Table;
}

fn main() {
    rcmap_programs::run::<Internment>();
}
