//! The crate `rc-hashmap` 0.1.0.

use std::hash::{Hash, Hasher as State};

use rc_hashmap::{RcHashMap, Ref};
use rcmap_programs::{Contender, Hasher, Interner, Key, Map, Maps, Node, Nodes};

struct Table<K>(RcHashMap<K, u64, Hasher>);

impl<K: Key> Interner<K> for Table<K> {
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

struct Id(Ref<Node<Id>, (), Hasher>);

// Derived, they would want what they implement.
impl Clone for Id {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: State>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

struct Consed(RcHashMap<Node<Id>, (), Hasher>);

impl Nodes for Consed {
    type Id = Id;

    type Name = Id;

    fn name(id: &Id) -> Id {
        id.clone()
    }

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

struct RcHashmap;

impl Contender for RcHashmap {
    type Interner<K: Key> = Table<K>;

    type Nodes = Consed;

    fn maps<K: Key>(maps: &Maps<'_>) {
        maps.over::<K, Table<K>>();
    }
}

fn main() {
    rcmap_programs::run::<RcHashmap>();
}
