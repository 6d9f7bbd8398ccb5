//! What people write themselves: a node that removes itself from the table when it is dropped.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use hashbrown::HashMap;

use crate::Hasher;
use crate::contender::Contender;
use crate::keys::Key;

type Table<K> = RefCell<HashMap<K, Weak<Node<K>>, Hasher>>;

/// An entry, held by `Rc`.
#[derive(Debug)]
pub struct Node<K: Key> {
    key: K,
    value: Cell<u64>,
    table: Rc<Table<K>>,
}

impl<K: Key> Drop for Node<K> {
    fn drop(&mut self) {
        self.table.borrow_mut().remove(&self.key);
    }
}

/// `Rc<RefCell<HashMap<K, Weak<Node>>>>`.
#[derive(Debug)]
pub struct HandRolled<K: Key>(Rc<Table<K>>);

impl<K: Key> Contender<K> for HandRolled<K> {
    const NAME: &'static str = "hand-rolled Rc + Weak";

    type Held = Rc<Node<K>>;

    fn new() -> Self {
        Self(Rc::new(RefCell::new(HashMap::with_hasher(Hasher::default()))))
    }

    fn reserved(n: usize) -> Option<Self> {
        let table = HashMap::with_capacity_and_hasher(n, Hasher::default());
        Some(Self(Rc::new(RefCell::new(table))))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let in_table = key.clone();
        let node = Rc::new(Node { key, value: Cell::new(value), table: Rc::clone(&self.0) });
        self.0.borrow_mut().insert(in_table, Rc::downgrade(&node));
        node
    }

    #[inline(always)]
    fn find(&self, key: &K) -> Option<Self::Held> {
        self.0.borrow().get(key).and_then(Weak::upgrade)
    }

    #[inline(always)]
    fn find_or_insert(&mut self, key: &K, value: u64) -> Self::Held {
        match self.find(key) {
            Some(held) => held,
            None => self.insert(key.clone(), value),
        }
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        held.value.get()
    }

    #[inline(always)]
    fn share(held: &Self::Held) -> Self::Held {
        Rc::clone(held)
    }

    fn sum(&self) -> u64 {
        self.0.borrow().values().filter_map(Weak::upgrade).map(|node| node.value.get()).sum()
    }

    fn increment(&mut self) {
        for node in self.0.borrow().values().filter_map(Weak::upgrade) {
            node.value.set(node.value.get() + 1);
        }
    }
}
