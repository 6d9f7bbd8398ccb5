//! `HashMap<K, Rc<V>>`: the map keeps every entry, so whoever lets go last has to remove it. Nodes stay
//! until the end.

use std::rc::Rc;

use hashbrown::hash_map::EntryRef;
use hashbrown::{HashMap, HashSet};
use rcmap_programs::{ByAddress, Contender, Hasher, Key, Node, Nodes, Table};

struct Entries<K>(HashMap<K, Rc<u64>, Hasher>);

impl<K: Key> Table<K> for Entries<K> {
    type Held = Rc<u64>;

    fn new() -> Self {
        Self(HashMap::default())
    }

    #[inline(always)]
    fn intern(&mut self, query: &K::Query) -> Self::Held {
        Rc::clone(match self.0.entry_ref(query) {
            EntryRef::Occupied(entry) => entry.into_mut(),
            EntryRef::Vacant(entry) => entry.insert_with_key(K::of(query), Rc::new(1)),
        })
    }

    #[inline(always)]
    fn release(&mut self, held: Self::Held, query: &K::Query) {
        if Rc::strong_count(&held) == 2 {
            self.0.remove(query);
        }
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> Self::Held {
        let value = Rc::new(value);
        self.0.insert(key, Rc::clone(&value));
        value
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<Self::Held> {
        self.0.get(query).cloned()
    }

    #[inline(always)]
    fn read(&self, held: &Self::Held) -> u64 {
        **held
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(ByAddress<Node<Id>>);

struct Consed(HashSet<Rc<Node<Id>>, Hasher>);

impl Nodes for Consed {
    type Id = Id;

    fn new() -> Self {
        Self(HashSet::default())
    }

    fn node(&mut self, node: Node<Id>) -> Id {
        Id(ByAddress(self.0.get(&node).cloned().unwrap_or_else(|| {
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
