//! The crate `weak-table`: values go with their last holder, keys with the next sweep.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use rcmap_programs::by_address::Id;
use rcmap_programs::{Contender, Hasher, Interner, Key, Map, Maps, Node, Nodes};
use weak_table::{WeakHashSet, WeakValueHashMap};

struct Table<K>(WeakValueHashMap<K, Weak<Cell<u64>>, Hasher>);

impl<K: Key> Interner<K> for Table<K> {
    type Held = Rc<Cell<u64>>;

    fn new() -> Self {
        Self(WeakValueHashMap::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        match self.0.get(query) {
            Some(held) => held,
            None => self.insert(K::of(query), 1),
        }
    }

    fn sweep(&mut self) {
        self.0.remove_expired();
    }
}

impl<K: Key> Map<K> for Table<K> {
    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let value = Rc::new(Cell::new(value));
        self.0.insert(key, Rc::clone(&value));
        value
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.get(query)
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.get()
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        Rc::clone(held)
    }
}

struct Consed(WeakHashSet<Weak<Node<Id>>, Hasher>);

impl Nodes for Consed {
    type Id = Id;

    type Name = Id;

    fn name(id: &Id) -> Id {
        id.clone()
    }

    fn new() -> Self {
        Self(WeakHashSet::with_hasher(Hasher::default()))
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(self.0.get(&node).unwrap_or_else(|| {
            let node = Rc::new(node);
            self.0.insert(Rc::clone(&node));
            node
        }))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        id
    }
}

struct WeakTable;

impl Contender for WeakTable {
    type Interner<K: Key> = Table<K>;

    type Nodes = Consed;

    fn maps<K: Key>(maps: &Maps<'_>) {
        maps.over::<K, Table<K>>();
    }
}

fn main() {
    rcmap_programs::run::<WeakTable>();
}
