//! This crate.

use rcmap::{Handle, RcHashMap, Ref};
use rcmap_programs::{Contender, Hasher, Interner, Key, Map, Maps, Node, Nodes};

struct Table<K>(RcHashMap<K, u64, Hasher>);

impl<K: Key> Interner<K> for Table<K> {
    type Held = Ref<K, u64, Hasher>;

    fn new() -> Self {
        Self(RcHashMap::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        let is_it = |key: &K| key.borrow() == query;
        self.0.find_or_insert_hashed_with(self.0.hash(query), is_it, || (K::of(query), 1))
    }
}

impl<K: Key> Map<K> for Table<K> {
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

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        held.clone()
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(Ref<Node<Id>, (), Hasher>);

struct Consed(RcHashMap<Node<Id>, (), Hasher>);

impl Nodes for Consed {
    type Id = Id;

    type Name = Handle;

    fn name(id: &Id) -> Handle {
        id.0.handle()
    }

    fn new() -> Self {
        Self(RcHashMap::with_hasher(Hasher::default()))
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(self.0.find_or_insert(node, ()))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        id.0.as_key()
    }
}

struct Rcmap;

impl Contender for Rcmap {
    type Interner<K: Key> = Table<K>;

    type Nodes = Consed;

    fn maps<K: Key>(maps: &Maps<'_>) {
        maps.over::<K, Table<K>>();
    }
}

fn main() {
    rcmap_programs::run::<Rcmap>();
}
