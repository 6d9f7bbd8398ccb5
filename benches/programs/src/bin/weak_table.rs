//! The crate `weak-table`: values go with their last holder, keys with the next sweep.

use std::rc::{Rc, Weak};

use rcmap_programs::{ByAddress, Contender, Hasher, Key, Node, Nodes, Table};
use weak_table::{WeakHashSet, WeakValueHashMap};

struct Entries<K>(WeakValueHashMap<K, Weak<u64>, Hasher>);

impl<K: Key> Table<K> for Entries<K> {
    type Held = Rc<u64>;

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

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let value = Rc::new(value);
        self.0.insert(key, Rc::clone(&value));
        value
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.get(query)
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        **held
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(ByAddress<Node<Id>>);

struct Consed(WeakHashSet<Weak<Node<Id>>, Hasher>);

impl Nodes for Consed {
    type Id = Id;

    fn new() -> Self {
        Self(WeakHashSet::with_hasher(Hasher::default()))
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(ByAddress(self.0.get(&node).unwrap_or_else(|| {
            let node = Rc::new(node);
            self.0.insert(Rc::clone(&node));
            node
        })))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        &id.0.0
    }
}

impl Contender for Consed {
    type Table<K: Key> = Entries<K>;
}

fn main() {
    rcmap_programs::run::<Consed>();
}
