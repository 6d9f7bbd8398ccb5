//! Who holds what: which entries are held from outside of the map, and which only hold each other.
//!
//! As with `Rc`, entries that hold each other in a cycle are never freed. [`audit`] finds them.
//!
//! ```
//! use rcmap::audit::audit;
//! use rcmap::{RcHashMap, Ref};
//! use std::cell::RefCell;
//!
//! type Node = RefCell<Vec<Ref<&'static str, Children>>>;
//! struct Children(Node);
//!
//! let map = RcHashMap::new();
//! let add = |name| map.find_or_insert_with(name, |_| Children(RefCell::default()));
//! let (a, b, c) = (add("a"), add("b"), add("c"));
//! let hold = |r: &Ref<_, Children>, child| r.value(&map).unwrap().0.borrow_mut().push(child);
//! hold(&a, b.clone());
//! hold(&b, a);
//! drop(b);
//!
//! let report = audit(&map, |_, value, visit| value.0.borrow().iter().for_each(|r| visit(r)));
//! let leaked: Vec<_> = report.leaks().flatten().map(|entry| *entry.get().as_key()).collect();
//! assert_eq!(leaked, ["a", "b"]);
//! assert_eq!(report.find(c.handle()).unwrap().outside(), 1);
//! # let cycle = report.leaks().flatten().next().unwrap().get().clone();
//! # cycle.value(&map).unwrap().0.borrow_mut().clear();
//! ```
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use hashbrown::DefaultHashBuilder;

use crate::handle_hash_map::Handle;
use crate::rc_hash_map::{RcHashMap, Ref};
use crate::side_table::SideTable;

/// Looks at all entries and says who holds them. Without recursion, and in time that is nearly proportional to the number of
/// entries and of the `Ref`s inside of them.
///
/// `trace` is called once for each entry, and has to call `visit` once for each `Ref` of this map that is inside of
/// the key or the value. What it does not visit counts as held from outside. It may do anything with the
/// map; entries that it inserts are not looked at.
///
/// Whatever it visits, the report is only wrong at worst: `Ref`s of other maps are [counted](Report::foreign), and
/// entries that were visited more often than there are `Ref`s are [marked](Audited::is_overcounted).
///
/// # Panics
///
/// If `trace` panics. In debug builds, if called from `Eq` while the map compares keys.
///
/// ```
/// let map = rcmap::RcHashMap::<&str, u32>::new();
/// let a = map.insert("a", 1).unwrap();
/// let report = rcmap::audit::audit(&map, |_, _, _| {});
/// assert!(report.leaks().next().is_none());
/// ```
pub fn audit<K, V, S>(
    map: &RcHashMap<K, V, S>,
    mut trace: impl FnMut(&K, &V, &mut dyn FnMut(&Ref<K, V, S>)),
) -> Report<K, V, S> {
    let mut refs: Vec<_> = map.iter().collect();
    refs.sort_unstable();
    let mut positions = SideTable::new();
    for (position, r) in refs.iter().enumerate() {
        positions.insert(r.handle(), position);
    }

    let mut graph = Graph::default();
    let mut foreign = 0;
    for r in &refs {
        if let Ok((key, value)) = r.key_value(map) {
            trace(key, value, &mut |held| match positions.get(held) {
                _ if !held.belongs_to(map) => foreign += 1,
                Some(&position) => graph.targets.push(position),
                // Inserted by `trace`.
                None => {}
            });
        }
        graph.ends.push(graph.targets.len());
    }

    let mut inside = alloc::vec![0; refs.len()];
    graph.targets.iter().for_each(|&target| inside[target] += 1);
    let mut entries: Vec<_> = refs
        .into_iter()
        .zip(inside)
        // The report holds one itself.
        .map(|(r, inside)| Audited {
            strong: r.strong_count() - 1,
            r,
            inside,
            state: State::Leaked,
        })
        .collect();
    graph.mark_reached(&mut entries);
    graph.mark_held_by_cycles(&mut entries);
    let leaks = graph.leaks(&entries);
    Report { entries, leaks, foreign }
}

/// Which entries hold which, by position.
#[derive(Default)]
struct Graph {
    /// Where the targets of each entry end, and those of the next one begin.
    ends: Vec<usize>,
    targets: Vec<usize>,
}

impl Graph {
    fn targets(&self, entry: usize) -> &[usize] {
        let start = entry.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[start..self.ends[entry]]
    }

    /// Marks what is held from outside, directly or not.
    fn mark_reached<K, V, S>(&self, entries: &mut [Audited<K, V, S>]) {
        // What only the report holds was dropped by `trace`, and goes with the report.
        let is_root = |entry: &Audited<K, V, S>| entry.outside() > 0 || entry.strong == 0;
        let mut reached: Vec<_> =
            (0..entries.len()).filter(|&entry| is_root(&entries[entry])).collect();
        reached.iter().for_each(|&entry| entries[entry].state = State::Reached);
        while let Some(entry) = reached.pop() {
            for &target in self.targets(entry) {
                if entries[target].state == State::Leaked {
                    entries[target].state = State::Reached;
                    reached.push(target);
                }
            }
        }
    }

    /// Marks leaked entries that hold no cycle: those that would go if others were broken up.
    fn mark_held_by_cycles<K, V, S>(&self, entries: &mut [Audited<K, V, S>]) {
        let is_leaked: Vec<_> = entries.iter().map(Audited::is_leaked).collect();
        let mut holders = alloc::vec![Vec::new(); entries.len()];
        let mut held = alloc::vec![0; entries.len()];
        for entry in (0..entries.len()).filter(|&entry| is_leaked[entry]) {
            // What a leaked entry holds is leaked or held from outside.
            for &target in self.targets(entry).iter().filter(|&&target| is_leaked[target]) {
                holders[target].push(entry);
                held[entry] += 1;
            }
        }
        let mut free: Vec<_> =
            (0..entries.len()).filter(|&entry| is_leaked[entry] && held[entry] == 0).collect();
        while let Some(entry) = free.pop() {
            entries[entry].state = State::HeldByCycle;
            for &holder in &holders[entry] {
                held[holder] -= 1;
                if held[holder] == 0 {
                    free.push(holder);
                }
            }
        }
    }

    /// Leaked entries, in groups without a `Ref` from one to another.
    fn leaks<K, V, S>(&self, entries: &[Audited<K, V, S>]) -> Leaks {
        // The group of an entry is the first one that is reached by going up from it.
        let mut up: Vec<_> = (0..entries.len()).collect();
        fn group(up: &mut [usize], mut entry: usize) -> usize {
            while up[entry] != entry {
                up[entry] = up[up[entry]];
                entry = up[entry];
            }
            entry
        }
        for entry in (0..entries.len()).filter(|&entry| entries[entry].is_leaked()) {
            for &target in self.targets(entry).iter().filter(|&&it| entries[it].is_leaked()) {
                let (a, b) = (group(&mut up, entry), group(&mut up, target));
                up[a.max(b)] = a.min(b);
            }
        }
        let mut members: Vec<_> = (0..entries.len())
            .filter(|&entry| entries[entry].is_leaked())
            .map(|entry| (group(&mut up, entry), entry))
            .collect();
        members.sort_unstable();
        let mut groups = Vec::new();
        let mut start = 0;
        for group in members.chunk_by(|a, b| a.0 == b.0) {
            groups.push(start..start + group.len());
            start += group.len();
        }
        Leaks { members: members.into_iter().map(|(_, entry)| entry).collect(), groups }
    }
}

struct Leaks {
    /// Positions of leaked entries, group by group.
    members: Vec<usize>,
    groups: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Somebody outside holds it, directly or not.
    Reached,
    /// Nobody does, and it holds a cycle or is part of one.
    Leaked,
    /// Nobody does, but it would go if a cycle did.
    HeldByCycle,
}

/// What [`audit`] has found.
///
/// It holds a [`Ref`] of each entry, so nothing goes while it exists.
///
/// ```
/// let map = rcmap::RcHashMap::<&str, u32>::new();
/// let a = map.insert("a", 1).unwrap();
/// let report = rcmap::audit::audit(&map, |_, _, _| {});
/// assert_eq!(report.to_string(), "1 entry, 1 of them held from outside\nnothing is leaked\n");
/// ```
pub struct Report<K, V, S = DefaultHashBuilder> {
    entries: Vec<Audited<K, V, S>>,
    leaks: Leaks,
    foreign: usize,
}

impl<K, V, S> Report<K, V, S> {
    /// All entries, in the order of their handles.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let a = map.insert("a", 1).unwrap();
    /// let report = rcmap::audit::audit(&map, |_, _, _| {});
    /// assert_eq!(report.entries().len(), 1);
    /// ```
    #[must_use]
    pub fn entries(&self) -> &[Audited<K, V, S>] {
        &self.entries
    }

    /// What there is to say of one entry. O(log n).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let a = map.insert("a", 1).unwrap();
    /// let report = rcmap::audit::audit(&map, |_, _, _| {});
    /// assert_eq!(report.find(a.handle()).unwrap().outside(), 1);
    /// ```
    #[must_use]
    pub fn find(&self, handle: Handle) -> Option<&Audited<K, V, S>> {
        let position = self.entries.binary_search_by_key(&handle, |entry| entry.r.handle()).ok()?;
        self.entries.get(position)
    }

    /// The groups of entries that nobody outside holds: they only hold each other. Each consists of one cycle or several, and of
    /// what these hold.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// let report = rcmap::audit::audit(&map, |_, _, _| {});
    /// assert_eq!(report.leaks().count(), 0);
    /// ```
    pub fn leaks(&self) -> impl Iterator<Item = impl Iterator<Item = &Audited<K, V, S>>> {
        let members = |group: &Range<usize>| &self.leaks.members[group.clone()];
        let groups = self.leaks.groups.iter();
        groups.map(move |group| members(group).iter().map(|&member| &self.entries[member]))
    }

    /// How many `Ref`s of other maps were visited. They do not count.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, u32>::new();
    /// assert_eq!(rcmap::audit::audit(&map, |_, _, _| {}).foreign(), 0);
    /// ```
    #[must_use]
    pub fn foreign(&self) -> usize {
        self.foreign
    }
}

/// What [`audit`] has found out about one entry.
///
/// ```
/// let map = rcmap::RcHashMap::<&str, u32>::new();
/// let a = map.insert("a", 1).unwrap();
/// let report = rcmap::audit::audit(&map, |_, _, _| {});
/// let audited = &report.entries()[0];
/// assert!(*audited.get() == a);
/// assert_eq!((audited.inside(), audited.outside()), (0, 1));
/// assert!(!audited.is_leaked() && !audited.is_in_cycle() && !audited.is_overcounted());
/// ```
pub struct Audited<K, V, S = DefaultHashBuilder> {
    r: Ref<K, V, S>,
    strong: usize,
    inside: usize,
    state: State,
}

impl<K, V, S> Audited<K, V, S> {
    /// The entry.
    pub fn get(&self) -> &Ref<K, V, S> {
        &self.r
    }

    /// How many `Ref`s to it are inside of entries.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.inside
    }

    /// How many `Ref`s to it are elsewhere. The report's own does not count.
    #[must_use]
    pub fn outside(&self) -> usize {
        self.strong.saturating_sub(self.inside)
    }

    /// Whether nobody outside holds it, directly or through other entries.
    #[must_use]
    pub fn is_leaked(&self) -> bool {
        self.state != State::Reached
    }

    /// Whether it is leaked, and part of a cycle or between two. Those that are leaked only because a cycle holds them are
    /// not.
    #[must_use]
    pub fn is_in_cycle(&self) -> bool {
        self.state == State::Leaked
    }

    /// Whether it was visited more often than there are `Ref`s to it: then whoever called [`audit`] visits some twice, and
    /// the report cannot be trusted.
    #[must_use]
    pub fn is_overcounted(&self) -> bool {
        self.inside > self.strong
    }
}

/// For people to read.
impl<K: fmt::Debug, V, S> fmt::Display for Report<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.entries.len();
        let held = self.entries.iter().filter(|entry| entry.outside() > 0).count();
        let noun = if count == 1 { "entry" } else { "entries" };
        writeln!(f, "{count} {noun}, {held} of them held from outside")?;
        if self.foreign > 0 {
            writeln!(f, "warning: {} `Ref`s of other maps were visited", self.foreign)?;
        }
        for entry in self.entries.iter().filter(|entry| entry.is_overcounted()) {
            let (inside, strong) = (entry.inside, entry.strong);
            writeln!(
                f,
                "warning: {:?} has {strong} `Ref`s, but {inside} were visited",
                entry.r.as_key()
            )?;
        }
        if self.leaks.groups.is_empty() {
            return writeln!(f, "nothing is leaked");
        }
        for (number, group) in self.leaks().enumerate() {
            writeln!(f, "leak {}: nobody outside holds", number + 1)?;
            for entry in group {
                let cycle = if entry.is_in_cycle() { "in a cycle" } else { "held by a cycle" };
                writeln!(f, "  {:?}, {cycle}", entry.r.as_key())?;
            }
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display), but without the keys.
impl<K, V, S> fmt::Debug for Report<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("entries", &self.entries)
            .field("leaks", &self.leaks.groups.len())
            .field("foreign", &self.foreign)
            .finish()
    }
}

impl<K, V, S> fmt::Debug for Audited<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audited")
            .field("entry", &self.r)
            .field("inside", &self.inside)
            .field("outside", &self.outside())
            .field("is_leaked", &self.is_leaked())
            .finish()
    }
}
