//! What people write themselves: an entry that removes itself from the table when it is dropped.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher as State};
use std::rc::{Rc, Weak};

use hashbrown::HashMap;
use rcmap_programs::{Contender, Hasher, Interner, Key, Map, Maps, Node, Nodes};

type Shared<K, E> = Rc<RefCell<HashMap<K, Weak<E>, Hasher>>>;

struct Entry<K: Key> {
    key: K,
    value: Cell<u64>,
    table: Shared<K, Self>,
}

impl<K: Key> Drop for Entry<K> {
    fn drop(&mut self) {
        self.table.borrow_mut().remove(&self.key);
    }
}

struct Table<K: Key>(Shared<K, Entry<K>>);

impl<K: Key> Interner<K> for Table<K> {
    type Held = Rc<Entry<K>>;

    fn new() -> Self {
        Self(Rc::default())
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        match self.find(query) {
            Some(held) => held,
            None => self.insert(K::of(query), 1),
        }
    }
}

impl<K: Key> Map<K> for Table<K> {
    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let in_table = key.clone();
        let entry = Rc::new(Entry { key, value: Cell::new(value), table: Rc::clone(&self.0) });
        self.0.borrow_mut().insert(in_table, Rc::downgrade(&entry));
        entry
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.borrow().get(query).and_then(Weak::upgrade)
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.value.get()
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        Rc::clone(held)
    }
}

/// What nodes are looked up by: children by address.
type Parts = (u32, Option<*const Listed>, Option<*const Listed>);

fn parts_of(node: &Node<Id>) -> Parts {
    let address = |id: &Option<Id>| id.as_ref().map(|id| Rc::as_ptr(&id.0));
    (node.label, address(&node.low), address(&node.high))
}

struct Listed {
    node: Node<Id>,
    table: Shared<Parts, Self>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.table.borrow_mut().remove(&parts_of(&self.node));
    }
}

#[derive(Clone)]
struct Id(Rc<Listed>);

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: State>(&self, state: &mut H) {
        Rc::as_ptr(&self.0).hash(state);
    }
}

struct Consed(Shared<Parts, Listed>);

impl Nodes for Consed {
    type Id = Id;

    type Name = Id;

    fn name(id: &Id) -> Id {
        id.clone()
    }

    fn new() -> Self {
        Self(Rc::default())
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        let parts = parts_of(&node);
        let mut table = self.0.borrow_mut();
        if let Some(found) = table.get(&parts).and_then(Weak::upgrade) {
            // What is let go here is held by the node that was found: no destructor runs.
            return Id(found);
        }
        let listed = Rc::new(Listed { node, table: Rc::clone(&self.0) });
        table.insert(parts, Rc::downgrade(&listed));
        Id(listed)
    }

    fn parts<'a>(&'a self, id: &'a Id) -> &'a Node<Id> {
        &id.0.node
    }
}

struct HandRolled;

impl Contender for HandRolled {
    type Interner<K: Key> = Table<K>;

    type Nodes = Consed;

    fn maps<K: Key>(maps: &Maps<'_>) {
        maps.over::<K, Table<K>>();
    }
}

fn main() {
    rcmap_programs::run::<HandRolled>();
}
