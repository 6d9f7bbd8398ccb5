//! What a contender has to offer to take part.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::Key;

/// A contender: a table of nodes, and one for each type of key.
pub trait Contender: Nodes {
    /// The table for keys of a type.
    type Table<K: Key>: Table<K>;
}

/// A map from `K` to `u64` whose entries are held by handles, or at least one copy of each key.
pub trait Table<K: Key>: Sized {
    /// Whether there are values, and entries can be found.
    const IS_MAP: bool = true;

    /// Whether `Held` keeps an entry. A contender without such handles takes no part where they matter.
    const HOLDS: bool = true;

    /// Keeps an entry.
    type Held: Clone;

    /// An empty table.
    fn new() -> Self;

    /// The entry with this key, added if it is new. The key is made only then.
    fn intern(&mut self, query: &K::Query) -> Self::Held;

    /// Adds an entry whose key is new.
    fn insert(&mut self, _: K, _: u64) -> Self::Held {
        unreachable!("this is not a map")
    }

    /// The entry with this key.
    fn find(&self, _: &K::Query) -> Option<Self::Held> {
        unreachable!("this is not a map")
    }

    /// The value of a held entry.
    fn read(&self, _: &Self::Held) -> u64 {
        unreachable!("this is not a map")
    }

    /// Lets go of the entry with this key; if this was the last holder, the entry goes.
    #[inline(always)]
    fn release(&mut self, held: Self::Held, _: &K::Query) {
        drop(held);
    }

    /// Removes what nobody holds, if that takes a call.
    fn sweep(&mut self) {}
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

    /// An empty table.
    fn new() -> Self;

    /// The node with these parts, added if it is new.
    fn node(&mut self, node: Node<Self::Id>) -> Self::Id;

    /// The parts of a node.
    fn parts<'a>(&'a self, id: &'a Self::Id) -> &'a Node<Self::Id>;

    /// Removes what nobody holds, if that takes a call.
    fn sweep(&mut self) {}
}

/// An `Rc` that is compared and hashed by address.
#[derive(Debug)]
pub struct ByAddress<T>(pub Rc<T>);

impl<T> Clone for ByAddress<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for ByAddress<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for ByAddress<T> {}

impl<T> Hash for ByAddress<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Rc::as_ptr(&self.0).hash(state);
    }
}
