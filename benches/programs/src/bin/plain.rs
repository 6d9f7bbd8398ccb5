//! `HashMap<K, V>`: the floor. Nobody holds an entry, and whoever wants it gone says so. Nodes are indices
//! and stay until the end.

use hashbrown::HashMap;
use rcmap_programs::{Contender, Hasher, Key, Node, Nodes, Table};

struct Entries<K>(HashMap<K, u64, Hasher>);

impl<K: Key> Table<K> for Entries<K> {
    type Held = u64;

    const HOLDS: bool = false;

    fn new() -> Self {
        Self(HashMap::default())
    }

    fn intern(&mut self, _: &K::Query) -> u64 {
        unreachable!("nobody would know when to let go")
    }

    #[inline(always)]
    fn release(&mut self, _: u64, query: &K::Query) {
        self.0.remove(query);
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: u64) -> u64 {
        self.0.insert(key, value);
        value
    }

    #[inline(always)]
    fn find(&self, query: &K::Query) -> Option<u64> {
        self.0.get(query).copied()
    }

    fn read(&self, held: &u64) -> u64 {
        *held
    }
}

#[derive(Default)]
struct Consed {
    nodes: Vec<Node<u32>>,
    known: HashMap<Node<u32>, u32, Hasher>,
}

impl Nodes for Consed {
    type Id = u32;

    fn new() -> Self {
        Self::default()
    }

    fn node(&mut self, node: Node<u32>) -> u32 {
        *self.known.entry(node).or_insert_with_key(|node| {
            self.nodes.push(node.clone());
            self.nodes.len() as u32 - 1
        })
    }

    fn parts<'a>(&'a self, id: &'a u32) -> &'a Node<u32> {
        &self.nodes[*id as usize]
    }
}

impl Contender for Consed {
    type Table<K: Key> = Entries<K>;
}

fn main() {
    rcmap_programs::run::<Consed>();
}
