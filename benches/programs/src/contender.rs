//! What a contender has to offer to take part.

use std::hash::Hash;

use crate::{Key, Maps};

/// A contender: its types for the workloads.
pub trait Contender: Sized {
    /// Keeps one copy of each key.
    type Interner<K: Key>: Interner<K>;

    /// Keeps one copy of each node.
    type Nodes: Nodes;

    /// Starts the workloads over maps, if the contender is one.
    fn maps<K: Key>(_: &Maps<'_>) {}
}

/// A table that keeps one copy of each key as long as somebody holds it.
pub trait Interner<K: Key>: Sized {
    /// Keeps an entry.
    type Held;

    /// Whether `Held` really does: a contender without such handles takes no part where they matter.
    const HOLDS: bool = true;

    /// An empty table.
    fn new() -> Self;

    /// The entry with this key, added if it is new. The key is made only then.
    fn intern(&mut self, query: &K::Query) -> Self::Held;

    /// Lets go of the entry with this key; if this was the last holder, the entry goes.
    fn release(&mut self, held: Self::Held, _: &K::Query) {
        drop(held);
    }

    /// Removes what nobody holds, if that takes a call.
    fn sweep(&mut self) {}
}

/// A map from `K` to `u64` whose entries are held by handles.
pub trait Map<K: Key>: Interner<K> {
    /// Adds an entry whose key is new.
    fn insert(&mut self, key: K, value: u64) -> Self::Held;

    /// The entry with this key.
    fn find(&self, query: &K::Query) -> Option<Self::Held>;

    /// The value of a held entry.
    fn read(&self, held: &Self::Held) -> u64;

    /// Another holder of the same entry.
    fn share(held: &Self::Held) -> Self::Held;
}

/// A node with two optional children, for tables whose keys hold handles of the same table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "nothing to add")]
pub struct Node<I> {
    pub label: u32,
    pub low: Option<I>,
    pub high: Option<I>,
}

/// A table of nodes, each there once, and only while it is held.
pub trait Nodes: Sized {
    /// Keeps a node. Two are equal if they name the same node.
    type Id: Clone + Eq + Hash;

    /// What tables beside this one call a held node: the cheapest thing that never names another one
    /// before the next [`sweep`](Self::sweep).
    type Name: Eq + Hash;

    /// The name of a node.
    fn name(id: &Self::Id) -> Self::Name;

    /// An empty table.
    fn new() -> Self;

    /// The node with these parts, added if it is new.
    fn node(&mut self, node: Node<Self::Id>) -> Self::Id;

    /// The parts of a node.
    fn parts<'a>(&'a self, id: &'a Self::Id) -> &'a Node<Self::Id>;

    /// Removes what nobody holds, if that takes a call.
    fn sweep(&mut self) {}
}
