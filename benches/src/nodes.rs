//! Tables whose keys hold handles of the same table: hash-consed nodes.

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::rc::{Rc, Weak};
use std::time::Duration;

use hashbrown::HashMap;
use hashconsing::{HConsed, HConsign, HashConsign};

use crate::Hasher;
use crate::keys::Random;
use crate::workload::{Prepared, time_of};

/// A table of nodes with two optional children, each node there once, and only while it is held.
pub trait Nodes: Sized + 'static {
    /// What the tables call it.
    const NAME: &'static str;

    /// Keeps a node. Two are equal if they name the same node.
    type Id: Clone + Eq + Hash + fmt::Debug + 'static;

    /// What the memory of an operation calls a node: the smallest thing that never names another one.
    type Name: Eq + Hash + fmt::Debug;

    /// The name of a node.
    fn name(id: &Self::Id) -> Self::Name;

    /// An empty table.
    fn new() -> Self;

    /// The node with these parts, added if it is new.
    fn node(&mut self, var: u32, low: Option<Self::Id>, high: Option<Self::Id>) -> Self::Id;

    /// The parts of a node.
    fn parts<'a>(&'a self, id: &'a Self::Id) -> (u32, Option<&'a Self::Id>, Option<&'a Self::Id>);

    /// Removes nodes that nobody holds, if that takes a call.
    fn sweep(&mut self) {}

    /// The number of nodes.
    fn len(&self) -> usize;

    /// Whether there is no node.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A handle of [`RcmapNodes`].
pub type RcmapId = rcmap::Ref<RcmapNode, (), Hasher>;

/// A node whose children are `rcmap::Ref`s.
#[derive(Debug, PartialEq, Eq)]
pub struct RcmapNode {
    var: u32,
    low: Option<RcmapId>,
    high: Option<RcmapId>,
}

/// Like the hand-rolled node, this one hashes its children by address (entries never move), and without
/// saying which there are.
impl Hash for RcmapNode {
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.var.hash(state);
        for child in [&self.low, &self.high].into_iter().flatten() {
            std::ptr::from_ref(child.as_key()).hash(state);
        }
    }
}

/// `rcmap::RcHashMap<Node, ()>`.
#[derive(Debug)]
pub struct RcmapNodes(rcmap::RcHashMap<RcmapNode, (), Hasher>);

impl Nodes for RcmapNodes {
    const NAME: &'static str = "rcmap";

    type Id = RcmapId;

    /// A handle is never given to another node, so it need not keep its own alive.
    type Name = rcmap::Handle;

    #[inline(always)]
    fn name(id: &RcmapId) -> rcmap::Handle {
        id.handle()
    }

    fn new() -> Self {
        Self(rcmap::RcHashMap::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn node(&mut self, var: u32, low: Option<RcmapId>, high: Option<RcmapId>) -> RcmapId {
        self.0.find_or_insert(RcmapNode { var, low, high }, ())
    }

    #[inline(always)]
    fn parts<'a>(&'a self, id: &'a RcmapId) -> (u32, Option<&'a RcmapId>, Option<&'a RcmapId>) {
        let node = id.as_key();
        (node.var, node.low.as_ref(), node.high.as_ref())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A handle of [`RcHashmapNodes`].
pub struct RcHashmapId(rc_hashmap::Ref<RcHashmapNode, (), Hasher>);

impl Clone for RcHashmapId {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl PartialEq for RcHashmapId {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for RcHashmapId {}

impl Hash for RcHashmapId {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for RcHashmapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RcHashmapId").finish_non_exhaustive()
    }
}

/// A node whose children are `rc_hashmap::Ref`s.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RcHashmapNode {
    var: u32,
    low: Option<RcHashmapId>,
    high: Option<RcHashmapId>,
}

/// `rc_hashmap::RcHashMap<Node, ()>`.
pub struct RcHashmapNodes(rc_hashmap::RcHashMap<RcHashmapNode, (), Hasher>);

impl Nodes for RcHashmapNodes {
    const NAME: &'static str = "rc-hashmap";

    type Id = RcHashmapId;

    type Name = RcHashmapId;

    #[inline(always)]
    fn name(id: &RcHashmapId) -> RcHashmapId {
        id.clone()
    }

    fn new() -> Self {
        Self(rc_hashmap::RcHashMap::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn node(
        &mut self,
        var: u32,
        low: Option<RcHashmapId>,
        high: Option<RcHashmapId>,
    ) -> RcHashmapId {
        let node = RcHashmapNode { var, low, high };
        RcHashmapId(match self.0.find(&node) {
            Some(found) => found,
            None => self.0.insert(node, ()).expect("the node is new"),
        })
    }

    #[inline(always)]
    fn parts<'a>(
        &'a self,
        id: &'a RcHashmapId,
    ) -> (u32, Option<&'a RcHashmapId>, Option<&'a RcHashmapId>) {
        let node = id.0.key(&self.0).expect("the map of this node");
        (node.var, node.low.as_ref(), node.high.as_ref())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// What a hand-rolled table looks nodes up by: children by address.
type Parts = (u32, *const Entry, *const Entry);
type Table = RefCell<HashMap<Parts, Weak<Entry>, Hasher>>;

/// A node that removes itself from the table when it is dropped.
#[derive(Debug)]
pub struct Entry {
    var: u32,
    low: Option<HandRolledId>,
    high: Option<HandRolledId>,
    table: Rc<Table>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let parts = parts_of(self.var, self.low.as_ref(), self.high.as_ref());
        self.table.borrow_mut().remove(&parts);
    }
}

#[inline(always)]
fn parts_of(var: u32, low: Option<&HandRolledId>, high: Option<&HandRolledId>) -> Parts {
    let address = |id: Option<&HandRolledId>| id.map_or(std::ptr::null(), |id| Rc::as_ptr(&id.0));
    (var, address(low), address(high))
}

/// A handle of [`HandRolledNodes`].
#[derive(Debug, Clone)]
pub struct HandRolledId(Rc<Entry>);

impl PartialEq for HandRolledId {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for HandRolledId {}

impl Hash for HandRolledId {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_usize(Rc::as_ptr(&self.0).addr());
    }
}

/// `Rc<RefCell<HashMap<(u32, *const Entry, *const Entry), Weak<Entry>>>>`.
#[derive(Debug)]
pub struct HandRolledNodes(Rc<Table>);

impl Nodes for HandRolledNodes {
    const NAME: &'static str = "hand-rolled Rc + Weak";

    type Id = HandRolledId;

    type Name = HandRolledId;

    #[inline(always)]
    fn name(id: &HandRolledId) -> HandRolledId {
        id.clone()
    }

    fn new() -> Self {
        Self(Rc::new(RefCell::new(HashMap::with_hasher(Hasher::default()))))
    }

    #[inline(always)]
    fn node(
        &mut self,
        var: u32,
        low: Option<HandRolledId>,
        high: Option<HandRolledId>,
    ) -> HandRolledId {
        let mut table = self.0.borrow_mut();
        let parts = parts_of(var, low.as_ref(), high.as_ref());
        if let Some(found) = table.get(&parts).and_then(Weak::upgrade) {
            // What is let go here is held by the node that was found: no destructor runs.
            return HandRolledId(found);
        }
        let entry = Rc::new(Entry { var, low, high, table: Rc::clone(&self.0) });
        table.insert(parts, Rc::downgrade(&entry));
        HandRolledId(entry)
    }

    #[inline(always)]
    fn parts<'a>(
        &'a self,
        id: &'a HandRolledId,
    ) -> (u32, Option<&'a HandRolledId>, Option<&'a HandRolledId>) {
        (id.0.var, id.0.low.as_ref(), id.0.high.as_ref())
    }

    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

/// A handle of [`ConsedNodes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsedId(HConsed<ConsedNode>);

impl Hash for ConsedId {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.uid());
    }
}

/// A node whose children are `hashconsing::HConsed`s.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConsedNode {
    var: u32,
    low: Option<ConsedId>,
    high: Option<ConsedId>,
}

/// `hashconsing::HConsign<Node>`.
pub struct ConsedNodes(HConsign<ConsedNode, Hasher>);

impl Nodes for ConsedNodes {
    const NAME: &'static str = "hashconsing";

    type Id = ConsedId;

    type Name = ConsedId;

    #[inline(always)]
    fn name(id: &ConsedId) -> ConsedId {
        id.clone()
    }

    fn new() -> Self {
        Self(HConsign::with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn node(&mut self, var: u32, low: Option<ConsedId>, high: Option<ConsedId>) -> ConsedId {
        ConsedId(self.0.mk(ConsedNode { var, low, high }))
    }

    #[inline(always)]
    fn parts<'a>(&'a self, id: &'a ConsedId) -> (u32, Option<&'a ConsedId>, Option<&'a ConsedId>) {
        (id.0.var, id.0.low.as_ref(), id.0.high.as_ref())
    }

    fn sweep(&mut self) {
        self.0.collect();
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A table and the last node of `n`, each holding the one before.
#[must_use]
pub fn chain<N: Nodes>(n: usize) -> (N, N::Id) {
    let mut table = N::new();
    let mut last = table.node(0, None, None);
    for var in 1..n as u32 {
        last = table.node(var, Some(last), None);
    }
    (table, last)
}

/// A table and the last node of `n`, each holding the one before and a random one.
#[must_use]
pub fn dag<N: Nodes>(n: usize) -> (N, N::Id) {
    let mut table = N::new();
    let mut random = Random::new(3);
    let mut ids = vec![table.node(0, None, None)];
    for var in 1..n as u32 {
        let other = ids[random.below(ids.len())].clone();
        let node = table.node(var, ids.last().cloned(), Some(other));
        ids.push(node);
    }
    let last = ids.pop().expect("there is a node");
    (table, last)
}

/// The time to let go of a whole chain or DAG of `n` nodes at once.
#[must_use]
pub fn prepare_drop<N: Nodes>(n: usize, build: fn(usize) -> (N, N::Id)) -> Prepared {
    Prepared::new(n, move |repetitions| {
        let mut total = Duration::ZERO;
        for _ in 0..repetitions {
            let (mut table, last) = build(n);
            total += time_of(n, || drop_last(&mut table, last));
            assert_eq!(table.len(), 0);
        }
        total
    })
}

/// The loop that is timed.
#[inline(never)]
fn drop_last<N: Nodes>(table: &mut N, last: N::Id) {
    drop(last);
    table.sweep();
}
