//! What people write themselves: an entry that removes itself from the table when it is dropped.

use std::cell::RefCell;
use std::hash::Hash;
use std::rc::{Rc, Weak};

use hashbrown::HashMap;
use rcmap_programs::{ByAddress, Contender, Hasher, Key, Node, Nodes, Table};

type Shared<K, V> = Rc<RefCell<HashMap<K, Weak<Entry<K, V>>, Hasher>>>;

struct Entry<K: Hash + Eq, V> {
    key: K,
    value: V,
    table: Shared<K, V>,
}

impl<K: Hash + Eq, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        self.table.borrow_mut().remove(&self.key);
    }
}

#[inline(always)]
fn insert<K: Hash + Eq + Clone, V>(table: &Shared<K, V>, key: K, value: V) -> Rc<Entry<K, V>> {
    let in_table = key.clone();
    let entry = Rc::new(Entry { key, value, table: Rc::clone(table) });
    table.borrow_mut().insert(in_table, Rc::downgrade(&entry));
    entry
}

struct Entries<K: Key>(Shared<K, u64>);

impl<K: Key> Table<K> for Entries<K> {
    type Held = Rc<Entry<K, u64>>;

    fn new() -> Self {
        Self(Rc::default())
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        self.find(query).unwrap_or_else(|| insert(&self.0, K::of(query), 1))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        insert(&self.0, key, value)
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.borrow().get(query).and_then(Weak::upgrade)
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.value
    }
}

/// What nodes are looked up by: children by address.
type Parts = (u32, Option<usize>, Option<usize>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(ByAddress<Entry<Parts, Node<Id>>>);

struct Consed(Shared<Parts, Node<Id>>);

impl Nodes for Consed {
    type Id = Id;

    fn new() -> Self {
        Self(Rc::default())
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        let address = |id: &Option<Id>| id.as_ref().map(|id| Rc::as_ptr(&id.0.0).addr());
        let parts = (node.label, address(&node.low), address(&node.high));
        let found = self.0.borrow().get(&parts).and_then(Weak::upgrade);
        Id(ByAddress(found.unwrap_or_else(|| insert(&self.0, parts, node))))
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        &id.0.0.value
    }
}

impl Contender for Consed {
    type Table<K: Key> = Entries<K>;
}

fn main() {
    rcmap_programs::run::<Consed>();
}
