//! The crate `rc-hashmap` 0.1.0.

use rc_hashmap::{RcHashMap, Ref};
use rcmap_programs::{Contender, Hasher, Key, Node, Nodes, Table};

struct Entries<K>(RcHashMap<K, u64, Hasher>);

impl<K: Key> Table<K> for Entries<K> {
    type Held = Ref<K, u64, Hasher>;

    fn new() -> Self {
        Self(RcHashMap::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        match self.0.find(query) {
            Some(held) => held,
            None => self.insert(K::of(query), 1),
        }
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        self.0.insert(key, value).expect("the key is new")
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.find(query)
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        *held.value(&self.0).expect("the map of this entry")
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(Ref<Node<Id>, (), Hasher>);

struct Consed(RcHashMap<Node<Id>, (), Hasher>);

impl Nodes for Consed {
    type Id = Id;

    fn new() -> Self {
        Self(RcHashMap::with_hasher(Hasher::default()))
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(match self.0.find(&node) {
            Some(found) => found,
            None => self.0.insert(node, ()).expect("the node is new"),
        })
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        id.0.key(&self.0).expect("the map of this node")
    }
}

impl Contender for Consed {
    type Table<K: Key> = Entries<K>;
}

fn main() {
    rcmap_programs::run::<Consed>();
}
